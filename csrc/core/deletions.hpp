// The documents of one segment that no longer count, and what the statistics lose with them.
// Saved beside the segment, which stays as it is. docs/lexical.md describes the file.
// Thread rule: immutable once made; any number of threads may read.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "core/queries.hpp"
#include "core/segment.hpp"
#include "core/types.hpp"

namespace pyengine {

struct Deletions {
  std::vector<std::uint64_t> live;  // one bit a row; empty: all live
  std::uint64_t documents = 0;
  std::uint64_t tokens = 0;
  std::vector<std::pair<TermId, std::uint32_t>> postings;  // by term, ascending: how many of its postings

  // How many postings of a term are of deleted documents.
  [[nodiscard]] std::uint32_t of(TermId term) const noexcept;

  // These and more rows; rows that are deleted already are passed over. Cost: O(postings), to count those of
  // the deleted documents. REQUIRES: rows of the segment.
  [[nodiscard]] Deletions with(const LexicalSegment& segment, std::span<const Row> rows) const;

  // The same from the terms of the documents, query i being those of rows[i]. Cost: O(their terms).
  // Throws Error{kCorruption} for a term that the segment lacks or that is in fewer documents than counted:
  // the documents are then not those that were indexed. REQUIRES: as with(); rows that differ.
  [[nodiscard]] Deletions with(const LexicalSegment& segment, std::span<const Row> rows,
                               const Queries& terms) const;

  // Writes the file atomically. Throws Error{kIo}.
  void save(const std::string& path, const LexicalSegment& segment) const;

  // Reads the file into memory; all of it is checked.
  // Throws Error{kNotFound, kIo, kCorruption, kIncompatible}; kCorruption also if it is another segment's.
  [[nodiscard]] static Deletions load(const std::string& path, const LexicalSegment& segment);

 private:
  // Clears the bits of `rows` and counts documents and tokens; returns which places of `rows` were live.
  std::vector<std::size_t> strike(const LexicalSegment& segment, std::span<const Row> rows);
};

}  // namespace pyengine
