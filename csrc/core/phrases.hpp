// Which texts hold a phrase, and by which pairs of words an index finds them.
//
// A phrase is in a text if their tokens follow each other alike, a literal being one token; or if it stands
// there word for word, whatever literals the text around it makes of the words: "28 USC § 1331" is in
// "section 28 USC § 1331", where "section 28" is a literal. A literal is cut at white space only: "code
// F33.1" is not in "code F33.1.2". A phrase of one token is in a text that has it, also as a part of a
// literal. Thread rule: a matcher belongs to one thread; functions of immutable arguments otherwise.
#pragma once

#include <cstddef>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/analyzer/analyzer.hpp"

namespace pyengine {

// Between the two words of a pair. No term has it, since it is white space.
inline constexpr char kWordPair = '\t';

// Finds a sequence in others, in time linear in both whatever they hold (Knuth, Morris and Pratt 1977).
class SequenceFinder {
 public:
  explicit SequenceFinder(std::vector<std::string> wanted);

  [[nodiscard]] bool empty() const noexcept { return wanted_.empty(); }
  [[nodiscard]] std::size_t size() const noexcept { return wanted_.size(); }
  [[nodiscard]] std::string_view first() const { return wanted_.front(); }  // REQUIRES: !empty()

  // Whether `accept(first, last)` holds for the places of an occurrence in `symbols`.
  template <class Accept>
  [[nodiscard]] bool in(std::span<const std::string_view> symbols, Accept accept) const {
    if (wanted_.empty()) return false;
    std::size_t matched = 0;
    for (std::size_t at = 0; at < symbols.size(); ++at) {
      while (matched > 0 && wanted_[matched] != symbols[at]) matched = border_[matched - 1];
      if (wanted_[matched] == symbols[at]) ++matched;
      if (matched == wanted_.size()) {
        if (accept(at + 1 - matched, at)) return true;
        matched = border_[matched - 1];
      }
    }
    return false;
  }

 private:
  std::vector<std::string> wanted_;
  std::vector<std::size_t> border_;  // how much of the beginning ends at each place
};

// A text as its words and what stands between them, in turn; white space of any kind is one space.
class WordsAndGaps {
 public:
  // `text` has to outlive what is read of it.
  void read(std::string_view text, const Analyzer& words);

  [[nodiscard]] std::span<const std::string_view> symbols() const noexcept { return symbols_; }

  // The word at a place of symbols().
  [[nodiscard]] const Token& word(std::size_t place) const { return buffer_.tokens[place / 2]; }

  // Whether white space stands before, and behind, the word at a place.
  [[nodiscard]] bool space_before(std::size_t place) const;
  [[nodiscard]] bool space_behind(std::size_t place) const;

 private:
  [[nodiscard]] std::string_view gap(std::size_t begin, std::size_t end);

  std::string_view text_;
  TokenBuffer buffer_;
  std::vector<std::string_view> symbols_;
  std::deque<std::string> gaps_;  // those that are not as they stand in the text
};

class PhraseMatcher {
 public:
  // The analyzer has neither a stemmer nor stop words, and outlives the matcher.
  PhraseMatcher(const Analyzer& analyzer, std::string_view phrase);

  // A phrase without a token is in no text.
  [[nodiscard]] bool in(std::string_view text);

 private:
  // Reads the tokens of `text` that are no parts; returns whether one is a literal.
  bool read_tokens(std::string_view text);
  [[nodiscard]] bool has_term(std::string_view term) const;  // also as a part
  [[nodiscard]] bool cuts_a_literal(std::size_t first, std::size_t last) const;

  const Analyzer& analyzer_;
  Analyzer by_words_{Preset::kWords};
  TokenBuffer buffer_;
  std::vector<Token> tokens_;
  std::vector<std::string_view> terms_;
  WordsAndGaps words_;
  bool has_literal_;
  SequenceFinder phrase_tokens_;
  SequenceFinder phrase_words_;
};

// What finding the pairs of a text needs, one per thread.
struct PairScratch {
  TokenBuffer tokens;
  TokenBuffer words;
  std::vector<Token> whole;
  std::string pair;
};

// Calls `emit(term)` for the pairs of neighbouring words of a text that are no neighbouring tokens, because
// of a literal: both words with kWordPair between. The others are found by the places of tokens. Every text
// that a phrase is in has its tokens one after the other, or each pair of its words as such a pair or as
// neighbouring tokens.
template <class Emit>
void for_pairs(std::string_view text, const Analyzer& analyzer, const Analyzer& by_words,
               PairScratch& scratch, Emit emit) {
  analyzer.analyze(text, scratch.tokens);
  scratch.whole.clear();
  bool literal = false;
  for (const Token& token : scratch.tokens.tokens) {
    if (token.part) continue;
    scratch.whole.push_back(token);
    literal = literal || token.kind != Kind::kWord;
  }
  if (!literal || analyzer.preset() != Preset::kDomain) return;
  const std::vector<Token>& whole = scratch.whole;
  by_words.analyze(text, scratch.words);
  const std::vector<Token>& words = scratch.words.tokens;
  const auto same = [&](std::size_t token, const Token& word) {
    return token < whole.size() && whole[token].start == word.start && whole[token].end == word.end &&
           scratch.tokens.term(whole[token]) == scratch.words.term(word);
  };
  std::size_t token = 0;
  for (std::size_t i = 1; i < words.size(); ++i) {
    while (token < whole.size() && whole[token].start < words[i - 1].start) ++token;
    if (same(token, words[i - 1]) && same(token + 1, words[i])) continue;
    scratch.pair.assign(scratch.words.term(words[i - 1])).append(1, kWordPair);
    scratch.pair.append(scratch.words.term(words[i]));
    emit(std::string_view(scratch.pair));
  }
}

}  // namespace pyengine
