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

TEST_CASE("the threshold is the worst score once k are in") {
  TopK top;
  top.reset(2);
  CHECK(top.threshold() < 0.0F);
  top.push({5, 1.0F});
  CHECK(top.threshold() < 0.0F);
  top.push({3, 2.0F});
  CHECK(top.threshold() == 1.0F);
  top.push({4, 1.0F});  // the same score and an earlier row
  CHECK(top.take_sorted()[1].row == 4);
}
