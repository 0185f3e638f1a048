// Exhaustive top-k: scores every matching row. The oracle that ships, and the fallback for what pruning
// cannot take: terms of negative weight, and more terms than it has room for.
//
// The rows are walked in windows. Inside a window each list adds its contributions to an accumulator of one
// integer a row; then the window's sums are offered to the k best. So the memory of a query does not depend
// on the collection. Windows without postings are jumped over.
//
// Memory safety does not rest on the index being sound: a row outside its window is never used as an index,
// and a list whose rows do not ascend ends the search with `false`.
#pragma once

#include <cstdint>
#include <vector>

#include "core/segment_query.hpp"
#include "core/topk.hpp"

namespace pyengine {

inline constexpr std::uint32_t kWindowRows = 8192;  // 64 KiB of sums: stays in the L2 cache

// The sums of one window. All zero between queries; owned by one thread.
class WindowSums {
 public:
  void reserve(std::uint32_t rows) {
    if (sums_.size() < rows) {
      sums_.resize(rows, 0);
      touched_.resize((rows + 63) / 64, 0);
    }
  }

  [[nodiscard]] FixedScore* sums() noexcept { return sums_.data(); }
  // One bit a slot, kept only for sparse queries.
  [[nodiscard]] std::uint64_t* touched() noexcept { return touched_.data(); }

 private:
  std::vector<FixedScore> sums_;
  std::vector<std::uint64_t> touched_;
};

// Offers every row with a score above 0 that the filter admits to `top`, which was reset before the first
// segment. False: the postings contradict themselves; `sums` is clean either way.
// REQUIRES: window >= 1.
[[nodiscard]] bool search_exhaustive(const SegmentQuery& query, std::uint32_t window, WindowSums& sums,
                                     TopK& top, SearchCounters& counters);

}  // namespace pyengine
