#include <algorithm>
#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bind/arrays.hpp"
#include "bind/enter.hpp"
#include "bind/interrupt.hpp"
#include "bind/pybind.hpp"
#include "bind/texts.hpp"
#include "core/queries.hpp"
#include "core/search_batch.hpp"
#include "core/segment.hpp"
#include "core/segment_builder.hpp"

namespace {

using pyengine::Analyzer;
using pyengine::Code;
using pyengine::Error;
using pyengine::LexicalSegment;
using pyengine::Queries;
using pyengine::Row;
using pyengine::Score;
using pyengine::SegmentBuilder;

constexpr std::size_t kBatch = 256;  // documents between two looks for Ctrl-C

py::list terms_of(const pyengine::VocabularyBuilder& vocabulary) {
  py::list terms(vocabulary.size());
  for (std::size_t i = 0; i < vocabulary.size(); ++i) {
    const std::string_view term = vocabulary.term(static_cast<pyengine::TermId>(i));
    terms[i] = py::str(term.data(), term.size());
  }
  return terms;
}

// Runs `work` on element `i` of what the caller calls `name`; an error then says which element it was.
template <class F>
void on_element(const char* name, std::uint64_t i, const F& work) {
  try {
    work();
  } catch (const Error& error) {
    throw Error(error.code(), std::string(name) + "[" + std::to_string(i) + "]: " + error.what());
  }
}

// A segment and what searches it. Immutable: any number of Python threads may use it.
class LexicalIndex {
 public:
  explicit LexicalIndex(std::unique_ptr<LexicalSegment> segment)
      : segment_(std::move(segment)), searcher_(*segment_) {}

  [[nodiscard]] const LexicalSegment& segment() const noexcept { return *segment_; }
  [[nodiscard]] const pyengine::Searcher& searcher() const noexcept { return searcher_; }

 private:
  std::unique_ptr<LexicalSegment> segment_;
  pyengine::Searcher searcher_;
};

// A builder that notices when two threads use it at once, which the core leaves to its caller.
class LexicalBuilder {
 public:
  LexicalBuilder(double k1, double b, std::uint64_t max_documents)
      : builder_({.k1 = k1, .b = b}, max_documents) {}

  void add_texts(const Analyzer& analyzer, const py::object& source) {
    const Turn turn(*this);
    const Texts texts(source, "docs", builder_.documents());
    add(texts.views().size(), [&](std::size_t i) { builder_.add_text(texts.views()[i], analyzer); });
  }

  void add_token_lists(const py::object& source) {
    const Turn turn(*this);
    const TokenLists lists(source, "docs", builder_.documents());
    add(lists.size(), [&](std::size_t i) { builder_.add_tokens(lists[i]); });
  }

  [[nodiscard]] py::list terms() {
    const Turn turn(*this);
    return terms_of(builder_.terms());
  }

  void replace_terms(const py::object& source) {
    const Turn turn(*this);
    const Texts stems(source, "stems");
    enter([&] { builder_.replace_terms(stems.views()); });
  }

  [[nodiscard]] std::unique_ptr<LexicalIndex> finish(std::string analyzer) {
    const Turn turn(*this);
    Interrupt interrupt;
    std::unique_ptr<LexicalSegment> segment =
        enter([&] { return builder_.finish(std::move(analyzer), [&] { return interrupt(); }); });
    interrupt.rethrow();
    return std::make_unique<LexicalIndex>(std::move(segment));
  }

  [[nodiscard]] std::uint64_t documents() const noexcept { return builder_.documents(); }

 private:
  class Turn {
   public:
    explicit Turn(LexicalBuilder& owner) : owner_(owner) {
      if (owner_.busy_.exchange(true)) {
        throw Error(Code::kInvalidArgument, "builder: expected one thread at a time, another is using it");
      }
    }
    ~Turn() { owner_.busy_ = false; }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

   private:
    LexicalBuilder& owner_;
  };

