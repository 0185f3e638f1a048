#include "core/searcher.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cmath>
#include <exception>
#include <limits>
#include <numeric>
#include <system_error>
#include <thread>
#include <utility>

#include "core/fixed_point.hpp"
#include "core/list_access.hpp"
#include "core/list_lookup.hpp"

namespace pyengine {

namespace {

constexpr std::size_t kFormulasKept = 8;

// Fewer queries than this have too little in common for an order to pay.
constexpr std::size_t kLeastSorted = 8;

// The rows of each part, as it numbers them, that a filter of few rows admits.
std::vector<std::vector<Row>> rows_by_part(const Collection& collection, std::span<const Row> rows) {
  std::vector<std::vector<Row>> parts(collection.parts().size());
  std::size_t part = 0;
  for (const Row global : rows) {
    while (part + 1 < parts.size() && global >= collection.parts()[part + 1].first_row) ++part;
    const Row row = global - collection.parts()[part].first_row;
    const std::vector<std::uint64_t>& live = collection.parts()[part].deletions->live;
    if (live.empty() || (live[row / 64] >> (row % 64) & 1U) != 0) parts[part].push_back(row);
  }
  return parts;
}

}  // namespace

struct Searcher::Scratch {
  WindowSums sums;
  MaxScoreScratch maxscore;
  TopK top;
  std::vector<std::vector<QueryList>> lists;  // by part
};

struct Searcher::Resolved {
  std::vector<std::vector<TermId>> ids;  // by part and term of the batch
  std::vector<std::size_t> order;        // of the parts, the largest first
  // By part: the rows that a filter of few rows admits; empty without such a filter.
  std::vector<std::span<const Row>> rows;
  std::vector<std::vector<Row>> renumbered;  // what they refer to, unless that is the caller's memory
};

struct Searcher::Weighted {
  std::vector<TermShare> shares;
  FixedPoint fixed{0.0};
};

struct Searcher::Formula {
  Bm25 bm25;
  std::vector<SegmentScoring> parts;
};

Searcher::Searcher(Collection collection) : collection_(std::move(collection)) {}
Searcher::~Searcher() = default;

Searcher::Resolved Searcher::resolve(const Queries& queries) const {
  Resolved resolved;
  const std::span<const CollectionPart> parts = collection_.parts();
  resolved.ids.resize(parts.size());
  resolved.order.resize(parts.size());
  for (std::size_t part = 0; part < parts.size(); ++part) {
    resolved.order[part] = part;
    if (!queries.ids().empty()) {
      resolved.ids[part].assign(queries.ids().begin(), queries.ids().end());
      continue;
    }
    resolved.ids[part].resize(queries.terms().size());
    for (TermId term = 0; term < queries.terms().size(); ++term) {
      resolved.ids[part][term] = parts[part].segment->find(queries.terms().term(term));
    }
  }
  std::stable_sort(resolved.order.begin(), resolved.order.end(), [parts](std::size_t a, std::size_t b) {
    return parts[a].segment->meta().documents > parts[b].segment->meta().documents;
  });
  return resolved;
}

// In which order the queries of a batch are answered: those with the same frequent terms one after the other,
// so that they find these lists, in which most rows are looked up, still in the cache.
std::vector<std::uint32_t> Searcher::turns(const Queries& queries, const Resolved& resolved) const {
  std::vector<std::uint32_t> turns(queries.size());
  std::iota(turns.begin(), turns.end(), 0U);
  if (queries.size() < kLeastSorted) return turns;
  const std::size_t part = resolved.order.front();
  const LexicalSegment& segment = *collection_.parts()[part].segment;
  using Terms = std::array<std::uint64_t, 2>;  // the two most frequent: document frequency, then term
  std::vector<Terms> keys(queries.size());
  for (std::size_t i = 0; i < queries.size(); ++i) {
    Terms& most = keys[i];
    for (const QueryTerm& entry : queries.query(i)) {
      const TermId id = resolved.ids[part][entry.term];
      if (id == kNoTerm) continue;
      const std::uint64_t key = std::uint64_t{segment.document_frequency(id)} << 32 | id;
      if (key > most[0])
        most[1] = std::exchange(most[0], key);
      else
        most[1] = std::max(most[1], key);
    }
  }
  std::sort(turns.begin(), turns.end(), [&keys](std::uint32_t a, std::uint32_t b) {
    return keys[a] != keys[b] ? keys[a] > keys[b] : a < b;
  });
  return turns;
}

std::shared_ptr<const Searcher::Formula> Searcher::formula(const std::optional<Bm25Params>& params) const {
  const Bm25Params wanted = params.value_or(collection_.params());
  const std::lock_guard guard(mutex_);
  const auto known = std::find_if(formulas_.begin(), formulas_.end(), [&wanted](const auto& formula) {
    return formula->bm25.params() == wanted;
  });
  if (known != formulas_.end()) return *known;
  auto made = std::make_shared<Formula>(Formula{Bm25(wanted, collection_.stats()), {}});
  made->parts.reserve(collection_.parts().size());
  for (const CollectionPart& part : collection_.parts()) made->parts.emplace_back(*part.segment, made->bm25);
  // The formula of the build comes first and stays; of the others the last few do.
  if (formulas_.size() >= kFormulasKept) formulas_.erase(formulas_.begin() + 1);
  formulas_.push_back(made);
  return made;
}

void Searcher::search_one(const Queries& queries, std::size_t i, const Resolved& resolved,
                          const Formula& formula, const SearchOptions& options, Scratch& scratch,
                          SearchCounters& counters) const {
  PhaseClock clock(counters.timed);
  const std::span<const CollectionPart> parts = collection_.parts();
  scratch.lists.resize(parts.size());
  for (std::vector<QueryList>& lists : scratch.lists) lists.clear();
  double magnitude = 0.0;
  bool negative = false;
  std::size_t terms = 0;
  for (const QueryTerm& entry : queries.query(i)) {
    std::uint64_t df = 0;
    for (std::size_t part = 0; part < parts.size(); ++part) {
      const TermId id = resolved.ids[part][entry.term];
      if (id == kNoTerm) continue;
      scratch.lists[part].push_back({parts[part].segment->list(id), 0.0});
      df += scratch.lists[part].back().list.count - parts[part].deletions->of(id);
    }
    const double weighted_idf = entry.weight * formula.bm25.idf(df);
    for (std::size_t part = 0; part < parts.size(); ++part) {
      if (resolved.ids[part][entry.term] == kNoTerm) continue;
      if (df == 0) {  // only in deleted documents
        scratch.lists[part].pop_back();
        continue;
      }
      scratch.lists[part].back().weighted_idf = weighted_idf;
      counters.postings += scratch.lists[part].back().list.count;
    }
    if (df == 0) continue;
    ++terms;
    magnitude += std::abs(weighted_idf) * formula.bm25.max_saturation();
    negative = negative || weighted_idf < 0.0;
  }

  const bool exhaustive = options.exact || negative || terms > kMaxScoreTerms;
  const FixedPoint fixed(magnitude);
  const MaxScoreOptions maxscore{options.chunk, options.k >= kRangeMaxDepth};
  FixedScore primed = 0;
  const auto query_of = [&](std::size_t part) {
    const std::vector<std::uint64_t>& live = parts[part].deletions->live;
    return SegmentQuery{formula.parts[part],
                        fixed,
                        parts[part].first_row,
                        RowFilter{options.allowed.empty() ? nullptr : options.allowed.data(),
                                  live.empty() ? nullptr : live.data()},
                        resolved.rows.empty() ? std::nullopt : std::optional(resolved.rows[part]),
                        scratch.lists[part]};
  };
  if (!exhaustive && options.allowed.empty()) {
    for (std::size_t part = 0; part < parts.size(); ++part) {
      // Of the best of a list all the deleted ones may be missing.
      primed = std::max(primed, primed_sum(query_of(part), options.k + parts[part].deletions->documents));
    }
  }
  clock.lap(counters.prepare_nanoseconds);
  for (const std::size_t part : resolved.order) {
    if (scratch.lists[part].empty()) continue;
    const SegmentQuery query = query_of(part);
    if (exhaustive) {
      counters.algorithm = Algorithm::kExhaustive;
      if (!search_exhaustive(query, options.window, scratch.sums, scratch.top, counters)) {
        throw parts[part].segment->unsound_postings();
      }
      clock.lap(counters.scan_nanoseconds);
      continue;
    }
    counters.algorithm = Algorithm::kMaxScore;
    if (!search_maxscore(query, maxscore, primed, scratch.maxscore, scratch.top, counters)) {
      throw parts[part].segment->unsound_postings();
    }
  }
}

bool Searcher::search(const Queries& queries, const SearchOptions& options, const HitArrays& out,
                      const std::function<bool()>& stop) const {
  Resolved resolved = resolve(queries);
  if (!options.exact && !options.allowed_rows.empty()) {
    if (collection_.parts().size() == 1 && collection_.deleted() == 0) {
      resolved.rows = {options.allowed_rows};
    } else {
      resolved.renumbered = rows_by_part(collection_, options.allowed_rows);
      resolved.rows.assign(resolved.renumbered.begin(), resolved.renumbered.end());
    }
  }
  const std::shared_ptr<const Formula> formula = this->formula(options.params);
  const std::vector<std::uint32_t> turns = this->turns(queries, resolved);
  std::atomic<std::size_t> next{0};
  std::atomic<bool> stopped{false};
  std::mutex failure_mutex;
  std::exception_ptr failure;

  const auto answer = [&](std::size_t i, Scratch& scratch) {
    const auto begin =
        options.counters.empty() ? std::chrono::steady_clock::time_point{} : std::chrono::steady_clock::now();
    SearchCounters counters;
    counters.timed = !options.counters.empty();
    scratch.top.reset(options.k);
    search_one(queries, i, resolved, *formula, options, scratch, counters);
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
    if (options.counters.empty()) return;
    const auto elapsed = std::chrono::steady_clock::now() - begin;
    counters.nanoseconds =
        static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(elapsed).count());
    options.counters[i] = counters;
  };

