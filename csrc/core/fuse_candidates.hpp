// The candidates of one query while lists are fused, and their order.
// Internal to fuse.cpp and fuse_scores.cpp. Thread rule: an object belongs to one thread.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "core/error.hpp"
#include "core/fuse.hpp"
#include "core/types.hpp"

namespace pyengine {

// A hit as one number: ascending keys are the order law. The bits of a float ascend with its value once those
// of negative ones are inverted and the sign of the others is set.
using FusionKey = std::uint64_t;

inline FusionKey key_of(Row row, Score score) noexcept {
  const auto bits = std::bit_cast<std::uint32_t>(score + 0.0F);  // -0 and 0 are one score
  const std::uint32_t ascending = bits ^ ((bits >> 31) != 0 ? 0xFFFFFFFFU : 0x80000000U);
  return FusionKey{~ascending} << 32 | row;
}
inline Row row_of(FusionKey key) noexcept { return static_cast<Row>(key); }
inline Score score_of(FusionKey key) noexcept {
  const auto ascending = ~static_cast<std::uint32_t>(key >> 32);
  return std::bit_cast<Score>(ascending ^ ((ascending >> 31) != 0 ? 0x80000000U : 0xFFFFFFFFU));
}

struct FusionCandidate {
  double sum;
  Row row;
  std::uint32_t last_list;  // 1 + the list that named it last, to notice a row named twice
};

// The candidates of one query, found by row through an open-addressing table. Nothing in the loop depends on
// whether a row was named before, which a CPU cannot guess.
class FusionCandidates {
 public:
  // Forgets everything and makes room for `limit` rows.
  void reset(std::size_t limit) {
    const std::size_t slots = std::bit_ceil(std::max<std::size_t>(4 * limit, 16));
    if (slots_.size() < slots) {
      slots_.resize(slots);
      entries_.resize(slots / 4 + 1);
    }
    std::memset(slots_.data(), 0, slots * sizeof(slots_[0]));
    std::memset(entries_.data(), 0, (limit + 1) * sizeof(entries_[0]));
    shift_ = 64 - std::countr_zero(slots);
    size_ = 0;
  }

  // Adds a list's values to the sums of its rows. False: the list names a row twice.
  [[nodiscard]] bool add(std::span<const Row> rows, const double* values, std::uint32_t list) {
    return take(rows, list, [&](double& sum, std::size_t i) { sum += values[i]; });
  }

  // As above, but the values are whole sums: those of the call before are written over.
  [[nodiscard]] bool put(std::span<const Row> rows, const double* values, std::uint32_t list) {
    return take(rows, list, [&](double& sum, std::size_t i) { sum = values[i]; });
  }

  [[nodiscard]] bool has(Row row) const noexcept {
    std::size_t slot = (row * kSpread) >> shift_;
    for (; slots_[slot] != 0; slot = (slot + 1) & ((std::size_t{1} << (64 - shift_)) - 1)) {
      if (entries_[slots_[slot]].row == row) return true;
    }
    return false;
  }

  [[nodiscard]] std::span<const FusionCandidate> entries() const noexcept {
    return {entries_.data() + 1, size_};
  }

 private:
  // Multiplicative hashing: consecutive rows, which are common, spread over the table.
  static constexpr std::uint64_t kSpread = 0x9E3779B97F4A7C15ULL;

  template <class Change>
  [[nodiscard]] bool take(std::span<const Row> rows, std::uint32_t list, const Change& change) {
    const int shift = shift_;
    const std::size_t mask = (std::size_t{1} << (64 - shift)) - 1;
    std::uint32_t* const slots = slots_.data();
    FusionCandidate* const entries = entries_.data();
    std::uint32_t size = size_;
    bool twice = false;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const Row row = rows[i];
      std::size_t slot = (row * kSpread) >> shift;
      std::uint32_t at = slots[slot];
      while (static_cast<bool>(static_cast<int>(at != 0) & static_cast<int>(entries[at].row != row))) {
        slot = (slot + 1) & mask;
        at = slots[slot];
      }
      size += at == 0;
      at = at == 0 ? size : at;
      FusionCandidate& entry = entries[at];
      slots[slot] = at;
      twice |= entry.last_list == list + 1;
      entry.row = row;
      entry.last_list = list + 1;
      change(entry.sum, i);
    }
    size_ = size;
    return !twice;
  }

  std::vector<std::uint32_t> slots_;  // index into entries_; 0: empty
  int shift_ = 0;
  std::uint32_t size_ = 0;
  std::vector<FusionCandidate> entries_;  // from 1 on
};

