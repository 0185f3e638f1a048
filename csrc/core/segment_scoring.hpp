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
      : segment_(segment),
        bm25_(bm25),
        table_(make_code_table(segment.code_ranges(), bm25)),
        ranges_(segment.code_ranges().begin(), segment.code_ranges().end()) {
    std::stable_sort(ranges_.begin(), ranges_.end(), [](const CodeRange& a, const CodeRange& b) {
      return (a.code & 0xFF) < (b.code & 0xFF);
    });
    for (const CodeRange& range : ranges_) ++first_range_[(range.code & 0xFF) + 1];
    for (std::size_t code = 1; code < first_range_.size(); ++code)
      first_range_[code] += first_range_[code - 1];
  }

  [[nodiscard]] const LexicalSegment& segment() const noexcept { return segment_; }
  [[nodiscard]] const Bm25& bm25() const noexcept { return bm25_; }
  [[nodiscard]] const CodeTable& table() const noexcept { return table_; }

  // The saturation of the posting at `position`.
  [[nodiscard]] double saturation_at(const TermList& list, std::uint32_t position, Row row) const noexcept {
    const std::uint8_t code = list.codes[position];
    if (table_.upper[code] == table_.lower[code]) return table_.upper[code];
    return bm25_.saturation(segment_.frequency(list, position), segment_.lengths()[row]);
  }

  // The saturation of the posting of `row`, of which only its code is known. Mostly code and length leave
  // one frequency, and the list need not be read.
  [[nodiscard]] double saturation_of(const TermList& list, std::uint8_t code, Row row) const noexcept {
    if (table_.upper[code] == table_.lower[code]) return table_.upper[code];
    const std::uint32_t length = segment_.lengths()[row];
    const CodeRange* match = nullptr;
    for (std::uint32_t i = first_range_[code]; i < first_range_[code + std::size_t{1}]; ++i) {
      const CodeRange& range = ranges_[i];
      if (length < range.least_length || length > range.most_length) continue;
      if (match != nullptr || range.least_tf != range.most_tf) return saturation_by_list(list, row, length);
      match = &range;
    }
    return match != nullptr ? bm25_.saturation(match->least_tf, length)
                            : saturation_by_list(list, row, length);
  }

 private:
  [[nodiscard]] double saturation_by_list(const TermList& list, Row row,
                                          std::uint32_t length) const noexcept {
    const std::uint32_t position = position_of(list, row);
    return position == kNoPosition ? 0.0 : bm25_.saturation(segment_.frequency(list, position), length);
  }

  const LexicalSegment& segment_;
  Bm25 bm25_;
  CodeTable table_;
  std::vector<CodeRange> ranges_;
  std::array<std::uint32_t, 257> first_range_{};
};

}  // namespace pyengine
