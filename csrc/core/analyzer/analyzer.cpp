#include "core/analyzer/analyzer.hpp"

#include <limits>

#include "core/error.hpp"

namespace pyengine {

namespace {

constexpr bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

}  // namespace

void Analyzer::analyze(std::string_view text, TokenBuffer& out) const {
  if (text.size() >= std::numeric_limits<std::uint32_t>::max()) {
    throw Error(Code::kExhausted, "text: expected fewer than 2^32 bytes");
  }
  out.clear();
  std::size_t i = 0;
  while (i < text.size()) {
    if (is_space(text[i])) {
      ++i;
      continue;
    }
    const std::size_t start = i;
    while (i < text.size() && !is_space(text[i])) ++i;
    const auto term_start = static_cast<std::uint32_t>(out.terms.size());
    out.terms.append(text.substr(start, i - start));
    out.tokens.push_back({static_cast<std::uint32_t>(start), static_cast<std::uint32_t>(i), term_start,
                          static_cast<std::uint32_t>(i - start), Kind::kWord, false});
  }
}

}  // namespace pyengine
