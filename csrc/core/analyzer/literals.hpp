// Finds the literals of a text: docs/analyzer.md has the grammar and the order of precedence.
#pragma once

#include <cstddef>
#include <string_view>

#include "core/analyzer/token_buffer.hpp"

namespace pyengine {

// Replaces scratch.found with literals at or after `at`, ascending and disjoint, and returns the place to
// go on from: every literal before it has been found, by this call or one before it. The end of the text
// once there are no more. Repeated calls take time linear in the text.
// REQUIRES: `at` is 0 or what the last call returned for the same text.
[[nodiscard]] std::size_t find_literals(std::string_view text, std::size_t at, LiteralScratch& scratch);

}  // namespace pyengine
