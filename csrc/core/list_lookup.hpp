// Looking rows up in a term's postings, many at a time: whichever class of list it is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "core/fixed_point.hpp"
#include "core/term_list.hpp"
#include "core/types.hpp"

namespace pyengine {

// Rows that may still be among the best, ascending, and what each has scored so far.
struct Candidates {
  Row* rows;
  FixedScore* sums;
  std::size_t count;
};

// Each sum grows by what its row's code is worth (worth[0] where the list lacks the row); the candidates
// whose sum is then at least `need` stay. Returns how many. REQUIRES: every row is below the segment's
// documents.
[[nodiscard]] std::size_t add_postings(const TermList& list, const std::int64_t* worth, const Candidates& few,
                                       FixedScore need);

// The code of each row, 0 where the list lacks it. REQUIRES: as above.
void find_codes(const TermList& list, std::span<const Row> rows, std::uint8_t* codes);

}  // namespace pyengine
