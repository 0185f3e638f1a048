// One query put to one segment: what every search algorithm is handed.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "core/fixed_point.hpp"
#include "core/segment_scoring.hpp"
#include "core/term_list.hpp"
#include "core/types.hpp"

namespace pyengine {

// One query term that occurs in the segment.
struct QueryList {
  TermList list;
  double weighted_idf;
};

// Which rows may be answered: those whose bit is set in both bitmaps. Null: all.
struct RowFilter {
  const std::uint64_t* allowed = nullptr;  // over the rows of all segments together
  const std::uint64_t* live = nullptr;     // over the rows of this segment

  [[nodiscard]] bool all() const noexcept { return allowed == nullptr && live == nullptr; }

  // `row` is of the segment, `global` the same row among all.
  [[nodiscard]] bool admits(Row row, Row global) const noexcept {
    return (allowed == nullptr || (allowed[global / 64] >> (global % 64) & 1U) != 0) &&
           (live == nullptr || (live[row / 64] >> (row % 64) & 1U) != 0);
  }
};

struct SegmentQuery {
  const SegmentScoring& scoring;
  FixedPoint fixed;
  Row first_row;  // of the segment among all
  RowFilter filter;
  std::optional<std::span<const Row>> few;  // the rows the filter admits, ascending, if they are few
  std::vector<QueryList>& lists;            // in query order; an algorithm may reorder them

  [[nodiscard]] std::uint64_t documents() const noexcept { return scoring.segment().meta().documents; }
};

enum class Algorithm : std::uint8_t { kNone, kMaxScore, kExhaustive, kRows };

// "none" if no term of the query occurs, "rows": a filter's rows were looked up.
[[nodiscard]] constexpr std::string_view name_of(Algorithm algorithm) noexcept {
  constexpr std::array<std::string_view, 4> kNames{"none", "maxscore", "exhaustive", "rows"};
  return kNames[static_cast<std::size_t>(algorithm)];
}

// What one query cost; adds up over segments.
struct SearchCounters {
  Algorithm algorithm = Algorithm::kNone;  // of the last segment that was searched
  bool timed = false;                      // whether the clock is read between phases
  std::uint64_t postings = 0;              // of the query's terms
  std::uint64_t scanned = 0;               // codes or postings that were looked at
  std::uint64_t survivors = 0;             // of them, those that had to be looked up in other lists
  std::uint64_t lookups = 0;               // of a row in another list
  std::uint64_t rescored = 0;              // rows whose exact score was computed
  std::uint64_t nanoseconds = 0;           // altogether, and of them:
  std::uint64_t prepare_nanoseconds = 0;   // from terms to lists in order and a first threshold
  std::uint64_t scan_nanoseconds = 0;
  std::uint64_t lookup_nanoseconds = 0;
  std::uint64_t rescore_nanoseconds = 0;  // exact scores, and the heap
};

// Tells the phases of a search apart; costs a test of one flag where nobody asked.
class PhaseClock {
 public:
  explicit PhaseClock(bool on) noexcept : on_(on) {
    if (on_) last_ = std::chrono::steady_clock::now();
  }

  // The time since the last lap goes to `phase`.
  void lap(std::uint64_t& phase) noexcept {
    if (!on_) return;
    const auto now = std::chrono::steady_clock::now();
    phase +=
        static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(now - last_).count());
    last_ = now;
  }

 private:
  bool on_;
  std::chrono::steady_clock::time_point last_{};
};

}  // namespace pyengine
