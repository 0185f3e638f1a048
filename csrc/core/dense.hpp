// Ranks stored vectors by their inner product with queries: all of them, or candidates that a graph found.
// A vector lies in a slot; which row it belongs to is said beside it, because the graph is built in an order
// of its own.
// Both score a pair with the same kernel (inner_product.hpp), so a row has one score however it was found.
// Thread rule: any number of threads may search at once. Threads started here are joined before return.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "core/inner_product.hpp"
#include "core/types.hpp"

namespace pyengine {

// Consecutive slots of stored vectors, in one or more pieces. Borrows: the caller keeps the bytes alive.
class VectorBlocksView {
 public:
  VectorBlocksView(VectorType type, std::size_t dim) : type_(type), bytes_(dim * size_of(type)), dim_(dim) {}

  // Appends `slots` vectors that lie one after the other. Throws Error{kExhausted}.
  void append(const std::byte* data, std::size_t slots);

  struct Block {
    const std::byte* data;
    std::uint32_t first;
    std::uint32_t slots;
  };
  [[nodiscard]] std::span<const Block> blocks() const noexcept { return blocks_; }
  [[nodiscard]] std::uint32_t slots() const noexcept { return slots_; }
  [[nodiscard]] std::size_t dim() const noexcept { return dim_; }
  [[nodiscard]] VectorType type() const noexcept { return type_; }
  // Bytes of one vector.
  [[nodiscard]] std::size_t stride() const noexcept { return bytes_; }

  // REQUIRES: slot < slots().
  [[nodiscard]] const std::byte* at(std::uint32_t slot) const noexcept;

 private:
  VectorType type_;
  std::size_t bytes_;
  std::size_t dim_;
  std::uint32_t slots_ = 0;
  std::vector<Block> blocks_;
};

// Ranked lists in caller's memory: query i has slots [i * k, (i + 1) * k), of which counts[i] are used;
// the rest is filled with kNoRow and -infinity.
struct DenseHits {
  std::size_t k;
  std::span<Row> rows;
  std::span<Score> scores;
  std::span<std::uint32_t> counts;
};

// The k best rows of every query by the order law; slot i belongs to rows[i]. Only rows whose bit is set in
// `allowed` are answered; empty: all. `stop` is asked now and then by the calling thread only; once it says
// true the search ends early and false comes back. REQUIRES: queries has a multiple of dim() floats;
// hits.k >= 1; threads >= 1; spans of fitting size.
[[nodiscard]] bool search_every_row(const VectorBlocksView& vectors, std::span<const Row> rows,
                                    std::span<const std::uint64_t> allowed, std::span<const float> queries,
                                    unsigned threads, const DenseHits& hits,
                                    const std::function<bool()>& stop);

// The k best of given slots: query i has found[i] of them, from candidates[i * per_query] on.
// Throws Error{kCorruption} when one is not a slot. REQUIRES: as above.
void rank_candidates(const VectorBlocksView& vectors, std::span<const Row> rows,
                     std::span<const float> queries, std::span<const std::uint64_t> candidates,
                     std::size_t per_query, std::span<const std::uint64_t> found, const DenseHits& hits);

// The scores of given slots, as the searches give them: query i asks for slots[i * per_query] on; kNoRow
// there gets -infinity. Throws Error{kCorruption} when another is not a slot. REQUIRES: scores.size() ==
// slots.size().
void score_slots(const VectorBlocksView& vectors, std::span<const float> queries,
                 std::span<const std::uint32_t> slots, std::size_t per_query, std::span<Score> scores);

// The first slot whose length is not within `tolerance` of 1, or kNoRow. A NaN or an infinity makes a length
// that is within no tolerance.
[[nodiscard]] std::uint32_t first_not_unit(const VectorBlocksView& vectors, double tolerance) noexcept;

}  // namespace pyengine
