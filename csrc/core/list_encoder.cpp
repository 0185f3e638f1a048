#include "core/list_encoder.hpp"

#include <algorithm>
#include <bit>
#include <limits>

#include "core/error.hpp"

namespace pyengine {

namespace {

constexpr std::uint32_t kMostShift = 16;     // a body list stores 16 bits of a row
constexpr std::uint32_t kFineShift = 2;      // range maxima are for a quarter of a directory range ...
constexpr std::uint32_t kLeastMaxShift = 3;  // ... but not for fewer than 8 rows
constexpr std::uint32_t kExactFrequencies = 256;
constexpr std::size_t kBuckets = kExactFrequencies + 8 * 32;

// Frequencies below 256 have a bucket each, others share one with those that have the same four leading bits.
std::size_t bucket_of(std::uint32_t tf) noexcept {
  if (tf < kExactFrequencies) return tf;
  const auto width = static_cast<std::uint32_t>(std::bit_width(tf));
  return kExactFrequencies + std::size_t{width - 1} * 8 + (tf >> (width - 4) & 7U);
}

std::uint64_t tail_limit(std::uint64_t documents, const LayoutOptions& options) noexcept {
  return options.tail_limit != 0 ? options.tail_limit : std::max<std::uint64_t>(64, documents / 8192);
}

// The least shift with which the ranges of a list hold options.range_postings on average.
std::uint32_t range_shift(std::uint64_t documents, std::uint64_t count,
                          const LayoutOptions& options) noexcept {
  std::uint32_t shift = 0;
  while (shift <= kMostShift && count << shift < documents * options.range_postings) ++shift;
  return shift;
}

std::uint64_t ranges(std::uint64_t documents, std::uint32_t shift) noexcept {
  return ((documents - 1) >> shift) + 1;
}

}  // namespace

ListEncoder::ListEncoder(const Codebook& codebook, std::span<const std::uint32_t> lengths,
                         std::span<const std::uint32_t> counts, const LayoutOptions& options)
    : codebook_(codebook), lengths_(lengths), documents_(lengths.size()) {
  const std::uint64_t limit = tail_limit(documents_, options);
  std::uint64_t directory = 0;
  std::uint64_t range_max = 0;
  std::uint64_t columns = 0;
  out_.entries.reserve(counts.size());
  for (const std::uint32_t count : counts) {
    const std::uint32_t shift = range_shift(documents_, count, options);
    if (count < limit || count == 0 || shift > kMostShift) {
      out_.entries.push_back({out_.tail_postings, count, TermEntry::kTailFlag});
      out_.tail_postings += count;
      continue;
    }
    BodyRecord record{};
    record.shift = static_cast<std::uint8_t>(shift);
    record.directory = directory;
    directory += ranges(documents_, shift) + 1;
    record.column = BodyRecord::kNone;
    record.range_max = BodyRecord::kNone;
    if (std::uint64_t{count} * options.dense_divisor >= documents_) {
      record.column = columns;
      columns += documents_;
    } else {
      const std::uint32_t fine = shift > kFineShift ? shift - kFineShift : 0;
      record.max_shift = static_cast<std::uint8_t>(std::max(fine, std::min(shift, kLeastMaxShift)));
      record.range_max = range_max;
      range_max += ranges(documents_, record.max_shift);
    }
    out_.entries.push_back({out_.body_postings, count, static_cast<std::uint32_t>(out_.records.size())});
    out_.records.push_back(record);
    out_.body_postings += count;
  }
  out_.tail_rows.resize(out_.tail_postings);
  out_.tail_codes.resize(out_.tail_postings + kScanPadding);
  out_.tail_frequencies.resize(out_.tail_postings);
  out_.body_rows.resize(out_.body_postings + kScanPadding);
  out_.body_codes.resize(out_.body_postings + kScanPadding);
  out_.body_frequencies.resize(out_.body_postings);
  out_.directory.resize(directory);
  out_.range_max.resize(range_max);
  out_.columns.resize(columns);
}

ListEncoder::Notes::Notes()
    : seen_(std::size_t{PairHistogram::kTableFrequency} * PairHistogram::kTableLength, 0) {}

void ListEncoder::Notes::see(std::uint8_t code, std::uint32_t tf, std::uint32_t length) {
  if (tf < PairHistogram::kTableFrequency && length < PairHistogram::kTableLength) {
    seen_[std::size_t{tf} * PairHistogram::kTableLength + length] = 1;
    return;
  }
  if (others_.empty()) others_.resize(256 * kBuckets);
  CodeRange& range = others_[code * kBuckets + bucket_of(tf)];
  if (range.least_tf == 0) range = {code, tf, tf, length, length};
  range.least_tf = std::min(range.least_tf, tf);
  range.most_tf = std::max(range.most_tf, tf);
  range.least_length = std::min(range.least_length, length);
  range.most_length = std::max(range.most_length, length);
}

void ListEncoder::encode(TermId term, std::span<const Row> rows, std::span<const std::uint32_t> frequencies,
                         Notes& notes) {
  TermEntry& entry = out_.entries[term];
  const bool tail = (entry.body & TermEntry::kTailFlag) != 0;
  std::uint8_t* codes = (tail ? out_.tail_codes.data() : out_.body_codes.data()) + entry.begin;
  std::uint8_t* small = (tail ? out_.tail_frequencies.data() : out_.body_frequencies.data()) + entry.begin;
  const std::uint64_t key = entry.begin + (tail ? 0 : kBodyKey);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const std::uint32_t tf = frequencies[i];
    const std::uint32_t length = lengths_[rows[i]];
    codes[i] = codebook_.code(tf, length);
    notes.see(codes[i], tf, length);
    small[i] = static_cast<std::uint8_t>(std::min<std::uint32_t>(tf, kLargeFrequency));
    if (tf >= kLargeFrequency) notes.large_.emplace_back(key + i, tf);
  }
  if (tail) {
    std::copy(rows.begin(), rows.end(), out_.tail_rows.begin() + static_cast<std::ptrdiff_t>(entry.begin));
    if (!rows.empty()) entry.body |= *std::max_element(codes, codes + rows.size());
  } else {
    encode_body(entry, rows, codes);
  }
}

