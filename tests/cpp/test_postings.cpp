#include <random>
#include <vector>

#include "core/postings.hpp"
#include "doctest/doctest.h"

using pyengine::ListCursor;
using pyengine::PostingArrays;
using pyengine::Row;

namespace {

struct Postings {
  std::vector<std::uint64_t> offsets;
  std::vector<Row> rows;
  std::vector<std::uint8_t> frequencies;
  std::vector<std::uint64_t> large_index;
  std::vector<std::uint32_t> large_value;

  [[nodiscard]] PostingArrays arrays() const {
    return {offsets, rows, frequencies, large_index, large_value};
  }
};

}  // namespace

TEST_CASE("seek finds the first row at or after the target, from anywhere") {
  std::mt19937 random(3);
  for (int round = 0; round < 200; ++round) {
    Postings postings;
    Row row = 0;
    const std::size_t n = random() % 50;
    for (std::size_t i = 0; i < n; ++i) {
      row += 1 + random() % 9;
      postings.rows.push_back(row);
      postings.frequencies.push_back(1);
    }
    const PostingArrays arrays = postings.arrays();
    for (std::size_t start = 0; start <= n; ++start) {
      for (Row target = 0; target < row + 3; ++target) {
        ListCursor cursor(arrays, start, n);
        cursor.seek(target);
        std::size_t expected = start;
        while (expected < n && postings.rows[expected] < target) ++expected;
        REQUIRE(cursor.remaining() == n - expected);
        if (!cursor.done()) REQUIRE(cursor.row() == postings.rows[expected]);
      }
    }
  }
}

TEST_CASE("large frequencies come from the exceptions, and a missing one is no crash") {
  const Postings postings{{0, 3}, {1, 2, 3}, {254, 255, 255}, {1}, {70'000}};
  const PostingArrays arrays = postings.arrays();
  CHECK(arrays.frequency(0) == 254);
  CHECK(arrays.frequency(1) == 70'000);
  CHECK(arrays.frequency(2) == 255);
}
