// The candidates of one query while lists are fused, and their order.
// Internal to fuse.cpp and fuse_scores.cpp. Thread rule: an object belongs to one thread.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/error.hpp"
#include "core/fuse.hpp"
#include "core/types.hpp"

namespace pyengine {

// A hit as one number: ascending keys are the order law. The bits of a float ascend with its value once those
// of negative ones are inverted and the sign of the others is set.
using FusionKey = std::uint64_t;

inline FusionKey key_of(Row row, Score score) noexcept {
  const auto bits = std::bit_cast<std::uint32_t>(score + 0.0F);  // -0 and 0 are one score
  const std::uint32_t ascending = bits ^ ((bits >> 31) != 0 ? 0xFFFFFFFFU : 0x80000000U);
  return FusionKey{~ascending} << 32 | row;
}
inline Row row_of(FusionKey key) noexcept { return static_cast<Row>(key); }
inline Score score_of(FusionKey key) noexcept {
  const auto ascending = ~static_cast<std::uint32_t>(key >> 32);
  return std::bit_cast<Score>(ascending ^ ((ascending >> 31) != 0 ? 0x80000000U : 0xFFFFFFFFU));
}

struct FusionCandidate {
  double sum;
  Row row;
  std::uint32_t last_list : 31;  // the list that named it last, to notice a row named twice
  std::uint32_t shared : 1;      // sorted apart: named by several lists, or its sum holds several scores
};

// The candidates of one query, found by row through an open-addressing table.
class FusionCandidates {
 public:
  // Forgets everything and makes room for `limit` rows.
  void reset(std::size_t limit) {
    const std::size_t slots = std::bit_ceil(std::max<std::size_t>(4 * limit, 16));
    slots_.assign(slots, 0);
    shift_ = 64 - std::countr_zero(slots);
    entries_.clear();
    entries_.reserve(limit);
  }

  // Adds to the row's sum. False: `list` had named the row before.
  [[nodiscard]] bool add(Row row, std::uint32_t list, double value) {
    FusionCandidate* const known = find(row, list, 0, [&] { return value; });
    if (known == nullptr) return true;
    if (!name_again(*known, list)) return false;
    known->sum += value;
    return true;
  }

  // As above, for a row whose whole sum the first list that names it knows: `whole` is called for that one.
  template <class Sum>
    requires std::is_invocable_r_v<double, Sum>
  [[nodiscard]] bool add(Row row, std::uint32_t list, const Sum& whole) {
    // Sums that hold more than the list's own score are in no order: all are sorted together.
    FusionCandidate* const known = find(row, list, 1, whole);
    return known == nullptr || name_again(*known, list);
  }

  [[nodiscard]] std::span<const FusionCandidate> entries() const noexcept { return entries_; }

 private:
  [[nodiscard]] static bool name_again(FusionCandidate& candidate, std::uint32_t list) noexcept {
    if (candidate.last_list == list) return false;
    candidate.last_list = list & 0x7FFFFFFF;
    candidate.shared = 1;
    return true;
  }

  // The row's candidate, or null after making one with the sum that `first` returns and this mark.
  template <class Sum>
  [[nodiscard]] FusionCandidate* find(Row row, std::uint32_t list, std::uint32_t shared, const Sum& first) {
    // Multiplicative hashing: consecutive rows, which are common, spread over the table.
    std::size_t slot = (row * 0x9E3779B97F4A7C15ULL) >> shift_;
    for (; slots_[slot] != 0; slot = (slot + 1) & (slots_.size() - 1)) {
      FusionCandidate& candidate = entries_[slots_[slot] - 1];
      if (candidate.row == row) return &candidate;
    }
    entries_.push_back({first(), row, list & 0x7FFFFFFF, shared & 1U});
    slots_[slot] = static_cast<std::uint32_t>(entries_.size());
    return nullptr;
  }

