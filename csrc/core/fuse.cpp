#include "core/fuse.hpp"

#include <algorithm>
#include <bit>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "core/error.hpp"

namespace pyengine {

namespace {

// A hit as one number: ascending keys are the order law. Scores here are never negative, and the bits of
// such floats ascend with their values.
using Key = std::uint64_t;

Key key_of(Row row, Score score) noexcept { return Key{~std::bit_cast<std::uint32_t>(score)} << 32 | row; }
Row row_of(Key key) noexcept { return static_cast<Row>(key); }
Score score_of(Key key) noexcept { return std::bit_cast<Score>(~static_cast<std::uint32_t>(key >> 32)); }

struct Candidate {
  double sum;
  Row row;
  std::uint32_t last_list : 31;  // the list that named it last, to notice a row named twice
  std::uint32_t shared : 1;      // named by several lists
};

// The candidates of one query, found by row through an open-addressing table.
class Candidates {
 public:
  // Forgets everything and makes room for `limit` rows.
  void reset(std::size_t limit) {
    const std::size_t slots = std::bit_ceil(std::max<std::size_t>(4 * limit, 16));
    slots_.assign(slots, 0);
    shift_ = 64 - std::countr_zero(slots);
    entries_.clear();
    entries_.reserve(limit);
  }

  // Adds to the row's sum. False: `list` had named the row before.
  [[nodiscard]] bool add(Row row, std::uint32_t list, double value) {
    // Multiplicative hashing: consecutive rows, which are common, spread over the table.
    std::size_t slot = (row * 0x9E3779B97F4A7C15ULL) >> shift_;
    for (; slots_[slot] != 0; slot = (slot + 1) & (slots_.size() - 1)) {
      Candidate& candidate = entries_[slots_[slot] - 1];
      if (candidate.row != row) continue;
      if (candidate.last_list == list) return false;
      candidate.last_list = list & 0x7FFFFFFF;
      candidate.shared = 1;
      candidate.sum += value;
      return true;
    }
    entries_.push_back({value, row, list & 0x7FFFFFFF, 0});
    slots_[slot] = static_cast<std::uint32_t>(entries_.size());
    return true;
  }

  [[nodiscard]] std::span<const Candidate> entries() const noexcept { return entries_; }

 private:
  std::vector<std::uint32_t> slots_;  // 1 + index into entries_; 0: empty
  int shift_ = 0;
  std::vector<Candidate> entries_;
};

// The smaller of two keys, without a branch the CPU would have to guess.
Key pick(bool second, Key a, Key b) noexcept { return a ^ ((a ^ b) & (Key{0} - Key{second})); }

// Merges two ascending runs into `out`, whose size is theirs together or less.
void merge(std::span<const Key> a, std::span<const Key> b, std::span<Key> out) noexcept {
  const Key* left = a.data();
  const Key* right = b.data();
  const Key* const left_end = left + a.size();
  const Key* const right_end = right + b.size();
  Key* to = out.data();
  Key* const to_end = to + out.size();
  while (to != to_end && left != left_end && right != right_end) {
    const bool from_right = *right < *left;
    *to++ = pick(from_right, *left, *right);
    left += !from_right;
    right += from_right;
  }
  while (to != to_end && left != left_end) *to++ = *left++;
  while (to != to_end && right != right_end) *to++ = *right++;
}

// Merges two ascending runs of equal length that lie one after the other, from both ends at once: after
// `length` steps from either end neither has left its runs, so no bounds need checking.
void merge_equal(const Key* from, Key* to, std::size_t length) noexcept {
  const Key* left = from;
  const Key* right = from + length;
  const Key* left_back = right - 1;
  const Key* right_back = right + length - 1;
  Key* to_back = to + 2 * length - 1;
  for (std::size_t step = 0; step < length; ++step) {
    const bool from_right = *right < *left;
    *to++ = pick(from_right, *left, *right);
    left += !from_right;
    right += from_right;
    const bool from_left = *right_back < *left_back;
    *to_back-- = pick(from_left, *right_back, *left_back);
    left_back -= from_left;
    right_back -= !from_left;
  }
}

// Sorts the first `count` keys. Both buffers have room for the next power of two.
void sort_keys(std::vector<Key>& keys, std::vector<Key>& spare, std::size_t count) noexcept {
  const std::size_t padded = std::bit_ceil(count);
  std::fill_n(keys.begin() + static_cast<std::ptrdiff_t>(count), padded - count,
              std::numeric_limits<Key>::max());
  for (std::size_t length = 1; length < padded; length *= 2) {
    for (std::size_t begin = 0; begin < padded; begin += 2 * length) {
      merge_equal(keys.data() + begin, spare.data() + begin, length);
    }
    std::swap(keys, spare);
  }
}

// Orders one query's candidates. Rows that only one list names come in the order of that list, so they
// are sorted runs already; only the shared ones need sorting. Then the runs are merged.
class Ranker {
 public:
  // `run_ends[l]` is one past the last candidate that list l named first. The result is valid until the
  // next call and holds at most `depth` keys.
  [[nodiscard]] std::span<const Key> rank(std::span<const Candidate> candidates,
                                          std::span<const std::size_t> run_ends, std::size_t depth) {
    const std::size_t room = std::bit_ceil(candidates.size() + 1);
    for (std::vector<Key>* buffer : {&run_, &shared_, &merged_, &spare_}) {
      if (buffer->size() < room) buffer->resize(room);
    }
    merged_size_ = 0;
    std::size_t shared = 0;
    std::size_t i = 0;
    for (const std::size_t end : run_ends) {
      std::size_t single = 0;
      for (; i < end; ++i) {
        // Written to both, kept in one: whether a row is shared cannot be guessed.
        const Key key = key_of(candidates[i].row, static_cast<Score>(candidates[i].sum));
        run_[single] = key;
        shared_[shared] = key;
        single += 1U - candidates[i].shared;
        shared += candidates[i].shared;
      }
      const std::span<const Key> run(run_.data(), single);
      // Ranks far down the list may round to the same float32; then the row decides.
      if (!std::is_sorted(run.begin(), run.end())) sort_keys(run_, spare_, single);
      take_in({run_.data(), single}, depth);
    }
    if (depth < shared / 4) {
      const auto first = shared_.begin();
      std::partial_sort(first, first + static_cast<std::ptrdiff_t>(depth),
                        first + static_cast<std::ptrdiff_t>(shared));
      shared = depth;
    } else {
      sort_keys(shared_, spare_, shared);
    }
    take_in({shared_.data(), shared}, depth);
    return {merged_.data(), merged_size_};
  }

