// What the 255 codes of a segment's postings are worth under one formula.
//
// A segment keeps, for each code, which frequencies and document lengths it stands for. Saturation rises
// with the frequency and falls with the length, so each of these boxes has its extremes at two corners.
// That makes sound bounds for any variant, k1, b and average length, whatever the segment was encoded for.
// A corner is widened by a few units in the last place where rounding could break that monotony: where the
// box has several frequencies or, for bm25l, several lengths.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <span>

#include "core/bm25.hpp"

namespace pyengine {

// As stored: postings with this code have a frequency and a document length in these ranges (both ends
// included). A code may have many, which together cover all its postings.
struct CodeRange {
  std::uint32_t code;
  std::uint32_t least_tf;
  std::uint32_t most_tf;
  std::uint32_t least_length;
  std::uint32_t most_length;
};
static_assert(sizeof(CodeRange) == 20);

struct CodeTable {
  std::array<double, 256> upper{};    // no posting of the code saturates above; 0 for unused codes
  std::array<double, 256> lower{};    // nor below; 0 for unused codes
  std::array<double, 256> ceiling{};  // greatest `upper` of this code and all smaller ones
  std::array<double, 256> floor{};    // smallest `lower` of this code and all greater ones that are used
  bool exact = true;                  // `ceiling` is what every posting of the code saturates to
};

// The least and the greatest saturation in a box.
struct SaturationBounds {
  double lower;
  double upper;
};

[[nodiscard]] inline SaturationBounds bounds_of(const CodeRange& range, const Bm25& bm25) noexcept {
  const double lower = bm25.saturation(range.least_tf, range.most_length);
  const double upper = bm25.saturation(range.most_tf, range.least_length);
  const bool monotone = range.least_tf == range.most_tf &&
                        (range.least_length == range.most_length || bm25.params().variant != Variant::kBm25l);
  return monotone ? SaturationBounds{lower, upper}
                  : SaturationBounds{lower * (1.0 - 0x1p-50), upper * (1.0 + 0x1p-50)};
}

[[nodiscard]] inline CodeTable make_code_table(std::span<const CodeRange> ranges, const Bm25& bm25) noexcept {
  CodeTable table;
  table.lower.fill(std::numeric_limits<double>::infinity());
  for (const CodeRange& range : ranges) {
    const std::size_t code = range.code & 0xFF;
    const SaturationBounds bounds = bounds_of(range, bm25);
    table.upper[code] = std::max(table.upper[code], bounds.upper);
    table.lower[code] = std::min(table.lower[code], bounds.lower);
  }
  table.upper[0] = 0.0;
  double floor = std::numeric_limits<double>::infinity();
  for (std::size_t code = 256; code-- > 1;) {
    floor = std::min(floor, table.lower[code]);
    table.floor[code] = floor == std::numeric_limits<double>::infinity() ? 0.0 : floor;
  }
  table.lower[0] = 0.0;
  for (std::size_t code = 1; code < 256; ++code) {
    table.ceiling[code] = std::max(table.ceiling[code - 1], table.upper[code]);
    if (table.lower[code] == std::numeric_limits<double>::infinity()) {
      table.lower[code] = 0.0;
    } else {
      table.exact = table.exact && table.lower[code] == table.ceiling[code];
    }
  }
  return table;
}

}  // namespace pyengine
