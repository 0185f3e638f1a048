// Text to terms: literal spans first, Unicode words second.
// Thread rule: an Analyzer is immutable after construction; analyze() may run in any number of
// threads, each with its own TokenBuffer.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace pyengine {

// What a token is. Stored in fingerprints and shown to users: never renumber.
enum class Kind : std::uint8_t {
  kWord = 0,
};

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
  explicit Analyzer(Preset preset) : preset_(preset) {}

  // Replaces the contents of `out` with the tokens of `text` in order of `start`; a literal comes
  // before its parts. `text` is UTF-8; malformed bytes end a token and are never part of one.
  // REQUIRES: text.size() < 2^32, else Error{kExhausted}.
  void analyze(std::string_view text, TokenBuffer& out) const;

  [[nodiscard]] Preset preset() const noexcept { return preset_; }

 private:
  Preset preset_;
};

}  // namespace pyengine