// Orders one query's candidates: one pass over buckets of equal width brings nearly all into place.
class FusionRanker {
 public:
  // The result is valid until the next call and holds at most `depth` keys.
  [[nodiscard]] std::span<const FusionKey> rank(const FusionCandidates& candidates, std::size_t depth) {
    const std::span<const FusionCandidate> entries = candidates.entries();
    const std::size_t size = entries.size();
    if (keys_.size() < size) {
      keys_.resize(size);
      spare_.resize(size);
      scores_.resize(size);
      buckets_.resize(size);
    }
    for (std::size_t i = 0; i < size; ++i) scores_[i] = static_cast<Score>(entries[i].sum) + 0.0F;
    for (std::size_t i = 0; i < size; ++i) keys_[i] = key_of(entries[i].row, scores_[i]);
    const std::size_t wanted = std::min(depth, size);
    sort_first(0, size, wanted, 0);
    return {keys_.data(), wanted};
  }

 private:
  static constexpr std::size_t kFew = 16;  // sorted by insertion
  static constexpr int kMostLevels = 4;    // buckets within buckets, before comparing all
  static constexpr std::size_t kBuckets = 256;
  static constexpr std::size_t kMostKeys = 0xFFFF;  // that places can count
  using Places = std::array<std::uint16_t, kBuckets>;
  // How keys lie in buckets: not at all, since their scores are equal or too far apart; fewer than kFew in
  // each; more somewhere.
  enum class Fill : std::uint8_t { kNone, kEven, kCrowded };

  // Brings the `wanted` least of the keys from `begin` to `end` to the front of them, in order.
  // REQUIRES: scores_ has their scores.
  void sort_first(std::size_t begin, std::size_t end, std::size_t wanted, int level) {
    FusionKey* const keys = keys_.data() + begin;
    FusionKey* const spare = spare_.data() + begin;
    const std::size_t size = end - begin;
    if (size <= kFew) return insertion_sort(keys, size);
    Places places;
    const Fill fill = size > kMostKeys || level == kMostLevels ? Fill::kNone : deal(begin, end, places);
    if (fill == Fill::kNone) {
      std::sort(keys, keys + size);
      return;
    }
    for (std::size_t i = 0; i < size; ++i) spare[places[buckets_[begin + i]]++] = keys[i];
    if (fill == Fill::kEven) {
      // The bucket that has the last wanted key ends before this.
      const std::size_t enough = std::min(wanted + kFew, size);
      std::copy_n(spare, enough, keys);
      transpose(keys, enough);
      return insertion_sort(keys, enough);
    }
    std::copy_n(spare, size, keys);
    for (std::size_t i = 0; i < size; ++i) scores_[begin + i] = score_of(keys[i]);
    for (std::size_t from = 0, i = 0; from < wanted; from = places[i++]) {
      const std::size_t to = places[i];
      if (to - from > 1) sort_first(begin + from, begin + to, std::min(wanted, to) - from, level + 1);
    }
  }

  // Writes the bucket of each key, and where each bucket begins. Where one holds most of the keys, as when a
  // few scores are far above the others, the buckets are laid over its range again.
  [[nodiscard]] Fill deal(std::size_t begin, std::size_t end, Places& places) {
    const Score* const scores = scores_.data() + begin;
    std::uint32_t* const buckets = buckets_.data() + begin;
    const std::size_t size = end - begin;
    auto [least, greatest] = bounds(scores, size);
    Fill fill = Fill::kNone;
    for (int zoom = 0; zoom < kMostLevels; ++zoom) {
      const float scale = static_cast<float>(kBuckets - 1) / (greatest - least);
      if (!(scale > 0.0F && scale < std::numeric_limits<float>::infinity())) return fill;
      // Differences and products round monotonously: no key comes into a bucket before that of a lesser one.
      for (std::size_t i = 0; i < size; ++i) {
        const float place = std::max((greatest - scores[i]) * scale, 0.0F);
        buckets[i] = static_cast<std::uint32_t>(
            static_cast<std::int32_t>(std::min(place, static_cast<float>(kBuckets - 1))));
      }
      places.fill(0);
      for (std::size_t i = 0; i < size; ++i) ++places[buckets[i]];
      if (!begin_buckets(places)) return Fill::kEven;
      fill = Fill::kCrowded;
      const auto fullest = fullest_bucket(places, size);
      if (2 * fullest.second < size) break;
      const float top = greatest;
      greatest = top - static_cast<float>(fullest.first) / scale;
      least = top - static_cast<float>(fullest.first + 1) / scale;
    }
    return fill;
  }

  // Returns a bucket and the number of its keys, which no other exceeds.
  static std::pair<std::size_t, std::size_t> fullest_bucket(const Places& places, std::size_t size) noexcept {
    Places counts;
    for (std::size_t i = 0; i + 1 < kBuckets; ++i) {
      counts[i] = static_cast<std::uint16_t>(places[i + 1] - places[i]);
    }
    counts.back() = static_cast<std::uint16_t>(size - places.back());
    std::uint16_t most = 0;
    for (const std::uint16_t count : counts) most = std::max(most, count);
    const auto fullest = std::find(counts.begin(), counts.end(), most);
    return {static_cast<std::size_t>(fullest - counts.begin()), most};
  }

