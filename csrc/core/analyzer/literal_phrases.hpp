// Literals that run over spaces: citations, quantities, HTTP statuses; and URLs, which hold any mark.
// Every look-ahead is bounded or ends at the next chunk, so that scanning a text stays linear.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "core/analyzer/literal_chars.hpp"

namespace pyengine {

struct Slice {
  std::uint32_t begin = 0;
  std::uint32_t end = 0;

  [[nodiscard]] bool empty() const { return begin == end; }
  [[nodiscard]] std::string_view of(std::string_view text) const { return text.substr(begin, end - begin); }
};

struct Citation {
  enum class Form : std::uint8_t { kUsCode, kFederalRegulations, kSection, kArticle };
  Form form = Form::kSection;
  Slice title;      // 28 in "28 U.S.C. § 1331(a)", else empty
  Slice keyword;    // "U.S.C." there, "Art" in "Art. 6"; empty for "§ 1331"
  Slice section;    // 1331
  Slice paragraph;  // (a), or empty
};

// "28 U.S.C. § 1331(a)", "§ 1331", "Section 230(c)", "Art. 6(1)(f)" at `at`.
[[nodiscard]] std::optional<Citation> parse_citation(std::string_view text, std::size_t at) noexcept;

struct Quantity {
  Slice number;
  Slice unit;
};

// "3.5 mg", "20mg", "1,000 ml", "5-mm" at `at`.
[[nodiscard]] std::optional<Quantity> parse_quantity(std::string_view text, std::size_t at) noexcept;

// "HTTP 404" at `at`: the name and the number.
struct HttpStatus {
  Slice name;
  Slice number;
};
[[nodiscard]] std::optional<HttpStatus> parse_http_status(std::string_view text, std::size_t at) noexcept;

// The first URL whose "://" lies in the chunk; it may go on beyond the chunk. Empty: none.
[[nodiscard]] Slice find_url(std::string_view text, Chars chunk) noexcept;

// Whether a path, an option or a dot file may begin at `at`: at the start of the text, after white
// space, an opening bracket or quote, or an operator.
[[nodiscard]] bool may_begin_path(std::string_view text, std::size_t at) noexcept;

// Where a path whose chunk ends at `end` ends itself: behind {name} and what follows it, without closing
// punctuation, as in /users/{id}/posts; `end` where no {name} stands there.
[[nodiscard]] std::size_t skip_route(std::string_view text, std::size_t end) noexcept;

// Where words go on after a literal that ends at `end`: behind a possessive 's.
[[nodiscard]] std::size_t skip_possessive(std::string_view text, std::size_t end) noexcept;

}  // namespace pyengine
