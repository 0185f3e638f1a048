#include "core/list_lookup.hpp"

#include <algorithm>

#include "core/list_access.hpp"
#include "core/simd/kernels.hpp"

namespace pyengine {

namespace {

simd::BodyView body_view(const TermList& list) noexcept {
  return {list.codes, list.low, list.directory, list.count, list.shift};
}

// Candidates and list both ascend: one walk over the list.
std::size_t add_tail(const TermList& list, const std::int64_t* worth, const Candidates& few,
                     FixedScore need) noexcept {
  const Row* end = list.rows + list.count;
  const Row* at = few.count > 0 ? std::lower_bound(list.rows, end, few.rows[0]) : end;
  std::size_t kept = 0;
  for (std::size_t c = 0; c < few.count; ++c) {
    const Row row = few.rows[c];
    while (at < end && *at < row) ++at;
    const FixedScore sum = few.sums[c] + worth[at < end && *at == row ? list.codes[at - list.rows] : 0];
    few.rows[kept] = row;
    few.sums[kept] = sum;
    kept += sum >= need ? 1U : 0U;
  }
  return kept;
}

}  // namespace

std::size_t add_postings(const TermList& list, const std::int64_t* worth, const Candidates& few,
                         FixedScore need) {
  const simd::Kernels& simd = simd::kernels();
  if (list.column != nullptr) {
    return simd.add_column(list.column, worth, few.rows, few.sums, few.count, need);
  }
  if (list.rows != nullptr) return add_tail(list, worth, few, need);
  return simd.add_body(body_view(list), worth, few.rows, few.sums, few.count, need);
}

void find_codes(const TermList& list, std::span<const Row> rows, std::uint8_t* codes) {
  if (list.column != nullptr) {
    std::transform(rows.begin(), rows.end(), codes, [&list](Row row) { return list.column[row]; });
  } else if (list.rows == nullptr) {
    simd::kernels().find_codes(body_view(list), rows.data(), rows.size(), codes);
  } else {
    std::transform(rows.begin(), rows.end(), codes, [&list](Row row) {
      const std::uint32_t position = position_of(list, row);
      return position == kNoPosition ? std::uint8_t{0} : list.codes[position];
    });
  }
}

}  // namespace pyengine
