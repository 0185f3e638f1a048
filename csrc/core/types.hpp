// The words every room of the core shares: row, term, score, and the order law.
#pragma once

#include <cstdint>
#include <limits>

namespace pyengine {

using Row = std::uint32_t;     // position of a document in the corpus
using TermId = std::uint32_t;  // position of a term in the vocabulary
using Score = float;           // higher is better

inline constexpr Row kNoRow = std::numeric_limits<Row>::max();  // fills the unused slots of a result
inline constexpr TermId kNoTerm = std::numeric_limits<TermId>::max();

struct Hit {
  Row row;
  Score score;
};

// The order law: score descending, then row ascending. Every ranked list obeys it.
[[nodiscard]] constexpr bool ranks_before(const Hit& a, const Hit& b) noexcept {
  return a.score > b.score || (a.score == b.score && a.row < b.row);
}

}  // namespace pyengine
