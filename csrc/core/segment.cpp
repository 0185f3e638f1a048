#include "core/segment.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <optional>

#include "core/error.hpp"
#include "core/list_access.hpp"
#include "core/segment_v1.hpp"

namespace pyengine {

namespace {

// Ids on disk: never renumber. 6 to 8 were of version 1.
enum SectionId : std::uint32_t {
  kMeta = 1,
  kAnalyzer = 2,
  kTermBytes = 3,
  kTermOffsets = 4,
  kTermSlots = 5,
  kLargeIndex = 9,
  kLargeValue = 10,
  kLengths = 11,
  kTermEntries = 12,
  kBodyRecords = 13,
  kTailRows = 14,
  kTailCodes = 15,
  kTailFrequencies = 16,
  kBodyRows = 17,
  kBodyCodes = 18,
  kBodyFrequencies = 19,
  kDirectory = 20,
  kRangeMax = 21,
  kColumns = 22,
  kCodeRanges = 23,
};

std::string_view section_name(std::uint32_t id) {
  static constexpr std::array<std::string_view, 24> kNames{
      "unknown",          "meta",         "analyzer",        "term_bytes",
      "term_offsets",     "term_slots",   "posting_offsets", "rows",
      "frequencies",      "large_index",  "large_value",     "lengths",
      "term_entries",     "body_records", "tail_rows",       "tail_codes",
      "tail_frequencies", "body_rows",    "body_codes",      "body_frequencies",
      "directory",        "range_max",    "columns",         "code_ranges"};
  return kNames[id < kNames.size() ? id : 0];
}

constexpr FileKind kLexicalFile{"PYELEXIC", 2, section_name};

template <class T>
std::span<const T> without_padding(const std::vector<T>& array, std::uint64_t size) {
  return std::span(array).first(static_cast<std::size_t>(size));
}

}  // namespace

// The first section, as stored.
struct LexicalSegment::StoredMeta {
  std::uint64_t documents;
  std::uint64_t terms;
  std::uint64_t postings;
  std::uint64_t tokens;
  double k1;
  double b;
  double delta;
  std::uint32_t variant;
  std::uint32_t max_length;
};

LexicalSegment::LexicalSegment(SegmentArrays arrays)
    : owned_(std::move(arrays)),
      meta_(owned_.meta),
      analyzer_(owned_.analyzer),
      views_(views_of(owned_)),
      vocabulary_(views_.term_bytes, views_.term_offsets, views_.term_slots) {}

LexicalSegment::LexicalSegment(std::unique_ptr<SectionFile> file)
    : file_(std::move(file)),
      meta_(read_meta(*file_)),
      views_(views_of(*file_)),
      vocabulary_(views_.term_bytes, views_.term_offsets, views_.term_slots) {
  const std::span<const char> analyzer = file_->section<char>(kAnalyzer);
  analyzer_ = {analyzer.data(), analyzer.size()};
  file_->verify_section(kAnalyzer);
  file_->verify_section(kCodeRanges);
  check_shapes();
}

std::unique_ptr<LexicalSegment> LexicalSegment::open(const std::string& path) {
  auto file = std::make_unique<SectionFile>(path, kLexicalFile);
  if (file->version() == 1) return std::make_unique<LexicalSegment>(read_segment_v1(*file));
  return std::unique_ptr<LexicalSegment>(new LexicalSegment(std::move(file)));
}

SegmentMeta LexicalSegment::read_meta(const SectionFile& file) {
  const std::span<const StoredMeta> records = file.section<StoredMeta>(kMeta);
  if (records.size() != 1) throw file.corrupt(kMeta, "expected one record");
  file.verify_section(kMeta);
  const StoredMeta& stored = records.front();
  const bool possible = std::isfinite(stored.k1) && stored.k1 >= 0.0 && stored.b >= 0.0 && stored.b <= 1.0 &&
                        std::isfinite(stored.delta) && stored.delta >= 0.0 && stored.variant < kVariants;
  if (!possible) throw file.corrupt(kMeta, "impossible BM25 parameters");
  if (stored.documents > kMaxDocuments || stored.terms > kNoTerm) {
    throw file.corrupt(kMeta, "impossible counts");
  }
  return {stored.documents,
          stored.terms,
          stored.postings,
          stored.tokens,
          {stored.k1, stored.b, stored.delta, static_cast<Variant>(stored.variant)},
          stored.max_length};
}

LexicalSegment::StoredMeta LexicalSegment::stored_meta() const noexcept {
  return {
      meta_.documents, meta_.terms,    meta_.postings,     meta_.tokens,
      meta_.params.k1, meta_.params.b, meta_.params.delta, static_cast<std::uint32_t>(meta_.params.variant),
      meta_.max_length};
}

LexicalSegment::Views LexicalSegment::views_of(const SegmentArrays& arrays) {
  const ListArrays& lists = arrays.lists;
  return {.term_bytes = arrays.vocabulary.bytes,
          .term_offsets = arrays.vocabulary.offsets,
          .term_slots = arrays.vocabulary.slots,
          .entries = lists.entries,
          .records = lists.records,
          .tail_rows = lists.tail_rows,
          .tail_codes = without_padding(lists.tail_codes, lists.tail_postings),
          .tail_frequencies = lists.tail_frequencies,
          .body_rows = without_padding(lists.body_rows, lists.body_postings),
          .body_codes = without_padding(lists.body_codes, lists.body_postings),
          .body_frequencies = lists.body_frequencies,
          .directory = lists.directory,
          .range_max = lists.range_max,
          .columns = lists.columns,
          .code_ranges = lists.code_ranges,
          .large_index = lists.large_index,
          .large_value = lists.large_value,
          .lengths = arrays.lengths};
}

LexicalSegment::Views LexicalSegment::views_of(const SectionFile& file) {
  return {.term_bytes = file.section<char>(kTermBytes),
          .term_offsets = file.section<std::uint64_t>(kTermOffsets),
          .term_slots = file.section<TermId>(kTermSlots),
          .entries = file.section<TermEntry>(kTermEntries),
          .records = file.section<BodyRecord>(kBodyRecords),
          .tail_rows = file.section<Row>(kTailRows),
          .tail_codes = file.section<std::uint8_t>(kTailCodes),
          .tail_frequencies = file.section<std::uint8_t>(kTailFrequencies),
          .body_rows = file.section<std::uint16_t>(kBodyRows),
          .body_codes = file.section<std::uint8_t>(kBodyCodes),
          .body_frequencies = file.section<std::uint8_t>(kBodyFrequencies),
          .directory = file.section<std::uint32_t>(kDirectory),
          .range_max = file.section<std::uint8_t>(kRangeMax),
          .columns = file.section<std::uint8_t>(kColumns),
          .code_ranges = file.section<CodeRange>(kCodeRanges),
          .large_index = file.section<std::uint64_t>(kLargeIndex),
          .large_value = file.section<std::uint32_t>(kLargeValue),
          .lengths = file.section<std::uint32_t>(kLengths)};
}

Error LexicalSegment::corrupt(std::uint32_t section, const std::string& what) const {
  if (file_) return file_->corrupt(section, what);
  return {Code::kCorruption, "index in memory: " + std::string(section_name(section)) + ": " + what};
}

Error LexicalSegment::unsound_postings() const {
  return corrupt(kBodyRows, "rows of a term do not ascend or are not below the number of documents");
}

// The cheap checks, on which together with those at each access memory safety rests.
void LexicalSegment::check_shapes() const {
  const auto require = [this](bool holds, std::uint32_t section) {
    if (!holds) throw corrupt(section, "its size or bounds contradict the other sections");
  };
  const Views& v = views_;
  require(v.term_offsets.size() == meta_.terms + 1, kTermOffsets);
  require(v.term_offsets.front() == 0 && v.term_offsets.back() == v.term_bytes.size(), kTermOffsets);
  require(std::has_single_bit(v.term_slots.size()) && v.term_slots.size() > meta_.terms, kTermSlots);
  require(v.entries.size() == meta_.terms, kTermEntries);
  require(v.tail_rows.size() + v.body_rows.size() == meta_.postings, kBodyRows);
  require(v.tail_codes.size() == v.tail_rows.size(), kTailCodes);
  require(v.tail_frequencies.size() == v.tail_rows.size(), kTailFrequencies);
  require(v.body_codes.size() == v.body_rows.size(), kBodyCodes);
  require(v.body_frequencies.size() == v.body_rows.size(), kBodyFrequencies);
  require(v.large_index.size() == v.large_value.size(), kLargeValue);
  require(v.lengths.size() == meta_.documents, kLengths);
  // Kernels read a little past the end of these.
  const auto require_room = [this, &require](const void* end, std::uint32_t section) {
    const auto left = file_->bytes().data() + file_->bytes().size() - static_cast<const std::byte*>(end);
    require(left >= static_cast<std::ptrdiff_t>(kScanPadding) || meta_.postings == 0, section);
  };
  require_room(v.tail_codes.data() + v.tail_codes.size(), kTailCodes);
  require_room(v.body_codes.data() + v.body_codes.size(), kBodyCodes);
  require_room(v.body_rows.data() + v.body_rows.size(), kBodyRows);
}

std::string_view LexicalSegment::term(TermId id) const {
  const std::optional<std::string_view> found = vocabulary_.term(id);
  if (!found) throw corrupt(kTermOffsets, "an offset lies outside of the terms");
  return *found;
}

TermList LexicalSegment::list(TermId id) const {
  const TermEntry& entry = views_.entries[id];
  const bool tail = (entry.body & TermEntry::kTailFlag) != 0;
  const std::uint64_t postings = tail ? views_.tail_rows.size() : views_.body_rows.size();
  const auto require = [this, id](bool holds) {
    if (!holds) throw corrupt(kTermEntries, "impossible bounds of term " + std::to_string(id));
  };
  require(entry.begin <= postings && entry.count <= postings - entry.begin && entry.count <= meta_.documents);
  TermList list;
  list.count = entry.count;
  if (tail) {
    list.first = entry.begin;
    list.rows = views_.tail_rows.data() + entry.begin;
    list.codes = views_.tail_codes.data() + entry.begin;
    list.frequencies = views_.tail_frequencies.data() + entry.begin;
    list.max_code = static_cast<std::uint8_t>(entry.body);
    return list;
  }
  require(entry.body < views_.records.size());
  const BodyRecord& record = views_.records[entry.body];
  const auto inside = [](std::uint64_t begin, std::uint64_t length, std::uint64_t size) {
    return begin <= size && length <= size - begin;
  };
  require(record.shift <= kEpochBits && record.max_shift < 64 && meta_.documents > 0);
  require(inside(record.directory, ((meta_.documents - 1) >> record.shift) + 2, views_.directory.size()));
  list.first = kBodyKey + entry.begin;
  list.low = views_.body_rows.data() + entry.begin;
  list.codes = views_.body_codes.data() + entry.begin;
  list.frequencies = views_.body_frequencies.data() + entry.begin;
  list.directory = views_.directory.data() + record.directory;
  list.shift = record.shift;
  list.max_code = record.max_code;
  list.kth_codes = record.kth_codes;
  if (record.range_max != BodyRecord::kNone) {
    require(record.max_shift < 32);
    require(
        inside(record.range_max, ((meta_.documents - 1) >> record.max_shift) + 1, views_.range_max.size()));
    list.range_max = views_.range_max.data() + record.range_max;
    list.max_shift = record.max_shift;
  }
  if (record.column != BodyRecord::kNone) {
    require(inside(record.column, meta_.documents, views_.columns.size()));
    list.column = views_.columns.data() + record.column;
  }
  return list;
}

std::uint32_t LexicalSegment::large_frequency(std::uint64_t key) const noexcept {
  const auto found = std::lower_bound(views_.large_index.begin(), views_.large_index.end(), key);
  if (found == views_.large_index.end() || *found != key) return kLargeFrequency;
  return views_.large_value[static_cast<std::size_t>(found - views_.large_index.begin())];
}

// The lengths come last: what follows the other arrays can then be read a little past their end.
std::vector<Section> LexicalSegment::sections(const StoredMeta& meta) const {
  return {
      make_section(kMeta, std::span(&meta, 1)),
      make_section(kAnalyzer, std::span(analyzer_)),
      make_section(kCodeRanges, views_.code_ranges),
      make_section(kTermBytes, views_.term_bytes),
      make_section(kTermOffsets, views_.term_offsets),
      make_section(kTermSlots, views_.term_slots),
      make_section(kTermEntries, views_.entries),
      make_section(kBodyRecords, views_.records),
      make_section(kTailRows, views_.tail_rows),
      make_section(kTailCodes, views_.tail_codes),
      make_section(kTailFrequencies, views_.tail_frequencies),
      make_section(kBodyRows, views_.body_rows),
      make_section(kBodyCodes, views_.body_codes),
      make_section(kBodyFrequencies, views_.body_frequencies),
      make_section(kDirectory, views_.directory),
      make_section(kRangeMax, views_.range_max),
      make_section(kColumns, views_.columns),
      make_section(kLargeIndex, views_.large_index),
      make_section(kLargeValue, views_.large_value),
      make_section(kLengths, views_.lengths),
  };
}

std::vector<std::pair<std::string_view, std::uint64_t>> LexicalSegment::section_bytes() const {
  const StoredMeta meta = stored_meta();
  std::vector<std::pair<std::string_view, std::uint64_t>> sizes;
  for (const Section& section : sections(meta))
    sizes.emplace_back(section_name(section.id), section.bytes.size());
  return sizes;
}

void LexicalSegment::save(const std::string& path) const {
  const StoredMeta meta = stored_meta();
  write_sections(path, kLexicalFile, sections(meta));
}

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

// One list against itself: ascending rows, codes inside their ranges, and what lookups rely on.
void LexicalSegment::check_list(const TermList& list, TermId id) const {
  const auto require = [this, id](bool holds, std::uint32_t section) {
    if (!holds)
      throw corrupt(section, "term " + std::to_string(id) + ": its lookups contradict its postings");
  };
  std::uint64_t floor = 0;
  std::uint64_t walked = 0;
  std::uint8_t greatest = 0;
  for (ListWalker walker(list, meta_.documents); !walker.done(); walker.next(), ++walked) {
    const Row row = walker.row();
    if (row < floor || row >= meta_.documents) throw unsound_postings();
    floor = std::uint64_t{row} + 1;
    const std::uint8_t code = list.codes[walker.position()];
    greatest = std::max(greatest, code);
    require(position_of(list, row) == walker.position(), kDirectory);
    require(list.column == nullptr || list.column[row] == code, kColumns);
    require(list.range_max == nullptr || list.range_max[row >> list.max_shift] >= code, kRangeMax);
  }
  require(walked == list.count, kDirectory);
  require(greatest == list.max_code, kTermEntries);
  if (list.column == nullptr) return;
  const auto filled =
      std::count_if(list.column, list.column + meta_.documents, [](auto code) { return code != 0; });
  require(static_cast<std::uint64_t>(filled) == list.count, kColumns);
}

void LexicalSegment::check_postings() const {
  const Bm25 bm25(meta_.params, {meta_.documents, meta_.tokens});
  const CodeTable codes = make_code_table(code_ranges(), bm25);
  std::vector<std::uint64_t> totals(meta_.documents, 0);
  std::uint64_t large = 0;
  for (TermId id = 0; id < meta_.terms; ++id) {
    const TermList list = this->list(id);
    check_list(list, id);
    for (ListWalker walker(list, meta_.documents); !walker.done(); walker.next()) {
      const std::uint32_t frequency = this->frequency(list, walker.position());
      if (frequency == 0) throw corrupt(kBodyFrequencies, "a frequency of 0");
      if (frequency >= kLargeFrequency) ++large;
      totals[walker.row()] += frequency;
      const double saturation = bm25.saturation(frequency, views_.lengths[walker.row()]);
      const std::uint8_t code = list.codes[walker.position()];
      if (code == 0 || saturation > codes.upper[code] || saturation < codes.lower[code]) {
        throw corrupt(kCodeRanges,
                      "a posting of term " + std::to_string(id) + " is outside its code's range");
      }
    }
  }
  if (large != views_.large_index.size())
    throw corrupt(kLargeIndex, "it does not list the large frequencies");
  std::uint64_t tokens = 0;
  std::uint32_t longest = 0;
  for (std::uint64_t row = 0; row < meta_.documents; ++row) {
    if (totals[row] != views_.lengths[row]) {
      throw corrupt(kLengths, "row " + std::to_string(row) + ": expected " + std::to_string(totals[row]) +
                                  " tokens, found " + std::to_string(views_.lengths[row]));
    }
    tokens += views_.lengths[row];
    longest = std::max(longest, views_.lengths[row]);
  }
  if (tokens != meta_.tokens || longest != meta_.max_length) {
    throw corrupt(kMeta, "token counts differ from the lengths");
  }
}

}  // namespace pyengine
