#include <algorithm>
#include <random>
#include <vector>

#include "core/code_table.hpp"
#include "core/codebook.hpp"
#include "core/fixed_point.hpp"
#include "core/list_access.hpp"
#include "core/list_encoder.hpp"
#include "doctest/doctest.h"

using pyengine::Bm25;
using pyengine::Bm25Params;
using pyengine::Codebook;
using pyengine::CodeRange;
using pyengine::CodeTable;
using pyengine::FixedPoint;
using pyengine::ListArrays;
using pyengine::ListEncoder;
using pyengine::PairHistogram;
using pyengine::Row;
using pyengine::Variant;

namespace {

struct Posting {
  std::uint32_t tf;
  std::uint32_t length;
};

// Lengths and frequencies of every size a format can meet.
std::vector<Posting> random_pairs(std::mt19937& random, std::size_t count) {
  std::vector<Posting> pairs(count);
  for (Posting& pair : pairs) {
    pair.tf = 1 + (random() % 8 == 0 ? random() % (1U << random() % 31) : random() % 5);
    pair.length = random() % 5 == 0 ? random() : random() % 300;
  }
  return pairs;
}

Bm25Params random_params(std::mt19937& random) {
  return {.k1 = static_cast<double>(random() % 400) / 100.0,
          .b = static_cast<double>(random() % 101) / 100.0,
          .delta = static_cast<double>(random() % 200) / 100.0,
          .variant = static_cast<Variant>(random() % pyengine::kVariants)};
}

}  // namespace

TEST_CASE("codes rise with the saturation, and few values have a code each") {
  std::mt19937 random(31);
  for (const std::size_t size : {1U, 40U, 5000U}) {
    const std::vector<Posting> pairs = random_pairs(random, size);
    const Bm25 bm25({}, {1000, 70'000});
    PairHistogram histogram;
    for (const Posting& pair : pairs) histogram.add(pair.tf, pair.length);
    const Codebook codebook(histogram, bm25);
    for (const Posting& a : pairs) {
      REQUIRE(codebook.code(a.tf, a.length) >= 1);
      const Posting& b = pairs[random() % pairs.size()];
      const double first = bm25.saturation(a.tf, a.length);
      const double second = bm25.saturation(b.tf, b.length);
      if (first < second) REQUIRE(codebook.code(a.tf, a.length) <= codebook.code(b.tf, b.length));
      if (first == second) REQUIRE(codebook.code(a.tf, a.length) == codebook.code(b.tf, b.length));
    }
  }
}

TEST_CASE("what the ranges say of a code holds for all its postings, under every formula") {
  std::mt19937 random(37);
  for (int round = 0; round < 60; ++round) {
    const std::vector<Posting> pairs = random_pairs(random, 1 + random() % 400);
    std::vector<std::uint32_t> lengths;
    for (const Posting& pair : pairs) lengths.push_back(pair.length);
    PairHistogram histogram;
    for (const Posting& pair : pairs) histogram.add(pair.tf, pair.length);
    const Codebook codebook(histogram, Bm25(random_params(random), {pairs.size(), 70 * pairs.size()}));
    const std::vector<std::uint32_t> counts{static_cast<std::uint32_t>(pairs.size())};
    std::vector<Row> rows;
    std::vector<std::uint32_t> frequencies;
    for (Row row = 0; row < pairs.size(); ++row) {
      rows.push_back(row);
      frequencies.push_back(pairs[row].tf);
    }
    ListEncoder encoder(codebook, lengths, counts, {.tail_limit = random() % 2 == 0 ? 1U : 1000U});
    std::vector<ListEncoder::Notes> notes(1);
    encoder.encode(0, rows, frequencies, notes.front());
    const ListArrays lists = encoder.finish(notes);
    const std::vector<std::uint8_t>& codes = lists.tail_postings > 0 ? lists.tail_codes : lists.body_codes;
    for (int formula = 0; formula < 5; ++formula) {
      const Bm25 bm25(random_params(random), {pairs.size(), (1 + random() % 500) * pairs.size()});
      const CodeTable table = pyengine::make_code_table(lists.code_ranges, bm25);
      for (Row row = 0; row < pairs.size(); ++row) {
        const double value = bm25.saturation(pairs[row].tf, pairs[row].length);
        const std::uint8_t code = codes[row];
        REQUIRE(value <= table.upper[code]);
        REQUIRE(value >= table.lower[code]);
        REQUIRE(table.upper[code] <= table.ceiling[code]);
        REQUIRE(table.lower[code] >= table.floor[code]);
        REQUIRE(value <= bm25.max_saturation() * (1.0 + 1e-15));
        if (table.exact) REQUIRE(value == table.ceiling[code]);
      }
    }
  }
}

TEST_CASE("fixed point: the least sum is the least, and contributions round to the nearest") {
  std::mt19937_64 random(41);
  for (int round = 0; round < 2000; ++round) {
    const double magnitude =
        std::ldexp(1.0 + static_cast<double>(random() % 1000) / 1000.0, static_cast<int>(random() % 60) - 30);
    const FixedPoint fixed(magnitude);
    const auto sum = static_cast<std::int64_t>(random() % (std::uint64_t{1} << 51));
    const float score = fixed.score(sum);
    if (!(score > 0.0F)) continue;
    const std::int64_t least = fixed.least_sum(score);
    REQUIRE(fixed.score(least) >= score);
    REQUIRE(fixed.score(least - 1) < score);
    REQUIRE(least <= sum);
    REQUIRE(std::abs(fixed.contribution(magnitude, 1.0)) < std::int64_t{1} << 51);
    const double share = magnitude * static_cast<double>(random() % 1000) / 1000.0;
    REQUIRE(fixed.contribution(share, 1.0) == std::llrint(share * fixed.scale()));
    REQUIRE(fixed.contribution(-share, 1.0) == -fixed.contribution(share, 1.0));
  }
}
