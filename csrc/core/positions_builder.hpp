// Titles and texts of a segment's documents in, their Positions out.
//
// The documents come once more, in the order of their rows, and are analysed again; each distinct term is
// then looked up in the segment. finish() sorts the logged places by term: all at once, or within a budget a
// range of terms at a time, each range reading the log anew. The same bytes in every case.
// Thread rule: one owner; threads started here end before a call returns.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/analyzer/analyzer.hpp"
#include "core/position_log.hpp"
#include "core/positions.hpp"
#include "core/segment.hpp"
#include "core/segment_builder.hpp"
#include "core/types.hpp"

namespace pyengine {

class PositionsBuilder {
 public:
  using Stop = std::function<bool()>;  // asked now and then by the calling thread; true: give up

  // `seam`: what was put between title and text. With a budget the log lies in a file, and sorting takes no
  // more than the budget.
  PositionsBuilder(std::shared_ptr<const LexicalSegment> segment, std::string seam, BuildResources resources);

  // The next documents. A document is its title, the seam and its text, or without a title its text
  // alone, as it was indexed. Throws Error{kInvalidArgument, kExhausted, kIo}. False: stopped; after that or
  // an error the builder is used up. REQUIRES: as many titles as texts.
  [[nodiscard]] bool add(std::span<const std::string_view> titles, std::span<const std::string_view> texts,
                         const Analyzer& analyzer, const Stop& stop);

  // The terms that came since the last resolve(); some may be there more than once.
  [[nodiscard]] std::vector<std::string_view> new_terms() const;

  // Says how the segment has them: each as it stands in `terms`. REQUIRES: one for each of new_terms().
  void resolve(std::span<const std::string_view> terms);

  // Null: stopped. The builder is used up either way. Throws Error{kInvalidArgument} if the documents are not
  // those of the segment, Error{kIo}. REQUIRES: no new_terms().
  [[nodiscard]] std::unique_ptr<Positions> finish(const Stop& stop);

  [[nodiscard]] std::uint64_t documents() const noexcept { return documents_; }

 private:
  // One thread's numbers of terms, and what they are in the segment.
  struct Worker {
    VocabularyBuilder vocabulary;
    std::vector<TermId> ids;  // of the terms that are resolved
    TokenBuffer tokens;
    std::string joined;
    std::vector<TermId> numbers;
    std::vector<LoggedToken> logged;
  };
  struct Range;

  void log_document(Worker& worker, std::string_view title, std::string_view text, const Analyzer& analyzer,
                    std::vector<std::byte>& out) const;
  [[nodiscard]] std::optional<std::vector<std::uint64_t>> count_places(PositionArrays& out, const Stop& stop);
  [[nodiscard]] TermId range_end(TermId first, std::span<const std::uint64_t> counts) const;
  [[nodiscard]] bool collect(Range& range, const Stop& stop) const;
  void encode(Range& range, PositionArrays& out) const;
  [[nodiscard]] Error other_documents() const;

  std::shared_ptr<const LexicalSegment> segment_;
  std::string seam_;
  BuildResources resources_;
  PositionLog log_;
  std::vector<Worker> workers_;
  std::uint64_t documents_ = 0;
};

}  // namespace pyengine
