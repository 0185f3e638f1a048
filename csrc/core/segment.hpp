// An immutable inverted index: vocabulary, postings, document lengths, the parameters of its scores.
// Made by a SegmentBuilder in memory, or opened from a file by mmap without copying.
// Thread rule: immutable; any number of threads may read.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/bm25.hpp"
#include "core/code_table.hpp"
#include "core/format.hpp"
#include "core/list_encoder.hpp"
#include "core/term_list.hpp"
#include "core/types.hpp"
#include "core/vocabulary.hpp"

namespace pyengine {

// Row kNoRow is "no row"; one number less keeps rows + 1 representable too.
inline constexpr std::uint64_t kMaxDocuments = kNoRow - std::uint64_t{1};

struct SegmentMeta {
  std::uint64_t documents = 0;
  std::uint64_t terms = 0;
  std::uint64_t postings = 0;
  std::uint64_t tokens = 0;  // sum of the document lengths
  Bm25Params params;
  std::uint32_t max_length = 0;  // of a document, in tokens
};

// What a segment in memory owns.
struct SegmentArrays {
  SegmentMeta meta;
  std::string analyzer;  // JSON, or empty: the terms were given, not analysed
  VocabularyArrays vocabulary;
  ListArrays lists;
  std::vector<std::uint32_t> lengths;
};

class LexicalSegment {
 public:
  explicit LexicalSegment(SegmentArrays arrays);

  // Maps a file and checks what memory safety needs, in microseconds and without reading the postings.
  // Throws Error{kNotFound, kIo, kCorruption, kIncompatible}.
  [[nodiscard]] static std::unique_ptr<LexicalSegment> open(const std::string& path);

  // Cursors point into the segment, so it stays where it is.
  LexicalSegment(const LexicalSegment&) = delete;
  LexicalSegment& operator=(const LexicalSegment&) = delete;

  // Writes the file atomically. Throws Error{kIo}.
  void save(const std::string& path) const;

  // Reads everything: all checksums, and that the arrays agree with each other. Throws Error{kCorruption}.
  void verify() const;

  [[nodiscard]] const SegmentMeta& meta() const noexcept { return meta_; }
  [[nodiscard]] std::string_view analyzer() const noexcept { return analyzer_; }
  [[nodiscard]] std::span<const std::uint32_t> lengths() const noexcept { return views_.lengths; }
  [[nodiscard]] TermId find(std::string_view term) const noexcept { return vocabulary_.find(term); }

  // The bytes of a term. Throws Error{kCorruption} if the stored offsets contradict themselves.
  // REQUIRES: id < meta().terms.
  [[nodiscard]] std::string_view term(TermId id) const;

  // The term's postings. Throws Error{kCorruption} if their stored bounds contradict themselves; the
  // postings themselves are not looked at. REQUIRES: id < meta().terms.
  [[nodiscard]] TermList list(TermId id) const;

  // In how many documents the term is. REQUIRES: id < meta().terms.
  [[nodiscard]] std::uint32_t document_frequency(TermId id) const noexcept {
    return views_.entries[id].count;
  }

  // The frequency of the posting at `position` of a list. Total even on hostile bytes.
  [[nodiscard]] std::uint32_t frequency(const TermList& list, std::uint32_t position) const noexcept {
    const std::uint8_t small = list.frequencies[position];
    return small != kLargeFrequency ? small : large_frequency(list.first + position);
  }

  // What the codes of the postings stand for.
  [[nodiscard]] std::span<const CodeRange> code_ranges() const noexcept { return views_.code_ranges; }

  // The error for postings whose rows do not ascend or leave the collection.
  [[nodiscard]] Error unsound_postings() const;

  // Name and size of every stored section, in file order.
  [[nodiscard]] std::vector<std::pair<std::string_view, std::uint64_t>> section_bytes() const;

 private:
  // The sections as spans, over owned arrays or over the file.
  struct Views {
    std::span<const char> term_bytes;
    std::span<const std::uint64_t> term_offsets;
    std::span<const TermId> term_slots;
    std::span<const TermEntry> entries;
    std::span<const BodyRecord> records;
    std::span<const Row> tail_rows;
    std::span<const std::uint8_t> tail_codes;
    std::span<const std::uint8_t> tail_frequencies;
    std::span<const std::uint16_t> body_rows;
    std::span<const std::uint8_t> body_codes;
    std::span<const std::uint8_t> body_frequencies;
    std::span<const std::uint32_t> directory;
    std::span<const std::uint8_t> range_max;
    std::span<const std::uint8_t> columns;
    std::span<const CodeRange> code_ranges;
    std::span<const std::uint64_t> large_index;
    std::span<const std::uint32_t> large_value;
    std::span<const std::uint32_t> lengths;
  };
  struct StoredMeta;

  explicit LexicalSegment(std::unique_ptr<SectionFile> file);

  [[nodiscard]] static SegmentMeta read_meta(const SectionFile& file);
  [[nodiscard]] static Views views_of(const SegmentArrays& arrays);
  [[nodiscard]] static Views views_of(const SectionFile& file);
  [[nodiscard]] std::vector<Section> sections(const StoredMeta& meta) const;
  [[nodiscard]] StoredMeta stored_meta() const noexcept;
  [[nodiscard]] std::uint32_t large_frequency(std::uint64_t key) const noexcept;
  [[nodiscard]] Error corrupt(std::uint32_t section, const std::string& what) const;
  void check_shapes() const;
  void check_vocabulary() const;
  void check_postings() const;
  void check_list(const TermList& list, TermId id) const;

  SegmentArrays owned_;                // empty when mapped
  std::unique_ptr<SectionFile> file_;  // null when in memory

  SegmentMeta meta_;
  std::string_view analyzer_;
  Views views_;
  VocabularyView vocabulary_;
};

}  // namespace pyengine
