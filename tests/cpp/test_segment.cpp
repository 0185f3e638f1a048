#include <map>
#include <random>
#include <string>
#include <vector>

#include "core/error.hpp"
#include "core/list_access.hpp"
#include "core/queries.hpp"
#include "core/searcher.hpp"
#include "core/segment.hpp"
#include "core/segment_builder.hpp"
#include "doctest/doctest.h"

using pyengine::Analyzer;
using pyengine::LexicalSegment;
using pyengine::Queries;
using pyengine::Row;
using pyengine::SegmentBuilder;
using pyengine::TermId;

namespace {

using Tokens = std::vector<std::string_view>;

std::unique_ptr<LexicalSegment> build(const std::vector<Tokens>& docs) {
  SegmentBuilder builder{pyengine::Bm25Params{}};
  for (const Tokens& doc : docs) builder.add_tokens(doc);
  return builder.finish("", {});
}

}  // namespace

TEST_CASE("postings are sorted by row and hold the frequencies") {
  const auto segment = build({{"a", "b", "a"}, {}, {"b"}, {"c", "a"}});
  segment->verify();
  CHECK(segment->meta().documents == 4);
  CHECK(segment->meta().terms == 3);
  CHECK(segment->meta().postings == 5);
  CHECK(segment->meta().tokens == 6);
  CHECK(segment->meta().max_length == 3);
  const pyengine::TermList list = segment->list(segment->find("a"));
  CHECK(list.count == 2);
  CHECK(list.rows[0] == 0);
  CHECK(list.rows[1] == 3);
  CHECK(segment->frequency(list, 0) == 2);
  CHECK(segment->frequency(list, 1) == 1);
  CHECK(segment->find("d") == pyengine::kNoTerm);
}

TEST_CASE("more entries than a block holds, with frequencies of every size") {
  std::mt19937 random(19);
  SegmentBuilder builder{pyengine::Bm25Params{}};
  std::vector<std::string> names;
  for (int i = 0; i < 500; ++i) names.push_back("t" + std::to_string(i));
  std::vector<std::map<std::size_t, std::uint32_t>> counts(400);
  for (auto& document : counts) {
    Tokens tokens;
    for (int i = 0; i < 250; ++i) ++document[random() % names.size()];
    if (random() % 10 == 0) document[random() % 5] += 200 + random() % 300;
    for (const auto& [term, count] : document) tokens.insert(tokens.end(), count, names[term]);
    builder.add_tokens(tokens);
  }
  const auto segment = builder.finish("", {});
  segment->verify();
  CHECK(segment->meta().postings > 65'536);
  for (std::size_t term = 0; term < names.size(); ++term) {
    const pyengine::TermList list = segment->list(segment->find(names[term]));
    pyengine::ListWalker walker(list, counts.size());
    for (Row row = 0; row < counts.size(); ++row) {
      const auto found = counts[row].find(term);
      if (found == counts[row].end()) continue;
      REQUIRE(walker.row() == row);
      REQUIRE(segment->frequency(list, walker.position()) == found->second);
      walker.next();
    }
    REQUIRE(walker.done());
  }
}

TEST_CASE("replaced terms are merged in documents and in queries") {
  SegmentBuilder builder{pyengine::Bm25Params{}};
  builder.add_tokens(Tokens{"run", "runs", "walk"});
  builder.add_tokens(Tokens{"running"});
  builder.replace_terms(Tokens{"run", "run", "walk", "run"});
  const auto segment = builder.finish("", {});
  segment->verify();
  CHECK(segment->meta().terms == 2);
  CHECK(segment->frequency(segment->list(segment->find("run")), 0) == 2);

  Queries queries;
  queries.add_tokens(Tokens{"walks", "running", "walk", "walks"});
  queries.add_tokens(Tokens{"running"});
  queries.replace_terms(Tokens{"walk", "run", "walk"});
  CHECK(queries.terms().size() == 2);
  CHECK(queries.query(0).size() == 2);
  CHECK(queries.query(0)[0].weight == 3);
  CHECK(queries.query(0)[1].weight == 1);
  CHECK(queries.query(1)[0].term == queries.query(0)[1].term);
  CHECK_THROWS_AS(queries.replace_terms(Tokens{"one"}), pyengine::Error);
}

TEST_CASE("limits are checked before anything is added") {
  SegmentBuilder builder({}, 2);
  builder.add_tokens(Tokens{"a"});
  CHECK_THROWS_AS(builder.check_room(2), pyengine::Error);
  CHECK_THROWS_AS(builder.check_room(~std::uint64_t{0}), pyengine::Error);
  builder.add_tokens(Tokens{"b"});
  CHECK_THROWS_AS(builder.add_tokens(Tokens{"c"}), pyengine::Error);
  CHECK(builder.finish("", {})->meta().terms == 2);
}

TEST_CASE("finish stops when asked to") {
  SegmentBuilder builder{pyengine::Bm25Params{}};
  builder.add_tokens(Tokens{"a"});
  CHECK(builder.finish("", [] { return true; }) == nullptr);
}

TEST_CASE("a failing query ends a search with threads, and stopping one says so") {
  const pyengine::Searcher searcher(pyengine::Collection(build(std::vector<Tokens>(100, Tokens{"a", "b"}))));
  Queries queries;
  for (int i = 0; i < 50; ++i) queries.add_tokens(Tokens{"a", "b", "zz"});
  std::vector<Row> rows(50 * 3);
  std::vector<float> scores(50 * 3);
  std::vector<std::uint32_t> counts(50);
  const pyengine::HitArrays out{rows, scores, counts};
  CHECK(searcher.search(queries, {.k = 3, .threads = 4, .window = 7}, out, {}));
  CHECK(rows[0] == 0);
  CHECK(rows[149] == 2);
  CHECK_FALSE(searcher.search(queries, {.k = 3}, out, [] { return true; }));
}
