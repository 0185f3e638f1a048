// One recogniser per literal family: whether a run of characters has its shape.
// The grammar, with examples, is the table in docs/analyzer.md. Each is linear in the run.
#pragma once

#include <cstddef>
#include <optional>

#include "core/analyzer/literal_chars.hpp"
#include "core/analyzer/token.hpp"

namespace pyengine {

struct Shape {
  Kind kind;
  Parts parts;
};

struct Lead {
  std::size_t length;  // characters from the start of the run; 0: none
  Kind kind;
};

// Of a whole run:
[[nodiscard]] bool is_version(Chars run) noexcept;
// IPv4, each number up to 255; `in_doubt` is the answer where it may be a numbered paragraph as well.
[[nodiscard]] bool is_ip_address(Chars run, bool in_doubt) noexcept;
[[nodiscard]] bool is_host(Chars run) noexcept;  // name.tld, address or localhost; then :port and /path
[[nodiscard]] bool is_file_name(Chars run) noexcept;
[[nodiscard]] bool is_relative_path(Chars run) noexcept;
[[nodiscard]] bool is_unix_path(Chars run) noexcept;
[[nodiscard]] bool is_windows_path(Chars run) noexcept;
[[nodiscard]] bool is_option(Chars run) noexcept;  // --ignore-case
[[nodiscard]] bool is_dot_file(Chars run) noexcept;
[[nodiscard]] bool is_slashed_designator(Chars run) noexcept;  // AB-1234/X

// A code of fixed form: UUID, MAC, address, version, ICD, section number, CVE, protocol, date, ticker.
[[nodiscard]] std::optional<Shape> code_shape(Chars run) noexcept;
// The forms of code_shape that hold a slash: HTTP/1.1, 01/02/2024.
[[nodiscard]] std::optional<Shape> slashed_code_shape(Chars run) noexcept;

// Names joined by '.', ':' or '::'; nothing where the run is an abbreviation such as e.g or U.S.
[[nodiscard]] std::optional<Kind> names_kind(Chars run, bool called) noexcept;
// One name: snake_case, CamelCase, a hash, 0x…, E1101; nothing where it is a plain word.
[[nodiscard]] std::optional<Kind> name_kind(Chars run, bool called) noexcept;

[[nodiscard]] bool is_hex_number(Chars run) noexcept;  // 0x and hexadecimal digits

// C++17, C#, .NET at the start of a run.
[[nodiscard]] std::size_t language_length(Chars run) noexcept;
// The longest designator at the start of groups joined by hyphens: SKU-88421-A, COVID-19, 10-K, 2024-03-29.
[[nodiscard]] Lead leading_designator(Chars run) noexcept;
[[nodiscard]] bool begins_with_word_prefix(Chars run) noexcept;  // anti-, non-, …

// Calls `cut(i)` for every i at which a camel hump begins, in order, if the run is camel case: two
// humps or more have two characters or more. mRNA, PhD and iPhone are not.
template <class F>
void for_each_hump(Chars run, F&& cut);

[[nodiscard]] bool is_hump_start(Chars run, std::size_t i) noexcept;
[[nodiscard]] bool is_camel(Chars run) noexcept;

template <class F>
void for_each_hump(Chars run, F&& cut) {
  if (!is_camel(run)) return;
  for (std::size_t i = 1; i < run.size(); ++i) {
    if (is_hump_start(run, i)) cut(i);
  }
}

}  // namespace pyengine
