// The k best hits seen so far, under the order law.
// Owned by one thread; reset() keeps the memory for the next query.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <span>
#include <vector>

#include "core/types.hpp"

namespace pyengine {

// A hit as one number: the greater key ranks before. 0 is no hit's key.
using RankKey = std::uint64_t;

[[nodiscard]] inline RankKey rank_key(const Hit& hit) noexcept {
  const auto bits = std::bit_cast<std::uint32_t>(hit.score + 0.0F);  // -0 becomes +0, its equal
  const std::uint32_t ordered = bits ^ ((bits >> 31) != 0 ? 0xFFFFFFFFU : 0x80000000U);
  return std::uint64_t{ordered} << 32 | static_cast<std::uint32_t>(~hit.row);
}

[[nodiscard]] inline Hit hit_of(RankKey key) noexcept {
  const auto ordered = static_cast<std::uint32_t>(key >> 32);
  const std::uint32_t bits = ordered ^ ((ordered >> 31) != 0 ? 0x80000000U : 0xFFFFFFFFU);
  return {~static_cast<Row>(key), std::bit_cast<Score>(bits)};
}

// Small k: a heap, whose threshold is the worst of the k best at any time. Larger k: a buffer of half as much
// again, thinned out to the best k when it is full: a constant number of steps a hit on average.
class TopK {
 public:
  // Forgets everything and keeps at most `k` hits from now on. REQUIRES: k >= 1.
  void reset(std::size_t k) {
    k_ = k;
    room_ = k <= kHeapRoom ? k : k + std::max(k / 2, kLeastSpare);
    worst_ = 0;
    keys_.clear();
  }

  // Hits that do not rank before this one are not among the k best. 0 as long as any hit may be. It never
  // falls; with a large k it is as high as the last thinning made it.
  [[nodiscard]] RankKey worst() const noexcept { return worst_; }

  // The score of worst(), or -infinity.
  [[nodiscard]] Score threshold() const noexcept {
    return worst_ == 0 ? -std::numeric_limits<Score>::infinity() : hit_of(worst_).score;
  }

  void push(Hit hit) {
    const RankKey key = rank_key(hit);
    if (key <= worst_) return;
    if (k_ <= kHeapRoom) {
      push_heap(key);
      return;
    }
    keys_.push_back(key);
    if (keys_.size() == (worst_ == 0 ? k_ : room_)) keep_best();
  }

  // The k best hits, or all if fewer were pushed, by the order law. Afterwards only reset() may be called.
  [[nodiscard]] std::span<const Hit> take_sorted() {
    if (keys_.size() > k_) keep_best();
    std::sort(keys_.begin(), keys_.end(), std::greater<>());
    hits_.resize(keys_.size());
    std::transform(keys_.begin(), keys_.end(), hits_.begin(), hit_of);
    return hits_;
  }

 private:
  static constexpr std::size_t kHeapRoom = 32;
  static constexpr std::size_t kLeastSpare = 64;  // hits between two thinnings

  void push_heap(RankKey key) {
    if (keys_.size() == k_) {
      std::pop_heap(keys_.begin(), keys_.end(), std::greater<>());
      keys_.pop_back();
    }
    keys_.push_back(key);
    std::push_heap(keys_.begin(), keys_.end(), std::greater<>());
    if (keys_.size() == k_) worst_ = keys_.front();
  }

  void keep_best() {
    const auto worst = keys_.begin() + static_cast<std::ptrdiff_t>(k_ - 1);
    std::nth_element(keys_.begin(), worst, keys_.end(), std::greater<>());
    worst_ = *worst;
    keys_.resize(k_);
  }

  std::size_t k_ = 1;
  std::size_t room_ = 1;
  RankKey worst_ = 0;
  std::vector<RankKey> keys_;
  std::vector<Hit> hits_;
};

}  // namespace pyengine
