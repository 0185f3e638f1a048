#include "core/inversion.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <limits>
#include <utility>

#include "core/list_encoder.hpp"
#include "core/pages.hpp"
#include "core/parallel.hpp"

namespace pyengine {

namespace {

// A range of terms that has this many tokens sorts within a second-level cache.
constexpr std::uint64_t kPartTokens = std::uint64_t{1} << 17;
constexpr std::size_t kPartTerms = std::size_t{1} << 16;
// More ranges than this would cost more while parting than they save while sorting.
constexpr std::size_t kMostParts = 1024;

struct Entry {
  Row row;
  TermId term;
};

struct Range {
  TermId first;
  TermId end;
  std::uint64_t tokens;
};

using PartNumber = std::uint16_t;
static_assert(kMostParts <= std::numeric_limits<PartNumber>::max());

std::vector<Range> ranges_of(std::span<const std::uint64_t> tokens, std::uint64_t total) {
  const std::uint64_t wanted = std::max(kPartTokens, total / (kMostParts / 2));
  const std::size_t most_terms = std::max(kPartTerms, tokens.size() / (kMostParts / 4));
  std::vector<Range> ranges;
  Range range{0, 0, 0};
  for (std::size_t term = 0; term < tokens.size(); ++term) {
    if (range.end > range.first &&
        (range.tokens + tokens[term] > wanted || range.end - range.first >= most_terms)) {
      ranges.push_back(range);
      range = {range.end, range.end, 0};
    }
    range.tokens += tokens[term];
    ++range.end;
  }
  if (range.end > range.first) ranges.push_back(range);
  return ranges;
}

// Consecutive pieces that one thread parts.
struct Stretch {
  std::size_t first;
  std::size_t end;
};

std::vector<Stretch> stretches_of(std::span<const TokenPiece> pieces, std::uint64_t total, unsigned threads) {
  std::vector<Stretch> stretches;
  const std::uint64_t wanted = total / std::max(threads, 1U) + 1;
  std::uint64_t tokens = 0;
  std::size_t first = 0;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    tokens += pieces[i].tokens;
    if (tokens >= wanted || i + 1 == pieces.size()) {
      stretches.push_back({first, i + 1});
      first = i + 1;
      tokens = 0;
    }
  }
  return stretches;
}

// Everything invert() knows while it works.
class Inverter {
 public:
  Inverter(std::vector<TokenPiece> pieces, const TokenMeaning& meaning, unsigned threads,
           const std::function<bool()>& stop)
      : pieces_(std::move(pieces)), meaning_(meaning), threads_(std::max(threads, 1U)), stop_(stop) {
    for (const TokenPiece& piece : pieces_) total_ += piece.tokens;
    ranges_ = ranges_of(meaning_.tokens, total_);
    numbers_.reserve(meaning_.tokens.size());
    for (std::size_t i = 0; i < ranges_.size(); ++i) {
      numbers_.resize(ranges_[i].end, static_cast<PartNumber>(i));
    }
  }

  [[nodiscard]] std::optional<Inversion> run() {
    if (!part_tokens()) return std::nullopt;
    Inversion out;
    out.parts.resize(ranges_.size());
    out.pairs.resize(std::min<std::size_t>(threads_, std::max<std::size_t>(ranges_.size(), 1)));
    std::vector<Scratch> scratch(out.pairs.size());
    const bool done = share_out(ranges_.size(), threads_, stop_, [&](std::size_t i, unsigned worker) {
      sort_part(i, scratch[worker], out.parts[i], out.pairs[worker]);
    });
    if (!done) return std::nullopt;
    return out;
  }

 private:
  struct Scratch {
    std::vector<std::uint64_t> next;
    std::vector<Row> rows;
    std::vector<std::uint8_t> frequencies;
  };

  // Calls visit(row, id) for every token of a piece.
  template <class Visit>
  void for_tokens(const TokenPiece& piece, const Visit& visit) const {
    const std::vector<TermId>& ids = meaning_.ids[piece.shard];
    const TermId* term = piece.terms().data();
    for (Row row = piece.first_row; row < piece.first_row + piece.documents; ++row) {
      const TermId* const end = term + meaning_.lengths[row];
      if (ids.empty()) {
        for (; term != end; ++term) visit(row, *term);
      } else {
        for (; term != end; ++term) visit(row, ids[*term]);
      }
    }
  }

