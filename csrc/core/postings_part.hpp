// Sorted postings of a range of terms, on their way from the documents to the lists of a segment.
#pragma once

#include <cstdint>
#include <vector>

#include "core/types.hpp"

namespace pyengine {

// A frequency of kLargeFrequency or more stands as that in `frequencies`, and in full in `large`.
struct PostingsPart {
  TermId first = 0;                       // the range begins here
  std::vector<std::uint32_t> counts;      // postings of each term of the range; may be 0
  std::vector<Row> rows;                  // term after term, ascending within a term
  std::vector<std::uint8_t> frequencies;  // as long as rows
  std::vector<std::uint32_t> large;       // in order of the postings
};

}  // namespace pyengine
