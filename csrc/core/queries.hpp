// A batch of queries as terms: each query its distinct terms in order of first occurrence, weighted by how
// often they occur. Terms are numbered within the batch, so that each is stemmed and looked up once.
// Thread rule: one owner while it is filled; then immutable.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <unordered_map>
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

  // A query of term ids of one segment, which the searcher then takes as they are; kNoTerm is left out. A
  // batch is all ids or all terms.
  void add_ids(std::span<const TermId> ids);

  // Replaces term i of the batch by replacements[i]; terms that become equal are merged.
  // REQUIRES: as many replacements as terms().
  void replace_terms(std::span<const std::string_view> replacements);

  [[nodiscard]] std::size_t size() const noexcept { return offsets_.size() - 1; }
  [[nodiscard]] const VocabularyBuilder& terms() const noexcept { return vocabulary_; }

  // Distinct terms of the batch, and for a batch of ids the id of each.
  [[nodiscard]] std::size_t term_count() const noexcept {
    return ids_.empty() ? vocabulary_.size() : ids_.size();
  }
  [[nodiscard]] std::span<const TermId> ids() const noexcept { return ids_; }
  [[nodiscard]] std::span<const QueryTerm> query(std::size_t i) const noexcept {
    return std::span(entries_).subspan(offsets_[i], offsets_[i + 1] - offsets_[i]);
  }

 private:
  void count(TermId term, std::uint32_t weight);
  void end_query();

  VocabularyBuilder vocabulary_;
  std::vector<TermId> ids_;  // by term of the batch
  std::unordered_map<TermId, TermId> term_of_id_;
  std::vector<std::size_t> offsets_;
  std::vector<QueryTerm> entries_;
  std::vector<std::size_t> last_entry_;  // by term: one past its latest entry, 0 if it has none
  TokenBuffer tokens_;
};

}  // namespace pyengine
