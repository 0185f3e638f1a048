// One term's postings in one segment, in the form the query kernels read.
//
// Every posting has a row, a frequency and a code: 1 to 255, a monotone quantisation of what the posting
// can add to a score (core/code_table.hpp says what a code is worth). Three classes of lists:
//
//   tail    few postings: whole rows, nothing else
//   body    the low 16 bits of each row, and a directory: for each range of 2^shift rows where its postings
//           begin, so that "does the term occur in row r, and with what code?" costs a few cache lines
//   dense   a body list that also has a column: the code of every row of the segment, 0 where it lacks the
//   term
//
// Views borrow from the segment. Immutable, any number of threads.
// Memory safety does not rest on the bytes being sound: who follows a stored row or offset checks it.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "core/types.hpp"

namespace pyengine {

// Every array a kernel scans can be read this many bytes past its end.
inline constexpr std::size_t kScanPadding = 64;

// The depths for which a list stores the code of its k-th best posting.
inline constexpr std::array<std::uint32_t, 4> kPrimedDepths{10, 100, 1000, 10'000};

struct TermList {
  const std::uint8_t* codes = nullptr;        // count, 1 to 255
  const std::uint8_t* frequencies = nullptr;  // count; 255: see LexicalSegment::frequency
  const Row* rows = nullptr;                  // tail: count, ascending; else null
  const std::uint16_t* low = nullptr;         // body: count low halves of ascending rows; else null
  const std::uint32_t* directory = nullptr;   // body: ranges + 1 offsets into the list, ascending; else null
  const std::uint8_t* range_max =
      nullptr;                           // body: greatest code of each range of 2^(max_shift) rows, or null
  const std::uint8_t* column = nullptr;  // dense: a code for each row of the segment; else null
  std::uint64_t first = 0;               // the list's place among all postings: key of its frequencies
  std::uint32_t count = 0;               // document frequency in this segment
  std::uint8_t shift = 0;                // body: log2 of the rows of a directory range, at most 16
  std::uint8_t max_shift = 0;            // body: log2 of the rows of a range of range_max
  std::uint8_t max_code = 0;             // the greatest code of the list
  std::array<std::uint8_t, kPrimedDepths.size()>
      kth_codes{};  // code of the k-th best posting; 0: fewer, or unknown
};

}  // namespace pyengine
