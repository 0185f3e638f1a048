// A batch of queries as terms: each query its distinct terms in order of first occurrence, weighted by how
// often they occur. Terms are numbered within the batch, so that each is stemmed and looked up once.
// Thread rule: one owner while it is filled; then immutable.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "core/analyzer/analyzer.hpp"
#include "core/types.hpp"
#include "core/vocabulary.hpp"

namespace pyengine {

struct QueryTerm {
  TermId term;           // within the batch
  std::uint32_t weight;  // occurrences in the query
};

class Queries {
 public:
  Queries() : offsets_(1, 0) {}

  void add_text(std::string_view text, const Analyzer& analyzer);
  void add_tokens(std::span<const std::string_view> tokens);

  // Replaces term i of the batch by replacements[i]; terms that become equal are merged.
  // REQUIRES: as many replacements as terms().
  void replace_terms(std::span<const std::string_view> replacements);

  [[nodiscard]] std::size_t size() const noexcept { return offsets_.size() - 1; }
  [[nodiscard]] const VocabularyBuilder& terms() const noexcept { return vocabulary_; }
  [[nodiscard]] std::span<const QueryTerm> query(std::size_t i) const noexcept {
    return std::span(entries_).subspan(offsets_[i], offsets_[i + 1] - offsets_[i]);
  }

 private:
  void count(TermId term, std::uint32_t weight);
  void end_query();

  VocabularyBuilder vocabulary_;
  std::vector<std::size_t> offsets_;
  std::vector<QueryTerm> entries_;
  std::vector<std::size_t> last_entry_;  // by term: one past its latest entry, 0 if it has none
  TokenBuffer tokens_;
};

}  // namespace pyengine
