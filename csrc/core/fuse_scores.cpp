#include "core/fuse_scores.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "core/fuse_candidates.hpp"

namespace pyengine {

namespace {

// How one query's scores of one list become shares of the sum.
struct Scale {
  double weight = 0.0;
  double low = 0.0;    // of the normalised range
  double span = 0.0;   // 0 or less: every hit is worth the weight
  double least = 0.0;  // finite scores of the list
  double greatest = 0.0;
  bool raw = false;

  // REQUIRES: `score` is finite.
  [[nodiscard]] double worth(double score) const noexcept {
    if (raw) return weight * score;
    return span > 0.0 ? weight * ((score - low) / span) : weight;
  }

  [[nodiscard]] double worth_of_hit(Score score) const noexcept {
    if (std::isfinite(score)) return worth(score);
    return worth(score > 0.0F ? greatest : least);
  }
};

struct Bounds {
  double least = 0.0;
  double greatest = 0.0;
};

// The least and the greatest finite score; 0 and 0 if there is none.
Bounds bounds_of(std::span<const Score> scores) {
  constexpr std::size_t kLanes = 8;  // independent minima, which the compiler turns into vectors
  constexpr Score kInfinity = std::numeric_limits<Score>::infinity();
  std::array<Score, kLanes> least;
  std::array<Score, kLanes> greatest;
  least.fill(kInfinity);
  greatest.fill(-kInfinity);
  const auto take = [&](std::size_t lane, Score score) {
    const bool finite = std::abs(score) < kInfinity;
    const Score low = finite ? score : kInfinity;
    const Score high = finite ? score : -kInfinity;
    least[lane] = low < least[lane] ? low : least[lane];
    greatest[lane] = high > greatest[lane] ? high : greatest[lane];
  };
  const std::size_t whole = scores.size() / kLanes * kLanes;
  for (std::size_t i = 0; i < whole; i += kLanes) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) take(lane, scores[i + lane]);
  }
  for (std::size_t i = whole; i < scores.size(); ++i) take(i - whole, scores[i]);
  const Score low = *std::min_element(least.begin(), least.end());
  const Score high = *std::max_element(greatest.begin(), greatest.end());
  return low <= high ? Bounds{low, high} : Bounds{};
}

Scale scale_of(const ScoredLists& list, std::size_t query, std::size_t count) {
  Scale scale;
  const Bounds bounds = bounds_of(list.scores.subspan(query * list.score_stride, count));
  scale.weight = list.ranked.weight(query);
  scale.raw = list.normalisation == Normalisation::kNone;
  scale.least = bounds.least;
  scale.greatest = bounds.greatest;
  scale.low = list.normalisation == Normalisation::kTheoretical ? list.minimum : scale.least;
  scale.span = scale.greatest - scale.low;
  return scale;
}

std::size_t used(const ScoredLists& list, std::size_t query, std::size_t window) {
  return list.ranked.weight(query) > 0.0 ? std::min<std::size_t>(list.ranked.counts[query], window) : 0;
}

// One call: what does not change from query to query.
class ScoreFusion {
 public:
  ScoreFusion(std::span<const ScoredLists> lists, std::span<const TrueScores> truth,
              const FuseScoresOptions& options)
      : lists_(lists),
        truth_(truth),
        options_(options),
        scales_(lists.size()),
        counts_(lists.size()),
        run_ends_(lists.size()) {}

  void query(std::size_t query, const FusedHits& out) {
    std::size_t limit = 0;
    for (std::size_t l = 0; l < lists_.size(); ++l) {
      counts_[l] = used(lists_[l], query, options_.window);
      scales_[l] = scale_of(lists_[l], query, counts_[l]);
      limit += counts_[l];
    }
    candidates_.reset(limit);
    for (std::size_t l = 0; l < lists_.size(); ++l) {
      collect(l, query);
      run_ends_[l] = candidates_.entries().size();
    }
    write_fused(ranker_.rank(candidates_.entries(), run_ends_, options_.depth), query, options_.depth, out);
  }

 private:
  void collect(std::size_t l, std::size_t query) {
    const ScoredLists& list = lists_[l];
    const auto number = static_cast<std::uint32_t>(l);
    const std::span<const Row> rows = list.ranked.rows.subspan(query * list.ranked.stride, counts_[l]);
    const std::span<const Score> scores = list.scores.subspan(query * list.score_stride, counts_[l]);
    const bool complete = !truth_.empty();
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (rows[i] == kNoRow) refuse_hit(l, query, i, "expected a row, got the filler of unused slots");
      const double own = scales_[l].worth_of_hit(scores[i]);
      const bool fresh = complete ? candidates_.add(rows[i], number, [&] { return whole(l, query, i, own); })
                                  : candidates_.add(rows[i], number, own);
      if (!fresh) refuse_hit(l, query, i, "row " + std::to_string(rows[i]) + " is in this list twice");
    }
  }

  // The sum of all lists for the i-th hit of list `of`.
  [[nodiscard]] double whole(std::size_t of, std::size_t query, std::size_t i, double own) const {
    double sum = 0.0;
    for (std::size_t by = 0; by < lists_.size(); ++by) {
      if (by == of) {
        sum += own;
        continue;
      }
      const TrueScores& given = truth_[by * lists_.size() + of];
      const Score score = given.scores[query * given.stride + i];
      if (std::isfinite(score)) sum += scales_[by].worth(score);
    }
    return sum;
  }

  std::span<const ScoredLists> lists_;
  std::span<const TrueScores> truth_;
  const FuseScoresOptions& options_;
  std::vector<Scale> scales_;
  std::vector<std::size_t> counts_;
  std::vector<std::size_t> run_ends_;
  FusionCandidates candidates_;
  FusionRanker ranker_;
};

}  // namespace

void fuse_scores(std::span<const ScoredLists> lists, std::span<const TrueScores> truth,
                 const FuseScoresOptions& options, const FusedHits& out) {
  ScoreFusion fusion(lists, truth, options);
  for (std::size_t query = 0; query < out.counts.size(); ++query) fusion.query(query, out);
}

}  // namespace pyengine
