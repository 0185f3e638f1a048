// Where the terms of a segment stand in its documents: what phrases and fields are looked up in.
//
// A place is how many tokens stand before, parts of literals not counted: the parts of a literal have its
// place. The places of a title come first, those of the text follow. docs/lexical.md describes the file.
// Thread rule: immutable; any number of threads may read, each with its own PlaceReader.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/format.hpp"
#include "core/segment.hpp"
#include "core/types.hpp"

namespace pyengine {

// Set in PositionArrays::lists for a term some of whose places are of parts: a place of it takes one bit
// more.
inline constexpr std::uint64_t kListHasParts = std::uint64_t{1} << 63;

struct Place {
  std::uint32_t at;
  bool part;  // of a literal that stands there

  [[nodiscard]] bool operator==(const Place&) const = default;
};

// What positions in the making own.
struct PositionArrays {
  std::vector<std::uint64_t> lists;          // by term where its bytes begin, and where the last ends
  std::vector<std::uint8_t> bytes;           // the places of all postings, term after term
  std::vector<std::uint32_t> title_lengths;  // by row how many places its title has; empty: no title at all
};

// Appends the places of one term, posting after posting in order of rows, to PositionArrays::bytes.
class PlaceWriter {
 public:
  // `parts`: whether any of the places is one of a part.
  PlaceWriter(std::vector<std::uint8_t>& bytes, std::uint32_t postings, bool parts);

  // REQUIRES: one or more places, ascending, as often as there are postings.
  void add(std::span<const Place> places);

 private:
  std::vector<std::uint8_t>& bytes_;
  std::size_t samples_;  // where the offsets of every 32nd posting lie
  std::size_t body_;
  std::uint32_t done_ = 0;
  unsigned shift_;
};

class Positions {
 public:
  explicit Positions(PositionArrays arrays);

  // Maps a file and checks what memory safety needs, without reading the places.
  // Throws Error{kNotFound, kIo, kCorruption, kIncompatible}; kCorruption also if it is another segment's.
  [[nodiscard]] static std::unique_ptr<Positions> open(const std::string& path,
                                                       const LexicalSegment& segment);

  Positions(const Positions&) = delete;
  Positions& operator=(const Positions&) = delete;

  // Writes the file atomically. Throws Error{kIo}.
  void save(const std::string& path, const LexicalSegment& segment) const;

  // Reads everything: all checksums, and that it agrees with the segment. Throws Error{kCorruption}.
  void verify(const LexicalSegment& segment) const;

  // How many places the title of a row has: those below are in the title. REQUIRES: a row of the segment.
  [[nodiscard]] std::uint32_t title_length(Row row) const noexcept {
    return title_lengths_.empty() ? 0 : title_lengths_[row];
  }

 private:
  friend class PlaceReader;

  explicit Positions(std::unique_ptr<SectionFile> file);
  [[nodiscard]] Error corrupt(std::uint32_t section, const std::string& what) const;

  PositionArrays owned_;               // empty when mapped
  std::unique_ptr<SectionFile> file_;  // null when in memory
  std::span<const std::uint64_t> lists_;
  std::span<const std::uint8_t> bytes_;
  std::span<const std::uint32_t> title_lengths_;
};

// Reads the places of one term. Quick where the postings asked for ascend. Never reads outside, whatever the
// bytes are.
class PlaceReader {
 public:
  // Throws Error{kCorruption}. REQUIRES: a term of the segment with so many postings; `owner` stays.
  PlaceReader(const Positions& owner, TermId term, std::uint32_t postings);

  // Replaces `out` by the places of a posting, ascending. Throws Error{kCorruption}.
  // REQUIRES: posting < postings.
  void read(std::uint32_t posting, std::vector<Place>& out);

  // Whether every posting has been read, and no byte is left.
  [[nodiscard]] bool done() const noexcept { return next_ == postings_ && at_ == end_; }

 private:
  void seek(std::uint32_t posting);
  void skip();
  [[nodiscard]] std::uint64_t number();
  [[nodiscard]] Error unsound() const;

  const Positions* owner_;
  TermId term_;
  std::uint32_t postings_;
  unsigned shift_;
  const std::uint8_t* samples_;
  const std::uint8_t* body_;
  const std::uint8_t* end_;
  const std::uint8_t* at_;
  std::uint32_t next_ = 0;  // the posting at at_
};

}  // namespace pyengine
