// Word segmentation after UAX #29 (Unicode 15.0), rules WB1 to WB999, untailored.
#pragma once

#include <cstddef>
#include <string_view>

namespace pyengine {

struct Segment {
  std::size_t begin;
  std::size_t end;
  bool is_word;   // holds a letter or a number (category L or N)
  bool is_ascii;  // every byte is below 0x80
};

// The segment that begins at `begin`, by the full rules. A malformed byte is a segment of its own.
// REQUIRES: begin < text.size(), and begin is 0 or the end of a segment of `text`.
[[nodiscard]] Segment segment_at(std::string_view text, std::size_t begin) noexcept;

// The same for readers of words alone: may pass over segments that are no words, and decides ASCII by
// one table. Every word it returns is a segment that repeated calls of segment_at return, and it
// misses none.
// REQUIRES: as segment_at.
[[nodiscard]] Segment next_segment(std::string_view text, std::size_t begin) noexcept;

}  // namespace pyengine
