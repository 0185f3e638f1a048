// An immutable inverted index: vocabulary, postings, document lengths, the parameters of its scores.
// Made by a SegmentBuilder in memory, or opened from a file by mmap without copying.
// Thread rule: immutable; any number of threads may read.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/bm25.hpp"
#include "core/format.hpp"
#include "core/postings.hpp"
#include "core/types.hpp"
#include "core/vocabulary.hpp"

namespace pyengine {

// Row kNoRow is "no row"; one number less keeps rows + 1 representable too.
inline constexpr std::uint64_t kMaxDocuments = kNoRow - std::uint64_t{1};

// The first section of a segment file, as stored. Never reorder.
struct SegmentMeta {
  std::uint64_t documents = 0;
  std::uint64_t terms = 0;
  std::uint64_t postings = 0;
  std::uint64_t tokens = 0;  // sum of the document lengths
  double k1 = 1.5;
  double b = 0.75;
  std::uint32_t max_length = 0;  // of a document, in tokens
  std::uint32_t reserved = 0;
};
static_assert(sizeof(SegmentMeta) == 56);

// What a segment in memory owns.
struct SegmentArrays {
  SegmentMeta meta;
  std::string analyzer;  // JSON, or empty: the terms were given, not analysed
  VocabularyArrays vocabulary;
  std::vector<std::uint64_t> posting_offsets;
  std::vector<Row> rows;
  std::vector<std::uint8_t> frequencies;
  std::vector<std::uint64_t> large_index;
  std::vector<std::uint32_t> large_value;
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
  [[nodiscard]] const Bm25& bm25() const noexcept { return bm25_; }
  [[nodiscard]] std::string_view analyzer() const noexcept { return analyzer_; }
  [[nodiscard]] std::span<const std::uint32_t> lengths() const noexcept { return lengths_; }
  [[nodiscard]] TermId find(std::string_view term) const noexcept { return vocabulary_.find(term); }

  // The term's postings. Throws Error{kCorruption} if their stored bounds contradict themselves.
  // REQUIRES: id < meta().terms.
  [[nodiscard]] ListCursor postings(TermId id) const;

  // The error for postings whose rows do not ascend or leave the collection.
  [[nodiscard]] Error unsound_postings() const;

  // Name and size of every stored section, in file order.
  [[nodiscard]] std::vector<std::pair<std::string_view, std::uint64_t>> section_bytes() const;

 private:
  explicit LexicalSegment(std::unique_ptr<SectionFile> file);

  [[nodiscard]] static SegmentMeta read_meta(const SectionFile& file);
  [[nodiscard]] std::vector<Section> sections() const;
  [[nodiscard]] Error corrupt(std::uint32_t section, const std::string& what) const;
  void check_shapes() const;
  void check_vocabulary() const;
  void check_postings() const;

  SegmentArrays owned_;                // empty when mapped
  std::unique_ptr<SectionFile> file_;  // null when in memory

  SegmentMeta meta_;
  std::string_view analyzer_;
  std::span<const char> term_bytes_;
  std::span<const std::uint64_t> term_offsets_;
  std::span<const TermId> term_slots_;
  VocabularyView vocabulary_;
  PostingArrays postings_;
  std::span<const std::uint32_t> lengths_;
  Bm25 bm25_;
};

}  // namespace pyengine
