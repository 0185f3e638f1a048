#include "core/positions_builder.hpp"

#include <algorithm>
#include <utility>

#include "core/error.hpp"
#include "core/pages.hpp"
#include "core/parallel.hpp"

namespace pyengine {

namespace {

constexpr std::size_t kPieceDocuments = 64;

// A place on its way: the place itself, below 2^30 since a text has fewer bytes, and two marks.
constexpr std::uint32_t kFirstOfPosting = std::uint32_t{1} << 31;
constexpr std::uint32_t kOfPart = std::uint32_t{1} << 30;

}  // namespace

// The places of the terms [first, end), each with room for as many as were logged.
struct PositionsBuilder::Range {
  TermId first;
  TermId end;
  std::vector<std::uint64_t> begins;  // by term of the range, and where the last ends
  std::vector<std::uint64_t> ends;    // how far each is filled
  std::vector<Row> last_rows;
  Pages<std::uint32_t> places;
};

PositionsBuilder::PositionsBuilder(std::shared_ptr<const LexicalSegment> segment, std::string seam,
                                   BuildResources resources)
    : segment_(std::move(segment)),
      seam_(std::move(seam)),
      resources_(std::move(resources)),
      log_(resources_.memory == 0 ? nullptr : &resources_.scratch),
      workers_(std::max(resources_.threads, 1U)) {}

Error PositionsBuilder::other_documents() const {
  return {Code::kInvalidArgument,
          "positions: expected the documents of the index, analysed as they were, got others"};
}

void PositionsBuilder::log_document(Worker& worker, std::string_view title, std::string_view text,
                                    const Analyzer& analyzer, std::vector<std::byte>& out) const {
  std::string_view whole = text;
  if (!title.empty()) {
    worker.joined.assign(title).append(seam_).append(text);
    whole = worker.joined;
  }
  analyzer.analyze(whole, worker.tokens);
  const std::vector<Token>& tokens = worker.tokens.tokens;
  worker.numbers.clear();
  worker.vocabulary.intern_all(
      tokens.size(), [&worker, &tokens](std::size_t t) { return worker.tokens.term(tokens[t]); },
      worker.numbers);
  worker.logged.clear();
  std::uint32_t title_length = 0;
  for (std::size_t t = 0; t < tokens.size(); ++t) {
    worker.logged.push_back({worker.numbers[t], tokens[t].part});
    if (!tokens[t].part && tokens[t].start < title.size()) ++title_length;
  }
  append_document(title_length, worker.logged, out);
}

bool PositionsBuilder::add(std::span<const std::string_view> titles, std::span<const std::string_view> texts,
                           const Analyzer& analyzer, const Stop& stop) {
  if (texts.size() > segment_->meta().documents - documents_) throw other_documents();
  std::vector<std::vector<std::byte>> pieces((texts.size() + kPieceDocuments - 1) / kPieceDocuments);
  std::vector<unsigned> shards(pieces.size());
  const auto log = [&](std::size_t p, unsigned w) {
    shards[p] = w;
    const std::size_t end = std::min((p + 1) * kPieceDocuments, texts.size());
    for (std::size_t i = p * kPieceDocuments; i < end; ++i) {
      log_document(workers_[w], titles[i], texts[i], analyzer, pieces[p]);
    }
  };
  if (!share_out(pieces.size(), resources_.threads, stop, log)) return false;
  for (std::size_t p = 0; p < pieces.size(); ++p) {
    const std::size_t documents = std::min(kPieceDocuments, texts.size() - p * kPieceDocuments);
    log_.add(shards[p], static_cast<std::uint32_t>(documents), std::move(pieces[p]));
  }
  documents_ += texts.size();
  return true;
}

std::vector<std::string_view> PositionsBuilder::new_terms() const {
  std::vector<std::string_view> terms;
  for (const Worker& worker : workers_) {
    for (std::size_t i = worker.ids.size(); i < worker.vocabulary.size(); ++i) {
      terms.push_back(worker.vocabulary.term(static_cast<TermId>(i)));
    }
  }
  return terms;
}

void PositionsBuilder::resolve(std::span<const std::string_view> terms) {
  std::size_t next = 0;
  for (Worker& worker : workers_) {
    while (worker.ids.size() < worker.vocabulary.size()) {
      worker.ids.push_back(segment_->find(terms[next++]));
      if (worker.ids.back() == kNoTerm) throw other_documents();
    }
  }
}

// How many places each term has at most, from the log; notes the lengths of the titles. Nothing: stopped.
std::optional<std::vector<std::uint64_t>> PositionsBuilder::count_places(PositionArrays& out,
                                                                         const Stop& stop) {
  std::vector<std::uint64_t> counts(segment_->meta().terms, 0);
  bool any_title = false;
  out.title_lengths.reserve(documents_);
  const auto count = [&](unsigned shard, std::uint32_t title_length, std::span<const LoggedToken> tokens) {
    out.title_lengths.push_back(title_length);
    any_title = any_title || title_length > 0;
    for (const LoggedToken& token : tokens) ++counts[workers_[shard].ids[token.term]];
  };
  if (!log_.read(count, stop)) return std::nullopt;
  if (!any_title) out.title_lengths.clear();
  return counts;
}

bool PositionsBuilder::collect(Range& range, const Stop& stop) const {
  Row row = 0;
  const auto keep = [&](unsigned shard, std::uint32_t, std::span<const LoggedToken> tokens) {
    std::uint32_t before = 0;  // tokens that are no parts
    for (const LoggedToken& token : tokens) {
      if (!token.part) ++before;
      const TermId id = workers_[shard].ids[token.term];
      if (id < range.first || id >= range.end) continue;
      const std::size_t term = id - range.first;
      std::uint32_t place = (before - 1) | (token.part ? kOfPart : 0U);
      if (range.last_rows[term] != row) place |= kFirstOfPosting;
      range.last_rows[term] = row;
      range.places.data()[range.ends[term]++] = place;
    }
    ++row;
  };
  return log_.read(keep, stop);
}

void PositionsBuilder::encode(Range& range, PositionArrays& out) const {
  std::vector<Place> posting;
  for (std::size_t term = 0; term + range.first < range.end; ++term) {
    const auto id = static_cast<TermId>(range.first + term);
    const std::uint32_t* const begin = range.places.data() + range.begins[term];
    const std::uint32_t* const end = range.places.data() + range.ends[term];
    const auto postings =
        std::count_if(begin, end, [](auto place) { return (place & kFirstOfPosting) != 0; });
    if (postings != segment_->document_frequency(id)) throw other_documents();
    const bool parts = std::any_of(begin, end, [](auto place) { return (place & kOfPart) != 0; });
    out.lists.push_back(out.bytes.size() | (parts ? kListHasParts : 0));
    PlaceWriter writer(out.bytes, static_cast<std::uint32_t>(postings), parts);
    for (const std::uint32_t* at = begin; at != end;) {
      posting.clear();
      do {
        const Place place{*at & ~(kFirstOfPosting | kOfPart), (*at & kOfPart) != 0};
        // Stems may make a literal equal to its part, and parts equal to each other.
        if (posting.empty() || posting.back().at != place.at) posting.push_back(place);
        ++at;
      } while (at != end && (*at & kFirstOfPosting) == 0);
      writer.add(posting);
    }
  }
}

// The terms that are sorted at a time: as many as the budget has room for, and one at least.
TermId PositionsBuilder::range_end(TermId first, std::span<const std::uint64_t> counts) const {
  constexpr std::uint64_t kTerm = 2 * sizeof(std::uint64_t) + sizeof(Row);  // begins, ends, last_rows
  if (resources_.memory == 0) return static_cast<TermId>(counts.size());
  TermId end = first;
  std::uint64_t bytes = 0;
  do {
    bytes += kTerm + counts[end++] * sizeof(std::uint32_t);
  } while (end < counts.size() && bytes + kTerm + counts[end] * sizeof(std::uint32_t) <= resources_.memory);
  return end;
}

std::unique_ptr<Positions> PositionsBuilder::finish(const Stop& stop) {
  if (documents_ != segment_->meta().documents) throw other_documents();
  PositionArrays out;
  const std::optional<std::vector<std::uint64_t>> counts = count_places(out, stop);
  if (!counts) return nullptr;
  const auto terms = static_cast<TermId>(counts->size());
  for (TermId first = 0; first < terms;) {
    Range range{first, range_end(first, *counts), {0}, {}, {}, {}};
    range.begins.reserve(std::size_t{range.end - first} + 1);
    for (TermId id = first; id < range.end; ++id) range.begins.push_back(range.begins.back() + (*counts)[id]);
    range.ends.assign(range.begins.begin(), range.begins.end() - 1);
    range.last_rows.assign(range.ends.size(), kNoRow);
    range.places = Pages<std::uint32_t>(range.begins.back());
    if (!collect(range, stop)) return nullptr;
    encode(range, out);
    first = range.end;
  }
  out.lists.push_back(out.bytes.size());
  out.bytes.shrink_to_fit();
  return std::make_unique<Positions>(std::move(out));
}

}  // namespace pyengine
