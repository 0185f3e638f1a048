// RA-MaxScore: exact top-k that scans few codes and looks up fewer rows.
//
// The lists are ordered by what they can add, the greatest first. A row is dealt with in the first list that
// has it. Of that list only the codes are scanned, many at a time, for those that can still reach the k best
// if every later list adds its most; the few rows that survive are looked up in the later lists one after the
// other, each time dropping those that can no longer get there. So most postings are never read, and those
// that are cost a comparison of one byte. Lists whose most, together with all later ones, is not enough are
// not scanned at all.
//
// This is MaxScore (H. Turtle and J. Flood, "Query Evaluation: Strategies and Optimizations", Information
// Processing and Management 31(6), 1995) term at a time, with random access in place of cursors.
// Exact: a row is dropped only if a bound on its fixed-point sum is below the least sum that enters the k
// best.
#pragma once

#include <cstdint>
#include <vector>

#include "core/segment_query.hpp"
#include "core/topk.hpp"

namespace pyengine {

// More terms than this are left to the exhaustive search.
inline constexpr std::size_t kMaxScoreTerms = 64;
// From this k on a range's greatest code is asked before the list itself.
inline constexpr std::size_t kRangeMaxDepth = 32;

struct MaxScoreOptions {
  std::uint32_t chunk = 2048;  // postings scanned under one threshold
  bool range_max = false;      // ask for a range's greatest code before looking a row up
};

// Working memory; owned by one thread, reused from query to query.
class MaxScoreScratch {
 public:
  void reserve(std::size_t terms, std::size_t chunk);

  std::vector<std::int64_t> worth;  // 256 a list
  std::vector<std::int64_t> most;   // by list: no posting adds more
  std::vector<std::int64_t> rest;   // by list: what it and all later lists add at most
  std::vector<std::uint32_t> positions;
  std::vector<std::uint32_t> rows;
  std::vector<std::int64_t> sums;
};

// What the k-th best hit of the whole segment reaches at least, as far as the lists themselves tell; 0 if
// they do not. REQUIRES: no weighted_idf is negative.
[[nodiscard]] FixedScore primed_sum(const SegmentQuery& query, std::uint64_t depth) noexcept;

// Offers to `top` every row that may be among the k best. `primed`: sums below are not. From the first list
// on of which more postings would pass the scan than a filter admits rows, those rows are looked up instead.
// False: the postings contradict themselves.
// REQUIRES: no weighted_idf is negative; at most kMaxScoreTerms lists.
[[nodiscard]] bool search_maxscore(const SegmentQuery& query, const MaxScoreOptions& options,
                                   FixedScore primed, MaxScoreScratch& scratch, TopK& top,
                                   SearchCounters& counters);

}  // namespace pyengine
