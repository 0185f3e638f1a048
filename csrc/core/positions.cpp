#include "core/positions.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <string_view>
#include <utility>

#include "core/error.hpp"
#include "core/list_access.hpp"

namespace pyengine {

namespace {

// Ids on disk: never renumber.
enum SectionId : std::uint32_t {
  kMeta = 1,
  kLists = 2,
  kPlaces = 3,
  kTitleLengths = 4,
};

std::string_view section_name(std::uint32_t id) {
  static constexpr std::array<std::string_view, 5> kNames{"unknown", "meta", "lists", "places",
                                                          "title_lengths"};
  return kNames[id < kNames.size() ? id : 0];
}

constexpr FileKind kPositionsFile{"PYEPLACE", 1, section_name};

// The first section, as stored: the counts by which the segment is known again.
struct StoredMeta {
  std::uint64_t documents;
  std::uint64_t terms;
  std::uint64_t postings;
  std::uint64_t tokens;

  [[nodiscard]] bool operator==(const StoredMeta&) const = default;
};

StoredMeta meta_of(const LexicalSegment& segment) {
  const SegmentMeta& meta = segment.meta();
  return {meta.documents, meta.terms, meta.postings, meta.tokens};
}

constexpr std::uint32_t kSample = 32;  // postings between two offsets

std::size_t sample_bytes(std::uint32_t postings) {
  return postings == 0 ? 0 : (postings - 1) / kSample * sizeof(std::uint32_t);
}

}  // namespace

PlaceWriter::PlaceWriter(std::vector<std::uint8_t>& bytes, std::uint32_t postings, bool parts)
    : bytes_(bytes),
      samples_(bytes.size()),
      body_(bytes.size() + sample_bytes(postings)),
      shift_(parts ? 2 : 1) {
  bytes_.resize(body_);
}

void PlaceWriter::add(std::span<const Place> places) {
  if (done_ != 0 && done_ % kSample == 0) {
    const std::size_t offset = bytes_.size() - body_;
    if (offset > std::numeric_limits<std::uint32_t>::max()) {
      throw Error(Code::kExhausted, "positions: expected at most 4 GiB for one term; build several indexes");
    }
    const auto stored = static_cast<std::uint32_t>(offset);
    std::memcpy(bytes_.data() + samples_ + (done_ / kSample - 1) * sizeof(stored), &stored, sizeof(stored));
  }
  std::uint32_t floor = 0;  // the next place is this one or comes later
  for (std::size_t i = 0; i < places.size(); ++i) {
    std::uint64_t value = std::uint64_t{places[i].at - floor} << shift_ | (i + 1 == places.size() ? 1U : 0U);
    if (places[i].part) value |= 2U;
    floor = places[i].at + 1;
    for (; value >= 0x80; value >>= 7) bytes_.push_back(static_cast<std::uint8_t>(value | 0x80));
    bytes_.push_back(static_cast<std::uint8_t>(value));
  }
  ++done_;
}

Positions::Positions(PositionArrays arrays)
    : owned_(std::move(arrays)),
      lists_(owned_.lists),
      bytes_(owned_.bytes),
      title_lengths_(owned_.title_lengths) {}

Positions::Positions(std::unique_ptr<SectionFile> file)
    : file_(std::move(file)),
      lists_(file_->section<std::uint64_t>(kLists)),
      bytes_(file_->section<std::uint8_t>(kPlaces)),
      title_lengths_(file_->section<std::uint32_t>(kTitleLengths)) {}

std::unique_ptr<Positions> Positions::open(const std::string& path, const LexicalSegment& segment) {
  auto file = std::make_unique<SectionFile>(path, kPositionsFile);
  const std::span<const StoredMeta> records = file->section<StoredMeta>(kMeta);
  if (records.size() != 1) throw file->corrupt(kMeta, "expected one record");
  file->verify_section(kMeta);
  const StoredMeta meta = meta_of(segment);
  if (records.front() != meta) throw file->corrupt(kMeta, "it belongs to another segment");
  std::unique_ptr<Positions> positions(new Positions(std::move(file)));
  if (positions->lists_.size() != meta.terms + 1) {
    throw positions->corrupt(kLists, "expected one entry a term and one more");
  }
  if (!positions->title_lengths_.empty() && positions->title_lengths_.size() != meta.documents) {
    throw positions->corrupt(kTitleLengths, "expected one for each row, or none");
  }
  return positions;
}

void Positions::save(const std::string& path, const LexicalSegment& segment) const {
  const std::array<StoredMeta, 1> meta{meta_of(segment)};
  const std::array<Section, 4> sections{make_section(kMeta, std::span<const StoredMeta>(meta)),
                                        make_section(kLists, lists_), make_section(kPlaces, bytes_),
                                        make_section(kTitleLengths, title_lengths_)};
  write_sections(path, kPositionsFile, sections);
}

Error Positions::corrupt(std::uint32_t section, const std::string& what) const {
  if (file_) return file_->corrupt(section, what);
  return {Code::kCorruption, "positions in memory: " + std::string(section_name(section)) + ": " + what};
}

void Positions::verify(const LexicalSegment& segment) const {
  if (file_) file_->verify();
  const std::uint64_t documents = segment.meta().documents;
  for (Row row = 0; row < title_lengths_.size(); ++row) {
    if (title_lengths_[row] > segment.lengths()[row]) {
      throw corrupt(kTitleLengths,
                    "row " + std::to_string(row) + ": a title of more places than there are tokens");
    }
  }
  std::vector<Place> places;
  std::vector<Place> again;
  for (TermId id = 0; id < segment.meta().terms; ++id) {
    const TermList list = segment.list(id);
    PlaceReader reader(*this, id, list.count);
    const auto require = [this, id](bool holds) {
      if (!holds) throw corrupt(kPlaces, "term " + std::to_string(id) + ": they contradict its postings");
    };
    for (ListWalker walker(list, documents); !walker.done(); walker.next()) {
      const std::uint32_t posting = walker.position();
      reader.read(posting, places);
      require(places.size() <= segment.frequency(list, posting));
      require(walker.row() < documents && places.back().at < segment.lengths()[walker.row()]);
      if (posting % kSample != 0) continue;
      PlaceReader(*this, id, list.count).read(posting, again);
      require(places == again);
    }
    require(reader.done());
  }
}

PlaceReader::PlaceReader(const Positions& owner, TermId term, std::uint32_t postings)
    : owner_(&owner), term_(term), postings_(postings) {
  const std::uint64_t begin = owner.lists_[term] & ~kListHasParts;
  const std::uint64_t end = owner.lists_[std::size_t{term} + 1] & ~kListHasParts;
  const std::size_t samples = sample_bytes(postings);
  if (begin > end || end > owner.bytes_.size() || end - begin < samples) {
    throw owner.corrupt(kLists, "impossible bounds of term " + std::to_string(term));
  }
  shift_ = (owner.lists_[term] & kListHasParts) != 0 ? 2 : 1;
  samples_ = owner.bytes_.data() + begin;
  body_ = samples_ + samples;
  end_ = owner.bytes_.data() + end;
  at_ = body_;
}

Error PlaceReader::unsound() const {
  return owner_->corrupt(kPlaces, "impossible places of term " + std::to_string(term_));
}

// Goes on to the next posting. The lowest bit of the first byte of a number says whether it is the last.
void PlaceReader::skip() {
  for (bool last = false; !last;) {
    if (at_ == end_) throw unsound();
    last = (*at_ & 1U) != 0;
    while (at_ < end_ && (*at_ & 0x80U) != 0) ++at_;
    if (at_ == end_) throw unsound();
    ++at_;
  }
  ++next_;
}

void PlaceReader::seek(std::uint32_t posting) {
  const std::uint32_t block = posting / kSample;
  if (posting < next_ || block > next_ / kSample) {
    std::uint32_t offset = 0;
    if (block > 0) std::memcpy(&offset, samples_ + (block - 1) * sizeof(offset), sizeof(offset));
    if (offset > static_cast<std::size_t>(end_ - body_)) throw unsound();
    at_ = body_ + offset;
    next_ = block * kSample;
  }
  while (next_ < posting) skip();
}

std::uint64_t PlaceReader::number() {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 35; shift += 7) {
    if (at_ == end_) break;
    const std::uint8_t byte = *at_++;
    value |= std::uint64_t{byte & 0x7FU} << shift;
    if ((byte & 0x80U) == 0) return value;
  }
  throw unsound();
}

void PlaceReader::read(std::uint32_t posting, std::vector<Place>& out) {
  seek(posting);
  out.clear();
  std::uint64_t floor = 0;
  for (bool last = false; !last;) {
    const std::uint64_t value = number();
    last = (value & 1U) != 0;
    floor += value >> shift_;
    if (floor > std::numeric_limits<std::uint32_t>::max()) throw unsound();
    out.push_back({static_cast<std::uint32_t>(floor), shift_ == 2 && (value & 2U) != 0});
    ++floor;
  }
  ++next_;
}

}  // namespace pyengine
