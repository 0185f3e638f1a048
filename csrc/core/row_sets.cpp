#include "core/row_sets.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "core/error.hpp"
#include "core/list_access.hpp"
#include "core/positions.hpp"

namespace pyengine {

namespace {

const Positions& positions_of(const CollectionPart& part) {
  if (part.positions != nullptr) return *part.positions;
  throw Error(Code::kInvalidArgument, "index: expected positions, this one was made without");
}

// Calls work(row, posting) for the live rows of a list.
template <class Work>
void for_rows(const CollectionPart& part, const TermList& list, const Work& work) {
  const std::uint64_t documents = part.segment->meta().documents;
  const std::vector<std::uint64_t>& live = part.deletions->live;
  for (ListWalker walker(list, documents); !walker.done(); walker.next()) {
    const Row row = walker.row();
    if (row >= documents) throw part.segment->unsound_postings();
    if (live.empty() || (live[row / 64] >> (row % 64) & 1U) != 0) work(row, walker.position());
  }
}

// Whether the places [first, last] of a row are in the field, all in the title or all in the text.
bool inside(const Positions& positions, Row row, std::uint32_t first, std::uint32_t last, Field field) {
  const std::uint32_t title = positions.title_length(row);
  return (last < title && field != Field::kText) || (first >= title && field != Field::kTitle);
}

// Looks in one segment for terms that follow each other.
class PhraseFinder {
 public:
  // Without words where one is missing: the phrase is nowhere.
  PhraseFinder(const CollectionPart& part, std::span<const std::string> terms)
      : part_(part), positions_(positions_of(part)) {
    for (std::uint32_t place = 0; place < terms.size(); ++place) {
      const TermId id = part.segment->find(terms[place]);
      if (id == kNoTerm) {
        words_.clear();
        return;
      }
      const TermList list = part.segment->list(id);
      words_.push_back({list, PlaceReader(positions_, id, list.count), place});
    }
    // The rarest leads.
    std::sort(words_.begin(), words_.end(), [](const Word& a, const Word& b) {
      return std::pair(a.list.count, a.place) < std::pair(b.list.count, b.place);
    });
  }

  void mark(Field field, std::span<std::uint8_t> rows) {
    if (words_.empty()) return;
    const auto length = static_cast<std::uint32_t>(words_.size());
    for_rows(part_, words_.front().list, [&](Row row, std::uint32_t posting) {
      if (!find_postings(row, posting) || !find_begins()) return;
      const bool there = std::any_of(begins_.begin(), begins_.end(), [&](std::uint32_t begin) {
        return inside(positions_, row, begin, begin + length - 1, field);
      });
      if (there) rows[part_.first_row + row] = 1;
    });
  }

 private:
  struct Word {
    TermList list;
    PlaceReader reader;
    std::uint32_t place;  // in the phrase
    std::uint32_t posting = 0;
  };

  // Whether the row has all words; notes their postings.
  [[nodiscard]] bool find_postings(Row row, std::uint32_t first) {
    words_.front().posting = first;
    return std::all_of(words_.begin() + 1, words_.end(), [row](Word& word) {
      word.posting = position_of(word.list, row);
      return word.posting != kNoPosition;
    });
  }

  // Where the phrase begins in the row: the places that every word allows.
  [[nodiscard]] bool find_begins() {
    for (Word& word : words_) {
      word.reader.read(word.posting, places_);
      allowed_.clear();
      for (const Place& place : places_) {
        if (!place.part && place.at >= word.place) allowed_.push_back(place.at - word.place);
      }
      if (&word == &words_.front()) {
        begins_.swap(allowed_);
      } else {
        kept_.clear();
        std::set_intersection(begins_.begin(), begins_.end(), allowed_.begin(), allowed_.end(),
                              std::back_inserter(kept_));
        begins_.swap(kept_);
      }
      if (begins_.empty()) return false;
    }
    return true;
  }

  const CollectionPart& part_;
  const Positions& positions_;
  std::vector<Word> words_;
  std::vector<Place> places_;
  std::vector<std::uint32_t> allowed_;
  std::vector<std::uint32_t> begins_;
  std::vector<std::uint32_t> kept_;
};

}  // namespace

void mark_rows(const Collection& collection, std::string_view term, std::span<std::uint8_t> rows) {
  for (const CollectionPart& part : collection.parts()) {
    const TermId id = part.segment->find(term);
    if (id == kNoTerm) continue;
    for_rows(part, part.segment->list(id), [&](Row row, std::uint32_t) { rows[part.first_row + row] = 1; });
  }
}

void mark_rows_in_field(const Collection& collection, std::string_view term, Field field,
                        std::span<std::uint8_t> rows) {
  std::vector<Place> places;
  for (const CollectionPart& part : collection.parts()) {
    const Positions& positions = positions_of(part);
    const TermId id = part.segment->find(term);
    if (id == kNoTerm) continue;
    const TermList list = part.segment->list(id);
    PlaceReader reader(positions, id, list.count);
    for_rows(part, list, [&](Row row, std::uint32_t posting) {
      reader.read(posting, places);
      const bool there = std::any_of(places.begin(), places.end(), [&](const Place& place) {
        return inside(positions, row, place.at, place.at, field);
      });
      if (there) rows[part.first_row + row] = 1;
    });
  }
}

void mark_rows_with_phrase(const Collection& collection, std::span<const std::string> terms, Field field,
                           std::span<std::uint8_t> rows) {
  for (const CollectionPart& part : collection.parts()) PhraseFinder(part, terms).mark(field, rows);
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
