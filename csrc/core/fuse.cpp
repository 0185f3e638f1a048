#include "core/fuse.hpp"

#include <algorithm>
#include <vector>

#include "core/fuse_candidates.hpp"

namespace pyengine {

namespace {

// How many hits of a query's list take part.
std::size_t used(const RankedLists& list, std::size_t query, const FuseOptions& options) {
  return list.weight(query) > 0.0 ? std::min<std::size_t>(list.counts[query], options.window) : 0;
}

// What each rank of a list is worth, best first: once for all queries, or again for each.
class Shares {
 public:
  Shares(const RankedLists& list, const FuseOptions& options) : list_(list), options_(options) {
    if (list_.weights.size() != 1) return;
    std::size_t deepest = 0;
    for (std::size_t query = 0; query < list.counts.size(); ++query) {
      deepest = std::max(deepest, used(list, query, options));
    }
    fill(list.weights[0], deepest);
  }

  [[nodiscard]] std::span<const double> of(std::size_t query, std::size_t count) {
    if (list_.weights.size() != 1) fill(list_.weights[query], count);
    return {shares_.data(), count};
  }

 private:
  void fill(double weight, std::size_t count) {
    shares_.resize(std::max(shares_.size(), count));
    for (std::size_t i = 0; i < count; ++i) {
      shares_[i] = weight / (options_.k + static_cast<double>(i + options_.first_rank));
    }
  }

  const RankedLists& list_;
  const FuseOptions& options_;
  std::vector<double> shares_;
};

}  // namespace

void fuse(std::span<const RankedLists> lists, const FuseOptions& options, const FusedHits& out) {
  std::vector<Shares> shares;
  for (const RankedLists& list : lists) shares.emplace_back(list, options);
  FusionCandidates candidates;
  FusionRanker ranker;
  for (std::size_t query = 0; query < out.counts.size(); ++query) {
    std::size_t limit = 0;
    for (const RankedLists& list : lists) limit += used(list, query, options);
    candidates.reset(limit);
    bool good = true;
    for (std::size_t l = 0; l < lists.size(); ++l) {
      const std::size_t count = used(lists[l], query, options);
      const std::span<const Row> rows = lists[l].rows.subspan(query * lists[l].stride, count);
      const std::span<const double> worth = shares[l].of(query, count);
      good &= candidates.add(rows, worth.data(), static_cast<std::uint32_t>(l));
    }
    good &= !candidates.has(kNoRow);
    for (std::size_t l = 0; !good && l < lists.size(); ++l) {
      const std::size_t count = used(lists[l], query, options);
      check_list(l, query, lists[l].rows.subspan(query * lists[l].stride, count));
    }
    write_fused(ranker.rank(candidates, options.depth), query, options.depth, out);
  }
}

}  // namespace pyengine
