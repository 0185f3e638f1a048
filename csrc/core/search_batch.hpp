// Answers a batch of queries over one segment: resolves terms, picks the algorithm, shares the queries
// out to threads. The answer is the same bits for every number of threads.
// Thread rule: any number of threads may search at once. Threads started here are joined before return.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "core/queries.hpp"
#include "core/search_exhaustive.hpp"
#include "core/segment.hpp"
#include "core/topk.hpp"
#include "core/types.hpp"

namespace pyengine {

// Ranked lists in caller's memory: query i has slots [i * k, (i + 1) * k), of which counts[i] are used.
struct HitArrays {
  std::span<Row> rows;
  std::span<Score> scores;
  std::span<std::uint32_t> counts;
};

struct SearchOptions {
  std::size_t k = 10;
  unsigned threads = 1;
  std::uint32_t window = kWindowRows;
};

// One term's share of one document's score.
struct TermShare {
  double weight;  // occurrences in the query
  std::uint32_t tf;
  std::uint64_t df;
  double idf;
  double contribution;
};

class Searcher {
 public:
  explicit Searcher(const LexicalSegment& segment) : segment_(segment) {}

  // Fills `out`; unused slots hold kNoRow and -infinity. `stop` is asked between queries, by the calling
  // thread only; once it says true the search ends early and false comes back.
  // Throws Error{kCorruption}. REQUIRES: options.k >= 1, threads >= 1, window >= 1; spans of fitting size.
  [[nodiscard]] bool search(const Queries& queries, const SearchOptions& options, const HitArrays& out,
                            const std::function<bool()>& stop) const;

  // The scores of `per_query` given rows of each query; 0 where nothing matches, -infinity for kNoRow.
  // REQUIRES: every other row is below the number of documents.
  void score(const Queries& queries, std::span<const Row> rows, std::size_t per_query,
             std::span<Score> out) const;

  // How many postings the terms of each query have.
  void count_postings(const Queries& queries, std::span<std::uint64_t> out) const;

  // The shares of all terms of query `i`, in its order; terms that do not occur have tf 0.
  // Their contributions added in order and rounded to float32 are the score.
  [[nodiscard]] std::vector<TermShare> explain(const Queries& queries, std::size_t i, Row row) const;

 private:
  // What one thread needs for a query; reused, so that a search allocates next to nothing.
  struct Scratch {
    WindowSums sums;
    TopK top;
    std::vector<ScoredList<ListCursor>> lists;
  };

  [[nodiscard]] std::vector<TermId> resolve(const Queries& queries) const;
  void collect_lists(std::span<const QueryTerm> query, std::span<const TermId> ids,
                     std::vector<ScoredList<ListCursor>>& lists) const;
  void search_one(const Queries& queries, std::size_t i, std::span<const TermId> ids,
                  const SearchOptions& options, const HitArrays& out, Scratch& scratch) const;
  [[nodiscard]] std::unique_ptr<Scratch> borrow() const;
  void give_back(std::unique_ptr<Scratch> scratch) const;

  const LexicalSegment& segment_;
  mutable std::mutex mutex_;  // guards idle_
  mutable std::vector<std::unique_ptr<Scratch>> idle_;
};

}  // namespace pyengine