  template <class F>
  void add(std::size_t documents, const F& add_one) {
    builder_.check_room(documents);
    const std::uint64_t first = builder_.documents();
    for (std::size_t begin = 0; begin < documents; begin += kBatch) {
      const std::size_t end = std::min(begin + kBatch, documents);
      enter([&] {
        for (std::size_t i = begin; i < end; ++i) {
          on_element("docs", first + i, [&] { add_one(i); });
        }
      });
      if (PyErr_CheckSignals() != 0) throw py::error_already_set();
    }
  }

  SegmentBuilder builder_;
  std::atomic<bool> busy_{false};
};

// Fills a batch of queries, one at a time, without the GIL; honours Ctrl-C.
template <class F>
std::unique_ptr<Queries> collect_queries(std::size_t count, const F& add_one) {
  Interrupt interrupt;
  auto queries = enter([&] {
    auto batch = std::make_unique<Queries>();
    for (std::size_t i = 0; i < count; ++i) {
      on_element("queries", i, [&] { add_one(*batch, i); });
      if (i % kBatch == kBatch - 1 && interrupt()) break;
    }
    return batch;
  });
  interrupt.rethrow();
  return queries;
}

std::unique_ptr<Queries> queries_from_texts(const Analyzer& analyzer, const py::object& source) {
  const Texts texts(source, "queries");
  const std::span<const std::string_view> views = texts.views();
  return collect_queries(views.size(),
                         [&](Queries& batch, std::size_t i) { batch.add_text(views[i], analyzer); });
}

std::unique_ptr<Queries> queries_from_tokens(const py::object& source) {
  const TokenLists lists(source, "queries");
  return collect_queries(lists.size(), [&](Queries& batch, std::size_t i) { batch.add_tokens(lists[i]); });
}

void replace_query_terms(Queries& queries, const py::object& source) {
  const Texts stems(source, "stems");
  enter([&] { queries.replace_terms(stems.views()); });
}

py::tuple search(const LexicalIndex& index, const Queries& queries, std::size_t k, unsigned n_threads,
                 std::uint32_t window) {
  HitBuffers::check_size(queries.size(), k);
  HitBuffers hits(queries.size(), k);
  const pyengine::HitArrays out{span_of(hits.rows), span_of(hits.scores), span_of(hits.counts)};
  const pyengine::SearchOptions options{k, n_threads, window};
  Interrupt interrupt;
  enter([&] { return index.searcher().search(queries, options, out, [&] { return interrupt(); }); });
  interrupt.rethrow();
  return hits.as_tuple();
}

py::array_t<Score> score(const LexicalIndex& index, const Queries& queries, const py::object& argument) {
  py::array_t<Row> rows = require_array<Row>(argument, "rows", 2);
  const auto per_query = static_cast<std::size_t>(rows.shape(1));
  if (static_cast<std::size_t>(rows.shape(0)) != queries.size()) {
    throw Error(Code::kInvalidArgument, "rows: expected one line for each of " +
                                            std::to_string(queries.size()) + " queries, got " +
                                            std::to_string(rows.shape(0)));
  }
  const std::span<const Row> wanted{rows.data(), static_cast<std::size_t>(rows.size())};
  const std::uint64_t documents = index.segment().meta().documents;
  for (const Row row : wanted) {
    if (row >= documents && row != pyengine::kNoRow) {
      throw Error(Code::kInvalidArgument,
                  "rows: expected rows below " + std::to_string(documents) + ", got " + std::to_string(row));
    }
  }
  py::array_t<Score> scores({rows.shape(0), rows.shape(1)});
  const std::span<Score> out = span_of(scores);
  enter([&] { index.searcher().score(queries, wanted, per_query, out); });
  return scores;
}

py::array_t<std::uint64_t> count_postings(const LexicalIndex& index, const Queries& queries) {
  py::array_t<std::uint64_t> counts(static_cast<py::ssize_t>(queries.size()));
  const std::span<std::uint64_t> out = span_of(counts);
  enter([&] { index.searcher().count_postings(queries, out); });
  return counts;
}

// One (term, weight, tf, df, idf, contribution) for each term of the first query.
py::list explain(const LexicalIndex& index, const Queries& queries, Row row) {
  const std::vector<pyengine::TermShare> shares = index.searcher().explain(queries, 0, row);
  py::list result;
  for (std::size_t i = 0; i < shares.size(); ++i) {
    const std::string_view term = queries.terms().term(queries.query(0)[i].term);
    const pyengine::TermShare& share = shares[i];
    result.append(py::make_tuple(py::str(term.data(), term.size()), share.weight, share.tf, share.df,
                                 share.idf, share.contribution));
  }
  return result;
}

py::dict stats(const LexicalIndex& index) {
  const pyengine::SegmentMeta& meta = index.segment().meta();
  py::dict sections;
  for (const auto& [name, bytes] : index.segment().section_bytes()) {
    sections[py::str(name.data(), name.size())] = bytes;
  }
  py::dict result;
  result["documents"] = meta.documents;
  result["terms"] = meta.terms;
  result["postings"] = meta.postings;
  result["tokens"] = meta.tokens;
  result["average_length"] = index.segment().bm25().average_length();
  result["section_bytes"] = sections;
  return result;
}

}  // namespace