  // Turns the number of keys in each bucket into the place of its first one. True: one holds kFew or more.
  static bool begin_buckets(Places& places) noexcept {
    constexpr std::size_t kLanes = sizeof(std::uint64_t) / sizeof(places[0]);
    constexpr std::uint64_t kOnes = 0x0001000100010001ULL;
    std::uint64_t before = 0;  // in all lanes
    std::uint64_t any = 0;
    for (std::size_t i = 0; i < kBuckets; i += kLanes) {
      std::uint64_t counts = 0;
      std::memcpy(&counts, &places[i], sizeof(counts));
      any |= counts;
      const std::uint64_t sums = counts * kOnes;  // of a lane and those before it
      const std::uint64_t starts = before + sums - counts;
      std::memcpy(&places[i], &starts, sizeof(starts));
      before += (sums >> 48) * kOnes;
    }
    return (any & ~(kOnes * (kFew - 1))) != 0;
  }

  static std::pair<Score, Score> bounds(const Score* scores, std::size_t size) noexcept {
    constexpr std::size_t kLanes = 8;  // independent minima, which the compiler turns into vectors
    std::array<Score, kLanes> least;
    std::array<Score, kLanes> greatest;
    least.fill(scores[0]);
    greatest.fill(scores[0]);
    std::size_t i = 0;
    for (; i + kLanes <= size; i += kLanes) {
      for (std::size_t lane = 0; lane < kLanes; ++lane) {
        const Score score = scores[i + lane];
        least[lane] = score < least[lane] ? score : least[lane];
        greatest[lane] = score > greatest[lane] ? score : greatest[lane];
      }
    }
    for (; i < size; ++i) {
      least[0] = std::min(least[0], scores[i]);
      greatest[0] = std::max(greatest[0], scores[i]);
    }
    return {*std::min_element(least.begin(), least.end()),
            *std::max_element(greatest.begin(), greatest.end())};
  }

  // Swaps neighbours that are out of order, without a branch: nearly all of what insertion would have to
  // guess.
  static void transpose(FusionKey* keys, std::size_t size) noexcept {
    for (const std::size_t first : std::array<std::size_t, 3>{0, 1, 0}) {
      for (std::size_t i = first; i + 1 < size; i += 2) {
        const FusionKey swap = (keys[i] ^ keys[i + 1]) & (FusionKey{0} - FusionKey{keys[i + 1] < keys[i]});
        keys[i] ^= swap;
        keys[i + 1] ^= swap;
      }
    }
  }

  static void insertion_sort(FusionKey* keys, std::size_t size) noexcept {
    for (std::size_t i = 1; i < size; ++i) {
      const FusionKey key = keys[i];
      std::size_t at = i;
      for (; at > 0 && key < keys[at - 1]; --at) keys[at] = keys[at - 1];
      keys[at] = key;
    }
  }

  std::vector<FusionKey> keys_;
  std::vector<FusionKey> spare_;
  std::vector<Score> scores_;
  std::vector<std::uint32_t> buckets_;
};

// Throws if a list names a row twice, or kNoRow.
inline void check_list(std::size_t list, std::size_t query, std::span<const Row> rows) {
  std::unordered_set<Row> seen;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const std::string place = "lists[" + std::to_string(list) + "], query " + std::to_string(query) +
                              ", rank " + std::to_string(i + 1) + ": ";
    if (rows[i] == kNoRow) {
      throw Error(Code::kInvalidArgument, place + "expected a row, got the filler of unused slots");
    }
    if (!seen.insert(rows[i]).second) {
      throw Error(Code::kInvalidArgument,
                  place + "row " + std::to_string(rows[i]) + " is in this list twice");
    }
  }
}

inline void write_fused(std::span<const FusionKey> ranked, std::size_t query, std::size_t depth,
                        const FusedHits& out) {
  const std::span<Row> rows = out.rows.subspan(query * depth, depth);
  const std::span<Score> scores = out.scores.subspan(query * depth, depth);
  for (std::size_t i = 0; i < ranked.size(); ++i) {
    rows[i] = row_of(ranked[i]);
    scores[i] = score_of(ranked[i]);
  }
  const auto unused = static_cast<std::ptrdiff_t>(ranked.size());
  std::fill(rows.begin() + unused, rows.end(), kNoRow);
  std::fill(scores.begin() + unused, scores.end(), -std::numeric_limits<Score>::infinity());
  out.counts[query] = static_cast<std::uint32_t>(ranked.size());
}

}  // namespace pyengine
