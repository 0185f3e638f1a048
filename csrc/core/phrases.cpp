#include "core/phrases.hpp"

#include <algorithm>
#include <utility>

#include "core/analyzer/unicode.hpp"

namespace pyengine {

namespace {

std::vector<std::string> copies(std::span<const std::string_view> symbols) {
  return {symbols.begin(), symbols.end()};
}

}  // namespace

SequenceFinder::SequenceFinder(std::vector<std::string> wanted)
    : wanted_(std::move(wanted)), border_(wanted_.size(), 0) {
  for (std::size_t at = 1, matched = 0; at < wanted_.size(); ++at) {
    while (matched > 0 && wanted_[matched] != wanted_[at]) matched = border_[matched - 1];
    if (wanted_[matched] == wanted_[at]) ++matched;
    border_[at] = matched;
  }
}

void WordsAndGaps::read(std::string_view text, const Analyzer& words) {
  text_ = text;
  symbols_.clear();
  gaps_.clear();
  words.analyze(text, buffer_);
  for (std::size_t i = 0; i < buffer_.tokens.size(); ++i) {
    const Token& word = buffer_.tokens[i];
    if (i > 0) symbols_.push_back(gap(buffer_.tokens[i - 1].end, word.start));
    symbols_.push_back(buffer_.term(word));
  }
}

std::string_view WordsAndGaps::gap(std::size_t begin, std::size_t end) {
  const std::string_view raw = text_.substr(begin, end - begin);
  if (raw.empty() || raw == " ") return raw;
  std::string& made = gaps_.emplace_back();
  for (std::size_t at = begin; at < end;) {
    const Decoded d = decode(text_, at);
    if (!is_white_space(d)) {
      made.append(text_.substr(at, d.size));
    } else if (made.empty() || made.back() != ' ') {
      made.append(1, ' ');
    }
    at += d.size;
  }
  return made;
}

bool WordsAndGaps::space_before(std::size_t place) const {
  return place > 0 && symbols_[place - 1].ends_with(' ');
}

bool WordsAndGaps::space_behind(std::size_t place) const {
  return place + 1 < symbols_.size() && symbols_[place + 1].starts_with(' ');
}

PhraseMatcher::PhraseMatcher(const Analyzer& analyzer, std::string_view phrase)
    : analyzer_(analyzer),
      has_literal_(read_tokens(phrase)),
      phrase_tokens_(copies(terms_)),
      phrase_words_((words_.read(phrase, by_words_), copies(words_.symbols()))) {}

bool PhraseMatcher::read_tokens(std::string_view text) {
  analyzer_.analyze(text, buffer_);
  tokens_.clear();
  terms_.clear();
  bool literal = false;
  for (const Token& token : buffer_.tokens) {
    if (token.part) continue;
    tokens_.push_back(token);
    terms_.push_back(buffer_.term(token));
    literal = literal || token.kind != Kind::kWord;
  }
  return literal;
}

bool PhraseMatcher::in(std::string_view text) {
  if (phrase_tokens_.empty()) return false;
  const bool literal = read_tokens(text);
  if (phrase_tokens_.size() == 1 && has_term(phrase_tokens_.first())) return true;
  if (phrase_tokens_.in(terms_, [](std::size_t, std::size_t) { return true; })) return true;
  // Without literals the words are the tokens.
  if (analyzer_.preset() != Preset::kDomain || !(literal || has_literal_)) return false;
  words_.read(text, by_words_);
  return phrase_words_.in(words_.symbols(), [&](std::size_t first, std::size_t last) {
    return first % 2 == 0 && !cuts_a_literal(first, last);
  });
}

bool PhraseMatcher::has_term(std::string_view term) const {
  return std::any_of(buffer_.tokens.begin(), buffer_.tokens.end(),
                     [&](const Token& token) { return buffer_.term(token) == term; });
}

bool PhraseMatcher::cuts_a_literal(std::size_t first, std::size_t last) const {
  const std::uint32_t start = words_.word(first).start;
  const std::uint32_t end = words_.word(last).end;
  // The token that an offset lies within, if that is one: the last that starts before it.
  const auto within = [this](std::uint32_t offset) {
    const auto after =
        std::lower_bound(tokens_.begin(), tokens_.end(), offset,
                         [](const Token& token, std::uint32_t wanted) { return token.start < wanted; });
    return after != tokens_.begin() && offset < std::prev(after)->end;
  };
  return (within(start) && !words_.space_before(first)) || (within(end) && !words_.space_behind(last));
}

}  // namespace pyengine
