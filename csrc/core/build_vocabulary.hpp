// The vocabulary of an index in the making, filled by several threads.
//
// Each thread gives ids of its own to the terms it meets, in a shard. settle() gives every term its id in the
// index, in order of first occurrence in the documents, so that ids depend on the documents alone.
// Thread rule: one thread a shard at a time; everything else has one owner.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "core/types.hpp"
#include "core/vocabulary.hpp"

namespace pyengine {

class BuildVocabulary {
 public:
  struct Shard {
    VocabularyBuilder terms;
    std::vector<std::uint64_t> first;   // of each term: (row << 32 | how many new terms the row had before)
    std::vector<std::uint64_t> tokens;  // of each term, since the last take_tokens()

    // To be called after each document with how many terms there were before it.
    void note_new(std::size_t before, Row row);
  };

  explicit BuildVocabulary(unsigned shards) : shards_(shards), ids_(shards) {}

  [[nodiscard]] Shard& shard(unsigned i) noexcept { return shards_[i]; }

  // Gives ids to the terms that are new since the last call. REQUIRES: every document up to now is in a
  // shard.
  void settle();

  // The settled terms, before replacement, in order of first occurrence.
  [[nodiscard]] const VocabularyBuilder& terms() const noexcept {
    return shards_.size() == 1 ? shards_.front().terms : merged_;
  }
  [[nodiscard]] std::size_t replaced() const noexcept { return replaced_.size(); }

  // Puts other terms in the place of the settled terms from replaced() on; those that become equal are one.
  // REQUIRES: one for each. Once anything was replaced, everything must be before final_ids().
  void replace(std::span<const std::string_view> replacements);

  // How many terms there are after replacement.
  [[nodiscard]] std::size_t final_size() const noexcept {
    return replaced_.empty() ? terms().size() : final_.size();
  }

  // The final id of each of a shard's terms; empty where it is the same.
  // REQUIRES: settled, and replaced if anything was.
  [[nodiscard]] std::vector<TermId> final_ids(unsigned shard) const;

  // How often each final term occurred since the last call. REQUIRES: as final_ids().
  [[nodiscard]] std::vector<std::uint64_t> take_tokens();

  // Gives the final terms away. Used up.
  [[nodiscard]] VocabularyArrays take();

 private:
  std::vector<Shard> shards_;
  std::vector<std::vector<TermId>> ids_;  // by shard and its id; unused where there is one shard
  VocabularyBuilder merged_;              // unused where there is one shard
  std::vector<TermId> replaced_;          // the final id of each settled term; empty: nothing was replaced
  VocabularyBuilder final_;
};

}  // namespace pyengine
