// What analysis writes to, one per thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/analyzer/literal_chars.hpp"
#include "core/analyzer/normalize.hpp"
#include "core/analyzer/token.hpp"

namespace pyengine {

// Working memory of the literal scanner.
struct LiteralScratch {
  std::vector<Char> chunk;
  std::vector<Char> span;
  std::vector<Literal> found;
};

// Output and scratch of one thread; reused from text to text so that analysis does not allocate.
struct TokenBuffer {
  std::vector<Token> tokens;
  std::string terms;
  NormalizeScratch normalize;
  LiteralScratch literals;

  [[nodiscard]] std::string_view term(const Token& token) const {
    return {terms.data() + token.term_start, token.term_length};
  }
  void clear() {
    tokens.clear();
    terms.clear();
  }
};

}  // namespace pyengine
