// What a segment's postings are worth under one formula: the codes' bounds, and exact values from them.
// Made once for a segment and a formula, then shared. Immutable.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "core/bm25.hpp"
#include "core/code_table.hpp"
#include "core/list_access.hpp"
#include "core/segment.hpp"

namespace pyengine {

class SegmentScoring {
 public:
  SegmentScoring(const LexicalSegment& segment, const Bm25& bm25)
      : segment_(segment), bm25_(bm25), table_(make_code_table(segment.code_ranges(), bm25)) {
    const std::size_t lengths = std::min<std::size_t>(segment.meta().max_length, kMostLengths) + 1;
    pivots_.reserve(lengths);
    for (std::size_t length = 0; length < lengths; ++length) {
      pivots_.push_back(bm25.pivot(static_cast<std::uint32_t>(length)));
    }
    frequencies_.resize(lengths * 256, 0);
    for (const CodeRange& range : segment.code_ranges()) note_frequency(range);
  }

  [[nodiscard]] const LexicalSegment& segment() const noexcept { return segment_; }
  [[nodiscard]] const Bm25& bm25() const noexcept { return bm25_; }
  [[nodiscard]] const CodeTable& table() const noexcept { return table_; }

  // The saturation of the posting at `position`.
  [[nodiscard]] double saturation_at(const TermList& list, std::uint32_t position, Row row) const noexcept {
    return saturation(segment_.frequency(list, position), segment_.lengths()[row]);
  }

  // The saturation of the posting of `row`, of which only its code is known. Mostly code and length leave
  // one frequency, and the list need not be read.
  [[nodiscard]] double saturation_of(const TermList& list, std::uint8_t code, Row row) const noexcept {
    const std::uint32_t length = segment_.lengths()[row];
    if (length < pivots_.size()) {
      const std::uint8_t tf = frequencies_[length * std::size_t{256} + code];
      if (tf != 0 && tf != kSeveral) return bm25_.saturation(tf, pivots_[length]);
    }
    const std::uint32_t position = position_of(list, row);
    return position == kNoPosition ? 0.0 : saturation(segment_.frequency(list, position), length);
  }

 private:
  static constexpr std::size_t kMostLengths = 4095;  // a table of 1 MiB then
  static constexpr std::uint8_t kSeveral = 255;      // more than one frequency, or one beyond a byte

  // Enters the frequency of one box for its lengths; where there is one already it becomes several.
  void note_frequency(const CodeRange& range) noexcept {
    const bool single = range.least_tf == range.most_tf && range.least_tf > 0 && range.least_tf < kSeveral;
    const auto tf = single ? static_cast<std::uint8_t>(range.least_tf) : kSeveral;
    for (std::size_t length = range.least_length; length < pivots_.size() && length <= range.most_length;
         ++length) {
      std::uint8_t& known = frequencies_[length * 256 + (range.code & 0xFF)];
      known = known == 0 ? tf : kSeveral;
    }
  }

  [[nodiscard]] double saturation(std::uint32_t tf, std::uint32_t length) const noexcept {
    return bm25_.saturation(tf, length < pivots_.size() ? pivots_[length] : bm25_.pivot(length));
  }

  const LexicalSegment& segment_;
  Bm25 bm25_;
  CodeTable table_;
  std::vector<double> pivots_;             // by document length
  std::vector<std::uint8_t> frequencies_;  // by document length and code: the frequency, if it is known
};

}  // namespace pyengine