void register_lexical(py::module_& m) {
  py::class_<Queries>(m, "Queries")
      .def_static("from_texts", &queries_from_texts, py::arg("analyzer"), py::arg("texts"))
      .def_static("from_tokens", &queries_from_tokens, py::arg("token_lists"))
      .def("terms", [](const Queries& queries) { return terms_of(queries.terms()); })
      .def("replace_terms", &replace_query_terms, py::arg("stems"))
      .def("__len__", &Queries::size);

  py::class_<LexicalIndex>(m, "LexicalIndex")
      .def_static(
          "open",
          [](const std::string& path) {
            return enter([&] { return std::make_unique<LexicalIndex>(LexicalSegment::open(path)); });
          },
          py::arg("path"))
      .def(
          "save",
          [](const LexicalIndex& index, const std::string& path) {
            enter([&] { index.segment().save(path); });
          },
          py::arg("path"))
      .def("verify", [](const LexicalIndex& index) { enter([&] { index.segment().verify(); }); })
      .def("search", &search, py::arg("queries"), py::arg("k"), py::arg("n_threads"),
           py::arg("window") = pyengine::kWindowRows)
      .def("score", &score, py::arg("queries"), py::arg("rows"))
      .def("count_postings", &count_postings, py::arg("queries"))
      .def("explain", &explain, py::arg("queries"), py::arg("row"))
      .def("stats", &stats)
      .def("__len__", [](const LexicalIndex& index) { return index.segment().meta().documents; })
      .def_property_readonly("analyzer",
                             [](const LexicalIndex& index) {
                               return py::bytes(index.segment().analyzer().data(),
                                                index.segment().analyzer().size());
                             })
      .def_property_readonly("k1", [](const LexicalIndex& index) { return index.segment().meta().k1; })
      .def_property_readonly("b", [](const LexicalIndex& index) { return index.segment().meta().b; });

  py::class_<LexicalBuilder>(m, "LexicalBuilder")
      .def(py::init<double, double, std::uint64_t>(), py::arg("k1"), py::arg("b"),
           py::arg("max_documents") = pyengine::kMaxDocuments)
      .def("add_texts", &LexicalBuilder::add_texts, py::arg("analyzer"), py::arg("texts"))
      .def("add_token_lists", &LexicalBuilder::add_token_lists, py::arg("token_lists"))
      .def("terms", &LexicalBuilder::terms)
      .def("replace_terms", &LexicalBuilder::replace_terms, py::arg("stems"))
      .def("finish", &LexicalBuilder::finish, py::arg("analyzer"))
      .def_property_readonly("documents", &LexicalBuilder::documents);
}
