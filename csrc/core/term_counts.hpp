// How often each term occurs in a stream of texts, and how many tokens of each kind each text has.
// Parts of literals are not counted: a literal is one token. Documents are dealt out to blocks in turn, for
// intervals that resample documents. Memory: the distinct terms up to a limit, a count a block of each.
// Thread rule: one owner.
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
  // Terms beyond `most_terms` are counted as tokens of their kind, and together. REQUIRES: blocks >= 1.
  TermCounts(std::size_t most_terms, std::size_t blocks) : most_terms_(most_terms), blocks_(blocks) {}

  // Counts the tokens of `texts`; kinds[i * kKindCount + kind] is written for text i. Asks `stop` between
  // texts; true ends early and comes back. REQUIRES: kinds has kKindCount numbers a text.
  bool add(std::span<const std::string_view> texts, const Analyzer& analyzer, std::span<std::uint32_t> kinds,
           const std::function<bool()>& stop);

  [[nodiscard]] const VocabularyBuilder& terms() const noexcept { return vocabulary_; }
  // blocks() numbers a term.
  [[nodiscard]] std::span<const std::uint64_t> counts() const noexcept { return counts_; }
  [[nodiscard]] std::span<const std::uint8_t> kinds() const noexcept { return kinds_; }  // of its first
  [[nodiscard]] std::size_t blocks() const noexcept { return blocks_; }
  // Tokens of terms that the limit left out.
  [[nodiscard]] std::uint64_t left_out() const noexcept { return left_out_; }

 private:
  std::size_t most_terms_;
  std::size_t blocks_;
  std::size_t documents_ = 0;
  std::uint64_t left_out_ = 0;
  VocabularyBuilder vocabulary_;
  std::vector<std::uint64_t> counts_;
  std::vector<std::uint8_t> kinds_;
  TokenBuffer tokens_;
};

}  // namespace pyengine
