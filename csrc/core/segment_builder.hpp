// Texts or token lists in, one immutable LexicalSegment out.
//
// The texts are not kept: a document becomes (term, frequency) entries, 5 bytes each, in blocks; finish()
// inverts them into postings, freeing the blocks on the way. So the peak is about 10 bytes a posting,
// 4 a document and the vocabulary.
// Thread rule: one owner. Row numbers and term ids depend on the input alone.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/analyzer/analyzer.hpp"
#include "core/segment.hpp"
#include "core/types.hpp"
#include "core/vocabulary.hpp"

namespace pyengine {

class SegmentBuilder {
 public:
  // `max_documents` is lower than the format's limit only in tests.
  explicit SegmentBuilder(Bm25Params params, std::uint64_t max_documents = kMaxDocuments,
                          const LayoutOptions& layout = {});

  // Throws Error{kExhausted} unless `documents` more fit; nothing is added.
  void check_room(std::uint64_t documents) const;

  // Adds one document. Throws Error{kExhausted} at a documented limit.
  void add_text(std::string_view text, const Analyzer& analyzer);
  void add_tokens(std::span<const std::string_view> tokens);

  [[nodiscard]] std::uint64_t documents() const noexcept { return entry_counts_.size(); }

  // The distinct terms so far, before stemming, in order of first occurrence.
  [[nodiscard]] const VocabularyBuilder& terms() const noexcept { return vocabulary_; }

  // Replaces term i by replacements[i] from here on; terms that become equal are merged by finish().
  // REQUIRES: as many replacements as terms(); no documents are added afterwards.
  void replace_terms(std::span<const std::string_view> replacements);

  // Inverts. `analyzer` is stored (JSON, or empty for token lists). `stop` is asked now and then; once it
  // says true, null comes back. The builder is used up either way.
  [[nodiscard]] std::unique_ptr<LexicalSegment> finish(std::string analyzer,
                                                       const std::function<bool()>& stop);

 private:
  static constexpr std::size_t kBlockEntries = 1 << 16;

  struct Block {
    std::array<TermId, kBlockEntries> terms;
    std::array<std::uint8_t, kBlockEntries> frequencies;
  };
  struct TermCount {
    TermId term;
    std::uint32_t frequency;
  };
  struct LastSeen {
    std::uint32_t document = 0;  // as stamp_
    std::uint32_t entry = 0;     // in document_
  };
  // Where finish() stands in the entries.
  struct Reader {
    std::uint64_t entry = 0;
    std::size_t large = 0;
  };

  void begin_pass();
  void begin_document();
  void count(std::string_view term);
  void count_final(TermId term, std::uint32_t frequency);
  void end_document(std::uint64_t length);
  void store(const TermCount& entry);
  void read_document(std::uint64_t row, Reader& reader);
  [[nodiscard]] bool count_postings(std::vector<std::uint64_t>& offsets, const std::function<bool()>& stop);
  [[nodiscard]] bool scatter_postings(std::span<const std::uint64_t> offsets, std::vector<Row>& rows,
                                      std::vector<std::uint32_t>& frequencies,
                                      const std::function<bool()>& stop);

  Bm25Params params_;
  std::uint64_t max_documents_;
  LayoutOptions layout_;
  VocabularyBuilder vocabulary_;
  std::vector<TermId> replaced_;  // by term id before replacement; empty: nothing was replaced

  // The document at hand: its entries, and for each term the last document that had it and where.
  std::vector<TermCount> document_;
  std::vector<LastSeen> last_seen_;
  std::uint32_t stamp_ = 0;  // number of the document in this pass, from 1
  TokenBuffer tokens_;

  std::vector<std::unique_ptr<Block>> blocks_;
  std::uint64_t entries_ = 0;
  std::vector<std::uint32_t> large_;         // frequencies >= kLargeFrequency, in order of entries
  std::vector<std::uint32_t> entry_counts_;  // distinct terms of each document
  std::vector<std::uint32_t> lengths_;       // tokens of each document
};

}  // namespace pyengine
