#include "core/search_batch.hpp"

#include <algorithm>
#include <atomic>
#include <exception>
#include <limits>
#include <system_error>
#include <thread>
#include <utility>

namespace pyengine {

std::vector<TermId> Searcher::resolve(const Queries& queries) const {
  std::vector<TermId> ids(queries.terms().size());
  for (TermId term = 0; term < ids.size(); ++term) ids[term] = segment_.find(queries.terms().term(term));
  return ids;
}

void Searcher::collect_lists(std::span<const QueryTerm> query, std::span<const TermId> ids,
                             std::vector<ScoredList<ListCursor>>& lists) const {
  lists.clear();
  for (const QueryTerm& entry : query) {
    const TermId id = ids[entry.term];
    if (id == kNoTerm) continue;
    const ListCursor cursor = segment_.postings(id);
    lists.push_back({cursor, entry.weight * segment_.bm25().idf(cursor.remaining())});
  }
}

void Searcher::search_one(const Queries& queries, std::size_t i, std::span<const TermId> ids,
                          const SearchOptions& options, const HitArrays& out, Scratch& scratch) const {
  collect_lists(queries.query(i), ids, scratch.lists);
  scratch.top.reset(options.k);
  if (!search_exhaustive(scratch.lists, segment_.bm25(), segment_.lengths(), options.window, scratch.sums,
                         scratch.top)) {
    throw segment_.unsound_postings();
  }
  const std::span<const Hit> hits = scratch.top.take_sorted();
  const std::span<Row> rows = out.rows.subspan(i * options.k, options.k);
  const std::span<Score> scores = out.scores.subspan(i * options.k, options.k);
  for (std::size_t slot = 0; slot < hits.size(); ++slot) {
    rows[slot] = hits[slot].row;
    scores[slot] = hits[slot].score;
  }
  std::fill(rows.begin() + static_cast<std::ptrdiff_t>(hits.size()), rows.end(), kNoRow);
  std::fill(scores.begin() + static_cast<std::ptrdiff_t>(hits.size()), scores.end(),
            -std::numeric_limits<Score>::infinity());
  out.counts[i] = static_cast<std::uint32_t>(hits.size());
}

bool Searcher::search(const Queries& queries, const SearchOptions& options, const HitArrays& out,
                      const std::function<bool()>& stop) const {
  const std::vector<TermId> ids = resolve(queries);
  std::atomic<std::size_t> next{0};
  std::atomic<bool> stopped{false};
  std::mutex failure_mutex;
  std::exception_ptr failure;

  const auto work = [&](bool calling_thread) noexcept {
    try {
      std::unique_ptr<Scratch> scratch = borrow();
      while (!stopped.load(std::memory_order_relaxed)) {
        const std::size_t i = next.fetch_add(1, std::memory_order_relaxed);
        if (i >= queries.size()) break;
        search_one(queries, i, ids, options, out, *scratch);
        if (calling_thread && stop && stop()) stopped = true;
      }
      give_back(std::move(scratch));
    } catch (...) {
      const std::lock_guard guard(failure_mutex);
      if (!failure) failure = std::current_exception();
      stopped = true;
    }
  };

  {
    std::vector<std::jthread> helpers;  // joined at the end of this block
    const std::size_t threads = std::min<std::size_t>(options.threads, queries.size());
    try {
      for (std::size_t t = 1; t < threads; ++t) helpers.emplace_back(work, false);
    } catch (const std::system_error&) {
      // The system gives no more threads: those there are do the work, with the same answer.
    }
    work(true);
  }
  if (failure) std::rethrow_exception(failure);
  return !stopped;
}

void Searcher::score(const Queries& queries, std::span<const Row> rows, std::size_t per_query,
                     std::span<Score> out) const {
  const std::vector<TermId> ids = resolve(queries);
  std::vector<ScoredList<ListCursor>> lists;
  for (std::size_t i = 0; i < queries.size(); ++i) {
    collect_lists(queries.query(i), ids, lists);
    for (std::size_t j = i * per_query; j < (i + 1) * per_query; ++j) {
      if (rows[j] == kNoRow) {
        out[j] = -std::numeric_limits<Score>::infinity();
        continue;
      }
      double sum = 0.0;
      for (const ScoredList<ListCursor>& list : lists) {
        ListCursor cursor = list.cursor;
        cursor.seek(rows[j]);
        if (cursor.done() || cursor.row() != rows[j]) continue;
        sum +=
            segment_.bm25().contribution(list.weighted_idf, cursor.frequency(), segment_.lengths()[rows[j]]);
      }
      out[j] = static_cast<Score>(sum);
    }
  }
}

void Searcher::count_postings(const Queries& queries, std::span<std::uint64_t> out) const {
  const std::vector<TermId> ids = resolve(queries);
  for (std::size_t i = 0; i < queries.size(); ++i) {
    out[i] = 0;
    for (const QueryTerm& entry : queries.query(i)) {
      if (ids[entry.term] != kNoTerm) out[i] += segment_.postings(ids[entry.term]).remaining();
    }
  }
}

std::vector<TermShare> Searcher::explain(const Queries& queries, std::size_t i, Row row) const {
  const std::vector<TermId> ids = resolve(queries);
  std::vector<TermShare> shares;
  for (const QueryTerm& entry : queries.query(i)) {
    TermShare share{static_cast<double>(entry.weight), 0, 0, segment_.bm25().idf(0), 0.0};
    if (ids[entry.term] != kNoTerm) {
      ListCursor cursor = segment_.postings(ids[entry.term]);
      share.df = cursor.remaining();
      share.idf = segment_.bm25().idf(share.df);
      cursor.seek(row);
      if (!cursor.done() && cursor.row() == row) {
        share.tf = cursor.frequency();
        share.contribution =
            segment_.bm25().contribution(share.weight * share.idf, share.tf, segment_.lengths()[row]);
      }
    }
    shares.push_back(share);
  }
  return shares;
}

std::unique_ptr<Searcher::Scratch> Searcher::borrow() const {
  {
    const std::lock_guard guard(mutex_);
    if (!idle_.empty()) {
      std::unique_ptr<Scratch> scratch = std::move(idle_.back());
      idle_.pop_back();
      return scratch;
    }
  }
  return std::make_unique<Scratch>();
}

// Only clean scratch comes back: after an exception it is dropped.
void Searcher::give_back(std::unique_ptr<Scratch> scratch) const {
  const std::lock_guard guard(mutex_);
  idle_.push_back(std::move(scratch));
}

}  // namespace pyengine