  std::vector<std::uint32_t> slots_;  // 1 + index into entries_; 0: empty
  int shift_ = 0;
  std::vector<FusionCandidate> entries_;
};

// The smaller of two keys, without a branch the CPU would have to guess.
inline FusionKey pick(bool second, FusionKey a, FusionKey b) noexcept {
  return a ^ ((a ^ b) & (FusionKey{0} - FusionKey{second}));
}

// Merges two ascending runs into `out`, whose size is theirs together or less.
inline void merge(std::span<const FusionKey> a, std::span<const FusionKey> b,
                  std::span<FusionKey> out) noexcept {
  const FusionKey* left = a.data();
  const FusionKey* right = b.data();
  const FusionKey* const left_end = left + a.size();
  const FusionKey* const right_end = right + b.size();
  FusionKey* to = out.data();
  FusionKey* const to_end = to + out.size();
  while (to != to_end && left != left_end && right != right_end) {
    const bool from_right = *right < *left;
    *to++ = pick(from_right, *left, *right);
    left += !from_right;
    right += from_right;
  }
  while (to != to_end && left != left_end) *to++ = *left++;
  while (to != to_end && right != right_end) *to++ = *right++;
}

// Merges two ascending runs of equal length that lie one after the other, from both ends at once: after
// `length` steps from either end neither has left its runs, so no bounds need checking.
inline void merge_equal(const FusionKey* from, FusionKey* to, std::size_t length) noexcept {
  const FusionKey* left = from;
  const FusionKey* right = from + length;
  const FusionKey* left_back = right - 1;
  const FusionKey* right_back = right + length - 1;
  FusionKey* to_back = to + 2 * length - 1;
  for (std::size_t step = 0; step < length; ++step) {
    const bool from_right = *right < *left;
    *to++ = pick(from_right, *left, *right);
    left += !from_right;
    right += from_right;
    const bool from_left = *right_back < *left_back;
    *to_back-- = pick(from_left, *right_back, *left_back);
    left_back -= from_left;
    right_back -= !from_left;
  }
}

// Sorts the first `count` keys by merging. Both buffers have room for the next power of two.
inline void merge_sort(std::vector<FusionKey>& keys, std::vector<FusionKey>& spare,
                       std::size_t count) noexcept {
  const std::size_t padded = std::bit_ceil(count);
  std::fill_n(keys.begin() + static_cast<std::ptrdiff_t>(count), padded - count,
              std::numeric_limits<FusionKey>::max());
  for (std::size_t length = 1; length < padded; length *= 2) {
    for (std::size_t begin = 0; begin < padded; begin += 2 * length) {
      merge_equal(keys.data() + begin, spare.data() + begin, length);
    }
    std::swap(keys, spare);
  }
}

// Sorts the first `count` keys by the bytes of their scores, the least first, then those of equal score by
// row.
inline void radix_sort(std::vector<FusionKey>& keys, std::vector<FusionKey>& spare, std::size_t count) {
  constexpr std::size_t kBytes = 4;
  const auto byte = [](FusionKey key, std::size_t which) { return (key >> (32 + 8 * which)) & 0xFF; };
  // Of each value of a byte, for each of the bytes: how many keys have it, then where the next of them goes.
  std::array<std::array<std::uint32_t, kBytes>, 256> places{};
  for (std::size_t i = 0; i < count; ++i) {
    for (std::size_t which = 0; which < kBytes; ++which) ++places[byte(keys[i], which)][which];
  }
  std::array<std::uint32_t, kBytes> next{};
  for (auto& of_value : places) {
    for (std::size_t which = 0; which < kBytes; ++which) {
      next[which] += std::exchange(of_value[which], next[which]);
    }
  }
  for (std::size_t which = 0; which < kBytes; ++which) {
    for (std::size_t i = 0; i < count; ++i) spare[places[byte(keys[i], which)][which]++] = keys[i];
    std::swap(keys, spare);
  }
  for (std::size_t begin = 0; begin < count;) {
    std::size_t end = begin + 1;
    while (end < count && (keys[end] >> 32) == (keys[begin] >> 32)) ++end;
    if (end - begin > 1) {
      const auto first = keys.begin();
      std::sort(first + static_cast<std::ptrdiff_t>(begin), first + static_cast<std::ptrdiff_t>(end));
    }
    begin = end;
  }
}

// Sorts the first `count` keys. Both buffers have room for the next power of two.
inline void sort_keys(std::vector<FusionKey>& keys, std::vector<FusionKey>& spare, std::size_t count) {
  constexpr std::size_t kFew = 64;  // below, counting bytes costs more than it saves
  if (count < kFew) {
    merge_sort(keys, spare, count);
  } else {
    radix_sort(keys, spare, count);
  }
}

// Orders one query's candidates. Rows that only one list names mostly come in the order of that list, so they
// are sorted runs already; only the shared ones need sorting. Then the runs are merged.
class FusionRanker {
 public:
  // `run_ends[l]` is one past the last candidate that list l named first. The result is valid until the
  // next call and holds at most `depth` keys.
  [[nodiscard]] std::span<const FusionKey> rank(std::span<const FusionCandidate> candidates,
                                                std::span<const std::size_t> run_ends, std::size_t depth) {
    const std::size_t room = std::bit_ceil(candidates.size() + 1);
    for (std::vector<FusionKey>* buffer : {&run_, &shared_, &merged_, &spare_}) {
      if (buffer->size() < room) buffer->resize(room);
    }
    merged_size_ = 0;
    std::size_t shared = 0;
    std::size_t i = 0;
    for (const std::size_t end : run_ends) {
      std::size_t single = 0;
      for (; i < end; ++i) {
        // Written to both, kept in one: whether a row is shared cannot be guessed.
        const FusionKey key = key_of(candidates[i].row, static_cast<Score>(candidates[i].sum));
        run_[single] = key;
        shared_[shared] = key;
        single += 1U - candidates[i].shared;
        shared += candidates[i].shared;
      }
      const std::span<const FusionKey> run(run_.data(), single);
      // Ranks far down the list may round to the same float32; then the row decides.
      if (!std::is_sorted(run.begin(), run.end())) single = sort_first(run_, single, depth);
      take_in({run_.data(), single}, depth);
    }
    shared = sort_first(shared_, shared, depth);
    take_in({shared_.data(), shared}, depth);
    return {merged_.data(), merged_size_};
  }