void ListEncoder::encode_body(const TermEntry& entry, std::span<const Row> rows, const std::uint8_t* codes) {
  BodyRecord& record = out_.records[entry.body];
  std::uint16_t* low = out_.body_rows.data() + entry.begin;
  std::uint32_t* directory = out_.directory.data() + record.directory;
  const std::uint64_t ends = ranges(documents_, record.shift) + 1;
  std::uint64_t range = 0;
  std::array<std::uint32_t, 256> histogram{};
  for (std::size_t i = 0; i < rows.size(); ++i) {
    for (; range <= rows[i] >> record.shift; ++range) directory[range] = static_cast<std::uint32_t>(i);
    low[i] = static_cast<std::uint16_t>(rows[i]);
    ++histogram[codes[i]];
  }
  for (; range < ends; ++range) directory[range] = static_cast<std::uint32_t>(rows.size());
  if (record.range_max != BodyRecord::kNone) {
    std::uint8_t* maxima = out_.range_max.data() + record.range_max;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      std::uint8_t& greatest = maxima[rows[i] >> record.max_shift];
      greatest = std::max(greatest, codes[i]);
    }
  }
  if (record.column != BodyRecord::kNone) {
    std::uint8_t* column = out_.columns.data() + record.column;
    for (std::size_t i = 0; i < rows.size(); ++i) column[rows[i]] = codes[i];
  }
  std::uint64_t above = 0;
  std::size_t depth = 0;
  for (unsigned code = 255; code > 0; --code) {
    if (histogram[code] == 0) continue;
    record.max_code = std::max(record.max_code, static_cast<std::uint8_t>(code));
    above += histogram[code];
    for (; depth < kPrimedDepths.size() && above >= kPrimedDepths[depth]; ++depth) {
      record.kth_codes[depth] = static_cast<std::uint8_t>(code);
    }
  }
}

ListArrays ListEncoder::finish(std::span<Notes> notes) {
  // Inside the codebook's table: for each code and frequency the least and the greatest length.
  std::vector<CodeRange> ranges(256 * kBuckets);
  const auto widen = [&ranges](const CodeRange& seen) {
    CodeRange& range = ranges[seen.code * kBuckets + bucket_of(seen.least_tf)];
    if (range.least_tf == 0) range = seen;
    range.least_tf = std::min(range.least_tf, seen.least_tf);
    range.most_tf = std::max(range.most_tf, seen.most_tf);
    range.least_length = std::min(range.least_length, seen.least_length);
    range.most_length = std::max(range.most_length, seen.most_length);
  };
  std::vector<std::pair<std::uint64_t, std::uint32_t>> large;
  for (const Notes& note : notes) {
    for (std::uint32_t tf = 1; tf < PairHistogram::kTableFrequency; ++tf) {
      for (std::uint32_t length = 0; length < PairHistogram::kTableLength; ++length) {
        if (note.seen_[std::size_t{tf} * PairHistogram::kTableLength + length] == 0) continue;
        widen({codebook_.code(tf, length), tf, tf, length, length});
      }
    }
    for (const CodeRange& range : note.others_) {
      if (range.least_tf != 0) widen(range);
    }
    large.insert(large.end(), note.large_.begin(), note.large_.end());
  }
  for (const CodeRange& range : ranges) {
    if (range.least_tf != 0) out_.code_ranges.push_back(range);
  }
  std::sort(large.begin(), large.end());
  for (const auto& [key, frequency] : large) {
    out_.large_index.push_back(key);
    out_.large_value.push_back(frequency);
  }
  return std::move(out_);
}

}  // namespace pyengine
