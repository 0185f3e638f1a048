// Text to terms: literal spans first, Unicode words second. docs/analyzer.md holds the grammar.
// Thread rule: an Analyzer is immutable after construction; analyze() may run in any number of
// threads, each with its own TokenBuffer.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/analyzer/normalize.hpp"

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

// Output and scratch of one thread; reused from text to text so that analysis does not allocate.
struct TokenBuffer {
  std::vector<Token> tokens;
  std::string terms;
  NormalizeScratch scratch;

  [[nodiscard]] std::string_view term(const Token& token) const {
    return {terms.data() + token.term_start, token.term_length};
  }
  void clear() {
    tokens.clear();
    terms.clear();
  }
};

enum class Preset : std::uint8_t { kDomain = 0, kWords = 1, kWhitespace = 2 };

class Analyzer {
 public:
  // `stop_words` are normalised as the preset normalises words; tokens of kind kWord whose term is
  // among them are left out. Literals and their parts never are.
  explicit Analyzer(Preset preset, const std::vector<std::string>& stop_words = {});

  // Replaces the contents of `out` with the tokens of `text` in order of `start`; a literal comes
  // before its parts. `text` is UTF-8; malformed bytes end a token and are never part of one.
  // Time is linear in the length of `text`. A token whose term would be empty (invisible code points
  // alone) is left out; no token is ever left out for its length.
  // REQUIRES: text.size() < 2^30, else Error{kExhausted}: terms may be longer than their text, and
  // offsets into them are 32 bits wide.
  void analyze(std::string_view text, TokenBuffer& out) const;

  [[nodiscard]] Preset preset() const noexcept { return preset_; }
  // Normalised, sorted, each once.
  [[nodiscard]] const std::vector<std::string>& stop_words() const noexcept { return stop_words_; }

 private:
  void add_words(std::string_view text, std::size_t begin, std::size_t end, TokenBuffer& out) const;
  void add_whitespace_tokens(std::string_view text, TokenBuffer& out) const;
  [[nodiscard]] bool is_stop_word(std::string_view term) const noexcept;

  Preset preset_;
  std::vector<std::string> stop_words_;
  std::uint64_t stop_lengths_ = 0;  // bit n: a stop word of n bytes exists; bit 63: of 63 or more
};

}  // namespace pyengine
