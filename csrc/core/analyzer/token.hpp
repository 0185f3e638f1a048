// One token of a text, and what it is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace pyengine {

// What a token is. Stored in fingerprints and shown to users: never renumber.
enum class Kind : std::uint8_t {
  kWord = 0,
  kNumber = 1,
  kStatute = 2,
  kIcd = 3,
  kVersion = 4,
  kSku = 5,
  kTicker = 6,
  kCve = 7,
  kErrorCode = 8,
  kPath = 9,
  kEmail = 10,
  kHost = 11,
  kIdentifier = 12,
  kHex = 13,
  kQuantity = 14,
};
inline constexpr std::size_t kKindCount = 15;

// The name users see: "word", "statute", "error_code", …
[[nodiscard]] std::string_view name_of(Kind kind) noexcept;

struct Token {
  std::uint32_t start;        // byte offset into the analysed text
  std::uint32_t end;          // one past the last byte
  std::uint32_t term_start;   // the normalised term, in TokenBuffer::terms
  std::uint32_t term_length;  // bytes
  Kind kind;
  bool part;  // true: a piece of the literal that precedes it
};

// How a literal falls into parts; see literal_parts.hpp.
enum class Parts : std::uint8_t {
  kTree,      // at / and its like, then at '.', '-', '_', then at camel humps; decimals stay whole
  kSection,   // the same, and '.' between digits divides too: 240.10b-5
  kIcd,       // at '-', then at '.': F33.0-F33.9
  kVersion,   // 10, 10.15, and what follows the numbers
  kCitation,  // these three are read again by literal_phrases.hpp
  kQuantity,
  kHttpStatus,
};

// A span of the text that is indexed whole and by its parts.
struct Literal {
  std::uint32_t begin;
  std::uint32_t end;
  Kind kind;
  Parts parts;
};

}  // namespace pyengine
