// The generated tables and how one is read. Included by unicode.cpp and normalize.cpp only.
#pragma once

#include <cstdint>

namespace pyengine::tables {

#include "core/analyzer/unicode_tables.inc"

template <class T>
[[nodiscard]] constexpr T look_up(const std::uint16_t* blocks, const T* values, char32_t cp) noexcept {
  return values[(static_cast<std::uint32_t>(blocks[cp >> 7]) << 7) | (cp & 127U)];
}

}  // namespace pyengine::tables
