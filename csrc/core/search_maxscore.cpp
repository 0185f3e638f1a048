#include "core/search_maxscore.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <span>

#include "core/list_lookup.hpp"
#include "core/simd/kernels.hpp"

namespace pyengine {

namespace {

// What codes are worth when rows that have any are to be dropped: enough to sink every sum.
constexpr std::array<std::int64_t, 256> drop_present() noexcept {
  std::array<std::int64_t, 256> worth{};
  for (std::size_t code = 1; code < worth.size(); ++code) {
    worth[code] = std::numeric_limits<std::int64_t>::min() / 2;
  }
  return worth;
}
constexpr std::array<std::int64_t, 256> kDropPresent = drop_present();

// Columns that are walked side by side: their sum has to fit a byte, with an error of one unit a column.
constexpr std::size_t kMostColumns = 15;
// That is done where more than one in so many codes would have to be looked up.
constexpr std::size_t kManySurvivors = 8;

// Postings scanned before there is a threshold; then twice as many each time.
constexpr std::uint32_t kFirstChunk = 128;

// A posting that passes the scan under a filter costs a quarter of a row looked up in every list (measured at
// a million documents).
constexpr std::uint64_t kRowsPerPosting = 4;

// Candidates between the prefetch of a document length and its use.
constexpr std::size_t kAheadLengths = 16;

// How many candidates are rescored under one threshold. With a small k each of them may raise it.
constexpr std::size_t kFewShallow = 8;
constexpr std::size_t kFewDeep = 128;

// With fewer candidates than this a look at the range maxima costs more than it saves.
constexpr std::size_t kRangeMaxCandidates = 8;

// Whether looking up `rows` rows, all that a filter admits, is less work than what a list would leave, going
// by its first postings: `found` of `scanned`.
bool rows_are_fewer(std::size_t rows, const TermList& list, std::size_t found, std::size_t scanned) noexcept {
  return kRowsPerPosting * rows * scanned < std::uint64_t{found} * list.count;
}

// The search of one segment: lists in order of what they add, and the threshold as it rises.
class Run {
 public:
  Run(const SegmentQuery& query, const MaxScoreOptions& options, FixedScore primed, MaxScoreScratch& scratch,
      TopK& top, SearchCounters& counters)
      : query_(query),
        options_(options),
        lists_(query.lists),
        documents_(query.documents()),
        primed_(primed),
        scratch_(scratch),
        top_(top),
        counters_(counters),
        simd_(simd::kernels()),
        clock_(counters.timed) {
    order_lists();
    // Without a threshold to begin with the first chunk lets everything pass: it is kept short.
    chunk_ = primed > 0 ? options.chunk : std::min(options.chunk, kFirstChunk);
    clock_.lap(counters.prepare_nanoseconds);
  }

  [[nodiscard]] bool scan_lists();

 private:
  void order_lists();
  [[nodiscard]] FixedScore needed(Row first) noexcept;
  [[nodiscard]] unsigned least_code(const QueryList& entry, FixedScore need) const noexcept;
  [[nodiscard]] bool scan_list(std::size_t i);
  [[nodiscard]] bool can_scan_columns(std::size_t i) const noexcept;
  void look_up_rows(std::size_t i, std::span<const Row> rows);
  [[nodiscard]] Row row_at(const TermList& list, std::uint32_t position) noexcept;
  void scan_columns(std::size_t i, std::uint64_t from, std::uint64_t to);
  [[nodiscard]] std::size_t collect(std::size_t i, std::uint32_t begin, std::size_t found);
  void look_up(std::size_t i, std::size_t from, std::size_t count, FixedScore need);
  [[nodiscard]] std::size_t add_list(std::size_t j, std::size_t count, FixedScore need) noexcept;
  void offer_postings(const TermList& list, std::uint32_t begin, std::size_t count);
  void rescore(std::size_t i, std::size_t count);
  void rescore_few(std::size_t i, Candidates few);
  void make_exact(std::size_t i, const Candidates& few);

  [[nodiscard]] std::int64_t* worth(std::size_t i) const noexcept { return scratch_.worth.data() + 256 * i; }

