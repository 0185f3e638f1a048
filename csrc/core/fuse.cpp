#include "core/fuse.hpp"

#include <algorithm>
#include <bit>
#include <limits>
#include <string>
#include <vector>

#include "core/error.hpp"

namespace pyengine {

namespace {

struct Candidate {
  Row row;
  std::uint32_t last_list;  // the list that named it last, to notice a row named twice
  double sum;
};

// The candidates of one query, found by row through an open-addressing table.
class Candidates {
 public:
  // Forgets everything and makes room for `limit` rows.
  void reset(std::size_t limit) {
    const std::size_t slots = std::bit_ceil(std::max<std::size_t>(2 * limit, 16));
    slots_.assign(slots, 0);
    shift_ = 32 - std::countr_zero(slots);
    entries_.clear();
  }

  // Adds to the row's sum. False: `list` had named the row before.
  [[nodiscard]] bool add(Row row, std::uint32_t list, double value) {
    // Multiplicative hashing: consecutive rows, which are common, spread over the table.
    std::size_t slot = (row * 0x9E3779B1U) >> shift_;
    for (; slots_[slot] != 0; slot = (slot + 1) & (slots_.size() - 1)) {
      Candidate& candidate = entries_[slots_[slot] - 1];
      if (candidate.row != row) continue;
      if (candidate.last_list == list) return false;
      candidate.last_list = list;
      candidate.sum += value;
      return true;
    }
    entries_.push_back({row, list, value});
    slots_[slot] = static_cast<std::uint32_t>(entries_.size());
    return true;
  }

  [[nodiscard]] std::span<const Candidate> entries() const noexcept { return entries_; }

 private:
  std::vector<std::uint32_t> slots_;  // 1 + index into entries_; 0: empty
  int shift_ = 0;
  std::vector<Candidate> entries_;
};

[[noreturn]] void refuse(std::size_t list, std::size_t query, std::size_t rank, const std::string& what) {
  throw Error(Code::kInvalidArgument, "lists[" + std::to_string(list) + "], query " + std::to_string(query) +
                                          ", rank " + std::to_string(rank + 1) + ": " + what);
}

}  // namespace

void fuse(std::span<const RankedLists> lists, const FuseOptions& options, const FusedHits& out) {
  Candidates candidates;
  std::vector<Hit> hits;
  const auto used = [&](const RankedLists& list, std::size_t query) {
    return list.weight > 0.0 ? std::min<std::size_t>(list.counts[query], options.window) : 0;
  };
  for (std::size_t query = 0; query < out.counts.size(); ++query) {
    std::size_t limit = 0;
    for (const RankedLists& list : lists) limit += used(list, query);
    candidates.reset(limit);
    for (std::size_t l = 0; l < lists.size(); ++l) {
      const std::span<const Row> rows = lists[l].rows.subspan(query * lists[l].stride, used(lists[l], query));
      for (std::size_t i = 0; i < rows.size(); ++i) {
        if (rows[i] == kNoRow) refuse(l, query, i, "expected a row, got the filler of unused slots");
        const double rank = static_cast<double>(i + options.first_rank);
        if (!candidates.add(rows[i], static_cast<std::uint32_t>(l), lists[l].weight / (options.k + rank))) {
          refuse(l, query, i, "row " + std::to_string(rows[i]) + " is in this list twice");
        }
      }
    }
    hits.clear();
    for (const Candidate& c : candidates.entries()) hits.push_back({c.row, static_cast<Score>(c.sum)});
    const std::size_t kept = std::min(hits.size(), options.depth);
    std::partial_sort(hits.begin(), hits.begin() + static_cast<std::ptrdiff_t>(kept), hits.end(),
                      ranks_before);
    const std::span<Row> rows = out.rows.subspan(query * options.depth, options.depth);
    const std::span<Score> scores = out.scores.subspan(query * options.depth, options.depth);
    std::fill(rows.begin(), rows.end(), kNoRow);
    std::fill(scores.begin(), scores.end(), -std::numeric_limits<Score>::infinity());
    for (std::size_t i = 0; i < kept; ++i) {
      rows[i] = hits[i].row;
      scores[i] = hits[i].score;
    }
    out.counts[query] = static_cast<std::uint32_t>(kept);
  }
}

}  // namespace pyengine