 private:
  // Brings the `depth` best of `count` keys to the front, in order; returns how many are in order.
  std::size_t sort_first(std::vector<FusionKey>& keys, std::size_t count, std::size_t depth) {
    if (depth >= count / 4) {
      sort_keys(keys, spare_, count);
      return count;
    }
    const auto first = keys.begin();
    std::partial_sort(first, first + static_cast<std::ptrdiff_t>(depth),
                      first + static_cast<std::ptrdiff_t>(count));
    return depth;
  }

  void take_in(std::span<const FusionKey> run, std::size_t depth) {
    if (run.empty()) return;
    const std::size_t size = std::min(merged_size_ + run.size(), depth);
    merge({merged_.data(), merged_size_}, run, {spare_.data(), size});
    std::swap(merged_, spare_);
    merged_size_ = size;
  }

  std::vector<FusionKey> run_;
  std::vector<FusionKey> shared_;
  std::vector<FusionKey> merged_;
  std::vector<FusionKey> spare_;
  std::size_t merged_size_ = 0;
};

[[noreturn]] inline void refuse_hit(std::size_t list, std::size_t query, std::size_t rank,
                                    const std::string& what) {
  throw Error(Code::kInvalidArgument, "lists[" + std::to_string(list) + "], query " + std::to_string(query) +
                                          ", rank " + std::to_string(rank + 1) + ": " + what);
}

inline void write_fused(std::span<const FusionKey> ranked, std::size_t query, std::size_t depth,
                        const FusedHits& out) {
  const std::span<Row> rows = out.rows.subspan(query * depth, depth);
  const std::span<Score> scores = out.scores.subspan(query * depth, depth);
  for (std::size_t i = 0; i < ranked.size(); ++i) {
    rows[i] = row_of(ranked[i]);
    scores[i] = score_of(ranked[i]);
  }
  const auto unused = static_cast<std::ptrdiff_t>(ranked.size());
  std::fill(rows.begin() + unused, rows.end(), kNoRow);
  std::fill(scores.begin() + unused, scores.end(), -std::numeric_limits<Score>::infinity());
  out.counts[query] = static_cast<std::uint32_t>(ranked.size());
}

}  // namespace pyengine
