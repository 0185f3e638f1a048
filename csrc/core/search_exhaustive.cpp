#include "core/search_exhaustive.hpp"

#include <algorithm>
#include <bit>

#include "core/list_access.hpp"
#include "core/simd/kernels.hpp"

namespace pyengine {

namespace {

// From this many postings on it pays to know what each code is worth.
constexpr std::uint32_t kWorthPostings = 512;

// One list on its way through the windows.
struct WindowList {
  ListWalker walker;
  double weighted_idf;
  std::vector<std::int64_t> worth;  // by code; empty: computed for each posting
};

class Windows {
 public:
  Windows(const SegmentQuery& query, std::uint32_t window, WindowSums& sums, TopK& top)
      : query_(query), documents_(query.documents()), top_(top), sums_(sums) {
    window_ = static_cast<std::uint32_t>(std::clamp<std::uint64_t>(documents_, 1, window));
    sums_.reserve(window_);
    lists_.reserve(query.lists.size());
    for (const QueryList& entry : query.lists) {
      lists_.push_back({ListWalker(entry.list, documents_), entry.weighted_idf, {}});
      postings_ += entry.list.count;
      if (!query.scoring.table().exact || entry.list.count < kWorthPostings) continue;
      lists_.back().worth.resize(256);
      simd::kernels().round_products(query.scoring.table().ceiling.data(), entry.weighted_idf,
                                     query.fixed.scale(), 256, lists_.back().worth.data());
    }
  }

  [[nodiscard]] bool search() {
    // Marking touched slots costs a little a posting, scanning a window a little a row: whichever is less.
    return postings_ < documents_ / 8 ? walk<true>() : walk<false>();
  }

 private:
  template <bool kSparse>
  [[nodiscard]] bool walk() {
    std::uint64_t floor = 0;  // every row below has been dealt with
    while (true) {
      std::erase_if(lists_, [](const WindowList& entry) { return entry.walker.done(); });
      if (lists_.empty()) return true;
      Row next = kNoRow;
      for (const WindowList& entry : lists_) {
        if (entry.walker.row() < floor) return false;
        next = std::min(next, entry.walker.row());
      }
      if (next >= documents_) return false;
      const Row first = next - next % window_;
      const auto rows = static_cast<std::uint32_t>(std::min<std::uint64_t>(window_, documents_ - first));
      for (WindowList& entry : lists_) add<kSparse>(entry, first, rows);
      drain<kSparse>(first, rows);
      floor = std::uint64_t{first} + rows;
    }
  }

  // Adds one list's contributions inside [first, first + rows).
  template <bool kSparse>
  void add(WindowList& entry, Row first, std::uint32_t rows) noexcept {
    ListWalker walker = entry.walker;  // a local copy stays in registers
    const TermList& list = walker.list();
    const std::int64_t* worth = entry.worth.empty() ? nullptr : entry.worth.data();
    FixedScore* sums = sums_.sums();
    for (; !walker.done(); walker.next()) {
      const Row row = walker.row();
      const std::uint32_t slot = row - first;  // wraps for a row before the window, which then ends it too
      if (slot >= rows) break;
      sums[slot] += worth != nullptr
                        ? worth[list.codes[walker.position()]]
                        : query_.fixed.contribution(
                              entry.weighted_idf, query_.scoring.saturation_at(list, walker.position(), row));
      if constexpr (kSparse) sums_.touched()[slot / 64] |= std::uint64_t{1} << (slot % 64);
    }
    entry.walker = walker;
  }

  // Offers what the window holds and sets all sums back to 0.
  template <bool kSparse>
  void drain(Row first, std::uint32_t rows) {
    FixedScore* sums = sums_.sums();
    if constexpr (kSparse) {
      for (std::uint32_t word = 0; word * 64 < rows; ++word) {
        for (std::uint64_t bits = sums_.touched()[word]; bits != 0; bits &= bits - 1) {
          const std::uint32_t slot = word * 64 + static_cast<std::uint32_t>(std::countr_zero(bits));
          offer(first + slot, sums[slot]);
          sums[slot] = 0;
        }
        sums_.touched()[word] = 0;
      }
    } else {
      for (std::uint32_t slot = 0; slot < rows; ++slot) {
        if (sums[slot] >= need_) offer(first + slot, sums[slot]);
      }
      std::fill_n(sums, rows, 0);
    }
  }

  void offer(Row row, FixedScore sum) {
    if (sum < need_ || !query_.filter.admits(row, query_.first_row + row)) return;
    const Score score = query_.fixed.score(sum);
    if (!(score > 0.0F)) return;
    top_.push({query_.first_row + row, score});
    if (top_.worst() != worst_) {
      worst_ = top_.worst();
      need_ = std::max<FixedScore>(1, query_.fixed.least_sum(hit_of(worst_).score));
    }
  }

  const SegmentQuery& query_;
  std::uint64_t documents_;
  TopK& top_;
  WindowSums& sums_;
  std::uint32_t window_ = 1;
  std::uint64_t postings_ = 0;
  std::vector<WindowList> lists_;
  RankKey worst_ = 0;
  FixedScore need_ = 1;  // smaller sums are not among the k best
};

}  // namespace

bool search_exhaustive(const SegmentQuery& query, std::uint32_t window, WindowSums& sums, TopK& top,
                       SearchCounters& counters) {
  for (const QueryList& entry : query.lists) counters.scanned += entry.list.count;
  return Windows(query, window, sums, top).search();
}

}  // namespace pyengine
