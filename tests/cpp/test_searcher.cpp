#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "core/queries.hpp"
#include "core/searcher.hpp"
#include "core/segment_builder.hpp"
#include "doctest/doctest.h"

using pyengine::Collection;
using pyengine::LayoutOptions;
using pyengine::LexicalSegment;
using pyengine::Queries;
using pyengine::Row;
using pyengine::Searcher;
using pyengine::SearchOptions;

namespace {

struct Answer {
  std::vector<Row> rows;
  std::vector<float> scores;
  std::vector<std::uint32_t> counts;

  [[nodiscard]] bool operator==(const Answer&) const = default;
};

Answer search(const Searcher& searcher, const Queries& queries, const SearchOptions& options) {
  Answer answer{std::vector<Row>(queries.size() * options.k), std::vector<float>(queries.size() * options.k),
                std::vector<std::uint32_t>(queries.size())};
  REQUIRE(searcher.search(queries, options, {answer.rows, answer.scores, answer.counts}, {}));
  return answer;
}

using Documents = std::vector<std::vector<std::string>>;

// Few frequent terms and many rare ones, so that every class of lists occurs and many scores tie.
Documents random_documents(std::mt19937& random, std::size_t count) {
  Documents documents(count);
  for (std::vector<std::string>& document : documents) {
    const std::size_t length = random() % 3 == 0 ? random() % 40 : random() % 6;
    for (std::size_t i = 0; i < length; ++i) {
      document.push_back("t" + std::to_string(random() % (1 + random() % 60)));
    }
  }
  return documents;
}

std::unique_ptr<LexicalSegment> build(const Documents& documents, const LayoutOptions& layout) {
  pyengine::SegmentBuilder builder({}, pyengine::kMaxDocuments, layout);
  for (const std::vector<std::string>& document : documents) {
    builder.add_tokens(std::vector<std::string_view>(document.begin(), document.end()));
  }
  return builder.finish("", {});
}

Queries random_queries(std::mt19937& random) {
  Queries queries;
  for (int i = 0; i < 12; ++i) {
    std::vector<std::string> terms(random() % 7);
    for (std::string& term : terms) term = "t" + std::to_string(random() % (1 + random() % 70));
    queries.add_tokens(std::vector<std::string_view>(terms.begin(), terms.end()));
  }
  return queries;
}

}  // namespace

TEST_CASE("pruned equals exhaustive, whatever the layout, the windows, the chunks and the threads") {
  std::mt19937 random(23);
  for (int round = 0; round < 60; ++round) {
    const LayoutOptions layout{1 + random() % 4, 2 + random() % 6,
                               static_cast<std::uint32_t>(1 + random() % 3)};
    const auto segment = std::shared_ptr(build(random_documents(random, random() % 300), layout));
    segment->verify();
    const Searcher searcher{Collection(segment)};
    const Queries queries = random_queries(random);
    for (const std::size_t k : {1U, 3U, 32U, 33U, 500U}) {
      const Answer expected = search(searcher, queries, {.k = k, .exact = true});
      for (const std::uint32_t window : {1U, 3U, 64U}) {
        REQUIRE(search(searcher, queries, {.k = k, .exact = true, .window = window}) == expected);
      }
      for (const std::uint32_t chunk : {1U, 2U, 5U, 2048U}) {
        REQUIRE(search(searcher, queries, {.k = k, .chunk = chunk}) == expected);
      }
      REQUIRE(search(searcher, queries, {.k = k, .threads = 3}) == expected);
    }
  }
}

TEST_CASE("a collection of several segments answers like one, and one with deletions like a rebuild") {
  std::mt19937 random(29);
  for (int round = 0; round < 40; ++round) {
    const LayoutOptions layout{1 + random() % 4, 2 + random() % 6,
                               static_cast<std::uint32_t>(1 + random() % 3)};
    const Documents documents = random_documents(random, 1 + random() % 200);
    const Queries queries = random_queries(random);
    std::vector<pyengine::CollectionPart> parts;
    for (std::size_t begin = 0; begin < documents.size();) {
      const auto first = documents.begin() + static_cast<std::ptrdiff_t>(begin);
      const std::size_t size = std::min<std::size_t>(documents.size() - begin, random() % 90);
      const Documents some(first, first + static_cast<std::ptrdiff_t>(size));
      parts.push_back(
          {std::shared_ptr(build(some, layout)), std::make_shared<const pyengine::Deletions>(), 0});
      begin += size;
    }
    const Collection split(parts);
    const Searcher whole{Collection(std::shared_ptr(build(documents, layout)))};
    const Searcher pieces{split};

    std::vector<Row> dead;
    Documents living;
    std::vector<Row> new_row(documents.size(), pyengine::kNoRow);
    for (Row row = 0; row < documents.size(); ++row) {
      if (random() % 4 == 0) {
        dead.push_back(row);
      } else {
        new_row[row] = static_cast<Row>(living.size());
        living.push_back(documents[row]);
      }
    }
    const Searcher rebuilt{Collection(std::shared_ptr(build(living, layout)))};
    const Searcher deleted{split.without(dead)};
    CHECK(deleted.collection().stats() == rebuilt.collection().stats());
    for (const std::size_t k : {1U, 10U, 40U, 300U}) {
      const Answer expected = search(whole, queries, {.k = k, .exact = true});
      REQUIRE(search(pieces, queries, {.k = k}) == expected);
      REQUIRE(search(pieces, queries, {.k = k, .exact = true}) == expected);
      Answer found = search(deleted, queries, {.k = k});
      REQUIRE(search(deleted, queries, {.k = k, .exact = true}) == found);
      for (Row& row : found.rows) row = row == pyengine::kNoRow ? row : new_row[row];
      REQUIRE(found == search(rebuilt, queries, {.k = k, .exact = true}));
    }
  }
}