  // Fills entries_: range after range, rows ascending in each. False: stopped.
  [[nodiscard]] bool part_tokens() {
    const std::vector<Stretch> stretches = stretches_of(pieces_, total_, threads_);
    std::vector<std::vector<Entry*>> cursors(stretches.size(), std::vector<Entry*>(ranges_.size()));
    entries_.resize(ranges_.size());
    for (std::size_t i = 0; i < ranges_.size(); ++i) entries_[i] = Pages<Entry>(ranges_[i].tokens);
    if (!place_cursors(stretches, cursors)) return false;
    // A piece at a time is shared out, so that `stop` is asked often; a stretch stays with one worker.
    std::atomic<bool> stopped{false};
    const bool done = share_out(stretches.size(), threads_, {}, [&](std::size_t s, unsigned worker) {
      for (std::size_t p = stretches[s].first; p < stretches[s].end && !stopped; ++p) {
        part_piece(pieces_[p], cursors[s].data());
        pieces_[p].block.reset();
        if (worker == 0 && p % 64 == 0 && stop_ && stop_()) stopped = true;
      }
    });
    return done && !stopped;
  }

  // Where each stretch writes its first token of each range.
  [[nodiscard]] bool place_cursors(std::span<const Stretch> stretches,
                                   std::vector<std::vector<Entry*>>& cursors) {
    std::vector<std::vector<std::uint64_t>> counts(stretches.size(),
                                                   std::vector<std::uint64_t>(ranges_.size(), 0));
    if (stretches.size() > 1) {
      const bool done = share_out(stretches.size(), threads_, {}, [&](std::size_t s, unsigned) {
        for (std::size_t p = stretches[s].first; p < stretches[s].end; ++p) {
          for_tokens(pieces_[p], [&](Row, TermId id) { ++counts[s][numbers_[id]]; });
        }
      });
      if (!done) return false;
    }
    for (std::size_t i = 0; i < ranges_.size(); ++i) {
      Entry* at = entries_[i].data();
      for (std::size_t s = 0; s < stretches.size(); ++s) {
        cursors[s][i] = at;
        at += counts[s][i];
      }
    }
    return true;
  }

  void part_piece(const TokenPiece& piece, Entry** cursors) const {
    const PartNumber* numbers = numbers_.data();
    for_tokens(piece, [&](Row row, TermId id) { *cursors[numbers[id]]++ = {row, id}; });
  }

  // Sorts one range by term and merges equal rows.
  void sort_part(std::size_t i, Scratch& scratch, PostingsPart& out, PairHistogram& pairs) {
    const Range& range = ranges_[i];
    const std::size_t terms = range.end - range.first;
    scratch.next.resize(terms);
    std::uint64_t begin = 0;
    for (std::size_t term = 0; term < terms; ++term) {
      scratch.next[term] = begin;
      begin += meaning_.tokens[range.first + term];
    }
    if (scratch.rows.size() < range.tokens) {
      scratch.rows.resize(range.tokens);
      scratch.frequencies.resize(range.tokens);
    }
    for (const Entry& entry : entries_[i].span()) {
      scratch.rows[scratch.next[entry.term - range.first]++] = entry.row;
    }
    entries_[i] = {};
    merge_rows(range, scratch, out, pairs);
  }

  void merge_rows(const Range& range, Scratch& scratch, PostingsPart& out, PairHistogram& pairs) const {
    const std::size_t terms = range.end - range.first;
    out.first = range.first;
    out.counts.resize(terms);
    Row* const rows = scratch.rows.data();
    std::uint8_t* const frequencies = scratch.frequencies.data();
    std::uint64_t written = 0;
    std::uint64_t read = 0;
    for (std::size_t term = 0; term < terms; ++term) {
      const std::uint64_t before = written;
      for (const std::uint64_t end = scratch.next[term]; read < end;) {
        const Row row = rows[read];
        const std::uint64_t start = read++;
        while (read < end && rows[read] == row) ++read;
        const auto frequency = static_cast<std::uint32_t>(read - start);
        pairs.add(frequency, meaning_.lengths[row]);
        rows[written] = row;
        frequencies[written] = static_cast<std::uint8_t>(std::min<std::uint32_t>(frequency, kLargeFrequency));
        if (frequency >= kLargeFrequency) out.large.push_back(frequency);
        ++written;
      }
      out.counts[term] = static_cast<std::uint32_t>(written - before);
    }
    out.rows.assign(rows, rows + written);
    out.frequencies.assign(frequencies, frequencies + written);
  }

  std::vector<TokenPiece> pieces_;
  const TokenMeaning& meaning_;
  unsigned threads_;
  const std::function<bool()>& stop_;
  std::uint64_t total_ = 0;
  std::vector<Range> ranges_;
  std::vector<PartNumber> numbers_;  // the range of each term
  std::vector<Pages<Entry>> entries_;
};

}  // namespace

std::optional<Inversion> invert(std::vector<TokenPiece> pieces, const TokenMeaning& meaning, unsigned threads,
                                const std::function<bool()>& stop) {
  return Inverter(std::move(pieces), meaning, threads, stop).run();
}

}  // namespace pyengine
