#include <algorithm>
#include <random>
#include <vector>

#include "core/postings.hpp"
#include "core/search_exhaustive.hpp"
#include "doctest/doctest.h"

using pyengine::Bm25;
using pyengine::Hit;
using pyengine::ListCursor;
using pyengine::PostingArrays;
using pyengine::Row;
using pyengine::ScoredList;
using pyengine::TopK;
using pyengine::WindowSums;

namespace {

struct Collection {
  std::vector<std::uint64_t> offsets{0};
  std::vector<Row> rows;
  std::vector<std::uint8_t> frequencies;
  std::vector<std::uint32_t> lengths;

  [[nodiscard]] PostingArrays arrays() const { return {offsets, rows, frequencies, {}, {}}; }

  [[nodiscard]] std::vector<ScoredList<ListCursor>> lists(const PostingArrays& arrays) const {
    std::vector<ScoredList<ListCursor>> lists;
    for (std::size_t t = 0; t + 1 < offsets.size(); ++t) {
      lists.push_back({ListCursor(arrays, offsets[t], offsets[t + 1]), 0.5 + static_cast<double>(t)});
    }
    return lists;
  }
};

Collection random_collection(std::mt19937& random) {
  Collection c;
  c.lengths.resize(1 + random() % 300);
  for (std::uint32_t& length : c.lengths) length = 1 + random() % 20;
  const std::size_t terms = random() % 6;
  for (std::size_t t = 0; t < terms; ++t) {
    const unsigned one_in = 1 + random() % 60;
    for (Row row = 0; row < c.lengths.size(); ++row) {
      if (random() % one_in != 0) continue;
      c.rows.push_back(row);
      c.frequencies.push_back(static_cast<std::uint8_t>(1 + random() % 3));
    }
    c.offsets.push_back(c.rows.size());
  }
  return c;
}

std::vector<Hit> slow_search(const Collection& c, const Bm25& bm25, std::size_t k) {
  std::vector<double> sums(c.lengths.size(), 0.0);
  for (std::size_t t = 0; t + 1 < c.offsets.size(); ++t) {
    for (std::uint64_t i = c.offsets[t]; i < c.offsets[t + 1]; ++i) {
      const Row row = c.rows[i];
      sums[row] += bm25.contribution(0.5 + static_cast<double>(t), c.frequencies[i], c.lengths[row]);
    }
  }
  std::vector<Hit> hits;
  for (Row row = 0; row < sums.size(); ++row) {
    if (sums[row] > 0.0) hits.push_back({row, static_cast<float>(sums[row])});
  }
  std::sort(hits.begin(), hits.end(), pyengine::ranks_before);
  hits.resize(std::min(hits.size(), k));
  return hits;
}

}  // namespace

TEST_CASE("every window size gives the sums of the whole collection, bit for bit") {
  std::mt19937 random(11);
  WindowSums sums;  // one for all rounds: it must come back clean
  TopK top;
  for (int round = 0; round < 300; ++round) {
    const Collection c = random_collection(random);
    const PostingArrays arrays = c.arrays();
    const Bm25 bm25({}, {c.lengths.size(), 10 * c.lengths.size()});
    const std::size_t k = 1 + random() % 30;
    const std::vector<Hit> expected = slow_search(c, bm25, k);
    for (const std::uint32_t window : {1U, 2U, 3U, 63U, 64U, 65U, 8192U}) {
      std::vector<ScoredList<ListCursor>> lists = c.lists(arrays);
      top.reset(k);
      REQUIRE(pyengine::search_exhaustive(lists, bm25, c.lengths, window, sums, top));
      const auto found = top.take_sorted();
      REQUIRE(found.size() == expected.size());
      for (std::size_t i = 0; i < found.size(); ++i) {
        REQUIRE(found[i].row == expected[i].row);
        REQUIRE(found[i].score == expected[i].score);
      }
    }
  }
}

TEST_CASE("postings that contradict themselves end the search and leave the sums clean") {
  std::mt19937 random(13);
  WindowSums sums;
  TopK top;
  int refused = 0;
  for (int round = 0; round < 2000; ++round) {
    Collection c = random_collection(random);
    if (c.rows.empty()) continue;
    for (int damage = 0; damage < 3; ++damage) {
      c.rows[random() % c.rows.size()] = random() % 4 == 0 ? random() : random() % 320;
    }
    const PostingArrays arrays = c.arrays();
    const Bm25 bm25({}, {c.lengths.size(), 10 * c.lengths.size()});
    std::vector<ScoredList<ListCursor>> lists = c.lists(arrays);
    top.reset(5);
    const std::uint32_t window = 1 + random() % 100;
    if (!pyengine::search_exhaustive(lists, bm25, c.lengths, window, sums, top)) ++refused;
    for (const Hit& hit : top.take_sorted()) REQUIRE(hit.row < c.lengths.size());

    Collection sound;
    sound.lengths.assign(400, 10);
    std::vector<ScoredList<ListCursor>> none;
    top.reset(400);
    REQUIRE(pyengine::search_exhaustive(none, bm25, sound.lengths, 8192, sums, top));
    sums.drain<true>(0, std::min(window, 100U), top);
    sums.drain<false>(0, std::min(window, 100U), top);
    REQUIRE(top.take_sorted().empty());
  }
  CHECK(refused > 100);
}
