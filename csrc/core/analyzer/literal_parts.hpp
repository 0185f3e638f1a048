// What a literal is indexed as: one whole term, and its parts.
#pragma once

#include <string_view>

#include "core/analyzer/token_buffer.hpp"

namespace pyengine {

// Appends the tokens of `literal`: the whole, then the parts by ascending start, the longer first.
// A part whose term is that of the whole is left out, and so is one with the span of another.
void append_literal(std::string_view text, const Literal& literal, TokenBuffer& out);

}  // namespace pyengine
