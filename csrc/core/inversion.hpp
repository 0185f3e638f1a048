// From the tokens of documents to postings sorted by term.
//
// Tokens are first parted by ranges of terms so small that a range's postings stay in the CPU's own cache
// while they are sorted by term; the sort is stable, so rows ascend and equal ones lie side by side.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "core/codebook.hpp"
#include "core/postings_part.hpp"
#include "core/token_store.hpp"
#include "core/types.hpp"

namespace pyengine {

struct Inversion {
  std::vector<PostingsPart> parts;   // in order of terms
  std::vector<PairHistogram> pairs;  // one a thread
};

// What the tokens mean.
struct TokenMeaning {
  std::span<const std::vector<TermId>>
      ids;                                // by shard: the id in the index of the shard's ids; empty: the same
  std::span<const std::uint64_t> tokens;  // by id in the index: how often it occurs in the pieces
  std::span<const std::uint32_t> lengths;  // of all documents of the index
};

// `pieces` are used up, and given back on the way. Nothing: stopped.
[[nodiscard]] std::optional<Inversion> invert(std::vector<TokenPiece> pieces, const TokenMeaning& meaning,
                                              unsigned threads, const std::function<bool()>& stop);

}  // namespace pyengine