 private:
  void take_in(std::span<const Key> run, std::size_t depth) {
    if (run.empty()) return;
    const std::size_t size = std::min(merged_size_ + run.size(), depth);
    merge({merged_.data(), merged_size_}, run, {spare_.data(), size});
    std::swap(merged_, spare_);
    merged_size_ = size;
  }

  std::vector<Key> run_;
  std::vector<Key> shared_;
  std::vector<Key> merged_;
  std::vector<Key> spare_;
  std::size_t merged_size_ = 0;
};

[[noreturn]] void refuse(std::size_t list, std::size_t query, std::size_t rank, const std::string& what) {
  throw Error(Code::kInvalidArgument, "lists[" + std::to_string(list) + "], query " + std::to_string(query) +
                                          ", rank " + std::to_string(rank + 1) + ": " + what);
}

// How many hits of a query's list take part.
std::size_t used(const RankedLists& list, std::size_t query, const FuseOptions& options) {
  return list.weight > 0.0 ? std::min<std::size_t>(list.counts[query], options.window) : 0;
}

// What each rank of a list is worth, best first.
std::vector<double> shares_of(const RankedLists& list, const FuseOptions& options) {
  std::size_t deepest = 0;
  for (std::size_t query = 0; query < list.counts.size(); ++query) {
    deepest = std::max(deepest, used(list, query, options));
  }
  std::vector<double> shares(deepest);
  for (std::size_t i = 0; i < deepest; ++i) {
    shares[i] = list.weight / (options.k + static_cast<double>(i + options.first_rank));
  }
  return shares;
}

void write(std::span<const Key> ranked, std::size_t query, std::size_t depth, const FusedHits& out) {
  const std::span<Row> rows = out.rows.subspan(query * depth, depth);
  const std::span<Score> scores = out.scores.subspan(query * depth, depth);
  for (std::size_t i = 0; i < ranked.size(); ++i) {
    rows[i] = row_of(ranked[i]);
    scores[i] = score_of(ranked[i]);
  }
  const auto unused = static_cast<std::ptrdiff_t>(ranked.size());
  std::fill(rows.begin() + unused, rows.end(), kNoRow);
  std::fill(scores.begin() + unused, scores.end(), -std::numeric_limits<Score>::infinity());
  out.counts[query] = static_cast<std::uint32_t>(ranked.size());
}

}  // namespace

void fuse(std::span<const RankedLists> lists, const FuseOptions& options, const FusedHits& out) {
  std::vector<std::vector<double>> shares;
  for (const RankedLists& list : lists) shares.push_back(shares_of(list, options));
  Candidates candidates;
  Ranker ranker;
  std::vector<std::size_t> run_ends(lists.size());
  for (std::size_t query = 0; query < out.counts.size(); ++query) {
    std::size_t limit = 0;
    for (const RankedLists& list : lists) limit += used(list, query, options);
    candidates.reset(limit);
    for (std::size_t l = 0; l < lists.size(); ++l) {
      const std::size_t count = used(lists[l], query, options);
      const std::span<const Row> rows = lists[l].rows.subspan(query * lists[l].stride, count);
      for (std::size_t i = 0; i < count; ++i) {
        if (rows[i] == kNoRow) refuse(l, query, i, "expected a row, got the filler of unused slots");
        if (!candidates.add(rows[i], static_cast<std::uint32_t>(l), shares[l][i])) {
          refuse(l, query, i, "row " + std::to_string(rows[i]) + " is in this list twice");
        }
      }
      run_ends[l] = candidates.entries().size();
    }
    write(ranker.rank(candidates.entries(), run_ends, options.depth), query, options.depth, out);
  }
}

}  // namespace pyengine
