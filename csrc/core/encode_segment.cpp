#include "core/encode_segment.hpp"

#include <algorithm>
#include <vector>

#include "core/codebook.hpp"

namespace pyengine {

SegmentMeta meta_of(std::span<const std::uint32_t> lengths, const Bm25Params& params) noexcept {
  SegmentMeta meta;
  meta.documents = lengths.size();
  meta.params = params;
  for (const std::uint32_t length : lengths) {
    meta.tokens += length;
    meta.max_length = std::max(meta.max_length, length);
  }
  return meta;
}

void encode_segment(std::span<const std::uint64_t> offsets, std::span<const Row> rows,
                    std::span<const std::uint32_t> frequencies, const Bm25Params& params,
                    const LayoutOptions& options, SegmentArrays& out) {
  out.meta = meta_of(out.lengths, params);
  out.meta.terms = offsets.size() - 1;
  out.meta.postings = rows.size();
  PairHistogram pairs;
  for (std::size_t i = 0; i < rows.size(); ++i) pairs.add(frequencies[i], out.lengths[rows[i]]);
  const Codebook codebook(pairs, Bm25(params, {out.meta.documents, out.meta.tokens}));
  std::vector<std::uint32_t> counts;
  counts.reserve(out.meta.terms);
  for (std::size_t term = 0; term < out.meta.terms; ++term) {
    counts.push_back(static_cast<std::uint32_t>(offsets[term + 1] - offsets[term]));
  }
  ListEncoder encoder(codebook, out.lengths, counts, options);
  std::vector<ListEncoder::Notes> notes(1);
  for (std::size_t term = 0; term < out.meta.terms; ++term) {
    encoder.encode(static_cast<TermId>(term), rows.subspan(offsets[term], counts[term]),
                   frequencies.subspan(offsets[term], counts[term]), notes.front());
  }
  out.lists = encoder.finish(notes);
}

}  // namespace pyengine
