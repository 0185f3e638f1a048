// The segments that are searched as one: rows follow each other, statistics are those of all live documents.
// Thread rule: immutable; any number of threads may read.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/bm25.hpp"
#include "core/deletions.hpp"
#include "core/positions.hpp"
#include "core/segment.hpp"
#include "core/types.hpp"

namespace pyengine {

struct CollectionPart {
  std::shared_ptr<const LexicalSegment> segment;
  std::shared_ptr<const Deletions> deletions;  // never null
  Row first_row = 0;
  std::shared_ptr<const Positions> positions;  // null: none were made
};

class Collection {
 public:
  explicit Collection(std::shared_ptr<const LexicalSegment> segment);

  // Throws Error{kInvalidArgument} for segments of different parameters, Error{kExhausted} past the row
  // limit.
  explicit Collection(std::vector<CollectionPart> parts);

  // This collection without some of its rows, which keep their numbers. Cost: O(postings).
  // REQUIRES: every row is below rows().
  [[nodiscard]] Collection without(std::span<const Row> rows) const;

  // The same from the terms of the documents, query i being those of rows[i]. Cost: O(their terms).
  // Throws as Deletions::with. REQUIRES: one segment; rows below rows() that differ.
  [[nodiscard]] Collection without(std::span<const Row> rows, const Queries& terms) const;

  // This collection of one segment and what Deletions::save has written for it. Throws as Deletions::load.
  [[nodiscard]] Collection with_deletions(const std::string& path) const;

  // This collection of one segment and the positions that were saved for it. Throws as Positions::open.
  [[nodiscard]] Collection with_positions(const std::string& path) const;

  // Rows that are deleted, ascending.
  [[nodiscard]] std::vector<Row> deleted_rows() const;

  [[nodiscard]] std::span<const CollectionPart> parts() const noexcept { return parts_; }
  [[nodiscard]] std::uint64_t rows() const noexcept { return rows_; }             // deleted ones too
  [[nodiscard]] const CollectionStats& stats() const noexcept { return stats_; }  // of live documents
  [[nodiscard]] const Bm25Params& params() const noexcept { return params_; }     // of the build
  [[nodiscard]] std::uint64_t deleted() const noexcept { return rows_ - stats_.documents; }

  // The part a row belongs to. REQUIRES: row < rows().
  [[nodiscard]] std::size_t part_of(Row row) const noexcept;

 private:
  std::vector<CollectionPart> parts_;
  std::uint64_t rows_ = 0;
  CollectionStats stats_;
  Bm25Params params_;
};

}  // namespace pyengine
