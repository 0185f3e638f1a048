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

// The low half of a hash places a term.
std::uint32_t slot_hash(std::string_view term) noexcept {
  return static_cast<std::uint32_t>(term_hash(term));
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
  std::size_t slot = slot_hash(term) & (slot_count - 1);
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

VocabularyBuilder::VocabularyBuilder() : offsets_(1, 0), slots_(kFirstSlots) {}

VocabularyBuilder::Key VocabularyBuilder::key_of(std::string_view term) noexcept {
  constexpr std::size_t kInline = 7;
  constexpr std::uint64_t kLonger = 0xFF;
  std::uint64_t prefix = 0;
  if (!term.empty()) std::memcpy(&prefix, term.data(), std::min(term.size(), kInline));
  return {prefix | (term.size() <= kInline ? term.size() : kLonger) << 56, slot_hash(term)};
}

// The slot that holds `term`, or the empty slot where it belongs.
std::size_t VocabularyBuilder::probe(std::string_view term, const Key& key) const noexcept {
  const bool complete = term.size() < 8;  // the key is the term
  std::size_t at = key.hash & (slots_.size() - 1);
  while (true) {
    const Slot& slot = slots_[at];
    if (slot.id == kNoTerm) return at;
    if (slot.prefix == key.prefix && slot.hash == key.hash && (complete || this->term(slot.id) == term))
      return at;
    at = (at + 1) & (slots_.size() - 1);
  }
}

TermId VocabularyBuilder::find(std::string_view term) const noexcept {
  return slots_[probe(term, key_of(term))].id;
}

TermId VocabularyBuilder::intern(std::string_view term) { return intern(term, key_of(term)); }

TermId VocabularyBuilder::intern(std::string_view term, const Key& key) {
  std::size_t at = probe(term, key);
  if (slots_[at].id != kNoTerm) return slots_[at].id;
  if (size() >= kNoTerm) {
    throw Error(Code::kExhausted, "terms: expected at most 2^32 - 1 distinct terms in one index");
  }
  // Kept at most two thirds full: a miss then looks at about five slots, a hit at two.
  if ((size() + 1) * 3 > slots_.size() * 2) {
    grow();
    at = probe(term, key);
  }
  const auto id = static_cast<TermId>(size());
  bytes_.insert(bytes_.end(), term.begin(), term.end());
  offsets_.push_back(bytes_.size());
  slots_[at] = {key.prefix, key.hash, id};
  return id;
}

void VocabularyBuilder::grow() {
  std::vector<Slot> larger(slots_.size() * 2);
  for (const Slot& slot : slots_) {
    if (slot.id == kNoTerm) continue;
    std::size_t at = slot.hash & (larger.size() - 1);
    while (larger[at].id != kNoTerm) at = (at + 1) & (larger.size() - 1);
    larger[at] = slot;
  }
  slots_ = std::move(larger);
}

VocabularyArrays VocabularyBuilder::take() {
  std::vector<std::uint32_t> hashes(size());
  for (const Slot& slot : slots_) {
    if (slot.id != kNoTerm) hashes[slot.id] = slot.hash;
  }
  // Filled in order of ids, so that the table is a function of the terms alone and not of how it grew.
  std::vector<TermId> slots(slots_.size(), kNoTerm);
  for (TermId id = 0; id < hashes.size(); ++id) {
    std::size_t at = hashes[id] & (slots.size() - 1);
    while (slots[at] != kNoTerm) at = (at + 1) & (slots.size() - 1);
    slots[at] = id;
  }
  slots_.clear();
  bytes_.shrink_to_fit();
  offsets_.shrink_to_fit();
  return {std::move(bytes_), std::move(offsets_), std::move(slots)};
}

}  // namespace pyengine
