#include "core/codebook.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace pyengine {

namespace {

constexpr std::size_t kCodes = 255;

// Frequent values get finer codes, but rare high ones, which decide who is best, keep some too.
constexpr double kCountPower = 0.4;

}  // namespace

std::uint32_t PairHistogram::coarse(std::uint32_t number) noexcept {
  const auto spare = std::max(static_cast<int>(std::bit_width(number)) - 10, 0);
  return number >> spare << spare;
}

void PairHistogram::add(const PairHistogram& other) {
  for (std::size_t i = 0; i < table_.size(); ++i) table_[i] += other.table_[i];
  for (const auto& [pair, count] : other.rest_) rest_[pair] += count;
}

std::vector<PairHistogram::Value> PairHistogram::values(const Bm25& bm25) const {
  std::vector<Value> values;
  for (std::uint32_t tf = 0; tf < kTableFrequency; ++tf) {
    for (std::uint32_t length = 0; length < kTableLength; ++length) {
      const std::uint64_t count = table_[std::size_t{tf} * kTableLength + length];
      if (count > 0) values.push_back({bm25.saturation(tf, length), count});
    }
  }
  for (const auto& [pair, count] : rest_) {
    values.push_back(
        {bm25.saturation(static_cast<std::uint32_t>(pair >> 32), static_cast<std::uint32_t>(pair)), count});
  }
  std::sort(values.begin(), values.end(), [](const Value& a, const Value& b) {
    return a.saturation < b.saturation || (a.saturation == b.saturation && a.count < b.count);
  });
  std::vector<Value> distinct;
  for (const Value& value : values) {
    if (distinct.empty() || distinct.back().saturation != value.saturation) {
      distinct.push_back(value);
    } else {
      distinct.back().count += value.count;
    }
  }
  return distinct;
}

Codebook::Codebook(const PairHistogram& pairs, const Bm25& bm25)
    : bm25_(bm25), table_(std::size_t{PairHistogram::kTableFrequency} * PairHistogram::kTableLength) {
  const std::vector<PairHistogram::Value> values = pairs.values(bm25);
  double total = 0.0;
  for (const PairHistogram::Value& value : values) {
    total += std::pow(static_cast<double>(value.count), kCountPower);
  }
  double before = 0.0;
  for (const PairHistogram::Value& value : values) {
    const auto wanted = static_cast<std::size_t>(static_cast<double>(kCodes - 1) * before / total) + 1;
    if (values.size() <= kCodes || wanted > starts_.size()) starts_.push_back(value.saturation);
    before += std::pow(static_cast<double>(value.count), kCountPower);
  }
  for (std::uint32_t tf = 0; tf < PairHistogram::kTableFrequency; ++tf) {
    for (std::uint32_t length = 0; length < PairHistogram::kTableLength; ++length) {
      table_[std::size_t{tf} * PairHistogram::kTableLength + length] = code_of(bm25.saturation(tf, length));
    }
  }
}

std::uint8_t Codebook::code_of(double saturation) const noexcept {
  const auto after = std::upper_bound(starts_.begin(), starts_.end(), saturation);
  return static_cast<std::uint8_t>(std::clamp<std::ptrdiff_t>(after - starts_.begin(), 1, kCodes));
}

}  // namespace pyengine
