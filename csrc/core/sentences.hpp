// Where a sentence ends between two words or literals: docs/chunking.md has the rule.
// Thread rule: pure functions over constant tables.
#pragma once

#include <cstddef>
#include <string_view>

#include "core/analyzer/token_buffer.hpp"

namespace pyengine {

// A place to cut a text: what is left of it ends at `left`, what follows begins at `right`, and nothing but
// white space lies between.
struct Cut {
  std::size_t left = 0;
  std::size_t right = 0;
};

// Whether a sentence ends between the token `last` and the token `next` that follows it in `text`, no other
// word standing between them; if so, `cut` is behind its mark and closing quotes and brackets.
[[nodiscard]] bool sentence_end(std::string_view text, const TokenBuffer& buffer, const Token& last,
                                const Token& next, Cut& cut);

// Where to cut between two neighbouring tokens that no sentence end separates: at the last white space
// between them, else right before the second.
[[nodiscard]] Cut word_cut(std::string_view text, const Token& last, const Token& next) noexcept;

// [begin, end) without white space at either end; empty at `begin` where there is nothing else.
[[nodiscard]] Cut trimmed(std::string_view text, std::size_t begin, std::size_t end) noexcept;

}  // namespace pyengine