  const auto work = [&](bool calling_thread) noexcept {
    try {
      std::unique_ptr<Scratch> scratch = borrow();
      while (!stopped.load(std::memory_order_relaxed)) {
        const std::size_t turn = next.fetch_add(1, std::memory_order_relaxed);
        if (turn >= turns.size()) break;
        answer(turns[turn], *scratch);
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
  const Resolved resolved = resolve(queries);
  const std::shared_ptr<const Formula> formula = this->formula(std::nullopt);
  struct Asked {  // of a query's rows, those of one part
    std::vector<Row> local;
    std::vector<std::size_t> slots;
  };
  std::vector<Asked> asked(collection_.parts().size());
  std::vector<std::uint8_t> codes(per_query);
  std::vector<FixedScore> sums(per_query);
  for (std::size_t i = 0; i < queries.size(); ++i) {
    const Weighted weighted = weigh(queries, i, resolved, *formula);
    const std::span<const Row> wanted = rows.subspan(i * per_query, per_query);
    for (Asked& of_part : asked) {
      of_part.local.clear();
      of_part.slots.clear();
    }
    for (std::size_t j = 0; j < per_query; ++j) {
      if (wanted[j] == kNoRow) continue;
      const std::size_t part = collection_.part_of(wanted[j]);
      asked[part].local.push_back(wanted[j] - collection_.parts()[part].first_row);
      asked[part].slots.push_back(j);
    }
    std::fill(sums.begin(), sums.end(), 0);
    for (std::size_t part = 0; part < asked.size(); ++part) {
      const auto& [local, slots] = asked[part];
      if (local.empty()) continue;
      for (std::size_t t = 0; t < weighted.shares.size(); ++t) {
        const TermShare& share = weighted.shares[t];
        const TermId id = resolved.ids[part][queries.query(i)[t].term];
        if (id == kNoTerm || share.df == 0) continue;
        const TermList list = collection_.parts()[part].segment->list(id);
        const double weighted_idf = share.weight * share.idf;
        find_codes(list, local, codes.data());
        for (std::size_t j = 0; j < local.size(); ++j) {
          if (codes[j] == 0) continue;
          const double saturation = formula->parts[part].saturation_of(list, codes[j], local[j]);
          sums[slots[j]] += weighted.fixed.contribution(weighted_idf, saturation);
        }
      }
    }
    const std::span<Score> scores = out.subspan(i * per_query, per_query);
    for (std::size_t j = 0; j < per_query; ++j) {
      const bool filler = wanted[j] == kNoRow;
      scores[j] = filler ? -std::numeric_limits<Score>::infinity() : weighted.fixed.score(sums[j]);
    }
  }
}

// What the terms of a query weigh in the collection as a whole; no document yet.
Searcher::Weighted Searcher::weigh(const Queries& queries, std::size_t i, const Resolved& resolved,
                                   const Formula& formula) const {
  Weighted weighted;
  double magnitude = 0.0;
  for (const QueryTerm& entry : queries.query(i)) {
    TermShare share{static_cast<double>(entry.weight), 0, 0, 0.0, 0.0};
    for (std::size_t part = 0; part < collection_.parts().size(); ++part) {
      const TermId id = resolved.ids[part][entry.term];
      if (id == kNoTerm) continue;
      const CollectionPart& at = collection_.parts()[part];
      share.df += at.segment->list(id).count - at.deletions->of(id);
    }
    share.idf = formula.bm25.idf(share.df);
    if (share.df > 0) magnitude += std::abs(share.weight * share.idf) * formula.bm25.max_saturation();
    weighted.shares.push_back(share);
  }
  weighted.fixed = FixedPoint(magnitude);
  return weighted;
}

std::vector<TermShare> Searcher::shares(const Queries& queries, std::size_t i, const Resolved& resolved,
                                        const Formula& formula, const Weighted& weighted, Row row) const {
  const std::size_t part = collection_.part_of(row);
  const CollectionPart& at = collection_.parts()[part];
  const Row local = row - at.first_row;
  std::vector<TermShare> shares = weighted.shares;
  for (std::size_t t = 0; t < shares.size(); ++t) {
    const TermId id = resolved.ids[part][queries.query(i)[t].term];
    if (id == kNoTerm || shares[t].df == 0) continue;
    const TermList list = at.segment->list(id);
    const std::uint32_t position = position_of(list, local);
    if (position == kNoPosition) continue;
    shares[t].tf = at.segment->frequency(list, position);
    const double saturation = formula.parts[part].saturation_at(list, position, local);
    shares[t].contribution =
        weighted.fixed.value(weighted.fixed.contribution(shares[t].weight * shares[t].idf, saturation));
  }
  return shares;
}

void Searcher::count_postings(const Queries& queries, std::span<std::uint64_t> out) const {
  const Resolved resolved = resolve(queries);
  for (std::size_t i = 0; i < queries.size(); ++i) {
    out[i] = 0;
    for (const QueryTerm& entry : queries.query(i)) {
      for (std::size_t part = 0; part < collection_.parts().size(); ++part) {
        const TermId id = resolved.ids[part][entry.term];
        if (id != kNoTerm) out[i] += collection_.parts()[part].segment->list(id).count;
      }
    }
  }
}

std::vector<TermShare> Searcher::explain(const Queries& queries, std::size_t i, Row row) const {
  const Resolved resolved = resolve(queries);
  const std::shared_ptr<const Formula> formula = this->formula(std::nullopt);
  return shares(queries, i, resolved, *formula, weigh(queries, i, resolved, *formula), row);
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
