// Files of format version 1, which had no codes: read into memory and encoded like a new segment.
#pragma once

#include "core/format.hpp"
#include "core/segment.hpp"

namespace pyengine {

// Throws Error{kCorruption}. Cost: O(postings), where a file of the present version opens in microseconds.
[[nodiscard]] SegmentArrays read_segment_v1(const SectionFile& file);

}  // namespace pyengine
