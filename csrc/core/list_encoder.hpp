// From postings to the lists of a segment: codes, classes, directories, columns.
//
// The document frequencies decide how every list is laid out, so that all places are known before the first
// posting is: lists may be encoded in any order, by any number of threads, with the same bytes as result.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "core/code_table.hpp"
#include "core/codebook.hpp"
#include "core/term_list.hpp"
#include "core/types.hpp"

namespace pyengine {

// Where the classes of lists part. The defaults were measured (docs/lexical.md); tests make them tiny.
struct LayoutOptions {
  std::uint64_t tail_limit = 0;      // lists with fewer postings are tail; 0: max(64, documents / 8192)
  std::uint64_t dense_divisor = 16;  // lists with at least documents / divisor postings are dense
  std::uint32_t range_postings = 8;  // a directory range holds this many postings or up to twice that
};

// How a term's list lies in the sections, as stored.
struct TermEntry {
  std::uint64_t begin;  // among the postings of its class
  std::uint32_t count;
  std::uint32_t body;  // number of its BodyRecord; for a tail list kTailFlag | its greatest code

  static constexpr std::uint32_t kTailFlag = 0x80000000;
};
static_assert(sizeof(TermEntry) == 16);

struct BodyRecord {
  std::uint64_t directory;  // where its directory begins
  std::uint64_t range_max;  // where its range maxima begin, or kNone
  std::uint64_t column;     // where its column begins, or kNone
  std::uint8_t shift;
  std::uint8_t max_shift;
  std::uint8_t max_code;
  std::uint8_t reserved;
  std::array<std::uint8_t, kPrimedDepths.size()> kth_codes;

  static constexpr std::uint64_t kNone = ~std::uint64_t{0};
};
static_assert(sizeof(BodyRecord) == 32);

// The sections of a segment that hold postings. Arrays that kernels scan have kScanPadding bytes more than
// their section.
struct ListArrays {
  std::vector<TermEntry> entries;
  std::vector<BodyRecord> records;
  std::vector<Row> tail_rows;
  std::vector<std::uint8_t> tail_codes;
  std::vector<std::uint8_t> tail_frequencies;
  std::vector<std::uint16_t> body_rows;
  std::vector<std::uint8_t> body_codes;
  std::vector<std::uint8_t> body_frequencies;
  std::vector<std::uint32_t> directory;
  std::vector<std::uint8_t> range_max;
  std::vector<std::uint8_t> columns;
  std::vector<CodeRange> code_ranges;
  std::vector<std::uint64_t> large_index;  // keys of postings with a frequency of 255 or more, ascending
  std::vector<std::uint32_t> large_value;  // their frequencies
  std::uint64_t tail_postings = 0;
  std::uint64_t body_postings = 0;
};

// Body postings have the keys kBodyKey + place, tail postings their place.
inline constexpr std::uint64_t kBodyKey = std::uint64_t{1} << 63;

inline constexpr std::uint8_t kLargeFrequency = 255;  // "look it up among the exceptions"

class ListEncoder {
 public:
  // `counts`: the document frequency of each term. `lengths` and `codebook` are kept.
  ListEncoder(const Codebook& codebook, std::span<const std::uint32_t> lengths,
              std::span<const std::uint32_t> counts, const LayoutOptions& options);

  // What one thread saw of the postings beyond their lists.
  class Notes {
   public:
    Notes();

   private:
    friend class ListEncoder;
    void see(std::uint8_t code, std::uint32_t tf, std::uint32_t length);

    std::vector<std::uint8_t> seen_;  // pairs inside the codebook's table
    std::vector<CodeRange> others_;   // by code and bucket of frequencies; least_tf 0: none yet
    std::vector<std::pair<std::uint64_t, std::uint32_t>> large_;
  };

  // Writes one term's list. Different terms may be encoded at the same time.
  // REQUIRES: as many rows as the term's count, ascending; frequencies >= 1.
  void encode(TermId term, std::span<const Row> rows, std::span<const std::uint32_t> frequencies,
              Notes& notes);

  // The finished arrays. REQUIRES: every term was encoded; the notes of all threads.
  [[nodiscard]] ListArrays finish(std::span<Notes> notes);

 private:
  void encode_body(const TermEntry& entry, std::span<const Row> rows, const std::uint8_t* codes);

  const Codebook& codebook_;
  std::span<const std::uint32_t> lengths_;
  std::uint64_t documents_;
  ListArrays out_;
};

}  // namespace pyengine
