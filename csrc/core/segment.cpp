#include "core/segment.hpp"

#include <bit>
#include <cmath>

#include "core/error.hpp"

namespace pyengine {

namespace {

// Ids on disk: never renumber.
enum SectionId : std::uint32_t {
  kMeta = 1,
  kAnalyzer = 2,
  kTermBytes = 3,
  kTermOffsets = 4,
  kTermSlots = 5,
  kPostingOffsets = 6,
  kRows = 7,
  kFrequencies = 8,
  kLargeIndex = 9,
  kLargeValue = 10,
  kLengths = 11,
};

std::string_view section_name(std::uint32_t id) {
  switch (id) {
    case kMeta:
      return "meta";
    case kAnalyzer:
      return "analyzer";
    case kTermBytes:
      return "term_bytes";
    case kTermOffsets:
      return "term_offsets";
    case kTermSlots:
      return "term_slots";
    case kPostingOffsets:
      return "posting_offsets";
    case kRows:
      return "rows";
    case kFrequencies:
      return "frequencies";
    case kLargeIndex:
      return "large_index";
    case kLargeValue:
      return "large_value";
    case kLengths:
      return "lengths";
    default:
      return "unknown";
  }
}

constexpr FileKind kLexicalFile{"PYELEXIC", 1, section_name};

bool starts_and_ends(std::span<const std::uint64_t> offsets, std::uint64_t last) {
  return !offsets.empty() && offsets.front() == 0 && offsets.back() == last;
}

}  // namespace

LexicalSegment::LexicalSegment(SegmentArrays arrays)
    : owned_(std::move(arrays)),
      meta_(owned_.meta),
      analyzer_(owned_.analyzer),
      term_bytes_(owned_.vocabulary.bytes),
      term_offsets_(owned_.vocabulary.offsets),
      term_slots_(owned_.vocabulary.slots),
      vocabulary_(term_bytes_, term_offsets_, term_slots_),
      postings_{owned_.posting_offsets, owned_.rows, owned_.frequencies, owned_.large_index,
                owned_.large_value},
      lengths_(owned_.lengths),
      bm25_({.k1 = meta_.k1, .b = meta_.b}, {meta_.documents, meta_.tokens}) {}

LexicalSegment::LexicalSegment(std::unique_ptr<SectionFile> file)
    : file_(std::move(file)),
      meta_(read_meta(*file_)),
      term_bytes_(file_->section<char>(kTermBytes)),
      term_offsets_(file_->section<std::uint64_t>(kTermOffsets)),
      term_slots_(file_->section<TermId>(kTermSlots)),
      vocabulary_(term_bytes_, term_offsets_, term_slots_),
      postings_{file_->section<std::uint64_t>(kPostingOffsets), file_->section<Row>(kRows),
                file_->section<std::uint8_t>(kFrequencies), file_->section<std::uint64_t>(kLargeIndex),
                file_->section<std::uint32_t>(kLargeValue)},
      lengths_(file_->section<std::uint32_t>(kLengths)),
      bm25_({.k1 = meta_.k1, .b = meta_.b}, {meta_.documents, meta_.tokens}) {
  const std::span<const char> analyzer = file_->section<char>(kAnalyzer);
  analyzer_ = {analyzer.data(), analyzer.size()};
  file_->verify_section(kAnalyzer);
  check_shapes();
}

std::unique_ptr<LexicalSegment> LexicalSegment::open(const std::string& path) {
  return std::unique_ptr<LexicalSegment>(
      new LexicalSegment(std::make_unique<SectionFile>(path, kLexicalFile)));
}

SegmentMeta LexicalSegment::read_meta(const SectionFile& file) {
  const std::span<const SegmentMeta> stored = file.section<SegmentMeta>(kMeta);
  if (stored.size() != 1) throw file.corrupt(kMeta, "expected one record");
  file.verify_section(kMeta);
  const SegmentMeta meta = stored.front();
  if (!std::isfinite(meta.k1) || meta.k1 < 0.0 || !(meta.b >= 0.0 && meta.b <= 1.0)) {
    throw file.corrupt(kMeta, "impossible BM25 parameters");
  }
  if (meta.documents > kMaxDocuments || meta.terms > kNoTerm) throw file.corrupt(kMeta, "impossible counts");
  return meta;
}

Error LexicalSegment::corrupt(std::uint32_t section, const std::string& what) const {
  if (file_) return file_->corrupt(section, what);
  return {Code::kCorruption, "index in memory: " + std::string(section_name(section)) + ": " + what};
}

Error LexicalSegment::unsound_postings() const {
  return corrupt(kRows, "rows of a term do not ascend or are not below the number of documents");
}

// The cheap checks, on which together with those at each access memory safety rests.
void LexicalSegment::check_shapes() const {
  const auto require = [this](bool holds, std::uint32_t section) {
    if (!holds) throw corrupt(section, "its size or bounds contradict the other sections");
  };
  require(term_offsets_.size() == meta_.terms + 1, kTermOffsets);
  require(starts_and_ends(term_offsets_, term_bytes_.size()), kTermOffsets);
  require(std::has_single_bit(term_slots_.size()) && term_slots_.size() > meta_.terms, kTermSlots);
  require(postings_.offsets.size() == meta_.terms + 1, kPostingOffsets);
  require(starts_and_ends(postings_.offsets, postings_.rows.size()), kPostingOffsets);
  require(postings_.rows.size() == meta_.postings, kRows);
  require(postings_.frequencies.size() == meta_.postings, kFrequencies);
  require(postings_.large_index.size() == postings_.large_value.size(), kLargeValue);
  require(lengths_.size() == meta_.documents, kLengths);
}

ListCursor LexicalSegment::postings(TermId id) const {
  const std::uint64_t begin = postings_.offsets[id];
  const std::uint64_t end = postings_.offsets[id + 1];
  if (begin > end || end > postings_.rows.size() || end - begin > meta_.documents) {
    throw corrupt(kPostingOffsets, "impossible bounds of term " + std::to_string(id));
  }
  return {postings_, begin, end};
}

std::vector<Section> LexicalSegment::sections() const {
  return {
      make_section(kMeta, std::span(&meta_, 1)),
      make_section(kAnalyzer, std::span(analyzer_)),
      make_section(kTermBytes, term_bytes_),
      make_section(kTermOffsets, term_offsets_),
      make_section(kTermSlots, term_slots_),
      make_section(kPostingOffsets, postings_.offsets),
      make_section(kRows, postings_.rows),
      make_section(kFrequencies, postings_.frequencies),
      make_section(kLargeIndex, postings_.large_index),
      make_section(kLargeValue, postings_.large_value),
      make_section(kLengths, lengths_),
  };
}

std::vector<std::pair<std::string_view, std::uint64_t>> LexicalSegment::section_bytes() const {
  std::vector<std::pair<std::string_view, std::uint64_t>> sizes;
  for (const Section& section : sections())
    sizes.emplace_back(section_name(section.id), section.bytes.size());
  return sizes;
}

void LexicalSegment::save(const std::string& path) const { write_sections(path, kLexicalFile, sections()); }

void LexicalSegment::verify() const {
  if (file_) file_->verify();
  check_vocabulary();
  check_postings();
}

void LexicalSegment::check_vocabulary() const {
  for (TermId id = 0; id < meta_.terms; ++id) {
    const std::optional<std::string_view> term = vocabulary_.term(id);
    if (!term) throw corrupt(kTermOffsets, "impossible bounds of term " + std::to_string(id));
    if (vocabulary_.find(*term) != id) {
      throw corrupt(kTermSlots, "term " + std::to_string(id) + " cannot be found");
    }
  }
}

void LexicalSegment::check_postings() const {
  std::vector<std::uint64_t> totals(meta_.documents, 0);
  std::uint64_t large = 0;
  for (TermId id = 0; id < meta_.terms; ++id) {
    std::uint64_t floor = 0;
    for (ListCursor cursor = postings(id); !cursor.done(); cursor.next()) {
      const Row row = cursor.row();
      if (row < floor || row >= meta_.documents) throw unsound_postings();
      floor = std::uint64_t{row} + 1;
      const std::uint32_t frequency = cursor.frequency();
      if (frequency == 0) throw corrupt(kFrequencies, "a frequency of 0");
      if (frequency >= kLargeFrequency) ++large;
      totals[row] += frequency;
    }
  }
  if (large != postings_.large_index.size()) {
    throw corrupt(kLargeIndex, "it does not list the large frequencies");
  }
  std::uint64_t tokens = 0;
  std::uint32_t longest = 0;
  for (std::uint64_t row = 0; row < meta_.documents; ++row) {
    if (totals[row] != lengths_[row]) {
      throw corrupt(kLengths, "row " + std::to_string(row) + ": expected " + std::to_string(totals[row]) +
                                  " tokens, found " + std::to_string(lengths_[row]));
    }
    tokens += lengths_[row];
    longest = std::max(longest, lengths_[row]);
  }
  if (tokens != meta_.tokens || longest != meta_.max_length) {
    throw corrupt(kMeta, "token counts differ from the lengths");
  }
}

}  // namespace pyengine
