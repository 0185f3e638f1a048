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
    const std::vector<std::uint64_t>& live = part.deletions->live;
    const TermList list = part.segment->list(id);
    for (ListWalker walker(list, documents); !walker.done(); walker.next()) {
      const Row row = walker.row();
      if (row >= documents) throw part.segment->unsound_postings();
      if (live.empty() || (live[row / 64] >> (row % 64) & 1U) != 0) rows[part.first_row + row] = 1;
    }
  }
}

Expansions expand_prefix(const Collection& collection, std::string_view prefix, std::size_t limit) {
  Expansions found;
  for (const CollectionPart& part : collection.parts()) {
    for (TermId id = 0; id < part.segment->meta().terms; ++id) {
      const std::string_view term = part.segment->term(id);
      if (term.starts_with(prefix) && part.segment->document_frequency(id) > part.deletions->of(id)) {
        found.terms.push_back(term);
      }
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

}  // namespace pyengine
