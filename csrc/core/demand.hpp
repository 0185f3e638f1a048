// What queries ask for, known before they are answered: how much the collection has of it, and what of that
// rare literals hold.
// Thread rule: AskedTexts has one owner while it is filled; then it is immutable.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/analyzer/analyzer.hpp"
#include "core/collection.hpp"
#include "core/queries.hpp"
#include "core/types.hpp"

namespace pyengine {

enum class TokenRole : std::uint8_t {
  kWord,
  kLiteral,  // whole
  kPart,     // of the literal before it
};

struct AskedToken {
  TermId term;  // within the batch
  TokenRole role;
};

// A batch of texts as terms, as Queries has them, and what each token of them was.
class AskedTexts {
 public:
  AskedTexts() : offsets_(1, 0) {}

  void add_text(std::string_view text, const Analyzer& analyzer);

  // As Queries::replace_terms.
  void replace_terms(std::span<const std::string_view> replacements);

  [[nodiscard]] std::size_t size() const noexcept { return queries_.size(); }
  [[nodiscard]] const Queries& queries() const noexcept { return queries_; }
  [[nodiscard]] std::span<const AskedToken> tokens(std::size_t i) const noexcept {
    return std::span(tokens_).subspan(offsets_[i], offsets_[i + 1] - offsets_[i]);
  }

 private:
  Queries queries_;
  std::vector<AskedToken> tokens_;
  std::vector<std::size_t> offsets_;
  TokenBuffer buffer_;
};

struct Demand {
  double idf = 0.0;            // over the terms that the collection has, each as often as it is asked for
  double literal_share = 0.0;  // of that and of unknown words, what the rare literals hold
  std::vector<TermId> literals;
};

// One for each text. A literal that more than `most_rows` documents have is no rare one. An idf below 0,
// which one variant has for frequent terms, counts as 0.
[[nodiscard]] std::vector<Demand> demands(const Collection& collection, const AskedTexts& texts,
                                          double most_rows);

}  // namespace pyengine
