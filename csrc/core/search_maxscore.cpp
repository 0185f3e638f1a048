#include "core/search_maxscore.hpp"

#include <algorithm>
#include <limits>

#include "core/simd/kernels.hpp"

namespace pyengine {

namespace {

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
        simd_(simd::kernels()) {
    order_lists();
  }

  [[nodiscard]] bool scan_lists();
  void look_up_rows(std::span<const Row> rows);

 private:
  void order_lists();
  [[nodiscard]] FixedScore needed(Row first) noexcept;
  [[nodiscard]] unsigned least_code(const QueryList& entry, FixedScore need) const noexcept;
  [[nodiscard]] bool scan_list(std::size_t i);
  [[nodiscard]] std::size_t collect(std::size_t i, std::uint32_t begin, std::size_t found);
  [[nodiscard]] std::size_t add_list(std::size_t j, std::size_t count, FixedScore need) noexcept;
  [[nodiscard]] std::size_t add_tail(const TermList& list, const std::int64_t* worth, std::size_t count,
                                     FixedScore need) noexcept;
  void rescore(std::size_t i, std::size_t count);
  [[nodiscard]] bool in_earlier_list(std::size_t i, Row row) const noexcept;
  [[nodiscard]] std::uint8_t code_of(const TermList& list, Row row) const noexcept;

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

  // The list that is being scanned: a body list's epoch at hand.
  std::uint32_t epoch_ = 0;
  std::uint32_t epoch_end_ = 0;

  // The threshold at hand, for rows after its own and for others.
  RankKey worst_ = 0;
  FixedScore need_after_ = 1;
  FixedScore need_before_ = 1;
};

simd::BodyView body_view(const TermList& list) noexcept {
  return {list.codes, list.low, list.directory, list.count, list.shift};
}

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
  for (std::size_t i = 0; i < lists_.size(); ++i) {
    if (scratch_.rest[i] < needed(0)) return true;
    if (!scan_list(i)) return false;
  }
  return true;
}

bool Run::scan_list(std::size_t i) {
  const QueryList& entry = lists_[i];
  const TermList& list = entry.list;
  epoch_ = 0;
  epoch_end_ = list.rows == nullptr ? epoch_end(list, documents_, 0) : 0;
  Row first = 0;  // no row from here on is smaller
  for (std::uint32_t begin = 0; begin < list.count; begin += options_.chunk) {
    if (list.rows != nullptr) first = list.rows[begin];
    const FixedScore need = needed(first);
    if (scratch_.rest[i] < need) return true;
    const unsigned least = least_code(entry, need - scratch_.rest[i + 1]);
    if (least > list.max_code) return true;
    const std::size_t size = std::min(options_.chunk, list.count - begin);
    counters_.scanned += size;
    const std::size_t found = simd_.scan_codes(list.codes + begin, size, static_cast<std::uint8_t>(least),
                                               scratch_.positions.data());
    std::size_t count = collect(i, begin, found);
    if (count > found) return false;
    if (list.rows == nullptr) first = epoch_ << kEpochBits;
    if (count > 0) first = std::max(first, scratch_.rows[count - 1]);
    counters_.survivors += count;
    for (std::size_t j = i + 1; j < lists_.size() && count > 0; ++j) {
      count = add_list(j, count, need - scratch_.rest[j + 1]);
    }
    rescore(i, count);
  }
  return true;
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

std::size_t Run::add_list(std::size_t j, std::size_t count, FixedScore need) noexcept {
  const TermList& list = lists_[j].list;
  Row* rows = scratch_.rows.data();
  FixedScore* sums = scratch_.sums.data();
  counters_.lookups += count;
  if (list.column != nullptr) return simd_.add_column(list.column, worth(j), rows, sums, count, need);
  if (list.rows != nullptr) return add_tail(list, worth(j), count, need);
  if (options_.range_max && list.range_max != nullptr && count >= 8) {
    count = simd_.keep_by_range(list.range_max, list.max_shift, worth(j), rows, sums, count, need);
  }
  return simd_.add_body(body_view(list), worth(j), rows, sums, count, need);
}

// Candidates and list both ascend: one walk over the list.
std::size_t Run::add_tail(const TermList& list, const std::int64_t* worth, std::size_t count,
                          FixedScore need) noexcept {
  Row* rows = scratch_.rows.data();
  FixedScore* sums = scratch_.sums.data();
  std::uint32_t at = 0;
  std::size_t kept = 0;
  for (std::size_t c = 0; c < count; ++c) {
    const Row row = rows[c];
    while (at < list.count && list.rows[at] < row) ++at;
    const FixedScore sum = sums[c] + (at < list.count && list.rows[at] == row ? worth[list.codes[at]] : 0);
    rows[kept] = row;
    sums[kept] = sum;
    kept += sum >= need ? 1U : 0U;
  }
  return kept;
}

std::uint8_t Run::code_of(const TermList& list, Row row) const noexcept {
  if (list.column != nullptr) return list.column[row];
  if (list.rows == nullptr) return simd::body_code(body_view(list), row);
  const std::uint32_t position = position_of(list, row);
  return position == kNoPosition ? std::uint8_t{0} : list.codes[position];
}

// A row that an earlier list has was dealt with there: kept, or dropped for good.
bool Run::in_earlier_list(std::size_t i, Row row) const noexcept {
  for (std::size_t j = 0; j < i; ++j) {
    if (code_of(lists_[j].list, row) != 0) return true;
  }
  return false;
}

// Offers the first `count` candidates, found in list `i`, with their exact scores.
void Run::rescore(std::size_t i, std::size_t count) {
  const SegmentScoring& scoring = query_.scoring;
  for (std::size_t c = 0; c < count; ++c) {
    const Row row = scratch_.rows[c];
    FixedScore sum = scratch_.sums[c];
    if (sum < needed(row) || in_earlier_list(i, row)) continue;
    if (!scoring.table().exact) {
      ++counters_.rescored;
      sum = 0;
      for (std::size_t j = i; j < lists_.size(); ++j) {
        const QueryList& entry = lists_[j];
        const std::uint8_t code = code_of(entry.list, row);
        if (code == 0) continue;
        sum += query_.fixed.contribution(entry.weighted_idf, scoring.saturation_of(entry.list, code, row));
      }
    }
    const Score score = query_.fixed.score(sum);
    if (score > 0.0F) top_.push({query_.first_row + row, score});
  }
}

void Run::look_up_rows(std::span<const Row> rows) {
  if (lists_.empty()) return;
  for (std::size_t begin = 0; begin < rows.size(); begin += options_.chunk) {
    std::size_t count = std::min<std::size_t>(options_.chunk, rows.size() - begin);
    std::copy_n(rows.begin() + static_cast<std::ptrdiff_t>(begin), count, scratch_.rows.begin());
    std::fill_n(scratch_.sums.begin(), count, 0);
    const FixedScore need = needed(rows[begin]);
    for (std::size_t j = 0; j < lists_.size() && count > 0; ++j) {
      count = add_list(j, count, need - scratch_.rest[j + 1]);
    }
    rescore(0, count);
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

void search_rows(const SegmentQuery& query, std::span<const Row> rows, const MaxScoreOptions& options,
                 MaxScoreScratch& scratch, TopK& top, SearchCounters& counters) {
  Run(query, options, 0, scratch, top, counters).look_up_rows(rows);
}

}  // namespace pyengine
