#include "core/deletions.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <map>
#include <string_view>
#include <tuple>

#include "core/error.hpp"
#include "core/format.hpp"
#include "core/list_access.hpp"

namespace pyengine {

namespace {

// Ids on disk: never renumber.
enum SectionId : std::uint32_t {
  kMeta = 1,
  kLive = 2,
  kTerms = 3,
  kCounts = 4,
};

std::string_view section_name(std::uint32_t id) {
  static constexpr std::array<std::string_view, 5> kNames{"unknown", "meta", "live", "terms", "counts"};
  return kNames[id < kNames.size() ? id : 0];
}

constexpr FileKind kDeletionsFile{"PYEDELET", 1, section_name};

// The first section, as stored: what was deleted, and the counts by which the segment is known again.
struct StoredMeta {
  std::uint64_t documents;
  std::uint64_t tokens;
  std::uint64_t segment_documents;
  std::uint64_t segment_terms;
  std::uint64_t segment_postings;
  std::uint64_t segment_tokens;
};

bool is_live(const std::vector<std::uint64_t>& live, Row row) {
  return (live[row / 64] >> (row % 64) & 1U) != 0;
}

// Counts for each term its postings in rows that are not live.
std::vector<std::pair<TermId, std::uint32_t>> dead_postings(const LexicalSegment& segment,
                                                            const std::vector<std::uint64_t>& live) {
  std::vector<std::pair<TermId, std::uint32_t>> counts;
  const std::uint64_t documents = segment.meta().documents;
  for (TermId term = 0; term < segment.meta().terms; ++term) {
    const TermList list = segment.list(term);
    std::uint32_t dead = 0;
    for (ListWalker walker(list, documents); !walker.done(); walker.next()) {
      const Row row = walker.row();
      if (row >= documents) throw segment.unsound_postings();
      dead += is_live(live, row) ? 0U : 1U;
    }
    if (dead > 0) counts.emplace_back(term, dead);
  }
  return counts;
}

}  // namespace

std::uint32_t Deletions::of(TermId term) const noexcept {
  const auto found = std::lower_bound(postings.begin(), postings.end(), std::pair{term, std::uint32_t{0}});
  return found != postings.end() && found->first == term ? found->second : 0;
}

std::vector<std::size_t> Deletions::strike(const LexicalSegment& segment, std::span<const Row> rows) {
  const std::uint64_t size = segment.meta().documents;
  if (live.empty()) {
    live.assign((size + 63) / 64, ~std::uint64_t{0});
    // Bits past the last row are zero, so that the same deletions are the same bytes.
    if (size % 64 != 0) live.back() = (std::uint64_t{1} << (size % 64)) - 1;
  }
  std::vector<std::size_t> struck;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const Row row = rows[i];
    if (!is_live(live, row)) continue;
    live[row / 64] &= ~(std::uint64_t{1} << (row % 64));
    ++documents;
    tokens += segment.lengths()[row];
    struck.push_back(i);
  }
  return struck;
}

Deletions Deletions::with(const LexicalSegment& segment, std::span<const Row> rows) const {
  Deletions more = *this;
  if (more.strike(segment, rows).empty()) return *this;
  more.postings = dead_postings(segment, more.live);
  return more;
}

Deletions Deletions::with(const LexicalSegment& segment, std::span<const Row> rows,
                          const Queries& terms) const {
  Deletions more = *this;
  const std::vector<std::size_t> struck = more.strike(segment, rows);
  if (struck.empty()) return *this;
  std::vector<TermId> ids(terms.terms().size());
  for (TermId term = 0; term < ids.size(); ++term) ids[term] = segment.find(terms.terms().term(term));
  std::map<TermId, std::uint32_t> counts(postings.begin(), postings.end());
  for (const std::size_t i : struck) {
    for (const QueryTerm& entry : terms.query(i)) {
      const TermId id = ids[entry.term];
      if (id == kNoTerm || ++counts[id] > segment.document_frequency(id)) {
        throw Error(Code::kCorruption, "row " + std::to_string(rows[i]) +
                                           ": the index does not hold the term '" +
                                           std::string(terms.terms().term(entry.term)) +
                                           "' of the stored document; verify the index");
      }
    }
  }
  more.postings.assign(counts.begin(), counts.end());
  return more;
}

