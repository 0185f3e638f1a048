#include "core/collection.hpp"

#include <algorithm>
#include <bit>
#include <string>

#include "core/error.hpp"

namespace pyengine {

Collection::Collection(std::shared_ptr<const LexicalSegment> segment)
    : Collection(std::vector<CollectionPart>{
          {std::move(segment), std::make_shared<const Deletions>(), 0, nullptr}}) {}

Collection::Collection(std::vector<CollectionPart> parts) : parts_(std::move(parts)) {
  if (parts_.empty()) throw Error(Code::kInvalidArgument, "indexes: expected one or more, got none");
  params_ = parts_.front().segment->meta().params;
  for (CollectionPart& part : parts_) {
    const SegmentMeta& meta = part.segment->meta();
    if (meta.params != params_) {
      throw Error(Code::kInvalidArgument,
                  "indexes: expected the same BM25 parameters in all; build them with one Bm25Config");
    }
    part.first_row = static_cast<Row>(rows_);
    rows_ += meta.documents;
    if (rows_ > kMaxDocuments) {
      throw Error(Code::kExhausted, "indexes: expected at most " + std::to_string(kMaxDocuments) +
                                        " documents together, got more; search fewer at a time");
    }
    stats_.documents += meta.documents - part.deletions->documents;
    stats_.tokens += meta.tokens - part.deletions->tokens;
  }
}

std::size_t Collection::part_of(Row row) const noexcept {
  const auto after =
      std::upper_bound(parts_.begin(), parts_.end(), row,
                       [](Row wanted, const CollectionPart& part) { return wanted < part.first_row; });
  // Parts without documents share their first row with the next: the last of them is the one with the row.
  return static_cast<std::size_t>(after - parts_.begin()) - 1;
}

Collection Collection::without(std::span<const Row> rows) const {
  std::vector<std::vector<Row>> dead(parts_.size());
  for (const Row row : rows) {
    const std::size_t part = part_of(row);
    dead[part].push_back(row - parts_[part].first_row);
  }
  std::vector<CollectionPart> parts = parts_;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (dead[i].empty()) continue;
    parts[i].deletions =
        std::make_shared<const Deletions>(parts[i].deletions->with(*parts[i].segment, dead[i]));
  }
  return Collection(std::move(parts));
}

Collection Collection::without(std::span<const Row> rows, const Queries& terms) const {
  std::vector<CollectionPart> parts = parts_;
  CollectionPart& only = parts.front();
  only.deletions = std::make_shared<const Deletions>(only.deletions->with(*only.segment, rows, terms));
  return Collection(std::move(parts));
}

Collection Collection::with_deletions(const std::string& path) const {
  std::vector<CollectionPart> parts = parts_;
  CollectionPart& only = parts.front();
  only.deletions = std::make_shared<const Deletions>(Deletions::load(path, *only.segment));
  return Collection(std::move(parts));
}

Collection Collection::with_positions(const std::string& path) const {
  std::vector<CollectionPart> parts = parts_;
  parts.front().positions = Positions::open(path, *parts.front().segment);
  return Collection(std::move(parts));
}

std::vector<Row> Collection::deleted_rows() const {
  std::vector<Row> rows;
  rows.reserve(static_cast<std::size_t>(deleted()));
  for (const CollectionPart& part : parts_) {
    const std::vector<std::uint64_t>& live = part.deletions->live;
    const std::uint64_t documents = part.segment->meta().documents;
    for (std::uint64_t word = 0; word < live.size(); ++word) {
      for (std::uint64_t gone = ~live[word]; gone != 0; gone &= gone - 1) {
        const std::uint64_t row = word * 64 + static_cast<unsigned>(std::countr_zero(gone));
        if (row < documents) rows.push_back(part.first_row + static_cast<Row>(row));
      }
    }
  }
  return rows;
}

}  // namespace pyengine
