#include "core/demand.hpp"

#include <algorithm>
#include <utility>

#include "core/bm25.hpp"

namespace pyengine {

namespace {

// Document frequency and idf of terms in the collection as a whole.
class Frequencies {
 public:
  explicit Frequencies(const Collection& collection)
      : collection_(collection), bm25_(collection.params(), collection.stats()) {}

  [[nodiscard]] std::uint64_t documents(std::string_view term) const {
    std::uint64_t count = 0;
    for (const CollectionPart& part : collection_.parts()) {
      const TermId id = part.segment->find(term);
      if (id != kNoTerm) count += part.segment->document_frequency(id) - part.deletions->of(id);
    }
    return count;
  }

  [[nodiscard]] double idf(std::uint64_t documents) const noexcept {
    return std::max(bm25_.idf(documents), 0.0);
  }

 private:
  const Collection& collection_;
  Bm25 bm25_;
};

// Digits and something else: "9.8.4", "F33".
bool is_code(std::string_view term) noexcept {
  const auto digits = std::count_if(term.begin(), term.end(), [](char c) { return c >= '0' && c <= '9'; });
  return 0 < digits && static_cast<std::size_t>(digits) < term.size();
}

}  // namespace

void AskedTexts::add_text(std::string_view text, const Analyzer& analyzer) {
  analyzer.analyze(text, buffer_);
  std::vector<std::string_view> terms;
  terms.reserve(buffer_.tokens.size());
  for (const Token& token : buffer_.tokens) terms.push_back(buffer_.term(token));
  queries_.add_tokens(terms);
  for (std::size_t i = 0; i < terms.size(); ++i) {
    const Token& token = buffer_.tokens[i];
    const TokenRole role = token.kind == Kind::kWord ? TokenRole::kWord
                           : token.part              ? TokenRole::kPart
                                                     : TokenRole::kLiteral;
    tokens_.push_back({queries_.terms().find(terms[i]), role});
  }
  offsets_.push_back(tokens_.size());
}

void AskedTexts::replace_terms(std::span<const std::string_view> replacements) {
  queries_.replace_terms(replacements);
  for (AskedToken& token : tokens_) token.term = queries_.terms().find(replacements[token.term]);
}

std::vector<Demand> demands(const Collection& collection, const AskedTexts& texts, double most_rows) {
  enum : std::uint8_t { kIsWord = 1, kIsLiteral = 2 };
  const Frequencies frequencies(collection);
  const VocabularyBuilder& terms = texts.queries().terms();
  std::vector<std::uint64_t> documents(terms.size());
  for (TermId id = 0; id < terms.size(); ++id) documents[id] = frequencies.documents(terms.term(id));
  std::vector<std::uint8_t> roles(terms.size(), 0);  // in the text at hand
  std::vector<Demand> found(texts.size());
  for (std::size_t i = 0; i < texts.size(); ++i) {
    // Of a literal that no document has whole, the parts count that are codes.
    bool whole_is_known = true;
    for (const AskedToken& token : texts.tokens(i)) {
      if (token.role == TokenRole::kWord) {
        roles[token.term] |= kIsWord;
      } else if (token.role == TokenRole::kLiteral) {
        whole_is_known = documents[token.term] > 0;
        roles[token.term] |= kIsLiteral;
      } else if (!whole_is_known && is_code(terms.term(token.term))) {
        roles[token.term] |= kIsLiteral;
      }
    }
    Demand& demand = found[i];
    double asked = 0.0;
    double held = 0.0;
    for (const QueryTerm& entry : texts.queries().query(i)) {
      const std::uint64_t count = documents[entry.term];
      const double mass = entry.weight * frequencies.idf(count);
      const std::uint8_t role = std::exchange(roles[entry.term], std::uint8_t{0});
      if (count > 0 || (role & kIsWord) != 0) asked += mass;
      if (count == 0) continue;
      demand.idf += mass;
      if ((role & kIsLiteral) != 0 && static_cast<double>(count) <= most_rows) {
        held += mass;
        demand.literals.push_back(entry.term);
      }
    }
    if (held > 0.0) demand.literal_share = held / asked;
  }
  return found;
}

}  // namespace pyengine
