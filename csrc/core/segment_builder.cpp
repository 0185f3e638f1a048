#include "core/segment_builder.hpp"

#include <algorithm>
#include <limits>
#include <queue>
#include <utility>

#include "core/encode_segment.hpp"
#include "core/error.hpp"
#include "core/parallel.hpp"

namespace pyengine {

namespace {

constexpr std::size_t kPieceDocuments = 64;
constexpr std::size_t kPiecesPerThread = 8;  // of a batch, so that threads end at about the same time

// While it is sorted a token takes an Entry, and a part is there twice.
constexpr std::uint64_t kBytesPerToken = 9;

// Feeds the postings of a part to `list`, term by term.
template <class List>
void for_lists(const PostingsPart& part, std::vector<std::uint32_t>& frequencies, const List& list) {
  std::size_t begin = 0;
  std::size_t large = 0;
  for (std::size_t i = 0; i < part.counts.size(); ++i) {
    const std::size_t count = part.counts[i];
    frequencies.resize(count);
    for (std::size_t j = 0; j < count; ++j) {
      const std::uint8_t small = part.frequencies[begin + j];
      frequencies[j] = small == kLargeFrequency ? part.large[large++] : small;
    }
    list(static_cast<TermId>(part.first + i), std::span(part.rows).subspan(begin, count));
    begin += count;
  }
}

}  // namespace

SegmentBuilder::SegmentBuilder(Bm25Params params, std::uint64_t max_documents, const LayoutOptions& layout,
                               BuildResources resources)
    : params_(params),
      max_documents_(std::min(max_documents, kMaxDocuments)),
      layout_(layout),
      resources_(std::move(resources)),
      vocabulary_(std::max(resources_.threads, 1U)),
      workers_(std::max(resources_.threads, 1U)) {}

void SegmentBuilder::check_room(std::uint64_t documents) const {
  if (documents > max_documents_ - this->documents()) {
    throw Error(Code::kExhausted, "docs: expected at most " + std::to_string(max_documents_) +
                                      " documents in one index, got " + std::to_string(this->documents()) +
                                      " and " + std::to_string(documents) + " more; build several indexes");
  }
}

void SegmentBuilder::require_usable() const {
  if (unusable_) {
    throw Error(Code::kInvalidArgument, "builder: it has failed or was stopped; make a new one");
  }
}

// intern(i, worker, vocabulary) appends the ids of document i's tokens to worker.terms.
template <class Intern>
bool SegmentBuilder::add(std::size_t documents, const Intern& intern, const Stop& stop) {
  require_usable();
  check_room(documents);
  const std::size_t first = lengths_.size();
  lengths_.resize(first + documents);
  const std::size_t wanted = documents / (workers_.size() * kPiecesPerThread);
  const std::size_t piece = workers_.size() == 1 ? kPieceDocuments : std::clamp<std::size_t>(wanted, 1, 64);
  std::vector<TokenPiece> pieces((documents + piece - 1) / piece);
  unusable_ = true;
  const auto collect = [&](std::size_t p, unsigned w) {
    Worker& worker = workers_[w];
    BuildVocabulary::Shard& shard = vocabulary_.shard(w);
    worker.terms.clear();
    const std::size_t begin = p * piece;
    const std::size_t end = std::min(begin + piece, documents);
    for (std::size_t i = begin; i < end; ++i) {
      const std::size_t terms = shard.terms.size();
      const std::size_t tokens = worker.terms.size();
      try {
        intern(i, worker, shard.terms);
        if (worker.terms.size() - tokens > std::numeric_limits<std::uint32_t>::max()) {
          throw Error(Code::kExhausted, "expected fewer than 2^32 tokens in a document, got " +
                                            std::to_string(worker.terms.size() - tokens));
        }
      } catch (const Error& error) {
        throw Error(error.code(), "docs[" + std::to_string(first + i) + "]: " + error.what());
      }
      shard.note_new(terms, static_cast<Row>(first + i));
      lengths_[first + i] = static_cast<std::uint32_t>(worker.terms.size() - tokens);
    }
    for (const TermId term : worker.terms) ++shard.tokens[term];
    pieces[p] = store_.keep(static_cast<Row>(first + begin), static_cast<std::uint32_t>(end - begin), w,
                            worker.terms);
  };
  if (!share_out(pieces.size(), resources_.threads, stop, collect)) return false;
  for (TokenPiece& done : pieces) store_.add(std::move(done));
  unusable_ = false;
  return true;
}

bool SegmentBuilder::add_texts(std::span<const std::string_view> texts, const Analyzer& analyzer,
                               const Stop& stop) {
  const auto intern = [&](std::size_t i, Worker& worker, VocabularyBuilder& vocabulary) {
    analyzer.analyze(texts[i], worker.tokens);
    const auto term = [&worker](std::size_t t) { return worker.tokens.term(worker.tokens.tokens[t]); };
    vocabulary.intern_all(worker.tokens.tokens.size(), term, worker.terms);
  };
  return add(texts.size(), intern, stop);
}

bool SegmentBuilder::add_token_lists(
    std::size_t documents, const std::function<std::span<const std::string_view>(std::size_t)>& list,
    const Stop& stop) {
  const auto intern = [&](std::size_t i, Worker& worker, VocabularyBuilder& vocabulary) {
    const std::span<const std::string_view> terms = list(i);
    vocabulary.intern_all(terms.size(), [&terms](std::size_t t) { return terms[t]; }, worker.terms);
  };
  return add(documents, intern, stop);
}

bool SegmentBuilder::add_pairs(std::span<const std::string_view> titles,
                               std::span<const std::string_view> texts, const Analyzer& analyzer,
                               const Stop& stop) {
  const Analyzer by_words(Preset::kWords);
  const auto intern = [&](std::size_t i, Worker& worker, VocabularyBuilder& vocabulary) {
    const auto keep = [&](std::string_view pair) { worker.terms.push_back(vocabulary.intern(pair)); };
    for (const std::string_view field : {titles[i], texts[i]}) {
      for_pairs(field, analyzer, by_words, worker.pairs, keep);
    }
  };
  return add(texts.size(), intern, stop);
}

void SegmentBuilder::add_tokens(std::span<const std::string_view> tokens) {
  add_token_lists(1, [tokens](std::size_t) { return tokens; }, {});
}

const VocabularyBuilder& SegmentBuilder::terms() {
  vocabulary_.settle();
  return vocabulary_.terms();
}

void SegmentBuilder::replace_terms(std::span<const std::string_view> replacements) {
  const std::size_t missing = terms().size() - vocabulary_.replaced();
  if (replacements.size() != missing) {
    throw Error(Code::kInvalidArgument, "stems: expected one for each of " + std::to_string(missing) +
                                            " terms, got " + std::to_string(replacements.size()));
  }
  vocabulary_.replace(replacements);
}

bool SegmentBuilder::over_budget() const noexcept {
  return resources_.memory != 0 && store_.tokens() > resources_.memory / kBytesPerToken;
}

// The postings of all that was collected since the last time. Nothing: stopped.
std::optional<Inversion> SegmentBuilder::invert_collected(const Stop& stop) {
  vocabulary_.settle();
  const std::vector<std::uint64_t> tokens = vocabulary_.take_tokens();
  std::vector<std::vector<TermId>> ids;
  for (unsigned shard = 0; shard < workers_.size(); ++shard) ids.push_back(vocabulary_.final_ids(shard));
  std::optional<Inversion> inversion =
      invert(store_.take(), {ids, tokens, lengths_}, resources_.threads, stop);
  if (!inversion) return inversion;
  counts_.resize(vocabulary_.final_size());
  for (const PostingsPart& part : inversion->parts) {
    for (std::size_t i = 0; i < part.counts.size(); ++i) counts_[part.first + i] += part.counts[i];
  }
  for (const PairHistogram& pairs : inversion->pairs) pairs_.add(pairs);
  return inversion;
}

bool SegmentBuilder::spill(const Stop& stop) {
  require_usable();
  unusable_ = true;
  if (runs_ == nullptr) runs_ = std::make_unique<RunFile>(resources_.scratch);
  const std::optional<Inversion> inversion = invert_collected(stop);
  if (!inversion) return false;
  runs_->begin_run();
  for (const PostingsPart& part : inversion->parts) {
    if (stop && stop()) return false;
    runs_->write(part);
  }
  runs_->end_run();
  unusable_ = false;
  return true;
}

bool SegmentBuilder::encode_parts(ListEncoder& encoder, std::vector<PostingsPart>& parts,
                                  std::vector<ListEncoder::Notes>& notes, const Stop& stop) const {
  std::vector<std::vector<std::uint32_t>> frequencies(notes.size());
  return share_out(parts.size(), resources_.threads, stop, [&](std::size_t i, unsigned worker) {
    for_lists(parts[i], frequencies[worker], [&](TermId term, std::span<const Row> rows) {
      encoder.encode(term, rows, frequencies[worker], notes[worker]);
    });
    parts[i] = {};
  });
}

// Lists of one term follow each other in order of the runs, as their rows do.
bool SegmentBuilder::encode_runs(ListEncoder& encoder, ListEncoder::Notes& notes, const Stop& stop) const {
  using Place = std::pair<TermId, std::size_t>;  // the next term of a run
  std::priority_queue<Place, std::vector<Place>, std::greater<>> places;
  std::vector<RunFile::Reader> readers;
  for (std::size_t run = 0; run < runs_->runs(); ++run) {
    readers.emplace_back(*runs_, run);
    if (readers.back().term() != kNoTerm) places.emplace(readers.back().term(), run);
  }
  ListBuffer list;
  while (!places.empty()) {
    const TermId term = places.top().first;
    if (stop && stop()) return false;
    list.clear();
    while (!places.empty() && places.top().first == term) {
      const std::size_t run = places.top().second;
      places.pop();
      readers[run].take(list);
      if (readers[run].term() != kNoTerm) places.emplace(readers[run].term(), run);
    }
    encoder.encode(term, list.rows, list.frequencies, notes);
  }
  return true;
}

std::unique_ptr<LexicalSegment> SegmentBuilder::finish(std::string analyzer, const Stop& stop) {
  require_usable();
  if (runs_ != nullptr && !spill(stop)) return nullptr;
  unusable_ = true;
  std::optional<Inversion> inversion = runs_ == nullptr ? invert_collected(stop) : Inversion{};
  if (!inversion) return nullptr;
  SegmentArrays out;
  out.analyzer = std::move(analyzer);
  out.vocabulary = vocabulary_.take();
  out.lengths = std::move(lengths_);
  out.meta = meta_of(out.lengths, params_);
  out.meta.terms = counts_.size();
  for (const std::uint32_t count : counts_) out.meta.postings += count;
  const Codebook codebook(pairs_, Bm25(params_, {out.meta.documents, out.meta.tokens}));
  ListEncoder encoder(codebook, out.lengths, counts_, layout_);
  std::vector<ListEncoder::Notes> notes(workers_.size());
  if (runs_ != nullptr ? !encode_runs(encoder, notes.front(), stop)
                       : !encode_parts(encoder, inversion->parts, notes, stop)) {
    return nullptr;
  }
  out.lists = encoder.finish(notes);
  runs_.reset();
  return std::make_unique<LexicalSegment>(std::move(out));
}

}  // namespace pyengine
