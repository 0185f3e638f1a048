#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "bind/arrays.hpp"
#include "bind/enter.hpp"
#include "bind/interrupt.hpp"
#include "bind/lexical_index.hpp"
#include "bind/mapping_faults.hpp"
#include "bind/pybind.hpp"
#include "bind/texts.hpp"
#include "core/queries.hpp"
#include "core/searcher.hpp"
#include "core/segment.hpp"

namespace {

using pyengine::Analyzer;
using pyengine::Code;
using pyengine::Error;
using pyengine::LexicalSegment;
using pyengine::Queries;
using pyengine::Row;
using pyengine::Score;
using pyengine::TermId;

constexpr std::size_t kBatch = 256;  // queries between two looks for Ctrl-C

// Runs `work` on element `i` of what the caller calls `name`; an error then says which element it was.
template <class F>
void on_element(const char* name, std::uint64_t i, const F& work) {
  try {
    work();
  } catch (const Error& error) {
    throw Error(error.code(), std::string(name) + "[" + std::to_string(i) + "]: " + error.what());
  }
}

std::unique_ptr<LexicalIndex> union_of(const std::vector<const LexicalIndex*>& indexes) {
  std::vector<pyengine::CollectionPart> parts;
  for (const LexicalIndex* index : indexes)
    parts.insert(parts.end(), index->parts().begin(), index->parts().end());
  return enter([&] { return std::make_unique<LexicalIndex>(pyengine::Collection(std::move(parts))); });
}

// `terms`: the terms of the documents as one query a row, or None to look for them in the postings.
std::unique_ptr<LexicalIndex> without(const LexicalIndex& index, const py::object& argument,
                                      const Queries* terms) {
  const py::array_t<Row> rows = require_array<Row>(argument, "rows", 1);
  const std::span<const Row> dead{rows.data(), static_cast<std::size_t>(rows.size())};
  for (const Row row : dead) {
    if (row >= index.collection().rows()) {
      throw Error(Code::kInvalidArgument, "rows: expected rows below " +
                                              std::to_string(index.collection().rows()) + ", got " +
                                              std::to_string(row));
    }
  }
  if (terms == nullptr) {
    return enter([&] { return std::make_unique<LexicalIndex>(index.collection().without(dead)); });
  }
  static_cast<void>(index.only_part());
  if (terms->size() != dead.size() || !terms->ids().empty()) {
    throw Error(Code::kInvalidArgument, "texts: expected one for each of " + std::to_string(dead.size()) +
                                            " rows, got " + std::to_string(terms->size()));
  }
  return enter([&] { return std::make_unique<LexicalIndex>(index.collection().without(dead, *terms)); });
}

void save_deletions(const LexicalIndex& index, const std::string& path) {
  const LexicalSegment& segment = index.only_part();
  enter([&] { index.parts().front().deletions->save(path, segment); });
}

std::unique_ptr<LexicalIndex> with_deletions(const LexicalIndex& index, const std::string& path) {
  static_cast<void>(index.only_part());
  return enter([&] { return std::make_unique<LexicalIndex>(index.collection().with_deletions(path)); });
}

std::unique_ptr<LexicalIndex> with_positions(const LexicalIndex& index, const std::string& path) {
  static_cast<void>(index.only_part());
  return enter([&] { return std::make_unique<LexicalIndex>(index.collection().with_positions(path)); });
}

py::array_t<Row> deleted_rows(const LexicalIndex& index) {
  const std::vector<Row> rows = enter([&] { return index.collection().deleted_rows(); });
  return py::array_t<Row>(static_cast<py::ssize_t>(rows.size()), rows.data());
}

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

py::array_t<TermId> term_ids(const LexicalIndex& index, const py::object& source) {
  const Texts tokens(source, "tokens");
  const LexicalSegment& segment = index.only_part();
  py::array_t<TermId> ids(static_cast<py::ssize_t>(tokens.views().size()));
  const std::span<TermId> out = span_of(ids);
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = segment.find(tokens.views()[i]);
  return ids;
}

std::unique_ptr<Queries> queries_of_ids(const LexicalIndex& index, const py::sequence& source) {
  const std::uint64_t terms = index.only_part().meta().terms;
  auto batch = std::make_unique<Queries>();
  for (std::size_t i = 0; i < source.size(); ++i) {
    const std::string name = "queries[" + std::to_string(i) + "]";
    const auto ids = require_array<TermId>(source[i], name.c_str(), 1);
    const std::span<const TermId> query{ids.data(), static_cast<std::size_t>(ids.size())};
    for (const TermId id : query) {
      if (id >= terms && id != pyengine::kNoTerm) {
        throw Error(Code::kInvalidArgument, name + ": expected term ids below " + std::to_string(terms) +
                                                ", got " + std::to_string(id));
      }
    }
    batch->add_ids(query);
  }
  return batch;
}

void replace_query_terms(Queries& queries, const py::object& source) {
  const Texts stems(source, "stems");
  enter([&] { queries.replace_terms(stems.views()); });
}

// What search() and profile() are asked, checked and in the core's words.
struct Request {
  pyengine::SearchOptions options;
  py::array_t<std::uint64_t> allowed;  // keep the filter's memory
  py::array_t<Row> rows;

