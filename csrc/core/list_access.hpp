// Following the postings of a TermList: one place for the care that hostile bytes need.
#pragma once

#include <algorithm>
#include <cstdint>

#include "core/term_list.hpp"
#include "core/types.hpp"

namespace pyengine {

inline constexpr std::uint32_t kNoPosition = 0xFFFFFFFF;
inline constexpr std::uint32_t kEpochBits = 16;  // a body list stores rows modulo 2^16: one epoch

// The place of `row` in the list, or kNoPosition. REQUIRES: row < the segment's documents.
[[nodiscard]] inline std::uint32_t position_of(const TermList& list, Row row) noexcept {
  if (list.rows != nullptr) {
    const Row* end = list.rows + list.count;
    const Row* found = std::lower_bound(list.rows, end, row);
    return found != end && *found == row ? static_cast<std::uint32_t>(found - list.rows) : kNoPosition;
  }
  const std::uint32_t* range = list.directory + (row >> list.shift);
  const std::uint32_t end = std::min(range[1], list.count);
  for (std::uint32_t at = std::min(range[0], list.count); at < end; ++at) {
    if (list.low[at] == static_cast<std::uint16_t>(row)) return at;
  }
  return kNoPosition;
}

// Where the epoch `epoch` (rows [epoch << 16, (epoch + 1) << 16)) ends in a body list.
// REQUIRES: the epoch begins below `documents`.
[[nodiscard]] inline std::uint32_t epoch_end(const TermList& list, std::uint64_t documents,
                                             std::uint32_t epoch) noexcept {
  const std::uint64_t next = (std::uint64_t{epoch} + 1) << kEpochBits;
  if (next >= documents) return list.count;
  return std::min(list.directory[next >> list.shift], list.count);
}

// Walks a list in row order; knows at each posting its row. Rows may be anything if the bytes are unsound,
// and the walk ends all the same: positions only grow, epochs only grow.
class ListWalker {
 public:
  ListWalker(const TermList& list, std::uint64_t documents) noexcept : list_(&list), documents_(documents) {
    if (list.rows == nullptr && list.count > 0) {
      epoch_end_ = epoch_end(list, documents, 0);
      enter_epoch();
    }
  }

  [[nodiscard]] const TermList& list() const noexcept { return *list_; }
  [[nodiscard]] bool done() const noexcept { return position_ >= list_->count; }
  [[nodiscard]] std::uint32_t position() const noexcept { return position_; }
  [[nodiscard]] Row row() const noexcept {
    return list_->rows != nullptr ? list_->rows[position_] : base_ | list_->low[position_];
  }
  void next() noexcept {
    ++position_;
    if (list_->rows == nullptr && position_ >= epoch_end_) enter_epoch();
  }

 private:
  // Goes on to the epoch that holds position_; to the end if the directory has none.
  void enter_epoch() noexcept {
    while (position_ >= epoch_end_ && position_ < list_->count) {
      const std::uint64_t next = (std::uint64_t{base_ >> kEpochBits} + 1) << kEpochBits;
      if (next >= documents_) {
        position_ = list_->count;
        return;
      }
      base_ = static_cast<Row>(next);
      epoch_end_ = epoch_end(*list_, documents_, base_ >> kEpochBits);
    }
  }

  const TermList* list_;
  std::uint64_t documents_;
  std::uint32_t position_ = 0;
  std::uint32_t epoch_end_ = 0;  // body: first position of the next epoch
  Row base_ = 0;                 // body: first row of the epoch
};

}  // namespace pyengine
