// The inner loops of search, one table of them per instruction set.
//
// The table is chosen once, from what the CPU can do; the environment variable PYENGINE_SIMD (scalar, avx2,
// avx512, avx512vbmi, neon) may ask for a poorer one. All work on integers, so every table gives the same
// bits. Files that implement a table are compiled for their instruction set and include nothing that has
// inline functions of its own: the linker could otherwise keep a copy that other CPUs cannot run.
//
// Candidates are two parallel arrays: rows, ascending, and sums: what each row has scored so far.
#pragma once

#include <cstddef>
#include <cstdint>

namespace pyengine::simd {

// A body list as its lookups see it.
struct BodyView {
  const std::uint8_t* codes;
  const std::uint16_t* low;
  const std::uint32_t* directory;
  std::uint32_t count;
  std::uint32_t shift;
};

// What each code is worth, in units so coarse that the sum of all lists fits a byte.
struct ByteWorth {
  std::uint8_t bytes[256];
};

struct Kernels {
  const char* name;

  // Writes to `positions` the places of codes >= least, ascending, and returns how many.
  // Reads up to 63 bytes past the codes and writes up to 63 entries past the last.
  std::size_t (*scan_codes)(const std::uint8_t* codes, std::size_t count, std::uint8_t least,
                            std::uint32_t* positions);

  // worth[c] = values[c] * factor, rounded to the nearest integer, halves to even, for c in 0..count-1.
  // REQUIRES: every product is below 2^51 in absolute value.
  void (*round_products)(const double* values, double factor, double scale, std::size_t count,
                         std::int64_t* worth);

  // Each sum grows by the worth of its row's code; the candidates whose sum is then at least `need` stay.
  // Returns how many. REQUIRES: every row is inside the column, or the directory.
  std::size_t (*add_column)(const std::uint8_t* column, const std::int64_t* worth, std::uint32_t* rows,
                            std::int64_t* sums, std::size_t count, std::int64_t need);
  std::size_t (*add_body)(const BodyView& list, const std::int64_t* worth, std::uint32_t* rows,
                          std::int64_t* sums, std::size_t count, std::int64_t need);

  // The code of each row, 0 where the list lacks it.
  void (*find_codes)(const BodyView& list, const std::uint32_t* rows, std::size_t count, std::uint8_t* codes);

  // Keeps the candidates whose sum with the worth of their range's greatest code is at least `need`; the
  // sums stay as they are.
  std::size_t (*keep_by_range)(const std::uint8_t* range_max, std::uint32_t shift, const std::int64_t* worth,
                               std::uint32_t* rows, std::int64_t* sums, std::size_t count, std::int64_t need);

  // Writes to `positions` the i < count for which the worths of codes columns[..][first + i], added up with
  // saturation, are at least `least`. Null where the CPU has no fast way. REQUIRES: least >= 1.
  // Writes up to 63 entries past the last.
  std::size_t (*scan_columns)(const std::uint8_t* const* columns, const ByteWorth* worth, std::size_t lists,
                              std::size_t first, std::size_t count, std::uint8_t least,
                              std::uint32_t* positions);
};

// The best table this CPU can run, or the one PYENGINE_SIMD asks for. Throws Error{kInvalidArgument} at the
// first call if that name is unknown or beyond this CPU.
[[nodiscard]] const Kernels& kernels();

// Every table this CPU can run, the poorest first; ends with a null pointer.
[[nodiscard]] const Kernels* const* available_kernels() noexcept;

}  // namespace pyengine::simd
