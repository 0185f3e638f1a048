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

class TopK {
 public:
  // Forgets everything and keeps at most `k` hits from now on. REQUIRES: k >= 1.
  void reset(std::size_t k) {
    k_ = k;
    hits_.clear();
  }

  [[nodiscard]] std::size_t size() const noexcept { return hits_.size(); }
  [[nodiscard]] bool full() const noexcept { return hits_.size() == k_; }

  // A hit with a lower score than this cannot enter. At the threshold itself the row decides.
  [[nodiscard]] Score threshold() const noexcept {
    return full() ? hits_.front().score : -std::numeric_limits<Score>::infinity();
  }

  void push(Hit hit) {
    if (!full()) {
      hits_.push_back(hit);
      std::push_heap(hits_.begin(), hits_.end(), ranks_before);
    } else if (ranks_before(hit, hits_.front())) {
      replace_worst(hit);
    }
  }

  // The hits by the order law. Afterwards only reset() may be called.
  [[nodiscard]] std::span<const Hit> take_sorted() {
    std::sort_heap(hits_.begin(), hits_.end(), ranks_before);
    return hits_;
  }

 private:
  // The worst hit is at the root: one walk down, half the work of pop_heap and push_heap.
  void replace_worst(Hit hit) noexcept {
    std::size_t hole = 0;
    while (true) {
      std::size_t child = 2 * hole + 1;
      if (child >= hits_.size()) break;
      if (child + 1 < hits_.size() && ranks_before(hits_[child], hits_[child + 1])) ++child;
      if (!ranks_before(hit, hits_[child])) break;
      hits_[hole] = hits_[child];
      hole = child;
    }
    hits_[hole] = hit;
  }

  std::size_t k_ = 1;
  std::vector<Hit> hits_;
};

}  // namespace pyengine
