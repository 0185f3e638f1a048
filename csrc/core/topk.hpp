// The k best hits seen so far, under the order law.
// Owned by one thread; reset() keeps the memory for the next query.
#pragma once

#include <algorithm>
#include <cstddef>
#include <limits>
#include <span>
#include <vector>

#include "core/types.hpp"

namespace pyengine {

// Collects up to twice k hits (a few more for small k), then keeps the best k of them: a constant number
// of steps a hit on average, where a heap would take log k.
class TopK {
 public:
  // Forgets everything and keeps at most `k` hits from now on. REQUIRES: k >= 1.
  void reset(std::size_t k) {
    k_ = k;
    room_ = std::max(2 * k, kLeastRoom);
    threshold_ = -std::numeric_limits<Score>::infinity();
    hits_.clear();
  }

  // A hit with a lower score than this is not among the k best; at the threshold itself the row decides.
  // It never falls, and is only as high as the hits of the last clearing made it.
  [[nodiscard]] Score threshold() const noexcept { return threshold_; }

  void push(Hit hit) {
    hits_.push_back(hit);
    if (hits_.size() == room_) keep_best();
  }

  // The k best hits, or all if fewer were pushed, by the order law. Afterwards only reset() may be called.
  [[nodiscard]] std::span<const Hit> take_sorted() {
    if (hits_.size() > k_) keep_best();
    std::sort(hits_.begin(), hits_.end(), ranks_before);
    return hits_;
  }

 private:
  static constexpr std::size_t kLeastRoom = 64;

  void keep_best() {
    const auto worst = hits_.begin() + static_cast<std::ptrdiff_t>(k_ - 1);
    std::nth_element(hits_.begin(), worst, hits_.end(), ranks_before);
    threshold_ = worst->score;
    hits_.resize(k_);
  }

  std::size_t k_ = 1;
  std::size_t room_ = kLeastRoom;
  Score threshold_ = -std::numeric_limits<Score>::infinity();
  std::vector<Hit> hits_;
};

}  // namespace pyengine
