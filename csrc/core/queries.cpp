#include "core/queries.hpp"

#include <string>
#include <utility>

#include "core/error.hpp"

namespace pyengine {

void Queries::add_text(std::string_view text, const Analyzer& analyzer) {
  analyzer.analyze(text, tokens_);
  for (const Token& token : tokens_.tokens) count(vocabulary_.intern(tokens_.term(token)), 1);
  end_query();
}

void Queries::add_tokens(std::span<const std::string_view> tokens) {
  for (const std::string_view token : tokens) count(vocabulary_.intern(token), 1);
  end_query();
}

void Queries::add_ids(std::span<const TermId> ids) {
  for (const TermId id : ids) {
    if (id == kNoTerm) continue;
    const auto [known, added] = term_of_id_.try_emplace(id, static_cast<TermId>(ids_.size()));
    if (added) ids_.push_back(id);
    count(known->second, 1);
  }
  end_query();
}

void Queries::count(TermId term, std::uint32_t weight) {
  if (term >= last_entry_.size()) last_entry_.resize(std::size_t{term} + 1, 0);
  // An entry before this query's first belongs to an earlier query.
  if (last_entry_[term] > offsets_.back()) {
    entries_[last_entry_[term] - 1].weight += weight;
    return;
  }
  entries_.push_back({term, weight});
  last_entry_[term] = entries_.size();
}

void Queries::end_query() { offsets_.push_back(entries_.size()); }

void Queries::replace_terms(std::span<const std::string_view> replacements) {
  if (replacements.size() != vocabulary_.size()) {
    throw Error(Code::kInvalidArgument, "stems: expected one for each of " +
                                            std::to_string(vocabulary_.size()) + " terms, got " +
                                            std::to_string(replacements.size()));
  }
  Queries replaced;
  std::vector<TermId> ids;
  ids.reserve(replacements.size());
  for (const std::string_view term : replacements) ids.push_back(replaced.vocabulary_.intern(term));
  for (std::size_t i = 0; i < size(); ++i) {
    for (const QueryTerm& entry : query(i)) replaced.count(ids[entry.term], entry.weight);
    replaced.end_query();
  }
  *this = std::move(replaced);
}

}  // namespace pyengine
