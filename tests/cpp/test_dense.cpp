#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <numeric>
#include <vector>

#include "core/dense.hpp"
#include "core/error.hpp"
#include "doctest/doctest.h"

namespace {

using pyengine::DenseHits;
using pyengine::from_half;
using pyengine::kNoRow;
using pyengine::Row;
using pyengine::Score;
using pyengine::VectorBlocksView;
using pyengine::VectorType;

// A small generator of its own, so that the test is the same everywhere.
class Noise {
 public:
  std::uint32_t bits() {
    state_ = state_ * 6364136223846793005U + 1442695040888963407U;
    return static_cast<std::uint32_t>(state_ >> 32U);
  }
  float component() { return static_cast<float>(static_cast<std::int32_t>(bits())) * 0x1p-31F; }
  // A finite half of magnitude below 2.
  std::uint16_t half() { return static_cast<std::uint16_t>(bits() & 0xBFFFU); }

 private:
  std::uint64_t state_ = 42;
};

// Slot i holds row i.
std::vector<Row> in_order(std::size_t n) {
  std::vector<Row> rows(n);
  std::iota(rows.begin(), rows.end(), Row{0});
  return rows;
}

const std::byte* bytes(const void* data) { return static_cast<const std::byte*>(data); }

struct Found {
  Found(std::size_t n, std::size_t k)
      : rows(n * k), scores(n * k), counts(n), view{k, rows, scores, counts} {}
  std::vector<Row> rows;
  std::vector<Score> scores;
  std::vector<std::uint32_t> counts;
  DenseHits view;
};

}  // namespace

TEST_CASE("halves become the floats of the same value") {
  CHECK(from_half(0x3C00) == 1.0F);
  CHECK(from_half(0xC000) == -2.0F);
  CHECK(from_half(0x7BFF) == 65504.0F);
  CHECK(from_half(0x0400) == 0x1p-14F);
  CHECK(from_half(0x0001) == 0x1p-24F);
  CHECK(from_half(0x83FF) == -1023.0F * 0x1p-24F);
  CHECK(from_half(0x7C00) == std::numeric_limits<float>::infinity());
  CHECK(std::isnan(from_half(0x7E00)));
  CHECK(std::bit_cast<std::uint32_t>(from_half(0x8000)) == 0x80000000U);
}

TEST_CASE("an inner product by hand") {
  const std::vector<float> query{1.0F, 2.0F, 3.0F};
  const std::vector<float> stored{4.0F, 5.0F, -6.0F};
  const std::vector<std::uint16_t> halves{0x3C00, 0xC000, 0x0000};
  CHECK(pyengine::inner_product_for(VectorType::kFloat32)(query.data(), bytes(stored.data()), 3) == -4.0F);
  CHECK(pyengine::inner_product_for(VectorType::kFloat16)(query.data(), bytes(halves.data()), 3) == -3.0F);
}

TEST_CASE("the kernel of this CPU gives the bits of the portable one, for every length") {
  Noise noise;
  for (std::size_t dim = 1; dim <= 200; ++dim) {
    std::vector<float> query(dim);
    std::vector<float> floats(dim);
    std::vector<std::uint16_t> halves(dim);
    for (std::size_t i = 0; i < dim; ++i) {
      query[i] = noise.component();
      floats[i] = noise.component();
      halves[i] = noise.half();
    }
    for (const VectorType type : {VectorType::kFloat16, VectorType::kFloat32}) {
      const std::byte* stored = type == VectorType::kFloat16 ? bytes(halves.data()) : bytes(floats.data());
      const float fast = pyengine::inner_product_for(type)(query.data(), stored, dim);
      const float portable = pyengine::portable_inner_product_for(type)(query.data(), stored, dim);
      CHECK(std::bit_cast<std::uint32_t>(fast) == std::bit_cast<std::uint32_t>(portable));
    }
  }
}

TEST_CASE("rows are found across blocks, ties by row, on one thread and on four") {
  // Rows 0 to 399 in blocks of 1, 199 and 200; row r points along axis r % 5.
  std::vector<float> data;
  for (std::size_t row = 0; row < 400; ++row) {
    for (std::size_t axis = 0; axis < 5; ++axis) data.push_back(axis == row % 5 ? 1.0F : 0.0F);
  }
  VectorBlocksView vectors(VectorType::kFloat32, 5);
  vectors.append(bytes(data.data()), 1);
  vectors.append(bytes(data.data() + 5), 199);
  vectors.append(bytes(data.data() + 5 * std::size_t{200}), 200);
  std::vector<float> queries(40 * 5, 0.0F);
  for (std::size_t q = 0; q < 40; ++q) queries[q * 5 + q % 5] = 1.0F;

  const std::vector<Row> rows = in_order(400);
  for (const unsigned threads : {1U, 4U}) {
    Found found(40, 3);
    REQUIRE(pyengine::search_every_row(vectors, rows, {}, queries, threads, found.view, {}));
    for (std::size_t q = 0; q < 40; ++q) {
      for (std::size_t slot = 0; slot < 3; ++slot) {
        CHECK(found.rows[q * 3 + slot] == q % 5 + 5 * slot);
        CHECK(found.scores[q * 3 + slot] == 1.0F);
      }
    }
  }
}

