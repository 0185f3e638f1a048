// Texts or token lists in, one immutable LexicalSegment out.
//
// The texts are not kept. A document becomes the ids of its tokens, 4 bytes each (token_store.hpp); finish()
// sorts them into postings (inversion.hpp) and writes the lists. Several threads may share the work, and a
// budget may bound the memory: what is collected is then sorted and put aside in a temporary file now and
// then. The segment is the same bytes, whatever the threads and the budget.
// Thread rule: one owner; threads started here end before a call returns.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/analyzer/analyzer.hpp"
#include "core/build_vocabulary.hpp"
#include "core/inversion.hpp"
#include "core/phrases.hpp"
#include "core/run_file.hpp"
#include "core/segment.hpp"
#include "core/token_store.hpp"
#include "core/types.hpp"

namespace pyengine {

struct BuildResources {
  unsigned threads = 1;
  // Bytes for collected tokens and for sorting them; 0: no bound. Vocabulary, document lengths and the
  // finished arrays come on top.
  std::uint64_t memory = 0;
  std::string scratch = ".";  // the folder of the temporary file; only used with a budget
};

class SegmentBuilder {
 public:
  using Stop = std::function<bool()>;  // asked now and then by the calling thread; true: give up

  // `max_documents` is lower than the format's limit only in tests.
  explicit SegmentBuilder(Bm25Params params, std::uint64_t max_documents = kMaxDocuments,
                          const LayoutOptions& layout = {}, BuildResources resources = {});

  // Throws Error{kExhausted} unless `documents` more fit; nothing is added.
  void check_room(std::uint64_t documents) const;

  // Add documents. Throws Error{kExhausted} at a documented limit, naming the document: "docs[17]: ...".
  // False: stopped. After either the builder takes nothing more and cannot be finished.
  bool add_texts(std::span<const std::string_view> texts, const Analyzer& analyzer, const Stop& stop);
  bool add_token_lists(std::size_t documents,
                       const std::function<std::span<const std::string_view>(std::size_t)>& list,
                       const Stop& stop);

  // Documents by the pairs of neighbours in their texts, see for_pairs(). No pair reaches from the title into
  // the text. As add_texts() otherwise.
  // REQUIRES: as many titles as texts.
  bool add_pairs(std::span<const std::string_view> titles, std::span<const std::string_view> texts,
                 const Analyzer& analyzer, const Stop& stop);
  void add_text(std::string_view text, const Analyzer& analyzer) { add_texts({&text, 1}, analyzer, {}); }
  void add_tokens(std::span<const std::string_view> tokens);

  [[nodiscard]] std::uint64_t documents() const noexcept { return lengths_.size(); }

  // The distinct terms so far, before replacement, in order of first occurrence.
  [[nodiscard]] const VocabularyBuilder& terms();

  // How many of them have been replaced: always a number of first ones.
  [[nodiscard]] std::size_t replaced() const noexcept { return vocabulary_.replaced(); }

  // Puts replacements[i] in the place of term replaced() + i; terms that become equal are merged.
  // Throws Error{kInvalidArgument} unless there is one for each term not yet replaced.
  void replace_terms(std::span<const std::string_view> replacements);

  // Whether the budget is used up: spill() is due. Documents may still be added without.
  [[nodiscard]] bool over_budget() const noexcept;

  // Sorts what was collected and puts it aside. Throws Error{kIo}. False: stopped. As add_texts() otherwise.
  // REQUIRES: if any term was replaced, all were.
  bool spill(const Stop& stop);

  // How many times spill() has put something aside.
  [[nodiscard]] std::size_t spills() const noexcept { return runs_ == nullptr ? 0 : runs_->runs(); }

  // `analyzer` is stored (JSON, or empty for token lists). Null: stopped. The builder is used up either way.
  // Throws Error{kIo}. REQUIRES: as spill().
  [[nodiscard]] std::unique_ptr<LexicalSegment> finish(std::string analyzer, const Stop& stop);

 private:
  struct Worker {
    TokenBuffer tokens;
    PairScratch pairs;
    std::vector<TermId> terms;  // of the documents at hand
  };

  template <class Intern>
  bool add(std::size_t documents, const Intern& intern, const Stop& stop);
  void require_usable() const;
  [[nodiscard]] std::optional<Inversion> invert_collected(const Stop& stop);
  [[nodiscard]] bool encode_parts(ListEncoder& encoder, std::vector<PostingsPart>& parts,
                                  std::vector<ListEncoder::Notes>& notes, const Stop& stop) const;
  [[nodiscard]] bool encode_runs(ListEncoder& encoder, ListEncoder::Notes& notes, const Stop& stop) const;

  Bm25Params params_;
  std::uint64_t max_documents_;
  LayoutOptions layout_;
  BuildResources resources_;
  BuildVocabulary vocabulary_;
  std::vector<Worker> workers_;
  TokenStore store_;
  std::vector<std::uint32_t> lengths_;  // tokens of each document
  std::vector<std::uint32_t> counts_;   // documents of each final term, of what was sorted so far
  PairHistogram pairs_;                 // likewise
  std::unique_ptr<RunFile> runs_;
  bool unusable_ = false;
};

}  // namespace pyengine
