#include <algorithm>
#include <map>
#include <random>
#include <vector>

#include "core/error.hpp"
#include "core/fuse.hpp"
#include "doctest/doctest.h"

using pyengine::FuseOptions;
using pyengine::Hit;
using pyengine::RankedLists;
using pyengine::Row;

namespace {

std::vector<Hit> fuse_one(const std::vector<std::vector<Row>>& lists, const std::vector<double>& weights,
                          const FuseOptions& options) {
  std::vector<RankedLists> borrowed;
  std::vector<std::uint32_t> counts;
  for (const auto& list : lists) counts.push_back(static_cast<std::uint32_t>(list.size()));
  for (std::size_t l = 0; l < lists.size(); ++l) {
    borrowed.push_back(
        {lists[l], lists[l].size(), std::span(counts).subspan(l, 1), std::span(weights).subspan(l, 1)});
  }
  std::vector<Row> rows(options.depth);
  std::vector<float> scores(options.depth);
  std::vector<std::uint32_t> count(1);
  pyengine::fuse(borrowed, options, {rows, scores, count});
  std::vector<Hit> hits;
  for (std::size_t i = 0; i < count[0]; ++i) hits.push_back({rows[i], scores[i]});
  for (std::size_t i = count[0]; i < rows.size(); ++i) REQUIRE(rows[i] == pyengine::kNoRow);
  return hits;
}

std::vector<Hit> slow_fuse(const std::vector<std::vector<Row>>& lists, const std::vector<double>& weights,
                           const FuseOptions& options) {
  std::map<Row, double> sums;
  for (std::size_t l = 0; l < lists.size(); ++l) {
    for (std::size_t i = 0; i < std::min(lists[l].size(), options.window) && weights[l] > 0.0; ++i) {
      sums[lists[l][i]] += weights[l] / (options.k + static_cast<double>(i + options.first_rank));
    }
  }
  std::vector<Hit> hits;
  for (const auto& [row, sum] : sums) hits.push_back({row, static_cast<float>(sum)});
  std::sort(hits.begin(), hits.end(), pyengine::ranks_before);
  hits.resize(std::min(hits.size(), options.depth));
  return hits;
}

}  // namespace

TEST_CASE("any lists fuse as one map and a sort would") {
  std::mt19937 random(17);
  for (int round = 0; round < 2000; ++round) {
    std::vector<std::vector<Row>> lists(1 + random() % 4);
    std::vector<double> weights;
    std::vector<Row> pool(1 + random() % 200);
    for (std::size_t i = 0; i < pool.size(); ++i)
      pool[i] = static_cast<Row>(i * (random() % 2 == 0 ? 1 : 7919));
    std::sort(pool.begin(), pool.end());
    pool.erase(std::unique(pool.begin(), pool.end()), pool.end());
    for (auto& list : lists) {
      std::shuffle(pool.begin(), pool.end(), random);
      list.assign(pool.begin(), pool.begin() + static_cast<std::ptrdiff_t>(random() % (pool.size() + 1)));
      weights.push_back(random() % 5 == 0 ? 0.0 : 0.25 * (1 + static_cast<double>(random() % 4)));
    }
    FuseOptions options;
    // With a large k the scores of neighbours round to the same float32, and the rows decide.
    options.k = random() % 3 == 0 ? 1e9 : 60.0;
    options.window = random() % 3 == 0 ? 1 + random() % 100 : SIZE_MAX;
    options.depth = 1 + random() % 250;
    const std::vector<Hit> expected = slow_fuse(lists, weights, options);
    const std::vector<Hit> found = fuse_one(lists, weights, options);
    REQUIRE(found.size() == expected.size());
    for (std::size_t i = 0; i < found.size(); ++i) {
      REQUIRE(found[i].row == expected[i].row);
      REQUIRE(found[i].score == expected[i].score);
    }
  }
}

TEST_CASE("a row named twice is refused") {
  CHECK_THROWS_AS((void)fuse_one({{1, 2, 1}}, {1.0}, {}), pyengine::Error);
  CHECK_THROWS_AS((void)fuse_one({{1}, {5, 5}}, {1.0, 1.0}, {}), pyengine::Error);
  CHECK(fuse_one({{1}, {5, 5}}, {1.0, 0.0}, {}).size() == 1);
}
