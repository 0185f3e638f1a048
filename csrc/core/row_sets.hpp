// Which rows have a term, or one of the terms that begin alike: conditions, where a search wants scores.
// Thread rule: functions of immutable arguments.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/analyzer/analyzer.hpp"
#include "core/collection.hpp"

namespace pyengine {

// Sets byte r of `rows` for every stored row r that has the term, deleted ones too.
// Throws Error{kCorruption}. REQUIRES: one byte a row of the collection.
void mark_rows(const Collection& collection, std::string_view term, std::span<std::uint8_t> rows);

// The terms that begin with `prefix`, in the order of their bytes, each once; at most `limit`, and whether
// there are more. Cost: O(terms of all segments). Throws Error{kCorruption}.
struct Expansions {
  std::vector<std::string> terms;
  bool more = false;
};
[[nodiscard]] Expansions expand_prefix(const Collection& collection, std::string_view prefix,
                                       std::size_t limit);

// Whether the tokens of `phrase` follow each other in the tokens of `text`. A literal is one token; its parts
// are none. A phrase without a token is in no text.
class PhraseMatcher {
 public:
  PhraseMatcher(const Analyzer& analyzer, std::string_view phrase);
  [[nodiscard]] bool in(std::string_view text);

 private:
  const Analyzer& analyzer_;
  std::vector<std::string> phrase_;
  std::vector<std::string_view> terms_;
  TokenBuffer tokens_;
};

}  // namespace pyengine
