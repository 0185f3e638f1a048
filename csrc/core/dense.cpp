#include "core/dense.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <exception>
#include <limits>
#include <mutex>
#include <string>
#include <thread>

#include "core/error.hpp"
#include "core/topk.hpp"

namespace pyengine {
namespace {

// Queries that walk over the vectors together, and vectors they share while those are in the cache:
// 128 float16 vectors of 768 dimensions are 192 KiB.
constexpr std::size_t kQueriesTogether = 16;
constexpr std::uint32_t kSlotsTogether = 128;

void write(std::span<const Hit> hits, std::size_t query, const DenseHits& out) {
  const std::span<Row> rows = out.rows.subspan(query * out.k, out.k);
  const std::span<Score> scores = out.scores.subspan(query * out.k, out.k);
  std::fill(rows.begin(), rows.end(), kNoRow);
  std::fill(scores.begin(), scores.end(), -std::numeric_limits<Score>::infinity());
  for (std::size_t slot = 0; slot < hits.size(); ++slot) {
    rows[slot] = hits[slot].row;
    scores[slot] = hits[slot].score;
  }
  out.counts[query] = static_cast<std::uint32_t>(hits.size());
}

// A row that the bitmap does not reach comes from a damaged file; it is not allowed.
bool is_allowed(std::span<const std::uint64_t> allowed, Row row) noexcept {
  return row / 64 < allowed.size() && (allowed[row / 64] >> (row % 64) & 1U) != 0;
}

// Scores a tile of slots, those whose rows are allowed, for a few queries.
void scan(const VectorBlocksView::Block& block, std::uint32_t from, std::uint32_t to,
          const VectorBlocksView& vectors, std::span<const Row> rows, std::span<const std::uint64_t> allowed,
          InnerProduct inner_product, std::span<const float> queries, std::span<TopK> best) {
  const std::size_t dim = vectors.dim();
  std::array<std::uint32_t, kSlotsTogether> slots;
  std::size_t count = 0;
  for (std::uint32_t i = from; i < to; ++i) {
    const Row row = rows[block.first + i];
    slots[count] = i;
    count += allowed.empty() || is_allowed(allowed, row) ? 1U : 0U;
  }
  for (std::size_t q = 0; q < best.size(); ++q) {
    const float* query = queries.data() + q * dim;
    for (const std::uint32_t i : std::span(slots).first(count)) {
      const float score = inner_product(query, block.data + i * vectors.stride(), dim);
      best[q].push({rows[block.first + i], score});
    }
  }
}

}  // namespace

void VectorBlocksView::append(const std::byte* data, std::size_t slots) {
  if (slots > kNoRow - slots_) {
    throw Error(Code::kExhausted, "vectors: an index holds at most " + std::to_string(kNoRow) + " rows");
  }
  if (slots == 0) return;
  blocks_.push_back({data, slots_, static_cast<std::uint32_t>(slots)});
  slots_ += static_cast<std::uint32_t>(slots);
}

const std::byte* VectorBlocksView::at(std::uint32_t slot) const noexcept {
  const auto after =
      std::upper_bound(blocks_.begin(), blocks_.end(), slot,
                       [](std::uint32_t wanted, const Block& block) { return wanted < block.first; });
  const Block& block = *(after - 1);
  return block.data + (slot - block.first) * bytes_;
}

std::uint32_t first_not_unit(const VectorBlocksView& vectors, double tolerance) noexcept {
  const double least = (1.0 - tolerance) * (1.0 - tolerance);
  const double most = (1.0 + tolerance) * (1.0 + tolerance);
  for (std::uint32_t slot = 0; slot < vectors.slots(); ++slot) {
    const double square = squared_length(vectors.at(slot), vectors.type(), vectors.dim());
    if (!(square >= least && square <= most)) return slot;
  }
  return kNoRow;
}

bool search_every_row(const VectorBlocksView& vectors, std::span<const Row> rows,
                      std::span<const std::uint64_t> allowed, std::span<const float> queries,
                      unsigned threads, const DenseHits& hits, const std::function<bool()>& stop) {
  const std::size_t n = queries.size() / vectors.dim();
  const InnerProduct inner_product = inner_product_for(vectors.type());
  std::atomic<std::size_t> next{0};
  std::atomic<bool> stopped{false};
  std::mutex failure_mutex;
  std::exception_ptr failure;

  const auto answer = [&](std::size_t first, std::size_t count, std::vector<TopK>& best, bool may_ask) {
    for (std::size_t q = 0; q < count; ++q) best[q].reset(hits.k);
    for (const VectorBlocksView::Block& block : vectors.blocks()) {
      for (std::uint32_t from = 0; from < block.slots; from += std::min(kSlotsTogether, block.slots - from)) {
        if (may_ask && stop && stop()) stopped = true;
        if (stopped.load(std::memory_order_relaxed)) return;
        scan(block, from, from + std::min(kSlotsTogether, block.slots - from), vectors, rows, allowed,
             inner_product, queries.subspan(first * vectors.dim(), count * vectors.dim()),
             {best.data(), count});
      }
    }
    for (std::size_t q = 0; q < count; ++q) write(best[q].take_sorted(), first + q, hits);
  };

  const auto work = [&](bool calling_thread) noexcept {
    try {
      std::vector<TopK> best(std::min(kQueriesTogether, n));
      while (!stopped.load(std::memory_order_relaxed)) {
        const std::size_t first = next.fetch_add(kQueriesTogether, std::memory_order_relaxed);
        if (first >= n) break;
        answer(first, std::min(kQueriesTogether, n - first), best, calling_thread);
      }
    } catch (...) {
      const std::lock_guard guard(failure_mutex);
      if (!failure) failure = std::current_exception();
      stopped = true;
    }
  };

  {
    std::vector<std::jthread> helpers;  // joined at the end of this block, also when one cannot be started
    const std::size_t parts = (n + kQueriesTogether - 1) / kQueriesTogether;
    for (std::size_t t = 1; t < std::min<std::size_t>(threads, parts); ++t) helpers.emplace_back(work, false);
    work(true);
  }
  if (failure) std::rethrow_exception(failure);
  return !stopped;
}

void rank_candidates(const VectorBlocksView& vectors, std::span<const Row> rows,
                     std::span<const float> queries, std::span<const std::uint64_t> candidates,
                     std::size_t per_query, std::span<const std::uint64_t> found, const DenseHits& hits) {
  const InnerProduct inner_product = inner_product_for(vectors.type());
  std::vector<Hit> ranked;
  for (std::size_t q = 0; q < found.size(); ++q) {
    ranked.clear();
    for (const std::uint64_t candidate : candidates.subspan(q * per_query, found[q])) {
      if (candidate >= vectors.slots()) {
        throw Error(Code::kCorruption, "graph: names vector " + std::to_string(candidate) + " of " +
                                           std::to_string(vectors.slots()) + "; build the index again");
      }
      const auto slot = static_cast<std::uint32_t>(candidate);
      ranked.push_back(
          {rows[slot], inner_product(queries.data() + q * vectors.dim(), vectors.at(slot), vectors.dim())});
    }
    std::sort(ranked.begin(), ranked.end(), ranks_before);
    write({ranked.data(), std::min(ranked.size(), hits.k)}, q, hits);
  }
}

void score_slots(const VectorBlocksView& vectors, std::span<const float> queries,
                 std::span<const std::uint32_t> slots, std::size_t per_query, std::span<Score> scores) {
  const InnerProduct inner_product = inner_product_for(vectors.type());
  for (std::size_t i = 0; i < slots.size(); ++i) {
    if (slots[i] == kNoRow) {
      scores[i] = -std::numeric_limits<Score>::infinity();
      continue;
    }
    if (slots[i] >= vectors.slots()) {
      throw Error(Code::kCorruption, "vectors: slot " + std::to_string(slots[i]) + " of " +
                                         std::to_string(vectors.slots()) + "; build the index again");
    }
    scores[i] =
        inner_product(queries.data() + i / per_query * vectors.dim(), vectors.at(slots[i]), vectors.dim());
  }
}

}  // namespace pyengine
