// How often each term occurs in a stream of texts, and how many tokens of each kind each text has.
// Parts of literals are not counted: a literal is one token. Thread rule: one owner.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "core/analyzer/analyzer.hpp"
#include "core/vocabulary.hpp"

namespace pyengine {

class TermCounts {
 public:
  // Counts the tokens of `texts`; kinds[i * kKindCount + kind] is written for text i. Asks `stop` between
  // texts; true ends early and comes back. REQUIRES: kinds has kKindCount numbers a text.
  bool add(std::span<const std::string_view> texts, const Analyzer& analyzer, std::span<std::uint32_t> kinds,
           const std::function<bool()>& stop);

  [[nodiscard]] const VocabularyBuilder& terms() const noexcept { return vocabulary_; }
  [[nodiscard]] std::span<const std::uint64_t> counts() const noexcept { return counts_; }  // by term
  [[nodiscard]] std::span<const std::uint8_t> kinds() const noexcept { return kinds_; }     // of its first

 private:
  VocabularyBuilder vocabulary_;
  std::vector<std::uint64_t> counts_;
  std::vector<std::uint8_t> kinds_;
  TokenBuffer tokens_;
};

}  // namespace pyengine
