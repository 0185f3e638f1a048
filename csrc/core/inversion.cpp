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
  std::uint64_t begin;  // its entries
  std::uint64_t tokens;
};

using PartNumber = std::uint16_t;
static_assert(kMostParts <= std::numeric_limits<PartNumber>::max());

std::vector<Range> ranges_of(std::span<const std::uint64_t> tokens, std::uint64_t total) {
  const std::uint64_t wanted = std::max(kPartTokens, total / (kMostParts / 2));
  const std::size_t most_terms = std::max(kPartTerms, tokens.size() / (kMostParts / 4));
  std::vector<Range> ranges;
  Range range{0, 0, 0, 0};
  for (std::size_t term = 0; term < tokens.size(); ++term) {
    if (range.end > range.first &&
        (range.tokens + tokens[term] > wanted || range.end - range.first >= most_terms)) {
      ranges.push_back(range);
      range = {range.end, range.end, range.begin + range.tokens, 0};
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

  // Puts ids of the index in the place of the shard's.
  void translate(TokenPiece& piece) const {
    const std::vector<TermId>& ids = meaning_.ids[piece.shard];
    if (ids.empty()) return;
    for (TermId& term : piece.terms()) term = ids[term];
  }

  // Fills entries_: range after range, rows ascending in each. False: stopped.
  [[nodiscard]] bool part_tokens() {
    const std::vector<Stretch> stretches = stretches_of(pieces_, total_, threads_);
    std::vector<std::vector<std::uint64_t>> places(stretches.size(),
                                                   std::vector<std::uint64_t>(ranges_.size(), 0));
    const bool counted = for_pieces(stretches, [&](TokenPiece& piece, std::size_t s) {
      translate(piece);
      if (stretches.size() == 1) return;
      for (const TermId term : piece.terms()) ++places[s][numbers_[term]];
    });
    if (!counted) return false;
    entries_ = Pages<Entry>(total_);
    std::uint64_t place = 0;
    for (std::size_t i = 0; i < ranges_.size(); ++i) {
      for (std::size_t s = 0; s < stretches.size(); ++s) {
        place += std::exchange(places[s][i], place);
      }
      if (stretches.size() == 1) place += ranges_[i].tokens;
    }
    return for_pieces(stretches, [&](TokenPiece& piece, std::size_t s) {
      part_piece(piece, places[s].data());
      piece.block.reset();
    });
  }

  // Calls work(piece, number of its stretch); a stretch stays with one thread, in order. False: stopped.
  template <class Work>
  [[nodiscard]] bool for_pieces(std::span<const Stretch> stretches, const Work& work) {
    std::atomic<bool> stopped{false};
    const bool done = share_out(stretches.size(), threads_, {}, [&](std::size_t s, unsigned worker) {
      for (std::size_t p = stretches[s].first; p < stretches[s].end && !stopped; ++p) {
        work(pieces_[p], s);
        if (worker == 0 && p % 64 == 0 && stop_ && stop_()) stopped = true;
      }
    });
    return done && !stopped;
  }

  void part_piece(TokenPiece& piece, std::uint64_t* places) {
    const PartNumber* numbers = numbers_.data();
    Entry* const entries = entries_.data();
    const TermId* term = piece.terms().data();
    for (Row row = piece.first_row; row < piece.first_row + piece.documents; ++row) {
      for (const TermId* const end = term + meaning_.lengths[row]; term != end; ++term) {
        entries[places[numbers[*term]]++] = {row, *term};
      }
    }
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
    for (const Entry& entry : entries_.span().subspan(range.begin, range.tokens)) {
      scratch.rows[scratch.next[entry.term - range.first]++] = entry.row;
    }
    entries_.give_back(range.begin, range.begin + range.tokens);
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
  Pages<Entry> entries_;
};

}  // namespace

std::optional<Inversion> invert(std::vector<TokenPiece> pieces, const TokenMeaning& meaning, unsigned threads,
                                const std::function<bool()>& stop) {
  return Inverter(std::move(pieces), meaning, threads, stop).run();
}

}  // namespace pyengine