TEST_CASE("only allowed rows are answered, and none that the bitmap does not reach") {
  const std::vector<float> data(130, 1.0F);
  VectorBlocksView vectors(VectorType::kFloat32, 1);
  vectors.append(bytes(data.data()), data.size());
  const std::vector<float> query{1.0F};
  const std::vector<Row> rows = in_order(130);
  const std::vector<std::uint64_t> allowed{std::uint64_t{1} << 63, 1};
  Found found(1, 4);
  REQUIRE(pyengine::search_every_row(vectors, rows, allowed, query, 1, found.view, {}));
  CHECK(found.counts[0] == 2);
  CHECK(found.rows[0] == 63);
  CHECK(found.rows[1] == 64);
}

TEST_CASE("what is not there leaves slots unused") {
  const std::vector<float> data{1.0F, 0.0F};
  VectorBlocksView vectors(VectorType::kFloat32, 1);
  vectors.append(bytes(data.data()), 2);
  const std::vector<float> query{1.0F};
  const std::vector<Row> rows = in_order(2);
  Found found(1, 4);
  REQUIRE(pyengine::search_every_row(vectors, rows, {}, query, 1, found.view, {}));
  CHECK(found.counts[0] == 2);
  CHECK(found.rows[2] == kNoRow);
  CHECK(found.scores[3] == -std::numeric_limits<float>::infinity());
}

TEST_CASE("a search that is told to stop says so") {
  const std::vector<float> data(1000, 1.0F);
  VectorBlocksView vectors(VectorType::kFloat32, 1);
  vectors.append(bytes(data.data()), data.size());
  const std::vector<float> query{1.0F};
  const std::vector<Row> rows = in_order(1000);
  Found found(1, 1);
  CHECK_FALSE(pyengine::search_every_row(vectors, rows, {}, query, 1, found.view, [] { return true; }));
}

TEST_CASE("slots in another order than the rows change no answer") {
  // Row 3 lies first, row 0 last.
  const std::vector<float> data{-1.0F, 0.5F, 1.0F, 0.5F};
  const std::vector<Row> rows{3, 2, 1, 0};
  VectorBlocksView vectors(VectorType::kFloat32, 1);
  vectors.append(bytes(data.data()), 4);
  const std::vector<float> query{1.0F};
  Found every(1, 4);
  REQUIRE(pyengine::search_every_row(vectors, rows, {}, query, 1, every.view, {}));
  CHECK(every.rows == std::vector<Row>{1, 0, 2, 3});
  const std::vector<std::uint64_t> candidates{0, 1, 3};
  const std::vector<std::uint64_t> count{3};
  Found some(1, 2);
  pyengine::rank_candidates(vectors, rows, query, candidates, 3, count, some.view);
  CHECK(some.rows == std::vector<Row>{0, 2});
}

TEST_CASE("vectors that are not of length 1 are found") {
  std::vector<float> data{0.6F, 0.8F, 1.0F, 0.0F, 0.0F, -1.0F};
  VectorBlocksView vectors(VectorType::kFloat32, 2);
  vectors.append(bytes(data.data()), 3);
  CHECK(pyengine::first_not_unit(vectors, 0.01) == kNoRow);
  data[5] = 1.02F;
  CHECK(pyengine::first_not_unit(vectors, 0.01) == 2);
  data[2] = std::numeric_limits<float>::quiet_NaN();
  CHECK(pyengine::first_not_unit(vectors, 0.01) == 1);
  data[0] = std::numeric_limits<float>::infinity();
  CHECK(pyengine::first_not_unit(vectors, 0.01) == 0);
}

TEST_CASE("candidates are ranked by the order law, and must be there") {
  const std::vector<float> data{0.5F, 1.0F, 0.5F, -1.0F};
  VectorBlocksView vectors(VectorType::kFloat32, 1);
  vectors.append(bytes(data.data()), 4);
  const std::vector<float> query{1.0F};
  const std::vector<Row> rows = in_order(4);
  std::vector<std::uint64_t> candidates{3, 2, 1, 0, 77};
  std::vector<std::uint64_t> count{4};
  Found found(1, 3);
  pyengine::rank_candidates(vectors, rows, query, candidates, 5, count, found.view);
  CHECK(found.rows == std::vector<Row>{1, 0, 2});
  count[0] = 5;
  CHECK_THROWS_AS(pyengine::rank_candidates(vectors, rows, query, candidates, 5, count, found.view),
                  pyengine::Error);
}
