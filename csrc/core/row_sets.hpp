// Which rows have a term, or one of the terms that begin alike: conditions, where a search wants scores.
// Thread rule: functions of immutable arguments.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/collection.hpp"

namespace pyengine {

// Sets byte r of `rows` for every stored row r that has the term and is not deleted.
// Throws Error{kCorruption}. REQUIRES: one byte a row of the collection.
void mark_rows(const Collection& collection, std::string_view term, std::span<std::uint8_t> rows);

// Which part of a document a condition speaks of.
enum class Field : std::uint8_t { kAny = 0, kTitle = 1, kText = 2 };

// As mark_rows(), where the term stands in the field, whole or as part of a literal. Throws besides
// Error{kInvalidArgument} for a segment without positions.
void mark_rows_in_field(const Collection& collection, std::string_view term, Field field,
                        std::span<std::uint8_t> rows);

// As mark_rows(), where the terms follow each other in the title or in the text, or in the one that `field`
// names. A literal is one term; its parts are none. Throws as mark_rows_in_field().
// Cost: O(postings of the rarest term), and for each term the places of the rows with all terms. REQUIRES:
// one term or more.
void mark_rows_with_phrase(const Collection& collection, std::span<const std::string> terms, Field field,
                           std::span<std::uint8_t> rows);

// The terms of live documents that begin with `prefix`, in the order of their bytes, each once; at most
// `limit`, and whether there are more. Cost: O(terms of all segments). Throws Error{kCorruption}.
struct Expansions {
  std::vector<std::string_view> terms;  // in the segments
  bool more = false;
};
[[nodiscard]] Expansions expand_prefix(const Collection& collection, std::string_view prefix,
                                       std::size_t limit);

}  // namespace pyengine
