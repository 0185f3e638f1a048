// Fusion of ranked lists by their scores, whole batches at a time.
//
//   score(d) = sum over the lists l, in list order, of weight(l) * normalised(l, score(l, d))
//
// where normalised(l, s) = (s - low) / range, computed as weight / range * (s - low).
// A list that does not hold d adds nothing, unless its true score of d is given beside the lists.
// Source: S. Bruch, S. Gai and A. Ingber, "An Analysis of Fusion Functions for Hybrid Retrieval", ACM TOIS 42
// (2023), arXiv 2210.11934: convex combination, with min-max and theoretical min-max normalisation.
// Sums are float64, rounded once to float32; the order is the order law.
// Thread rule: no shared state; each call stands alone.
#pragma once

#include <cstdint>
#include <span>

#include "core/fuse.hpp"
#include "core/types.hpp"

namespace pyengine {

enum class Normalisation : std::uint8_t {
  kNone,         // the score as it is
  kMinMax,       // from the least score of the query's list to its greatest: 0 to 1
  kTheoretical,  // from the least score there can be to the greatest of the list
};

// One branch's answers to n queries, with their scores, laid out as the rows of RankedLists.
// Scores that are no numbers never reach a result: NaN and -inf count as the least finite score of the list,
// inf as the greatest. Where these are the same, every hit is normalised to 1.
struct ScoredLists {
  RankedLists ranked;
  std::span<const Score> scores;
  std::size_t score_stride;
  Normalisation normalisation;
  double minimum;  // of kTheoretical
};

// What list `by` gives to the hits of list `of`, in their order: query i from scores[i * stride] on. A score
// that is not finite adds nothing.
struct TrueScores {
  std::span<const Score> scores;
  std::size_t stride = 0;
};

struct FuseScoresOptions {
  std::size_t window = SIZE_MAX;
  std::size_t depth = 10;
};

// `truth` is empty, or has for list `by` and list `of` the element [by * lists + of]; those of a list about
// itself are not read. With it, the first list that names a row says all its scores.
// Throws as `fuse`. REQUIRES: as `fuse`; weights of at most 1e100, or sums could be no numbers.
void fuse_scores(std::span<const ScoredLists> lists, std::span<const TrueScores> truth,
                 const FuseScoresOptions& options, const FusedHits& out);

}  // namespace pyengine
