// The postings of all terms, one array after the other: rows (4 bytes) and frequencies (1 byte).
// A frequency of 255 or more is stored as 255 and looked up in a short sorted list of exceptions.
// Views borrow their memory; whoever made them keeps it alive. Immutable, any number of threads.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>

#include "core/cursor.hpp"
#include "core/types.hpp"

namespace pyengine {

inline constexpr std::uint8_t kLargeFrequency = 255;  // "look it up among the exceptions"

struct PostingArrays {
  std::span<const std::uint64_t> offsets;      // terms + 1: term t owns postings [offsets[t], offsets[t+1])
  std::span<const Row> rows;                   // ascending within a term
  std::span<const std::uint8_t> frequencies;   // as long as rows
  std::span<const std::uint64_t> large_index;  // positions in `rows` of the exceptions, ascending
  std::span<const std::uint32_t> large_value;  // their frequencies

  // The frequency of the posting at `position`. Total even on hostile bytes.
  [[nodiscard]] std::uint32_t frequency(std::uint64_t position) const noexcept {
    const std::uint8_t small = frequencies[position];
    return small != kLargeFrequency ? small : large_frequency(position);
  }

 private:
  [[nodiscard]] std::uint32_t large_frequency(std::uint64_t position) const noexcept {
    const auto found = std::lower_bound(large_index.begin(), large_index.end(), position);
    if (found == large_index.end() || *found != position) return kLargeFrequency;
    return large_value[static_cast<std::size_t>(found - large_index.begin())];
  }
};

// One term's postings. Keeps a pointer to the arrays it was made from.
class ListCursor {
 public:
  // REQUIRES: begin <= end <= arrays.rows.size(); `arrays` outlives the cursor.
  ListCursor(const PostingArrays& arrays, std::uint64_t begin, std::uint64_t end) noexcept
      : arrays_(&arrays), position_(begin), end_(end) {}

  [[nodiscard]] bool done() const noexcept { return position_ == end_; }
  [[nodiscard]] Row row() const noexcept { return arrays_->rows[position_]; }
  [[nodiscard]] std::uint32_t frequency() const noexcept { return arrays_->frequency(position_); }
  [[nodiscard]] std::uint64_t remaining() const noexcept { return end_ - position_; }
  void next() noexcept { ++position_; }

  // Galloping search: cheap when the target is near, logarithmic when it is far.
  void seek(Row target) noexcept {
    std::uint64_t step = 1;
    std::uint64_t low = position_;
    while (low + step < end_ && arrays_->rows[low + step] < target) {
      low += step;
      step *= 2;
    }
    const auto first = arrays_->rows.begin() + static_cast<std::ptrdiff_t>(low);
    const auto last = arrays_->rows.begin() + static_cast<std::ptrdiff_t>(std::min(low + step + 1, end_));
    position_ = static_cast<std::uint64_t>(std::lower_bound(first, last, target) - arrays_->rows.begin());
  }

 private:
  const PostingArrays* arrays_;
  std::uint64_t position_;
  std::uint64_t end_;
};

static_assert(SeekingCursor<ListCursor>);

}  // namespace pyengine
