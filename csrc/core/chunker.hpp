// Texts into chunks of so many words and literals, with overlap: docs/chunking.md says what users may rely
// on. Thread rule: a Chunker is immutable; spans() may run in any number of threads, each with its own
// scratch.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "core/analyzer/analyzer.hpp"
#include "core/analyzer/token_buffer.hpp"
#include "core/sentences.hpp"

namespace pyengine {

// A chunk of a text, as bytes of its UTF-8 and as code points.
struct ChunkSpan {
  std::int64_t byte_begin;
  std::int64_t byte_end;
  std::int64_t begin;
  std::int64_t end;
};

// A place between two tokens: where to cut there, and whether a sentence ends.
struct Gap {
  Cut cut;
  bool sentence = false;
};

struct ChunkScratch {
  TokenBuffer buffer;
  std::vector<Token> units;  // words and whole literals
  std::vector<Gap> gaps;     // gaps[i] lies before units[i]
};

class Chunker {
 public:
  // REQUIRES: 1 <= tokens, overlap < tokens; else Error{kInvalidArgument}.
  Chunker(std::size_t tokens, std::size_t overlap, bool sentences);

  // Appends the chunks of `text`, at least one, by ascending begin and end. Time is linear in the text and
  // in the text of the chunks together. REQUIRES: as Analyzer::analyze.
  void spans(std::string_view text, ChunkScratch& scratch, std::vector<ChunkSpan>& out) const;

 private:
  void read(std::string_view text, ChunkScratch& scratch) const;
  [[nodiscard]] std::size_t end_from(const ChunkScratch& scratch, std::size_t begin, std::size_t done) const;
  [[nodiscard]] std::size_t begin_after(const ChunkScratch& scratch, std::size_t begin,
                                        std::size_t end) const;

  Analyzer analyzer_{Preset::kDomain};
  std::size_t tokens_;
  std::size_t overlap_;
  bool sentences_;
};

}  // namespace pyengine