  const SegmentQuery& query_;
  const MaxScoreOptions& options_;
  std::vector<QueryList>& lists_;
  std::uint64_t documents_;
  FixedScore primed_;
  MaxScoreScratch& scratch_;
  TopK& top_;
  SearchCounters& counters_;
  const simd::Kernels& simd_;
  PhaseClock clock_;

  bool finished_ = false;    // every row has been dealt with
  std::uint32_t chunk_ = 1;  // postings scanned next under one threshold

  // The list that is being scanned: a body list's epoch at hand.
  std::uint32_t epoch_ = 0;
  std::uint32_t epoch_end_ = 0;

  // The threshold at hand, for rows after its own and for others.
  RankKey worst_ = 0;
  FixedScore need_after_ = 1;
  FixedScore need_before_ = 1;
};

void Run::order_lists() {
  const CodeTable& table = query_.scoring.table();
  std::stable_sort(lists_.begin(), lists_.end(), [&table](const QueryList& a, const QueryList& b) {
    return a.weighted_idf * table.ceiling[a.list.max_code] > b.weighted_idf * table.ceiling[b.list.max_code];
  });
  scratch_.reserve(lists_.size(), options_.chunk);
  scratch_.rest[lists_.size()] = 0;
  for (std::size_t i = lists_.size(); i-- > 0;) {
    const QueryList& entry = lists_[i];
    simd_.round_products(table.ceiling.data(), entry.weighted_idf, query_.fixed.scale(), 256, worth(i));
    scratch_.most[i] = worth(i)[entry.list.max_code];
    scratch_.rest[i] = scratch_.rest[i + 1] + scratch_.most[i];
  }
  need_before_ = need_after_ =
      std::max(primed_, query_.fixed.least_sum(std::numeric_limits<Score>::denorm_min()));
}

// The least sum with which a row from `first` on still gets among the k best.
FixedScore Run::needed(Row first) noexcept {
  if (top_.worst() != worst_) {
    worst_ = top_.worst();
    const Score score = hit_of(worst_).score;
    need_before_ = std::max(need_before_, query_.fixed.least_sum(score));
    need_after_ = std::max(
        need_before_, query_.fixed.least_sum(std::nextafter(score, std::numeric_limits<Score>::infinity())));
  }
  return worst_ != 0 && hit_of(worst_).row < query_.first_row + std::uint64_t{first} ? need_after_
                                                                                     : need_before_;
}

// The least code that is worth `need`, or 256. Binary search: what codes are worth rises with the code.
unsigned Run::least_code(const QueryList& entry, FixedScore need) const noexcept {
  const std::int64_t* worth = this->worth(static_cast<std::size_t>(&entry - lists_.data()));
  return static_cast<unsigned>(std::lower_bound(worth + 1, worth + 256, need) - worth);
}

bool Run::scan_lists() {
  for (std::size_t i = 0; i < lists_.size() && !finished_; ++i) {
    if (scratch_.rest[i] < needed(0)) return true;
    if (!scan_list(i)) return false;
  }
  return true;
}

// Whether list `i` and all after it have columns and there is a fast way to scan those.
bool Run::can_scan_columns(std::size_t i) const noexcept {
  return simd_.scan_columns != nullptr && lists_.size() - i >= 2 && lists_.size() - i <= kMostColumns &&
         std::all_of(lists_.begin() + static_cast<std::ptrdiff_t>(i), lists_.end(),
                     [](const QueryList& entry) { return entry.list.column != nullptr; });
}

// The row of a posting in the epoch at hand or a later one of a body list; at most the last row there is.
Row Run::row_at(const TermList& list, std::uint32_t position) noexcept {
  while (position >= epoch_end_ && std::uint64_t{epoch_ + 1} << kEpochBits < documents_) {
    ++epoch_;
    epoch_end_ = epoch_end(list, documents_, epoch_);
  }
  return static_cast<Row>(std::min<std::uint64_t>(epoch_ << kEpochBits | list.low[position], documents_ - 1));
}

// Deals with the rows from `from` to below `to` that list `i` and those after it have, walking their columns
// side by side: better than looking up the survivors of a scan when they are many.
void Run::scan_columns(std::size_t i, std::uint64_t from, std::uint64_t to) {
  const std::size_t columns = lists_.size() - i;
  std::array<const std::uint8_t*, kMostColumns> starts{};
  std::array<simd::ByteWorth, kMostColumns> bytes;
  // Rounding up adds less than a unit a list, so that no sum passes 255.
  const FixedScore unit = scratch_.rest[i] / static_cast<FixedScore>(255 - kMostColumns) + 1;
  for (std::size_t j = 0; j < columns; ++j) {
    starts[j] = lists_[i + j].list.column;
    for (std::size_t code = 0; code < 256; ++code) {
      const FixedScore units = (worth(i + j)[code] + unit - 1) / unit;
      bytes[j].bytes[code] = static_cast<std::uint8_t>(std::min<FixedScore>(units, 255));
    }
  }
  for (std::uint64_t first = from; first < to; first += options_.chunk) {
    const FixedScore need = needed(static_cast<Row>(first));
    if (scratch_.rest[i] < need) break;
    const std::size_t size = std::min<std::uint64_t>(options_.chunk, to - first);
    counters_.scanned += size;
    const auto least = static_cast<std::uint8_t>(std::clamp<FixedScore>(need / unit, 1, 255));
    const std::size_t found = simd_.scan_columns(starts.data(), bytes.data(), columns, first, size, least,
                                                 scratch_.positions.data());
    std::size_t count = 0;
    for (std::size_t c = 0; c < found; ++c) {
      const Row row = static_cast<Row>(first) + scratch_.positions[c];
      scratch_.rows[count] = row;
      scratch_.sums[count] = 0;
      count += query_.filter.admits(row, query_.first_row + row) ? 1U : 0U;
    }
    counters_.survivors += count;
    clock_.lap(counters_.scan_nanoseconds);
    look_up(i, i, count, need);
  }
}

bool Run::scan_list(std::size_t i) {
  const QueryList& entry = lists_[i];
  const TermList& list = entry.list;
  epoch_ = 0;
  epoch_end_ = list.rows == nullptr ? epoch_end(list, documents_, 0) : 0;
  Row first = 0;  // no row from here on is smaller
  std::uint32_t size = 0;
  for (std::uint32_t begin = 0; begin < list.count; begin += size) {
    if (list.rows != nullptr) first = list.rows[begin];
    const FixedScore need = needed(first);
    if (scratch_.rest[i] < need) return true;
    const unsigned least = least_code(entry, need - scratch_.rest[i + 1]);
    if (least > list.max_code) return true;
    size = std::min(chunk_, list.count - begin);
    chunk_ = std::min(2 * chunk_, options_.chunk);
    counters_.scanned += size;
    const std::size_t found = simd_.scan_codes(list.codes + begin, size, static_cast<std::uint8_t>(least),
                                               scratch_.positions.data());
    if (begin == 0 && query_.few && rows_are_fewer(query_.few->size(), list, found, size)) {
      look_up_rows(i, *query_.few);
      finished_ = true;
      return true;
    }
    // A short first chunk, without a threshold, says nothing of the later ones.
    if (found * kManySurvivors > size && size == options_.chunk && can_scan_columns(i)) {
      const Row from = row_at(list, begin);
      scan_columns(i, from, documents_);
      if (i + 1 < lists_.size()) scan_columns(i + 1, 0, from);
      finished_ = true;
      return true;
    }
    std::size_t count = collect(i, begin, found);
    if (count > found) return false;
    if (list.rows == nullptr) first = epoch_ << kEpochBits;
    if (count > 0) first = std::max(first, scratch_.rows[count - 1]);
    counters_.survivors += count;
    clock_.lap(counters_.scan_nanoseconds);
    if (lists_.size() == 1 && count == found) {
      offer_postings(list, begin, count);
      clock_.lap(counters_.rescore_nanoseconds);
      continue;
    }
    look_up(i, i + 1, count, need);
  }
  return true;
}

// A query of one term: a candidate's posting is at hand, and nothing has to be looked up.
void Run::offer_postings(const TermList& list, std::uint32_t begin, std::size_t count) {
  const SegmentScoring& scoring = query_.scoring;
  const bool exact = scoring.table().exact;
  const std::uint32_t* lengths = scoring.segment().lengths().data();
  for (std::size_t c = 0; c < count; ++c) {
    if (!exact && c + kAheadLengths < count) __builtin_prefetch(lengths + scratch_.rows[c + kAheadLengths]);
    const Row row = scratch_.rows[c];
    FixedScore sum = scratch_.sums[c];
    if (sum < needed(row)) continue;
    if (!exact) {
      ++counters_.rescored;
      const double saturation = scoring.saturation_at(list, begin + scratch_.positions[c], row);
      sum = query_.fixed.contribution(lists_.front().weighted_idf, saturation);
    }
    const Score score = query_.fixed.score(sum);
    if (score > 0.0F) top_.push({query_.first_row + row, score});
  }
}

// Turns the positions that were found into candidates; more than `found` comes back if a row is unsound.
std::size_t Run::collect(std::size_t i, std::uint32_t begin, std::size_t found) {
  const TermList& list = lists_[i].list;
  const std::int64_t* worth = this->worth(i);
  const std::uint32_t* positions = scratch_.positions.data();
  Row* rows = scratch_.rows.data();
  FixedScore* sums = scratch_.sums.data();
  Row greatest = 0;
  if (list.rows != nullptr) {
    for (std::size_t c = 0; c < found; ++c) {
      const std::uint32_t at = begin + positions[c];
      rows[c] = list.rows[at];
      sums[c] = worth[list.codes[at]];
      greatest = std::max(greatest, rows[c]);
    }
  } else {
    for (std::size_t c = 0; c < found; ++c) {
      const std::uint32_t at = begin + positions[c];
      while (at >= epoch_end_) {
        ++epoch_;
        if (std::uint64_t{epoch_} << kEpochBits >= documents_) return found + 1;
        epoch_end_ = epoch_end(list, documents_, epoch_);
      }
      rows[c] = epoch_ << kEpochBits | list.low[at];
      sums[c] = worth[list.codes[at]];
      greatest = std::max(greatest, rows[c]);
    }
  }
  if (found > 0 && greatest >= documents_) return found + 1;
  if (query_.filter.all()) return found;
  std::size_t kept = 0;
  for (std::size_t c = 0; c < found; ++c) {
    const Row row = rows[c];
    sums[kept] = sums[c];
    rows[kept] = row;
    kept += query_.filter.admits(row, query_.first_row + row) ? 1U : 0U;
  }
  return kept;
}

// Looks the first `count` candidates, found in list `i`, up in the lists from `from` on, and offers those
// that are left.
void Run::look_up(std::size_t i, std::size_t from, std::size_t count, FixedScore need) {
  for (std::size_t j = from; j < lists_.size() && count > 0; ++j) {
    count = add_list(j, count, need - scratch_.rest[j + 1]);
  }
  clock_.lap(counters_.lookup_nanoseconds);
  rescore(i, count);
  clock_.lap(counters_.rescore_nanoseconds);
}

// Adds list `j` to the first `count` candidates; returns how many can still reach `need`.
std::size_t Run::add_list(std::size_t j, std::size_t count, FixedScore need) noexcept {
  const TermList& list = lists_[j].list;
  Row* rows = scratch_.rows.data();
  FixedScore* sums = scratch_.sums.data();
  if (options_.range_max && list.range_max != nullptr && count >= kRangeMaxCandidates) {
    count = simd_.keep_by_range(list.range_max, list.max_shift, worth(j), rows, sums, count, need);
  }
  counters_.lookups += count;
  return add_postings(list, worth(j), {rows, sums, count}, need);
}

// Offers the first `count` candidates, found in list `i`, with their exact scores: a few at a time, since
// each may raise the threshold for the next.
void Run::rescore(std::size_t i, std::size_t count) {
  const std::size_t few = options_.range_max ? kFewDeep : kFewShallow;
  for (std::size_t begin = 0; begin < count; begin += few) {
    rescore_few(i,
                {scratch_.rows.data() + begin, scratch_.sums.data() + begin, std::min(few, count - begin)});
  }
}

void Run::rescore_few(std::size_t i, Candidates few) {
  const std::uint32_t* lengths = query_.scoring.segment().lengths().data();
  const bool exact = query_.scoring.table().exact;
  std::size_t kept = 0;
  for (std::size_t c = 0; c < few.count; ++c) {
    if (few.sums[c] < needed(few.rows[c])) continue;
    if (!exact) __builtin_prefetch(lengths + few.rows[c]);
    few.rows[kept] = few.rows[c];
    few.sums[kept++] = few.sums[c];
  }
  few.count = kept;
  // A row that an earlier list has was dealt with there: kept, or dropped for good.
  for (std::size_t j = 0; j < i && few.count > 0; ++j) {
    counters_.lookups += few.count;
    few.count =
        add_postings(lists_[j].list, kDropPresent.data(), few, std::numeric_limits<FixedScore>::min() / 4);
  }
  if (!exact) make_exact(i, few);
  for (std::size_t c = 0; c < few.count; ++c) {
    const Score score = query_.fixed.score(few.sums[c]);
    if (score > 0.0F) top_.push({query_.first_row + few.rows[c], score});
  }
}

// Replaces what the candidates' codes are worth by what their postings are.
void Run::make_exact(std::size_t i, const Candidates& few) {
  counters_.rescored += few.count;
  std::fill_n(few.sums, few.count, 0);
  std::array<std::uint8_t, kFewDeep> codes;
  for (std::size_t j = i; j < lists_.size(); ++j) {
    const QueryList& entry = lists_[j];
    find_codes(entry.list, {few.rows, few.count}, codes.data());
    for (std::size_t c = 0; c < few.count; ++c) {
      if (codes[c] == 0) continue;
      few.sums[c] += query_.fixed.contribution(
          entry.weighted_idf, query_.scoring.saturation_of(entry.list, codes[c], few.rows[c]));
    }
  }
}

// Deals with `rows`, all that the filter admits, but for those that a list before `i` has.
void Run::look_up_rows(std::size_t i, std::span<const Row> rows) {
  if (i == 0) counters_.algorithm = Algorithm::kRows;
  std::size_t size = 0;
  for (std::size_t begin = 0; begin < rows.size(); begin += size) {
    const FixedScore need = needed(rows[begin]);
    if (scratch_.rest[i] < need) return;
    size = std::min<std::size_t>(chunk_, rows.size() - begin);
    chunk_ = std::min(2 * chunk_, options_.chunk);
    std::copy_n(rows.begin() + static_cast<std::ptrdiff_t>(begin), size, scratch_.rows.begin());
    std::fill_n(scratch_.sums.begin(), size, 0);
    counters_.survivors += size;
    look_up(i, i, size, need);
  }
}

}  // namespace

void MaxScoreScratch::reserve(std::size_t terms, std::size_t chunk) {
  if (rest.size() < terms + 1) {
    worth.resize(256 * (terms + 1));
    most.resize(terms + 1);
    rest.resize(terms + 1);
  }
  if (positions.size() < chunk + kScanPadding) {
    positions.resize(chunk + kScanPadding);
    rows.resize(chunk + kScanPadding);
    sums.resize(chunk + kScanPadding);
  }
}

FixedScore primed_sum(const SegmentQuery& query, std::uint64_t depth) noexcept {
  const auto known = std::lower_bound(kPrimedDepths.begin(), kPrimedDepths.end(), depth);
  if (known == kPrimedDepths.end()) return 0;
  const auto at = static_cast<std::size_t>(known - kPrimedDepths.begin());
  FixedScore sum = 0;
  for (const QueryList& entry : query.lists) {
    const double floor = query.scoring.table().floor[entry.list.kth_codes[at]];
    sum = std::max(sum, query.fixed.contribution(entry.weighted_idf, floor));
  }
  // A row with a lower sum may still have the same score, and then win by its number.
  const Score score = query.fixed.score(sum);
  return score > 0.0F ? query.fixed.least_sum(score) : 0;
}

bool search_maxscore(const SegmentQuery& query, const MaxScoreOptions& options, FixedScore primed,
                     MaxScoreScratch& scratch, TopK& top, SearchCounters& counters) {
  return Run(query, options, primed, scratch, top, counters).scan_lists();
}

}  // namespace pyengine
