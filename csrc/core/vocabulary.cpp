#include "core/vocabulary.hpp"

#include <bit>
#include <cstring>
#include <utility>

#include "core/error.hpp"
#include "core/pages.hpp"

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

std::uint64_t load8(const char* p) noexcept {
  std::uint64_t word = 0;
  std::memcpy(&word, p, 8);
  return word;
}

std::uint64_t load4(const char* p) noexcept {
  std::uint32_t word = 0;
  std::memcpy(&word, p, 4);
  return word;
}

// Fewer than 8 bytes as a little-endian integer. Two loads that overlap: a copy of unknown length is a call.
std::uint64_t load_short(const char* p, std::size_t size) noexcept {
  if (size >= 4) return load4(p) | load4(p + size - 4) << 8 * (size - 4);
  const auto at = [p](std::size_t i) { return std::uint64_t{static_cast<unsigned char>(p[i])}; };
  if (size == 0) return 0;
  return at(0) | at(size / 2) << 8 * (size / 2) | at(size - 1) << 8 * (size - 1);
}

// REQUIRES: size >= 8.
bool equal(const char* a, const char* b, std::size_t size) noexcept {
  for (std::size_t i = 0; i + 8 < size; i += 8) {
    if (load8(a + i) != load8(b + i)) return false;
  }
  return load8(a + size - 8) == load8(b + size - 8);
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
  for (; left >= 8; left -= 8, p += 8) h = mix(h ^ load8(p));
  if (left == 0) return mix(h);
  // A whole word that ends with the term is read at once, and what was read before is shifted out.
  return mix(h ^ (term.size() >= 8 ? load8(p + left - 8) >> 8 * (8 - left) : load_short(p, left)));
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
  const std::uint32_t hash = slot_hash(term);
  if (term.size() <= kInline) return {load_short(term.data(), term.size()) | term.size() << 56, hash};
  return {kLonger | std::min<std::uint64_t>(term.size(), kManyBytes) << 40, hash};
}

bool VocabularyBuilder::holds(const Slot& slot, std::string_view term, const Key& key) const noexcept {
  if (slot.hash != key.hash) return false;
  if (term.size() <= kInline) return slot.tag == key.tag;
  if ((slot.tag & ~kBegin) != key.tag) return false;
  if (term.size() >= kManyBytes && this->term(slot.id).size() != term.size()) return false;
  return equal(bytes_.data() + (slot.tag & kBegin), term.data(), term.size());
}

// The slot that holds `term`, or the empty slot where it belongs.
std::size_t VocabularyBuilder::probe(std::string_view term, const Key& key) const noexcept {
  std::size_t at = key.hash & (slots_.size() - 1);
  while (slots_[at].id != kNoTerm && !holds(slots_[at], term, key)) at = (at + 1) & (slots_.size() - 1);
  return at;
}

void VocabularyBuilder::fetch_bytes(const Key& key) const noexcept {
  if (key.tag < kLonger) return;
  std::size_t at = key.hash & (slots_.size() - 1);
  while (slots_[at].id != kNoTerm && slots_[at].hash != key.hash) at = (at + 1) & (slots_.size() - 1);
  if (slots_[at].tag >= kLonger) __builtin_prefetch(bytes_.data() + (slots_[at].tag & kBegin));
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
  if (bytes_.size() > kBegin) {
    throw Error(Code::kExhausted, "terms: expected at most 2^40 bytes of distinct terms in one index");
  }
  // Kept at most two thirds full: a miss then looks at about five slots, a hit at two.
  if ((size() + 1) * 3 > slots_.size() * 2) {
    grow();
    at = probe(term, key);
  }
  const auto id = static_cast<TermId>(size());
  const std::uint64_t tag = term.size() <= kInline ? key.tag : key.tag | bytes_.size();
  bytes_.insert(bytes_.end(), term.begin(), term.end());
  offsets_.push_back(bytes_.size());
  slots_[at] = {tag, key.hash, id};
  return id;
}

void VocabularyBuilder::grow() {
  std::vector<Slot> larger;
  larger.reserve(slots_.size() * 2);
  prefer_large_pages(larger.data(), larger.capacity() * sizeof(Slot));
  larger.resize(slots_.size() * 2);
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
