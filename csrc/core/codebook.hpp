// Which of 255 codes a posting gets: a monotone quantisation of its saturation under the formula of the
// build. With up to 255 distinct values in the collection every value has a code of its own.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "core/bm25.hpp"

namespace pyengine {

// How often each (frequency, document length) occurs among the postings of a collection. Pairs of rare size
// are counted together with their neighbours. Threads may each fill one; the sum does not depend on the
// order.
class PairHistogram {
 public:
  static constexpr std::uint32_t kTableFrequency = 16;  // pairs below both are counted in a table
  static constexpr std::uint32_t kTableLength = 4096;

  PairHistogram() : table_(std::size_t{kTableFrequency} * kTableLength, 0) {}

  void add(std::uint32_t tf, std::uint32_t length) {
    if (tf < kTableFrequency && length < kTableLength) {
      ++table_[std::size_t{tf} * kTableLength + length];
    } else {
      ++rest_[std::uint64_t{coarse(tf)} << 32 | coarse(length)];
    }
  }

  void add(const PairHistogram& other);

  struct Value {
    double saturation;
    std::uint64_t count;
  };

  // The distinct saturations under a formula, ascending, with their counts.
  [[nodiscard]] std::vector<Value> values(const Bm25& bm25) const;

 private:
  // The leading 10 bits of a number: neighbours within a thousandth share one.
  [[nodiscard]] static std::uint32_t coarse(std::uint32_t number) noexcept;

  std::vector<std::uint64_t> table_;
  std::unordered_map<std::uint64_t, std::uint64_t> rest_;
};

class Codebook {
 public:
  Codebook(const PairHistogram& pairs, const Bm25& bm25);

  // 1 to 255; rises with the saturation. Any pair has a code, whether or not the histogram knew it.
  [[nodiscard]] std::uint8_t code(std::uint32_t tf, std::uint32_t length) const noexcept {
    if (tf < PairHistogram::kTableFrequency && length < PairHistogram::kTableLength) {
      return table_[std::size_t{tf} * PairHistogram::kTableLength + length];
    }
    return code_of(bm25_.saturation(tf, length));
  }

 private:
  [[nodiscard]] std::uint8_t code_of(double saturation) const noexcept;

  Bm25 bm25_;
  std::vector<double> starts_;  // the least saturation of code 1, 2, ...
  std::vector<std::uint8_t> table_;
};

}  // namespace pyengine
