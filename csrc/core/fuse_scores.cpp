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

constexpr Score kInfinity = std::numeric_limits<Score>::infinity();

// How one query's scores of one list become shares of the sum. The loops have no branch, so that the compiler
// makes vectors of them.
struct Scale {
  double weight = 0.0;
  double low = 0.0;    // of the normalised range
  double step = 0.0;   // what a point is worth: weight / range
  bool flat = false;   // no range: every hit is worth the weight
  bool finite = true;  // all scores of the list are; if not:
  double least = 0.0;  // of those that are
  double greatest = 0.0;

  // Adds what the list's own hits are worth.
  void add_hits(std::span<const Score> scores, double* sums) const noexcept {
    if (flat) {
      for (std::size_t i = 0; i < scores.size(); ++i) sums[i] += weight;
      return;
    }
    if (finite) {
      for (std::size_t i = 0; i < scores.size(); ++i) {
        sums[i] += step * (static_cast<double>(scores[i]) - low);
      }
      return;
    }
    for (std::size_t i = 0; i < scores.size(); ++i) {
      const double bound = scores[i] > 0.0F ? greatest : least;
      const double score = std::abs(scores[i]) < kInfinity ? static_cast<double>(scores[i]) : bound;
      sums[i] += step * (score - low);
    }
  }

  // Adds what the hits of another list are worth here.
  void add_true(std::span<const Score> scores, double* sums) const noexcept {
    if (flat) {
      for (std::size_t i = 0; i < scores.size(); ++i) {
        sums[i] += std::abs(scores[i]) < kInfinity ? weight : 0.0;
      }
      return;
    }
    for (std::size_t i = 0; i < scores.size(); ++i) {
      const double worth = step * (static_cast<double>(scores[i]) - low);
      sums[i] += std::abs(scores[i]) < kInfinity ? worth : 0.0;
    }
  }
};

bool all_finite(std::span<const Score> scores) noexcept {
  constexpr std::size_t kLanes = 8;  // independent sums, which the compiler turns into vectors
  std::array<Score, kLanes> zeros{};
  const std::size_t whole = scores.size() / kLanes * kLanes;
  // Nothing times a number is 0, times NaN or infinity NaN, which stays.
  for (std::size_t i = 0; i < whole; i += kLanes) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) zeros[lane] += scores[i + lane] * 0.0F;
  }
  for (std::size_t i = whole; i < scores.size(); ++i) zeros[i - whole] += scores[i] * 0.0F;
  return std::all_of(zeros.begin(), zeros.end(), [](Score zero) { return zero == 0.0F; });
}

struct Bounds {
  double least = 0.0;
  double greatest = 0.0;
};

// The least and the greatest finite score; 0 and 0 if there is none.
Bounds bounds_of(std::span<const Score> scores) {
  constexpr std::size_t kLanes = 8;  // as above
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
  const std::span<const Score> scores = list.scores.subspan(query * list.score_stride, count);
  scale.weight = list.ranked.weight(query);
  scale.step = scale.weight;
  scale.finite = all_finite(scores);
  if (list.normalisation == Normalisation::kNone && scale.finite) return scale;
  const Bounds bounds = bounds_of(scores);
  scale.least = bounds.least;
  scale.greatest = bounds.greatest;
  if (list.normalisation == Normalisation::kNone) return scale;
  scale.low = list.normalisation == Normalisation::kTheoretical ? list.minimum : scale.least;
  const double range = scale.greatest - scale.low;
  scale.step = scale.weight / range;
  scale.flat = !(range > 0.0 && std::isfinite(scale.step));
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
      : lists_(lists), truth_(truth), options_(options), scales_(lists.size()), counts_(lists.size()) {}

  void query(std::size_t query, const FusedHits& out) {
    std::size_t limit = 0;
    for (std::size_t l = 0; l < lists_.size(); ++l) {
      counts_[l] = used(lists_[l], query, options_.window);
      scales_[l] = scale_of(lists_[l], query, counts_[l]);
      limit += counts_[l];
    }
    candidates_.reset(limit);
    // A row that several lists name has its whole sum from the first of them: the one written last.
    bool good = true;
    for (std::size_t i = 0; i < lists_.size(); ++i) {
      const std::size_t l = truth_.empty() ? i : lists_.size() - 1 - i;
      const auto number = static_cast<std::uint32_t>(l);
      sum(l, query);
      good &= truth_.empty() ? candidates_.add(rows(l, query), sums_.data(), number)
                             : candidates_.put(rows(l, query), sums_.data(), number);
    }
    good &= !candidates_.has(kNoRow);
    for (std::size_t l = 0; !good && l < lists_.size(); ++l) check_list(l, query, rows(l, query));
    write_fused(ranker_.rank(candidates_, options_.depth), query, options_.depth, out);
  }

 private:
  [[nodiscard]] std::span<const Row> rows(std::size_t l, std::size_t query) const {
    return lists_[l].ranked.rows.subspan(query * lists_[l].ranked.stride, counts_[l]);
  }

  // What the hits of list `of` are worth: there, or with true scores in all lists, in their order.
  void sum(std::size_t of, std::size_t query) {
    const std::size_t count = counts_[of];
    sums_.assign(count, 0.0);
    for (std::size_t by = 0; by < lists_.size(); ++by) {
      if (by == of) {
        scales_[by].add_hits(lists_[of].scores.subspan(query * lists_[of].score_stride, count), sums_.data());
      } else if (!truth_.empty()) {
        const TrueScores& given = truth_[by * lists_.size() + of];
        scales_[by].add_true(given.scores.subspan(query * given.stride, count), sums_.data());
      }
    }
  }

  std::span<const ScoredLists> lists_;
  std::span<const TrueScores> truth_;
  const FuseScoresOptions& options_;
  std::vector<Scale> scales_;
  std::vector<std::size_t> counts_;
  std::vector<double> sums_;
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
