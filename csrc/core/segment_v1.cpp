#include "core/segment_v1.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

#include "core/encode_segment.hpp"
#include "core/error.hpp"

namespace pyengine {

namespace {

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

struct MetaV1 {
  std::uint64_t documents;
  std::uint64_t terms;
  std::uint64_t postings;
  std::uint64_t tokens;
  double k1;
  double b;
  std::uint32_t max_length;
  std::uint32_t reserved;
};

template <class T>
std::vector<T> copied(const SectionFile& file, std::uint32_t id) {
  const std::span<const T> section = file.section<T>(id);
  file.verify_section(id);
  return {section.begin(), section.end()};
}

}  // namespace

SegmentArrays read_segment_v1(const SectionFile& file) {
  const auto require = [&file](bool holds, std::uint32_t section) {
    if (!holds) throw file.corrupt(section, "its contents contradict the other sections");
  };
  const std::vector<MetaV1> records = copied<MetaV1>(file, kMeta);
  require(records.size() == 1, kMeta);
  const MetaV1& meta = records.front();
  require(std::isfinite(meta.k1) && meta.k1 >= 0.0 && meta.b >= 0.0 && meta.b <= 1.0, kMeta);
  require(meta.documents <= kMaxDocuments && meta.terms < kNoTerm, kMeta);

  SegmentArrays out;
  const std::vector<char> analyzer = copied<char>(file, kAnalyzer);
  out.analyzer.assign(analyzer.begin(), analyzer.end());
  out.vocabulary = {copied<char>(file, kTermBytes), copied<std::uint64_t>(file, kTermOffsets),
                    copied<TermId>(file, kTermSlots)};
  require(out.vocabulary.offsets.size() == meta.terms + 1 && out.vocabulary.offsets.front() == 0 &&
              out.vocabulary.offsets.back() == out.vocabulary.bytes.size(),
          kTermOffsets);
  require(std::has_single_bit(out.vocabulary.slots.size()) && out.vocabulary.slots.size() > meta.terms,
          kTermSlots);
  out.lengths = copied<std::uint32_t>(file, kLengths);
  require(out.lengths.size() == meta.documents, kLengths);

  const std::vector<std::uint64_t> offsets = copied<std::uint64_t>(file, kPostingOffsets);
  const std::vector<Row> rows = copied<Row>(file, kRows);
  const std::vector<std::uint8_t> small = copied<std::uint8_t>(file, kFrequencies);
  const std::vector<std::uint64_t> large_index = copied<std::uint64_t>(file, kLargeIndex);
  const std::vector<std::uint32_t> large_value = copied<std::uint32_t>(file, kLargeValue);
  require(rows.size() == meta.postings && small.size() == rows.size(), kFrequencies);
  require(offsets.size() == meta.terms + 1 && offsets.front() == 0 && offsets.back() == rows.size(),
          kPostingOffsets);
  require(std::is_sorted(offsets.begin(), offsets.end()), kPostingOffsets);
  require(large_index.size() == large_value.size(), kLargeValue);

  std::vector<std::uint32_t> frequencies(small.begin(), small.end());
  for (std::size_t i = 0; i < large_index.size(); ++i) {
    require(large_index[i] < frequencies.size(), kLargeIndex);
    frequencies[large_index[i]] = large_value[i];
  }
  require(std::find(frequencies.begin(), frequencies.end(), 0U) == frequencies.end(), kFrequencies);
  for (std::size_t term = 0; term < meta.terms; ++term) {
    for (std::uint64_t i = offsets[term]; i < offsets[term + 1]; ++i) {
      require(rows[i] < meta.documents && (i == offsets[term] || rows[i - 1] < rows[i]), kRows);
    }
  }
  encode_segment(offsets, rows, frequencies, {.k1 = meta.k1, .b = meta.b}, {}, out);
  return out;
}

}  // namespace pyengine
