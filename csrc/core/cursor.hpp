// What a search algorithm may ask of a posting list. The `requires` line of an algorithm is its
// documentation: it names the poorest cursor it can run on.
#pragma once

#include <concepts>
#include <cstdint>

#include "core/types.hpp"

namespace pyengine {

// Walks one term's postings. In a sound index the rows ascend strictly.
template <class C>
concept PostingCursor = requires(C cursor, const C constant) {
  { constant.done() } noexcept -> std::same_as<bool>;                // true: past the last posting
  { constant.row() } noexcept -> std::same_as<Row>;                  // REQUIRES: !done()
  { constant.frequency() } noexcept -> std::same_as<std::uint32_t>;  // REQUIRES: !done(). How often, >= 1
  { constant.remaining() } noexcept -> std::same_as<std::uint64_t>;  // postings from here to the end
  { cursor.next() } noexcept -> std::same_as<void>;                  // REQUIRES: !done()
};

// A posting cursor that can jump.
template <class C>
concept SeekingCursor = PostingCursor<C> && requires(C cursor, Row row) {
  // To the first posting at or after `row`; never backwards.
  { cursor.seek(row) } noexcept -> std::same_as<void>;
};

}  // namespace pyengine
