// Reciprocal rank fusion of ranked lists, whole batches at a time.
//
//   score(d) = sum over the lists l that hold d, in list order, of weight(l) / (k + rank(l, d))
//
// Source: G. Cormack, C. Clarke and S. Buettcher, "Reciprocal Rank Fusion outperforms Condorcet and
// individual Rank Learning Methods", SIGIR 2009, where ranks count from 1 and k = 60.
// Sums are float64, rounded once to float32; the order is the order law.
// Thread rule: no shared state; each call stands alone.
#pragma once

#include <cstdint>
#include <span>

#include "core/types.hpp"

namespace pyengine {

// One branch's answers to n queries. Query i: rows[i * stride], ... counts[i] of them, best first.
struct RankedLists {
  std::span<const Row> rows;
  std::size_t stride;
  std::span<const std::uint32_t> counts;
  std::span<const double> weights;  // >= 0, one for all queries or one each; 0: the branch takes no part

  [[nodiscard]] double weight(std::size_t query) const noexcept {
    return weights.size() == 1 ? weights[0] : weights[query];
  }
};

struct FuseOptions {
  double k = 60.0;
  std::uint32_t first_rank = 1;   // 0 is the playbook's variant
  std::size_t window = SIZE_MAX;  // only the first `window` hits of each list take part
  std::size_t depth = 10;
};

// Query i of the result: slots [i * depth, (i + 1) * depth), counts[i] used, the others kNoRow and -inf.
struct FusedHits {
  std::span<Row> rows;
  std::span<Score> scores;
  std::span<std::uint32_t> counts;
};

// Throws Error{kInvalidArgument} if a list names a row twice, or kNoRow.
// REQUIRES: k + first_rank > 0; depth >= 1; every list holds as many queries as out.counts.
void fuse(std::span<const RankedLists> lists, const FuseOptions& options, const FusedHits& out);

}  // namespace pyengine
