#include "core/collection.hpp"

#include <algorithm>
#include <string>

#include "core/error.hpp"
#include "core/list_access.hpp"

namespace pyengine {

std::uint32_t Deletions::of(TermId term) const noexcept {
  const auto found = std::lower_bound(postings.begin(), postings.end(), std::pair{term, std::uint32_t{0}});
  return found != postings.end() && found->first == term ? found->second : 0;
}

Collection::Collection(std::shared_ptr<const LexicalSegment> segment)
    : Collection(std::vector<CollectionPart>{{std::move(segment), std::make_shared<const Deletions>(), 0}}) {}

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

namespace {

// Counts for each term its postings in rows that are not live.
std::vector<std::pair<TermId, std::uint32_t>> dead_postings(const LexicalSegment& segment,
                                                            const std::vector<std::uint64_t>& live) {
  std::vector<std::pair<TermId, std::uint32_t>> counts;
  const std::uint64_t documents = segment.meta().documents;
  for (TermId term = 0; term < segment.meta().terms; ++term) {
    const TermList list = segment.list(term);
    std::uint32_t dead = 0;
    for (ListWalker walker(list, documents); !walker.done(); walker.next()) {
      const Row row = walker.row();
      if (row >= documents) throw segment.unsound_postings();
      dead += (live[row / 64] >> (row % 64) & 1U) == 0 ? 1U : 0U;
    }
    if (dead > 0) counts.emplace_back(term, dead);
  }
  return counts;
}

}  // namespace

Collection Collection::without(std::span<const Row> rows) const {
  std::vector<CollectionPart> parts = parts_;
  std::vector<std::vector<Row>> dead(parts.size());
  for (const Row row : rows) {
    const std::size_t part = part_of(row);
    dead[part].push_back(row - parts[part].first_row);
  }
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (dead[i].empty()) continue;
    const LexicalSegment& segment = *parts[i].segment;
    Deletions deletions = *parts[i].deletions;
    if (deletions.live.empty())
      deletions.live.assign((segment.meta().documents + 63) / 64, ~std::uint64_t{0});
    for (const Row row : dead[i]) {
      std::uint64_t& word = deletions.live[row / 64];
      const std::uint64_t bit = std::uint64_t{1} << (row % 64);
      if ((word & bit) == 0) continue;
      word &= ~bit;
      ++deletions.documents;
      deletions.tokens += segment.lengths()[row];
    }
    deletions.postings = dead_postings(segment, deletions.live);
    parts[i].deletions = std::make_shared<const Deletions>(std::move(deletions));
  }
  return Collection(std::move(parts));
}

}  // namespace pyengine
