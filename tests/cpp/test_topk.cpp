#include <algorithm>
#include <random>
#include <vector>

#include "core/topk.hpp"
#include "doctest/doctest.h"

using pyengine::Hit;
using pyengine::Row;
using pyengine::TopK;

TEST_CASE("the k best of any sequence, by the order law") {
  std::mt19937 random(7);
  TopK top;
  for (int round = 0; round < 500; ++round) {
    const std::size_t n = random() % 60;
    const std::size_t k = 1 + random() % 40;
    std::vector<Hit> hits;
    for (Row row = 0; row < n; ++row) hits.push_back({row, static_cast<float>(random() % 6)});
    std::shuffle(hits.begin(), hits.end(), random);
    top.reset(k);
    for (const Hit& hit : hits) top.push(hit);
    std::sort(hits.begin(), hits.end(), pyengine::ranks_before);
    hits.resize(std::min(n, k));
    const auto found = top.take_sorted();
    REQUIRE(found.size() == hits.size());
    for (std::size_t i = 0; i < hits.size(); ++i) {
      REQUIRE(found[i].row == hits[i].row);
      REQUIRE(found[i].score == hits[i].score);
    }
  }
}

TEST_CASE("the threshold never rises above the worst of the k best, and gets there") {
  std::mt19937 random(9);
  for (const std::size_t k : {1U, 2U, 10U, 100U}) {
    TopK top;
    top.reset(k);
    std::vector<Hit> hits;
    float last = top.threshold();
    for (Row row = 0; row < 3000; ++row) {
      hits.push_back({row, static_cast<float>(random() % 1000)});
      top.push(hits.back());
      REQUIRE(top.threshold() >= last);
      last = top.threshold();
    }
    std::sort(hits.begin(), hits.end(), pyengine::ranks_before);
    CHECK(top.threshold() <= hits[k - 1].score);
    CHECK(top.threshold() > 0.0F);
    CHECK(top.take_sorted().back().row == hits[k - 1].row);
  }
}

TEST_CASE("with equal scores the earlier row stays, in whatever order they come") {
  TopK top;
  top.reset(2);
  for (Row row = 500; row > 0; --row) top.push({row, 1.0F});
  CHECK(top.take_sorted()[0].row == 1);
  CHECK(top.take_sorted()[1].row == 2);
}
