// The closed lists of words the literal grammar knows. docs/analyzer.md prints them.
#pragma once

#include "core/analyzer/literal_chars.hpp"

namespace pyengine {

// Each: whether `chars` is in the list, ASCII case aside.
[[nodiscard]] bool is_top_level_domain(Chars chars) noexcept;
[[nodiscard]] bool is_file_extension(Chars chars) noexcept;
[[nodiscard]] bool is_version_suffix(Chars chars) noexcept;  // alpha, rc, post, snapshot, …
[[nodiscard]] bool is_glued_version_suffix(Chars chars) noexcept;
[[nodiscard]] bool is_plus_plus_name(Chars chars) noexcept;  // what "++" may follow in a name
[[nodiscard]] bool is_word_prefix(Chars chars) noexcept;     // anti-, non-, pre-, …
[[nodiscard]] bool is_error_series(Chars chars) noexcept;    // ORA-, TNS-, …
[[nodiscard]] bool is_ordinal_suffix(Chars chars) noexcept;  // st, nd, th, s, am, pm

[[nodiscard]] bool is_exchange(Chars chars) noexcept;        // NYSE, LSE, …
[[nodiscard]] bool is_shell_variable(Chars chars) noexcept;  // $HOME is no ticker

// Whether `text` is a unit of measure: ASCII case aside, but g, ms and what follows a mu as they are,
// since G, MS and Ms mean other things.
[[nodiscard]] bool is_unit(std::string_view text) noexcept;

}  // namespace pyengine
