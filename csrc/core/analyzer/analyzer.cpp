#include "core/analyzer/analyzer.hpp"

#include <algorithm>
#include <array>

#include "core/analyzer/ascii.hpp"
#include "core/analyzer/literal_parts.hpp"
#include "core/analyzer/literal_phrases.hpp"
#include "core/analyzer/literals.hpp"
#include "core/analyzer/unicode.hpp"
#include "core/analyzer/words.hpp"
#include "core/error.hpp"

namespace pyengine {

namespace {

constexpr std::size_t kMaxText = std::size_t{1} << 30;

constexpr std::array<std::string_view, kKindCount> kKindNames = {
    "word",       "number", "statute", "icd",  "version",    "sku", "ticker",  "cve",
    "error_code", "path",   "email",   "host", "identifier", "hex", "quantity"};

// Without white space at either end: UAX #29 counts U+202F, a space that stands in numbers and before
// French punctuation, among the letters of a word.
Segment without_white_space(std::string_view text, Segment s) {
  for (Decoded d = decode(text, s.begin); s.begin < s.end && is_white_space(d); d = decode(text, s.begin)) {
    s.begin += d.size;
  }
  while (s.end > s.begin) {
    std::size_t last = s.end - 1;
    while (last > s.begin && is_continuation(text[last])) --last;
    if (!is_white_space(decode(text, last))) break;
    s.end = last;
  }
  return s;
}

// Whether a word that begins behind `c` is no continuation of what stands before: `c` is ASCII, and WB6 to
// WB12 do not join letters over it.
bool stands_apart(char c) { return words::class_of(c) == words::kBreak || c == ',' || c == ';'; }

constexpr std::uint64_t length_bit(std::size_t length) {
  return std::uint64_t{1} << std::min<std::size_t>(length, 63);
}

}  // namespace

std::string_view name_of(Kind kind) noexcept { return kKindNames[static_cast<std::size_t>(kind)]; }

Analyzer::Analyzer(Preset preset, const std::vector<std::string>& stop_words) : preset_(preset) {
  NormalizeScratch scratch;
  for (const std::string& word : stop_words) {
    std::string term;
    if (preset == Preset::kWhitespace) {
      term = word;
    } else {
      append_term(word, term, scratch);
    }
    if (term.empty()) continue;
    stop_lengths_ |= length_bit(term.size());
    stop_words_.push_back(std::move(term));
  }
  std::sort(stop_words_.begin(), stop_words_.end());
  stop_words_.erase(std::unique(stop_words_.begin(), stop_words_.end()), stop_words_.end());
}

bool Analyzer::is_stop_word(std::string_view term) const noexcept {
  return (stop_lengths_ & length_bit(term.size())) != 0 &&
         std::binary_search(stop_words_.begin(), stop_words_.end(), term);
}

// Numbers rather than a Segment: copied through memory in pieces, it would be read back before it is written.
void Analyzer::add_term(std::string_view text, std::size_t begin, std::size_t end, bool is_ascii,
                        TokenBuffer& out) const {
  const std::size_t term_start = out.terms.size();
  const std::string_view word(text.data() + begin, end - begin);
  if (is_ascii) {
    ascii::append_lower(word, out.terms);
  } else {
    append_term(word, out.terms, out.normalize);
  }
  const std::size_t length = out.terms.size() - term_start;
  if (length == 0) return;
  if (stop_lengths_ != 0 && is_stop_word(std::string_view(out.terms).substr(term_start))) {
    out.terms.resize(term_start);
    return;
  }
  out.tokens.push_back({static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(end),
                        static_cast<std::uint32_t>(term_start), static_cast<std::uint32_t>(length),
                        Kind::kWord, false});
}

void Analyzer::add_words(std::string_view text, std::size_t begin, std::size_t end, TokenBuffer& out) const {
  for_each_word(text.substr(0, end), begin, [&](const Segment& s) {
    if (s.is_ascii) {
      add_term(text, s.begin, s.end, true, out);
    } else {
      const Segment word = without_white_space(text, s);
      add_term(text, word.begin, word.end, false, out);
    }
  });
}

void Analyzer::add_whitespace_tokens(std::string_view text, TokenBuffer& out) const {
  const auto emit = [&](std::size_t begin, std::size_t end) {
    const std::string_view term = text.substr(begin, end - begin);
    if (term.empty() || is_stop_word(term)) return;
    out.tokens.push_back({static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(end),
                          static_cast<std::uint32_t>(out.terms.size()),
                          static_cast<std::uint32_t>(term.size()), Kind::kWord, false});
    out.terms.append(term);
  };
  std::size_t begin = 0;
  for (std::size_t at = 0; at < text.size();) {
    const Decoded d = decode(text, at);
    if (d.code_point == kMalformed || is_white_space(d)) {
      emit(begin, at);
      begin = at + d.size;
    }
    at += d.size;
  }
  emit(begin, text.size());
}

void Analyzer::add_domain_tokens(std::string_view text, TokenBuffer& out) const {
  std::size_t done = 0;  // the text before it has its tokens
  std::size_t at = 0;    // the text before it has been searched for literals
  while (at < text.size()) {
    const std::uint8_t flags = byte_flags(text, at);
    if (flags == 0) {
      ++at;
      continue;
    }
    const bool letter = (flags & (kUpperCase | kLowerCase)) != 0;
    if (const std::size_t end = letter ? plain_word_end(text, at) : 0; end != 0) {
      // Most words stand alone: they are written at once, without being segmented again.
      if (at == done || stands_apart(text[at - 1])) {
        if (at - done > 1 || (at > done && text[done] != ' ')) add_words(text, done, at, out);
        add_term(text, at, end, true, out);
        done = end;
      }
      at = end;
      continue;
    }
    at = read_literals(text, at, out.literals);
    for (const Literal& literal : out.literals.found) {
      add_words(text, done, literal.begin, out);
      append_literal(text, literal, out);
      done = skip_possessive(text, literal.end);
    }
    at = std::max(at, done);
  }
  add_words(text, done, text.size(), out);
}

void Analyzer::analyze(std::string_view text, TokenBuffer& out) const {
  if (text.size() >= kMaxText) {
    throw Error(Code::kExhausted, "text: expected fewer than 2^30 bytes, got " + std::to_string(text.size()) +
                                      "; split the document");
  }
  out.clear();
  switch (preset_) {
    case Preset::kDomain:
      return add_domain_tokens(text, out);
    case Preset::kWords:
      return add_words(text, 0, text.size(), out);
    case Preset::kWhitespace:
      return add_whitespace_tokens(text, out);
  }
}

}  // namespace pyengine