  Request(const LexicalIndex& index, std::size_t k, unsigned n_threads, bool exact, const py::object& filter,
          const py::object& params, std::uint32_t window, std::uint32_t chunk) {
    options.k = k;
    options.threads = n_threads;
    options.exact = exact;
    options.window = window;
    options.chunk = chunk;
    if (!params.is_none()) {
      const auto [variant, k1, b, delta] = params.cast<std::tuple<std::uint32_t, double, double, double>>();
      options.params = pyengine::Bm25Params{k1, b, delta, static_cast<pyengine::Variant>(variant)};
    }
    if (filter.is_none()) return;
    const auto [bits, few] = filter.cast<std::tuple<py::object, py::object>>();
    allowed = require_array<std::uint64_t>(bits, "filter", 1);
    const std::uint64_t words = (index.collection().rows() + 63) / 64;
    if (static_cast<std::uint64_t>(allowed.size()) != words) {
      throw Error(Code::kInvalidArgument, "filter: expected " + std::to_string(words) +
                                              " words of 64 rows, got " + std::to_string(allowed.size()));
    }
    options.allowed = {allowed.data(), static_cast<std::size_t>(allowed.size())};
    if (few.is_none()) return;
    rows = require_array<Row>(few, "filter", 1);
    options.allowed_rows = {rows.data(), static_cast<std::size_t>(rows.size())};
  }
};

py::tuple search(const LexicalIndex& index, const Queries& queries, std::size_t k, unsigned n_threads,
                 bool exact, const py::object& filter, const py::object& params, std::uint32_t window,
                 std::uint32_t chunk) {
  HitBuffers::check_size(queries.size(), k);
  HitBuffers hits(queries.size(), k);
  const pyengine::HitArrays out{span_of(hits.rows), span_of(hits.scores), span_of(hits.counts)};
  const Request request(index, k, n_threads, exact, filter, params, window, chunk);
  Interrupt interrupt;
  enter([&] { return index.searcher().search(queries, request.options, out, [&] { return interrupt(); }); });
  interrupt.rethrow();
  return hits.as_tuple();
}

// The arrays of search(), and for each query a dict of what it cost.
py::tuple profile(const LexicalIndex& index, const Queries& queries, std::size_t k, bool exact,
                  const py::object& filter, const py::object& params) {
  HitBuffers::check_size(queries.size(), k);
  HitBuffers hits(queries.size(), k);
  const pyengine::HitArrays out{span_of(hits.rows), span_of(hits.scores), span_of(hits.counts)};
  Request request(index, k, 1, exact, filter, params, pyengine::kWindowRows,
                  pyengine::MaxScoreOptions{}.chunk);
  std::vector<pyengine::SearchCounters> counters(queries.size());
  request.options.counters = counters;
  Interrupt interrupt;
  enter([&] { return index.searcher().search(queries, request.options, out, [&] { return interrupt(); }); });
  interrupt.rethrow();
  py::list costs;
  for (const pyengine::SearchCounters& counter : counters) {
    py::dict cost;
    cost["algorithm"] = std::string(pyengine::name_of(counter.algorithm));
    cost["postings"] = counter.postings;
    cost["scanned"] = counter.scanned;
    cost["survivors"] = counter.survivors;
    cost["lookups"] = counter.lookups;
    cost["rescored"] = counter.rescored;
    cost["nanoseconds"] = counter.nanoseconds;
    cost["prepare_ns"] = counter.prepare_nanoseconds;
    cost["scan_ns"] = counter.scan_nanoseconds;
    cost["lookup_ns"] = counter.lookup_nanoseconds;
    cost["rescore_ns"] = counter.rescore_nanoseconds;
    costs.append(cost);
  }
  return py::make_tuple(hits.as_tuple(), costs);
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
  const std::uint64_t documents = index.collection().rows();
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

// Sums over the segments; terms that several have count in each.
py::dict stats(const LexicalIndex& index) {
  const pyengine::Collection& collection = index.collection();
  std::uint64_t terms = 0;
  std::uint64_t postings = 0;
  py::dict sections;
  for (const pyengine::CollectionPart& part : collection.parts()) {
    terms += part.segment->meta().terms;
    postings += part.segment->meta().postings;
    for (const auto& [name, bytes] : part.segment->section_bytes()) {
      const py::str key(name.data(), name.size());
      sections[key] = bytes + (sections.contains(key) ? sections[key].cast<std::uint64_t>() : 0);
    }
    for (const auto& [term, count] : part.deletions->postings) postings -= count;
  }
  py::dict result;
  result["documents"] = collection.stats().documents;
  result["terms"] = terms;
  result["postings"] = postings;
  result["tokens"] = collection.stats().tokens;
  result["average_length"] = pyengine::Bm25(collection.params(), collection.stats()).average_length();
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
            name_files_of_mapping_faults();  // of any file: an engine maps others beside this one
            return enter([&] { return std::make_unique<LexicalIndex>(LexicalSegment::open(path)); });
          },
          py::arg("path"))
      .def(
          "save",
          [](const LexicalIndex& index, const std::string& path) {
            enter([&] { index.only_segment().save(path); });
          },
          py::arg("path"))
      .def("verify",
           [](const LexicalIndex& index) {
             enter([&] {
               for (const pyengine::CollectionPart& part : index.parts()) {
                 part.segment->verify();
                 if (part.positions != nullptr) part.positions->verify(*part.segment);
               }
             });
           })
      .def_static("union_of", &union_of, py::arg("indexes"))
      .def("without", &without, py::arg("rows"), py::arg("terms") = py::none())
      .def("save_deletions", &save_deletions, py::arg("path"))
      .def("with_deletions", &with_deletions, py::arg("path"))
      .def("with_positions", &with_positions, py::arg("path"))
      .def("deleted_rows", &deleted_rows)
      .def("search", &search, py::arg("queries"), py::arg("k"), py::arg("n_threads"),
           py::arg("exact") = false, py::arg("filter") = py::none(), py::arg("params") = py::none(),
           py::arg("window") = pyengine::kWindowRows, py::arg("chunk") = pyengine::MaxScoreOptions{}.chunk)
      .def("profile", &profile, py::arg("queries"), py::arg("k"), py::arg("exact") = false,
           py::arg("filter") = py::none(), py::arg("params") = py::none())
      .def("term_ids", &term_ids, py::arg("tokens"))
      .def("queries_of_ids", &queries_of_ids, py::arg("ids"))
      .def("score", &score, py::arg("queries"), py::arg("rows"))
      .def("count_postings", &count_postings, py::arg("queries"))
      .def("explain", &explain, py::arg("queries"), py::arg("row"))
      .def("stats", &stats)
      .def("__len__", [](const LexicalIndex& index) { return index.collection().rows(); })
      .def_property_readonly("analyzer",
                             [](const LexicalIndex& index) {
                               const std::string_view stored = index.parts().front().segment->analyzer();
                               return py::bytes(stored.data(), stored.size());
                             })
      // (variant, k1, b, delta) of the build
      .def_property_readonly("params", [](const LexicalIndex& index) {
        const pyengine::Bm25Params& params = index.collection().params();
        return py::make_tuple(static_cast<std::uint32_t>(params.variant), params.k1, params.b, params.delta);
      });
}
