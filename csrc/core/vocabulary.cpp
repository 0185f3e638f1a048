#include "core/vocabulary.hpp"

#include <bit>
#include <cstring>
#include <utility>

#include "core/error.hpp"

namespace pyengine {

namespace {

static_assert(std::endian::native == std::endian::little, "the storage format is little-endian");

constexpr std::size_t kFirstSlots = 16;

constexpr std::uint64_t mix(std::uint64_t h) noexcept {
  h ^= h >> 32;
  h *= 0xE9846AF9B1A615DULL;
  h ^= h >> 32;
  h *= 0x9E3779B97F4A7C15ULL;
  h ^= h >> 28;
  return h;
}

// The table uses the low 32 bits of a hash, so the builder can grow from the halves it keeps.
constexpr std::size_t home_slot(std::uint64_t hash, std::size_t slot_count) noexcept {
  return static_cast<std::uint32_t>(hash) & (slot_count - 1);
}

}  // namespace

std::uint64_t term_hash(std::string_view term) noexcept {
  std::uint64_t h = 0x2545F4914F6CDD1DULL ^ term.size();
  const char* p = term.data();
  std::size_t left = term.size();
  for (; left >= 8; left -= 8, p += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, p, 8);
    h = mix(h ^ word);
  }
  std::uint64_t tail = 0;
  if (left > 0) std::memcpy(&tail, p, left);
  return mix(h ^ tail);
}

TermId VocabularyView::find(std::string_view term) const noexcept {
  const std::size_t slot_count = slots_.size();
  if (slot_count == 0) return kNoTerm;
  std::size_t slot = home_slot(term_hash(term), slot_count);
  // The bound on the walk only matters for a corrupt table without an empty slot.
  for (std::size_t walked = 0; walked < slot_count; ++walked) {
    const TermId id = slots_[slot];
    if (id == kNoTerm) return kNoTerm;
    if (id < size() && this->term(id) == term) return id;
    slot = (slot + 1) & (slot_count - 1);
  }
  return kNoTerm;
}

std::optional<std::string_view> VocabularyView::term(TermId id) const noexcept {
  const std::uint64_t begin = offsets_[id];
  const std::uint64_t end = offsets_[id + 1];
  if (begin > end || end > bytes_.size()) return std::nullopt;
  return std::string_view{bytes_.data() + begin, static_cast<std::size_t>(end - begin)};
}

VocabularyBuilder::VocabularyBuilder() : offsets_(1, 0), slots_(kFirstSlots, kNoTerm) {}

// The slot that holds `term`, or the empty slot where it belongs.
std::size_t VocabularyBuilder::probe(std::string_view term, std::uint64_t hash) const noexcept {
  const auto tag = static_cast<std::uint32_t>(hash);
  std::size_t slot = home_slot(hash, slots_.size());
  while (true) {
    const TermId id = slots_[slot];
    if (id == kNoTerm || (hashes_[id] == tag && this->term(id) == term)) return slot;
    slot = (slot + 1) & (slots_.size() - 1);
  }
}

TermId VocabularyBuilder::find(std::string_view term) const noexcept {
  return slots_[probe(term, term_hash(term))];
}

TermId VocabularyBuilder::intern(std::string_view term) {
  const std::uint64_t hash = term_hash(term);
  std::size_t slot = probe(term, hash);
  if (slots_[slot] != kNoTerm) return slots_[slot];
  if (size() >= kNoTerm) {
    throw Error(Code::kExhausted, "terms: expected at most 2^32 - 1 distinct terms in one index");
  }
  // Kept at most two thirds full: a miss then looks at about five slots, a hit at two.
  if ((size() + 1) * 3 > slots_.size() * 2) {
    grow();
    slot = probe(term, hash);
  }
  const auto id = static_cast<TermId>(size());
  bytes_.insert(bytes_.end(), term.begin(), term.end());
  hashes_.push_back(static_cast<std::uint32_t>(hash));
  offsets_.push_back(bytes_.size());
  slots_[slot] = id;
  return id;
}

void VocabularyBuilder::grow() {
  std::vector<TermId> larger(slots_.size() * 2, kNoTerm);
  // Insertion in id order makes the table a function of the terms alone, not of its growth.
  for (TermId id = 0; id < size(); ++id) {
    std::size_t slot = home_slot(hashes_[id], larger.size());
    while (larger[slot] != kNoTerm) slot = (slot + 1) & (larger.size() - 1);
    larger[slot] = id;
  }
  slots_ = std::move(larger);
}

VocabularyArrays VocabularyBuilder::take() {
  bytes_.shrink_to_fit();
  offsets_.shrink_to_fit();
  return {std::move(bytes_), std::move(offsets_), std::move(slots_)};
}

}  // namespace pyengine