void Deletions::save(const std::string& path, const LexicalSegment& segment) const {
  const SegmentMeta& meta = segment.meta();
  const std::array<StoredMeta, 1> stored{
      {{documents, tokens, meta.documents, meta.terms, meta.postings, meta.tokens}}};
  std::vector<TermId> terms(postings.size());
  std::vector<std::uint32_t> counts(postings.size());
  for (std::size_t i = 0; i < postings.size(); ++i) std::tie(terms[i], counts[i]) = postings[i];
  const std::array<Section, 4> sections{make_section(kMeta, std::span<const StoredMeta>(stored)),
                                        make_section(kLive, std::span<const std::uint64_t>(live)),
                                        make_section(kTerms, std::span<const TermId>(terms)),
                                        make_section(kCounts, std::span<const std::uint32_t>(counts))};
  write_sections(path, kDeletionsFile, sections);
}

Deletions Deletions::load(const std::string& path, const LexicalSegment& segment) {
  const SectionFile file(path, kDeletionsFile);
  file.verify();
  const std::span<const StoredMeta> records = file.section<StoredMeta>(kMeta);
  if (records.size() != 1) throw file.corrupt(kMeta, "expected one record");
  const StoredMeta& stored = records.front();
  const SegmentMeta& meta = segment.meta();
  if (stored.segment_documents != meta.documents || stored.segment_terms != meta.terms ||
      stored.segment_postings != meta.postings || stored.segment_tokens != meta.tokens) {
    throw file.corrupt(kMeta, "it belongs to another segment");
  }
  const auto live = file.section<std::uint64_t>(kLive);
  const auto terms = file.section<TermId>(kTerms);
  const auto counts = file.section<std::uint32_t>(kCounts);
  Deletions deletions{{live.begin(), live.end()}, stored.documents, stored.tokens, {}};
  std::uint64_t dead = 0;
  std::uint64_t tokens = 0;
  if (!live.empty()) {
    const std::uint64_t size = meta.documents;
    if (live.size() != (size + 63) / 64 || (size % 64 != 0 && live.back() >> (size % 64) != 0)) {
      throw file.corrupt(kLive, "expected one bit for each of " + std::to_string(size) + " rows");
    }
    for (std::uint64_t word = 0; word < live.size(); ++word) {
      const std::uint64_t rows = word + 1 < live.size() || size % 64 == 0
                                     ? ~std::uint64_t{0}
                                     : (std::uint64_t{1} << (size % 64)) - 1;
      for (std::uint64_t gone = ~live[word] & rows; gone != 0; gone &= gone - 1) {
        ++dead;
        tokens += segment.lengths()[word * 64 + static_cast<unsigned>(std::countr_zero(gone))];
      }
    }
  }
  if (dead != stored.documents || tokens != stored.tokens) {
    throw file.corrupt(kMeta, "its counts contradict the deleted rows");
  }
  if (terms.size() != counts.size()) throw file.corrupt(kCounts, "expected one count for each term");
  for (std::size_t i = 0; i < terms.size(); ++i) {
    if (terms[i] >= meta.terms || (i > 0 && terms[i] <= terms[i - 1])) {
      throw file.corrupt(kTerms, "expected ascending terms of the segment");
    }
    if (counts[i] == 0 || counts[i] > dead || counts[i] > segment.document_frequency(terms[i])) {
      throw file.corrupt(kCounts, "a term would lose more postings than it has");
    }
    deletions.postings.emplace_back(terms[i], counts[i]);
  }
  return deletions;
}

}  // namespace pyengine
