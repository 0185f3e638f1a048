// Exhaustive top-k: scores every matching row. The oracle that ships, and the fallback.
//
// The rows are walked in windows. Inside a window each term in query order adds its contributions to an
// accumulator of one float64 a row; then the window's sums, each rounded once to float32, are offered to
// the heap. So the memory of a query does not depend on the collection, and every sum is made in query
// order whatever the window size. Windows without postings are jumped over.
//
// Memory safety does not rest on the index being sound: a row outside its window is never used as an
// index, and a list that cannot make progress ends the search with `false`.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <span>
#include <vector>

#include "core/bm25.hpp"
#include "core/cursor.hpp"
#include "core/topk.hpp"
#include "core/types.hpp"

namespace pyengine {

inline constexpr std::uint32_t kWindowRows = 8192;  // 64 KiB of sums: stays in the L2 cache

template <PostingCursor Cursor>
struct ScoredList {
  Cursor cursor;
  double weighted_idf;
};

// The sums of one window. All zero between queries; owned by one thread.
class WindowSums {
 public:
  void reserve(std::uint32_t rows) {
    if (sums_.size() < rows) {
      sums_.resize(rows, 0.0);
      touched_.resize((rows + 63) / 64, 0);
    }
  }

  template <bool kSparse>
  void add(std::uint32_t slot, double value) noexcept {
    sums_[slot] += value;
    if constexpr (kSparse) touched_[slot / 64] |= std::uint64_t{1} << (slot % 64);
  }

  // Offers every sum above 0 to `top`, rows ascending, and sets all sums back to 0.
  template <bool kSparse>
  void drain(Row first, std::uint32_t rows, TopK& top) {
    if constexpr (kSparse) {
      for (std::uint32_t word = 0; word * 64 < rows; ++word) {
        for (std::uint64_t bits = touched_[word]; bits != 0; bits &= bits - 1) {
          const std::uint32_t slot = word * 64 + static_cast<std::uint32_t>(std::countr_zero(bits));
          offer(first + slot, sums_[slot], top);
          sums_[slot] = 0.0;
        }
        touched_[word] = 0;
      }
    } else {
      for (std::uint32_t slot = 0; slot < rows; ++slot) offer(first + slot, sums_[slot], top);
      std::fill_n(sums_.begin(), rows, 0.0);
    }
  }

 private:
  static void offer(Row row, double sum, TopK& top) {
    const auto score = static_cast<Score>(sum);
    // Rows come in ascending order, so at the threshold itself the earlier row has won already.
    if (score > 0.0F && score > top.threshold()) top.push({row, score});
  }

  std::vector<double> sums_;
  std::vector<std::uint64_t> touched_;  // one bit a slot, kept only for sparse queries
};

namespace detail {

// Adds one list's contributions inside [first, first + rows).
template <bool kSparse, PostingCursor Cursor>
void add_window(ScoredList<Cursor>& list, const Bm25& bm25, std::span<const std::uint32_t> lengths, Row first,
                std::uint32_t rows, WindowSums& sums) noexcept {
  Cursor cursor = list.cursor;  // a local copy stays in registers
  for (; !cursor.done(); cursor.next()) {
    const Row row = cursor.row();
    const std::uint32_t slot = row - first;  // wraps for a row before the window, which then ends it too
    if (slot >= rows) break;
    sums.add<kSparse>(slot, bm25.contribution(list.weighted_idf, cursor.frequency(), lengths[row]));
  }
  list.cursor = cursor;
}

template <bool kSparse, PostingCursor Cursor>
[[nodiscard]] bool search_windows(std::vector<ScoredList<Cursor>>& lists, const Bm25& bm25,
                                  std::span<const std::uint32_t> lengths, std::uint32_t window,
                                  WindowSums& sums, TopK& top) {
  const auto documents = static_cast<std::uint64_t>(lengths.size());
  std::uint64_t floor = 0;  // every row below has been dealt with
  while (true) {
    std::erase_if(lists, [](const ScoredList<Cursor>& list) { return list.cursor.done(); });
    if (lists.empty()) return true;
    Row next = kNoRow;
    for (const ScoredList<Cursor>& list : lists) {
      if (list.cursor.row() < floor) return false;
      next = std::min(next, list.cursor.row());
    }
    if (next >= documents) return false;
    const Row first = next - next % window;
    const auto rows = static_cast<std::uint32_t>(std::min<std::uint64_t>(window, documents - first));
    for (ScoredList<Cursor>& list : lists) add_window<kSparse>(list, bm25, lengths, first, rows, sums);
    sums.drain<kSparse>(first, rows, top);
    floor = std::uint64_t{first} + rows;
  }
}

}  // namespace detail

// Collects into `top` the best rows for `lists`, which are in query order and are used up.
// Returns false if the postings contradict themselves (rows not ascending, or outside the collection);
// `sums` is clean either way.
// REQUIRES: window >= 1; lengths.size() is the number of documents; top was reset.
template <PostingCursor Cursor>
[[nodiscard]] bool search_exhaustive(std::vector<ScoredList<Cursor>>& lists, const Bm25& bm25,
                                     std::span<const std::uint32_t> lengths, std::uint32_t window,
                                     WindowSums& sums, TopK& top) {
  window =
      static_cast<std::uint32_t>(std::min<std::uint64_t>(window, std::max<std::size_t>(lengths.size(), 1)));
  sums.reserve(window);
  std::uint64_t postings = 0;
  for (const ScoredList<Cursor>& list : lists) postings += list.cursor.remaining();
  // Marking touched slots costs a little a posting, scanning a window a little a row: whichever is less.
  return postings < lengths.size() / 8
             ? detail::search_windows<true>(lists, bm25, lengths, window, sums, top)
             : detail::search_windows<false>(lists, bm25, lengths, window, sums, top);
}

}  // namespace pyengine
