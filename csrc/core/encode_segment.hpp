// Postings of all terms in one piece, term after term, into the lists of a segment.
#pragma once

#include <cstdint>
#include <span>

#include "core/bm25.hpp"
#include "core/list_encoder.hpp"
#include "core/segment.hpp"

namespace pyengine {

// Fills out.lists and out.meta; the vocabulary and the lengths are there already.
// Term t has postings [offsets[t], offsets[t + 1]): rows ascending and below out.lengths.size(), frequencies
// of at least 1.
void encode_segment(std::span<const std::uint64_t> offsets, std::span<const Row> rows,
                    std::span<const std::uint32_t> frequencies, const Bm25Params& params,
                    const LayoutOptions& options, SegmentArrays& out);

// The counts of a collection with these lengths; terms and postings are left 0.
[[nodiscard]] SegmentMeta meta_of(std::span<const std::uint32_t> lengths, const Bm25Params& params) noexcept;

}  // namespace pyengine
