#include "core/row_sets.hpp"

#include <algorithm>

#include "core/error.hpp"
#include "core/list_access.hpp"

namespace pyengine {

void mark_rows(const Collection& collection, std::string_view term, std::span<std::uint8_t> rows) {
  for (const CollectionPart& part : collection.parts()) {
    const TermId id = part.segment->find(term);
    if (id == kNoTerm) continue;
    const std::uint64_t documents = part.segment->meta().documents;
    const TermList list = part.segment->list(id);
    for (ListWalker walker(list, documents); !walker.done(); walker.next()) {
      if (walker.row() >= documents) throw part.segment->unsound_postings();
      rows[part.first_row + walker.row()] = 1;
    }
  }
}

Expansions expand_prefix(const Collection& collection, std::string_view prefix, std::size_t limit) {
  Expansions found;
  for (const CollectionPart& part : collection.parts()) {
    for (TermId id = 0; id < part.segment->meta().terms; ++id) {
      const std::string_view term = part.segment->term(id);
      if (term.starts_with(prefix)) found.terms.emplace_back(term);
    }
  }
  std::sort(found.terms.begin(), found.terms.end());
  found.terms.erase(std::unique(found.terms.begin(), found.terms.end()), found.terms.end());
  if (found.terms.size() > limit) {
    found.terms.resize(limit);
    found.more = true;
  }
  return found;
}

PhraseMatcher::PhraseMatcher(const Analyzer& analyzer, std::string_view phrase) : analyzer_(analyzer) {
  analyzer_.analyze(phrase, tokens_);
  for (const Token& token : tokens_.tokens) {
    if (!token.part) phrase_.emplace_back(tokens_.term(token));
  }
}

bool PhraseMatcher::in(std::string_view text) {
  if (phrase_.empty()) return false;
  analyzer_.analyze(text, tokens_);
  terms_.clear();
  for (const Token& token : tokens_.tokens) {
    if (!token.part) terms_.push_back(tokens_.term(token));
  }
  return std::search(terms_.begin(), terms_.end(), phrase_.begin(), phrase_.end()) != terms_.end();
}

}  // namespace pyengine
