#include "core/build_vocabulary.hpp"

#include <limits>
#include <utility>

namespace pyengine {

void BuildVocabulary::Shard::note_new(std::size_t before, Row row) {
  for (std::size_t i = before; i < terms.size(); ++i)
    first.push_back(std::uint64_t{row} << 32 | (i - before));
  tokens.resize(terms.size(), 0);
}

void BuildVocabulary::settle() {
  if (shards_.size() == 1) return;
  constexpr std::uint64_t kNone = std::numeric_limits<std::uint64_t>::max();
  constexpr std::size_t kBatch = 4096;
  std::vector<std::size_t> shards;  // of the terms at hand
  std::vector<std::string_view> terms;
  std::vector<TermId> ids;
  std::vector<std::size_t> next;  // of each shard's terms
  for (const std::vector<TermId>& known : ids_) next.push_back(known.size());
  const auto intern = [&] {
    merged_.intern_all(terms.size(), [&terms](std::size_t i) { return terms[i]; }, ids);
    for (std::size_t i = 0; i < terms.size(); ++i) ids_[shards[i]].push_back(ids[i]);
    terms.clear();
    shards.clear();
    ids.clear();
  };
  while (true) {
    // A shard's terms lie in order of first occurrence, so the next one is at the front of some shard.
    std::size_t from = 0;
    std::uint64_t least = kNone;
    for (std::size_t s = 0; s < shards_.size(); ++s) {
      if (next[s] < shards_[s].first.size() && shards_[s].first[next[s]] < least) {
        least = shards_[s].first[next[s]];
        from = s;
      }
    }
    if (least == kNone) break;
    // The rest of this row's new terms come in one go.
    const Shard& shard = shards_[from];
    for (; next[from] < shard.first.size() && shard.first[next[from]] >> 32 == least >> 32; ++next[from]) {
      terms.push_back(shard.terms.term(static_cast<TermId>(next[from])));
      shards.push_back(from);
      if (terms.size() == kBatch) intern();
    }
  }
  intern();
}

void BuildVocabulary::replace(std::span<const std::string_view> replacements) {
  replaced_.reserve(replaced_.size() + replacements.size());
  for (const std::string_view term : replacements) replaced_.push_back(final_.intern(term));
}

std::vector<TermId> BuildVocabulary::final_ids(unsigned shard) const {
  if (shards_.size() == 1) return replaced_;
  std::vector<TermId> ids = ids_[shard];
  if (!replaced_.empty()) {
    for (TermId& id : ids) id = replaced_[id];
  }
  return ids;
}

std::vector<std::uint64_t> BuildVocabulary::take_tokens() {
  std::vector<std::uint64_t> totals(final_size(), 0);
  for (unsigned s = 0; s < shards_.size(); ++s) {
    const std::vector<TermId> ids = final_ids(s);
    std::vector<std::uint64_t>& tokens = shards_[s].tokens;
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      totals[ids.empty() ? i : ids[i]] += std::exchange(tokens[i], 0);
    }
  }
  return totals;
}

VocabularyArrays BuildVocabulary::take() {
  VocabularyBuilder& terms = !replaced_.empty()    ? final_
                             : shards_.size() == 1 ? shards_.front().terms
                                                   : merged_;
  VocabularyArrays arrays = terms.take();
  *this = BuildVocabulary(1);  // gives the other memory back
  return arrays;
}

}  // namespace pyengine
