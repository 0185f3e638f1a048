// Term bytes <-> TermId.
//
// One string pool and one open-addressing table of term ids, the same shape in memory and on disk:
// a stored vocabulary is used where it lies, nothing is rebuilt at load.
// Ids are given in order of first interning, so the same input gives the same ids.
// Thread rule: a VocabularyBuilder has one owner; a VocabularyView is immutable.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/types.hpp"

namespace pyengine {

// The hash of a term's bytes. Part of the storage format: a change needs a new format version.
[[nodiscard]] std::uint64_t term_hash(std::string_view term) noexcept;

// A vocabulary over borrowed memory; whoever made the view keeps the bytes alive.
// Every access is checked against the spans, so that hostile bytes cannot make it read outside.
class VocabularyView {
 public:
  VocabularyView() = default;

  // `offsets` holds one more entry than there are terms: term t is bytes [offsets[t], offsets[t+1]).
  // `slots` is the hash table: a power of two of term ids, kNoTerm where empty.
  // REQUIRES: offsets is not empty; slots.size() is a power of two.
  VocabularyView(std::span<const char> bytes, std::span<const std::uint64_t> offsets,
                 std::span<const TermId> slots)
      : bytes_(bytes), offsets_(offsets), slots_(slots) {}

  [[nodiscard]] std::size_t size() const noexcept { return offsets_.empty() ? 0 : offsets_.size() - 1; }

  // The id of `term`, or kNoTerm.
  [[nodiscard]] TermId find(std::string_view term) const noexcept;

  // The bytes of a term, or nothing if the stored offsets contradict themselves.
  // REQUIRES: id < size().
  [[nodiscard]] std::optional<std::string_view> term(TermId id) const noexcept;

 private:
  std::span<const char> bytes_;
  std::span<const std::uint64_t> offsets_;
  std::span<const TermId> slots_;
};

// What a finished vocabulary owns.
struct VocabularyArrays {
  std::vector<char> bytes;
  std::vector<std::uint64_t> offsets;
  std::vector<TermId> slots;
};

// Collects distinct terms. Memory: the bytes of the terms, 8 bytes of offset and 24 to 48 of table per
// term, and spare capacity up to as much again.
class VocabularyBuilder {
 public:
  VocabularyBuilder();

  // The id of `term`, given to it now if it is new.
  // Throws Error{kExhausted} once all ids are given away.
  TermId intern(std::string_view term);

  // Appends to `ids` what intern() gives for term(0) to term(count - 1), in that order. Faster than one by
  // one: slots and the bytes of long terms are fetched ahead, and they are what interning waits for.
  template <class TermAt>
  void intern_all(std::size_t count, const TermAt& term, std::vector<TermId>& ids) {
    constexpr std::size_t kTogether = 32;
    std::array<Key, kTogether> keys;
    for (std::size_t begin = 0; begin < count; begin += kTogether) {
      const std::size_t size = std::min(kTogether, count - begin);
      for (std::size_t i = 0; i < size; ++i) {
        keys[i] = key_of(term(begin + i));
        __builtin_prefetch(&slots_[keys[i].hash & (slots_.size() - 1)]);
      }
      for (std::size_t i = 0; i < size; ++i) fetch_bytes(keys[i]);
      for (std::size_t i = 0; i < size; ++i) ids.push_back(intern(term(begin + i), keys[i]));
    }
  }

  [[nodiscard]] TermId find(std::string_view term) const noexcept;
  [[nodiscard]] std::size_t size() const noexcept { return offsets_.size() - 1; }

  // Valid until the next intern(). REQUIRES: id < size().
  [[nodiscard]] std::string_view term(TermId id) const noexcept {
    return {bytes_.data() + offsets_[id], static_cast<std::size_t>(offsets_[id + 1] - offsets_[id])};
  }

  // Gives the terms away, without spare capacity. The builder is used up.
  [[nodiscard]] VocabularyArrays take();

 private:
  // A term of up to 7 bytes is its own tag: the bytes, under a byte that is the length. The tag of a longer
  // term in a slot is kLonger, how many bytes it has (16 bits, kManyBytes: so many or more) and where they
  // begin (40 bits); in a key the beginning is 0. The low half of the hash also places the slot.
  struct Key {
    std::uint64_t tag;
    std::uint32_t hash;
  };
  struct Slot {
    std::uint64_t tag = 0;
    std::uint32_t hash = 0;
    TermId id = kNoTerm;
  };
  static constexpr std::size_t kInline = 7;
  static constexpr std::uint64_t kLonger = std::uint64_t{0xFF} << 56;
  static constexpr std::uint64_t kManyBytes = 0xFFFF;
  static constexpr std::uint64_t kBegin = (std::uint64_t{1} << 40) - 1;

  [[nodiscard]] static Key key_of(std::string_view term) noexcept;
  [[nodiscard]] bool holds(const Slot& slot, std::string_view term, const Key& key) const noexcept;
  [[nodiscard]] std::size_t probe(std::string_view term, const Key& key) const noexcept;
  void fetch_bytes(const Key& key) const noexcept;
  TermId intern(std::string_view term, const Key& key);
  void grow();

  std::vector<char> bytes_;
  std::vector<std::uint64_t> offsets_;
  std::vector<Slot> slots_;
};

}  // namespace pyengine
