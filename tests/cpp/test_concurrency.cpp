// Many threads over what is documented to be shared: run it under ThreadSanitizer (nox -s tsan).
#include <array>
#include <atomic>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "core/analyzer/analyzer.hpp"
#include "core/queries.hpp"
#include "core/searcher.hpp"
#include "core/segment_builder.hpp"
#include "doctest/doctest.h"

using pyengine::Collection;
using pyengine::Deletions;
using pyengine::LexicalSegment;
using pyengine::Queries;
using pyengine::Row;
using pyengine::Searcher;

namespace {

constexpr std::size_t kDepth = 20;

struct Answer {
  std::vector<Row> rows;
  std::vector<float> scores;
  std::vector<std::uint32_t> counts;

  [[nodiscard]] bool operator==(const Answer&) const = default;
};

Answer search(const Searcher& searcher, const Queries& queries, const pyengine::SearchOptions& options) {
  const std::size_t slots = queries.size() * options.k;
  Answer answer{std::vector<Row>(slots), std::vector<float>(slots),
                std::vector<std::uint32_t>(queries.size())};
  if (!searcher.search(queries, options, {answer.rows, answer.scores, answer.counts}, {}))
    answer.rows.clear();
  return answer;
}

std::vector<std::string> random_texts(unsigned seed, std::size_t count) {
  std::mt19937 random(seed);
  std::vector<std::string> texts(count);
  for (std::string& text : texts) {
    for (std::size_t i = random() % 30; i > 0; --i) text += "w" + std::to_string(random() % 90) + " ";
  }
  return texts;
}

std::shared_ptr<const LexicalSegment> build(const pyengine::Analyzer& analyzer, unsigned seed,
                                            unsigned threads) {
  pyengine::SegmentBuilder builder({}, pyengine::kMaxDocuments, {}, {.threads = threads});
  const std::vector<std::string> texts = random_texts(seed, 700);
  builder.add_texts(std::vector<std::string_view>(texts.begin(), texts.end()), analyzer, {});
  return builder.finish("", {});
}

std::shared_ptr<const Deletions> nothing() { return std::make_shared<const Deletions>(); }

}  // namespace

TEST_CASE("searches, builds, unions and deletions side by side each give the answer they give alone") {
  const pyengine::Analyzer analyzer(pyengine::Preset::kDomain);
  const auto first = build(analyzer, 1, 1);
  const auto second = build(analyzer, 2, 1);
  Queries queries;
  for (const char* text : {"w1 w2 w3", "w4", "w80 w81 w82 w83 w1", "nothing", "w7 w7 w8"}) {
    queries.add_text(text, analyzer);
  }
  const Searcher whole{Collection({{first, nothing(), 0}, {second, nothing(), 0}})};
  const std::array<Row, 4> dead{3, 5, 700, 1399};
  const pyengine::SearchOptions options{.k = kDepth};
  const pyengine::SearchOptions other{.k = kDepth, .params = pyengine::Bm25Params{.k1 = 0.9, .b = 0.4}};
  const Answer expected = search(whole, queries, options);
  const Answer expected_other = search(whole, queries, other);
  const Answer expected_deleted = search(Searcher{whole.collection().without(dead)}, queries, options);
  REQUIRE_FALSE(expected.rows.empty());
  REQUIRE_FALSE(expected == expected_deleted);

  std::atomic<int> wrong{0};
  const auto check = [&wrong](bool holds) {
    if (!holds) wrong.fetch_add(1);
  };
  {
    std::vector<std::jthread> threads;
    for (const unsigned helpers : {1U, 2U, 3U}) {
      threads.emplace_back([&, helpers] {
        for (int i = 0; i < 40; ++i) {
          check(search(whole, queries, {.k = kDepth, .threads = helpers}) == expected);
          check(search(whole, queries, other) == expected_other);
          check(search(whole, queries, {.k = kDepth, .threads = helpers, .exact = true}) == expected);
        }
      });
    }
    threads.emplace_back([&] {
      for (int i = 0; i < 8; ++i) {
        const auto again = build(analyzer, 2, 3);
        const Searcher joined{Collection({{first, nothing(), 0}, {again, nothing(), 0}})};
        check(search(joined, queries, options) == expected);
      }
    });
    threads.emplace_back([&] {
      for (int i = 0; i < 20; ++i) {
        const Searcher left{whole.collection().without(dead)};
        check(search(left, queries, options) == expected_deleted);
        std::vector<std::uint64_t> postings(queries.size());
        left.count_postings(queries, postings);
        check(postings[3] == 0);
        check(whole.explain(queries, 0, expected.rows[0]).size() == 3);
      }
    });
  }
  CHECK(wrong.load() == 0);
}
