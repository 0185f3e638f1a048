// Answers batches of queries over a collection: resolves terms, picks the algorithm, shares the queries out
// to threads. The answer is the same bits for every algorithm, split into segments and number of threads.
// Thread rule: any number of threads may search at once. Threads started here are joined before return.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include "core/collection.hpp"
#include "core/queries.hpp"
#include "core/search_exhaustive.hpp"
#include "core/search_maxscore.hpp"
#include "core/segment_scoring.hpp"
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
  bool exact = false;                        // score every matching row; the same answer
  std::span<const std::uint64_t> allowed{};  // one bit a row of the collection; empty: all rows
  std::span<const Row> allowed_rows{};       // the same as rows, ascending, if they are few; else empty
  std::optional<Bm25Params> params{};        // other than those of the build
  std::span<SearchCounters> counters{};      // one a query, or empty
  std::uint32_t window = kWindowRows;        // smaller only in tests, as the next
  std::uint32_t chunk = MaxScoreOptions{}.chunk;
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
  explicit Searcher(Collection collection);
  ~Searcher();
  Searcher(const Searcher&) = delete;
  Searcher& operator=(const Searcher&) = delete;

  [[nodiscard]] const Collection& collection() const noexcept { return collection_; }

  // Fills `out`; unused slots hold kNoRow and -infinity. `stop` is asked between queries, by the calling
  // thread only; once it says true the search ends early and false comes back.
  // Throws Error{kCorruption}. REQUIRES: ids in `queries` are below the terms of the one segment; k, threads,
  // window, chunk >= 1; spans of fitting size.
  [[nodiscard]] bool search(const Queries& queries, const SearchOptions& options, const HitArrays& out,
                            const std::function<bool()>& stop) const;

  // The scores of `per_query` given rows of each query; 0 where nothing matches, -infinity for kNoRow.
  // Deleted rows are scored like the others. REQUIRES: every other row is below the number of rows.
  void score(const Queries& queries, std::span<const Row> rows, std::size_t per_query,
             std::span<Score> out) const;

  // How many postings the terms of each query have.
  void count_postings(const Queries& queries, std::span<std::uint64_t> out) const;

  // The shares of all terms of query `i`, in its order; terms that do not occur have tf 0.
  // Their contributions added in order and rounded to float32 are the score. REQUIRES: as score().
  [[nodiscard]] std::vector<TermShare> explain(const Queries& queries, std::size_t i, Row row) const;

 private:
  struct Scratch;   // what one thread needs for a query; reused, so that a search allocates next to nothing
  struct Resolved;  // a batch's terms in every segment
  struct Weighted;  // what a query's terms weigh
  struct Formula;   // a formula over this collection, and what the segments' codes are worth under it

  [[nodiscard]] Resolved resolve(const Queries& queries) const;
  [[nodiscard]] std::vector<std::uint32_t> turns(const Queries& queries, const Resolved& resolved) const;
  [[nodiscard]] std::shared_ptr<const Formula> formula(const std::optional<Bm25Params>& params) const;
  void search_one(const Queries& queries, std::size_t i, const Resolved& resolved, const Formula& formula,
                  const SearchOptions& options, Scratch& scratch, SearchCounters& counters) const;
  [[nodiscard]] Weighted weigh(const Queries& queries, std::size_t i, const Resolved& resolved,
                               const Formula& formula) const;
  [[nodiscard]] std::vector<TermShare> shares(const Queries& queries, std::size_t i, const Resolved& resolved,
                                              const Formula& formula, const Weighted& weighted,
                                              Row row) const;
  [[nodiscard]] std::unique_ptr<Scratch> borrow() const;
  void give_back(std::unique_ptr<Scratch> scratch) const;

  Collection collection_;
  mutable std::mutex mutex_;  // guards the two below
  mutable std::vector<std::unique_ptr<Scratch>> idle_;
  mutable std::vector<std::shared_ptr<const Formula>> formulas_;
};

}  // namespace pyengine
