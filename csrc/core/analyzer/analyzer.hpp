// Text to terms: literal spans first, Unicode words second. docs/analyzer.md holds the grammar.
// Thread rule: an Analyzer is immutable after construction; analyze() may run in any number of
// threads, each with its own TokenBuffer.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/analyzer/token_buffer.hpp"
#include "core/analyzer/words.hpp"

namespace pyengine {

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
  void add_domain_tokens(std::string_view text, TokenBuffer& out) const;
  void add_term(std::string_view text, std::size_t begin, std::size_t end, bool is_ascii,
                TokenBuffer& out) const;
  // The words of [begin, end), segmented as a text of their own.
  void add_words(std::string_view text, std::size_t begin, std::size_t end, TokenBuffer& out) const;
  void add_whitespace_tokens(std::string_view text, TokenBuffer& out) const;
  [[nodiscard]] bool is_stop_word(std::string_view term) const noexcept;

  Preset preset_;
  std::vector<std::string> stop_words_;
  std::uint64_t stop_lengths_ = 0;  // bit n: a stop word of n bytes exists; bit 63: of 63 or more
};

}  // namespace pyengine
