// Tokens of ASCII letters and digits alone, and those that mix both: the playbook's awk and grep, in one
// pass. Thread rule: a function of immutable arguments.
#pragma once

#include <cstdint>
#include <string_view>

namespace pyengine {

struct MixedTokens {
  std::uint64_t mixed = 0;
  std::uint64_t kept = 0;  // of letters and digits alone

  // Counts the tokens of one text: what stands between blanks, tabs and line feeds.
  void add(std::string_view text) noexcept;
};

}  // namespace pyengine
