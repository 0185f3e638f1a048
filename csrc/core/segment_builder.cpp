#include "core/segment_builder.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "core/encode_segment.hpp"
#include "core/error.hpp"

namespace pyengine {

namespace {

constexpr std::uint64_t kPollDocuments = 1 << 15;  // between two questions to `stop`

bool asked_to_stop(std::uint64_t row, const std::function<bool()>& stop) {
  return row % kPollDocuments == 0 && stop && stop();
}

}  // namespace

SegmentBuilder::SegmentBuilder(Bm25Params params, std::uint64_t max_documents, const LayoutOptions& layout)
    : params_(params), max_documents_(std::min(max_documents, kMaxDocuments)), layout_(layout) {}

void SegmentBuilder::check_room(std::uint64_t documents) const {
  if (documents > max_documents_ - this->documents()) {
    throw Error(Code::kExhausted, "docs: expected at most " + std::to_string(max_documents_) +
                                      " documents in one index, got " + std::to_string(this->documents()) +
                                      " and " + std::to_string(documents) + " more; build several indexes");
  }
}

void SegmentBuilder::add_text(std::string_view text, const Analyzer& analyzer) {
  check_room(1);
  analyzer.analyze(text, tokens_);
  begin_document();
  for (const Token& token : tokens_.tokens) count(tokens_.term(token));
  end_document(tokens_.tokens.size());
}

void SegmentBuilder::add_tokens(std::span<const std::string_view> tokens) {
  check_room(1);
  begin_document();
  for (const std::string_view token : tokens) count(token);
  end_document(tokens.size());
}

void SegmentBuilder::begin_pass() {
  stamp_ = 0;
  last_seen_.assign(vocabulary_.size(), {});
}

void SegmentBuilder::begin_document() {
  document_.clear();
  ++stamp_;
}

void SegmentBuilder::count(std::string_view term) { count_final(vocabulary_.intern(term), 1); }

void SegmentBuilder::count_final(TermId term, std::uint32_t frequency) {
  if (term >= last_seen_.size()) last_seen_.resize(std::size_t{term} + 1);
  LastSeen& last = last_seen_[term];
  if (last.document == stamp_) {
    document_[last.entry].frequency += frequency;
    return;
  }
  last = {stamp_, static_cast<std::uint32_t>(document_.size())};
  document_.push_back({term, frequency});
}

void SegmentBuilder::end_document(std::uint64_t length) {
  if (length > std::numeric_limits<std::uint32_t>::max()) {
    throw Error(Code::kExhausted,
                "docs: expected fewer than 2^32 tokens in a document, got " + std::to_string(length));
  }
  for (const TermCount& entry : document_) store(entry);
  entry_counts_.push_back(static_cast<std::uint32_t>(document_.size()));
  lengths_.push_back(static_cast<std::uint32_t>(length));
}

void SegmentBuilder::store(const TermCount& entry) {
  const auto at = static_cast<std::size_t>(entries_ % kBlockEntries);
  if (at == 0) blocks_.push_back(std::make_unique_for_overwrite<Block>());
  Block& block = *blocks_.back();
  block.terms[at] = entry.term;
  block.frequencies[at] =
      static_cast<std::uint8_t>(std::min<std::uint32_t>(entry.frequency, kLargeFrequency));
  if (entry.frequency >= kLargeFrequency) large_.push_back(entry.frequency);
  ++entries_;
}

void SegmentBuilder::replace_terms(std::span<const std::string_view> replacements) {
  if (replacements.size() != vocabulary_.size()) {
    throw Error(Code::kInvalidArgument, "stems: expected one for each of " +
                                            std::to_string(vocabulary_.size()) + " terms, got " +
                                            std::to_string(replacements.size()));
  }
  VocabularyBuilder replaced;
  replaced_.reserve(replacements.size());
  for (const std::string_view term : replacements) replaced_.push_back(replaced.intern(term));
  vocabulary_ = std::move(replaced);
}

// Puts the entries of the next document into document_, equal terms merged.
void SegmentBuilder::read_document(std::uint64_t row, Reader& reader) {
  begin_document();
  for (std::uint32_t i = 0; i < entry_counts_[row]; ++i, ++reader.entry) {
    const Block& block = *blocks_[reader.entry / kBlockEntries];
    const auto at = static_cast<std::size_t>(reader.entry % kBlockEntries);
    std::uint32_t frequency = block.frequencies[at];
    if (frequency == kLargeFrequency) frequency = large_[reader.large++];
    const TermId term = block.terms[at];
    if (replaced_.empty()) {
      document_.push_back({term, frequency});
    } else {
      count_final(replaced_[term], frequency);
    }
  }
}

// Fills `offsets`: where each term's postings begin. False: stopped.
bool SegmentBuilder::count_postings(std::vector<std::uint64_t>& offsets, const std::function<bool()>& stop) {
  offsets.assign(vocabulary_.size() + 1, 0);
  begin_pass();
  Reader reader;
  for (std::uint64_t row = 0; row < documents(); ++row) {
    if (asked_to_stop(row, stop)) return false;
    read_document(row, reader);
    for (const TermCount& entry : document_) ++offsets[std::size_t{entry.term} + 1];
  }
  for (std::size_t term = 1; term < offsets.size(); ++term) offsets[term] += offsets[term - 1];
  return true;
}

// Fills rows and frequencies; frees the entries behind it. False: stopped.
bool SegmentBuilder::scatter_postings(std::span<const std::uint64_t> offsets, std::vector<Row>& rows,
                                      std::vector<std::uint32_t>& frequencies,
                                      const std::function<bool()>& stop) {
  std::vector<std::uint64_t> next(offsets.begin(), offsets.end() - 1);
  rows.resize(offsets.back());
  frequencies.resize(offsets.back());
  begin_pass();
  Reader reader;
  for (std::uint64_t row = 0; row < documents(); ++row) {
    if (asked_to_stop(row, stop)) return false;
    const std::uint64_t first_block = reader.entry / kBlockEntries;
    read_document(row, reader);
    for (std::uint64_t block = first_block; block < reader.entry / kBlockEntries; ++block) {
      blocks_[block].reset();
    }
    for (const TermCount& entry : document_) {
      const std::uint64_t at = next[entry.term]++;
      rows[at] = static_cast<Row>(row);
      frequencies[at] = entry.frequency;
    }
  }
  return true;
}

std::unique_ptr<LexicalSegment> SegmentBuilder::finish(std::string analyzer,
                                                       const std::function<bool()>& stop) {
  std::vector<std::uint64_t> offsets;
  std::vector<Row> rows;
  std::vector<std::uint32_t> frequencies;
  if (!count_postings(offsets, stop) || !scatter_postings(offsets, rows, frequencies, stop)) return nullptr;
  blocks_.clear();
  SegmentArrays out;
  out.analyzer = std::move(analyzer);
  out.vocabulary = vocabulary_.take();
  out.lengths = std::move(lengths_);
  encode_segment(offsets, rows, frequencies, params_, layout_, out);
  return std::make_unique<LexicalSegment>(std::move(out));
}

}  // namespace pyengine
