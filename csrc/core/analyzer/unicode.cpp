#include "core/analyzer/unicode.hpp"

#include "core/analyzer/unicode_tables.hpp"

namespace pyengine {

Properties properties(char32_t code_point) noexcept {
  return Properties(tables::look_up(tables::kPropertiesBlock, tables::kProperties, code_point));
}

std::array<std::uint8_t, 3> unicode_version() noexcept {
  return {tables::kUnicodeVersion[0], tables::kUnicodeVersion[1], tables::kUnicodeVersion[2]};
}

}  // namespace pyengine
