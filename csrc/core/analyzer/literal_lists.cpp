#include "core/analyzer/literal_lists.hpp"

#include <algorithm>

namespace pyengine {

namespace {

// Sorted, so that a look-up is a binary search; a test of the lists holds the order.
constexpr std::string_view kDomains[] = {
    "ai",  "au",    "biz",         "br",  "ca",      "ch", "cloud", "cn",       "co",      "com", "de",
    "dev", "edu",   "es",          "eu",  "example", "fr", "gov",   "internal", "invalid", "io",  "jp",
    "kr",  "local", "localdomain", "mil", "net",     "nl", "nz",    "org",      "ru",      "se",  "uk",
};

constexpr std::string_view kExtensions[] = {
    "7z",   "asm",         "avi",    "avro",    "awk",     "bak",     "bash",  "bat",    "bib",   "bin",
    "bmp",  "bz2",         "c",      "cc",      "cer",     "cfg",     "cjs",   "class",  "clj",   "cmake",
    "cmd",  "conf",        "config", "cpp",     "crt",     "cs",      "csr",   "css",    "csv",   "cu",
    "cxx",  "dat",         "db",     "deb",     "dll",     "dmg",     "doc",   "docx",   "dylib", "el",
    "env",  "erl",         "ex",     "exe",     "exs",     "feather", "fish",  "flac",   "fs",    "gif",
    "git",  "go",          "gradle", "graphql", "gz",      "h",       "h5",    "hdf5",   "hh",    "hpp",
    "hs",   "htm",         "html",   "hxx",     "ico",     "img",     "ini",   "ipynb",  "iso",   "jar",
    "java", "jl",          "jpeg",   "jpg",     "js",      "json",    "jsonl", "jsx",    "key",   "kt",
    "kts",  "less",        "lib",    "lisp",    "lock",    "log",     "lua",   "md",     "mjs",   "mk",
    "mkv",  "ml",          "mm",     "mov",     "mp3",     "mp4",     "msi",   "ndjson", "npy",   "npz",
    "odt",  "ogg",         "onnx",   "orc",     "otf",     "parquet", "pdb",   "pdf",    "pem",   "php",
    "pkl",  "pl",          "pm",     "png",     "ppt",     "pptx",    "proto", "ps1",    "pt",    "pth",
    "py",   "pyc",         "pyi",    "pyx",     "r",       "rar",     "rb",    "rpm",    "rs",    "rst",
    "rtf",  "safetensors", "scala",  "scss",    "service", "sh",      "so",    "socket", "sql",   "sqlite",
    "svg",  "swift",       "swp",    "sys",     "tar",     "tex",     "tgz",   "thrift", "tif",   "tiff",
    "tmp",  "toml",        "ts",     "tsv",     "tsx",     "ttf",     "txt",   "vb",     "vue",   "war",
    "wav",  "webm",        "webp",   "whl",     "woff",    "woff2",   "xls",   "xlsx",   "xml",   "xsl",
    "xz",   "yaml",        "yml",    "zip",     "zsh",     "zst",
};

constexpr std::string_view kVersionSuffixes[] = {
    "a",   "alpha",   "b",   "beta", "build",   "canary",   "dev",   "final",
    "ga",  "hotfix",  "lts", "next", "nightly", "p",        "patch", "post",
    "pre", "preview", "r",   "rc",   "release", "snapshot", "sp",    "stable",
};

constexpr std::string_view kGluedVersionSuffixes[] = {"a", "alpha", "b",   "beta", "dev",
                                                      "p", "post",  "pre", "r",    "rc"};

constexpr std::string_view kPlusPlusNames[] = {"c", "clang", "g", "libc", "libstdc", "notepad", "vc"};

constexpr std::string_view kWordPrefixes[] = {"anti", "cross", "inter", "intra", "mid",    "multi", "near",
                                              "non",  "over",  "post",  "pre",   "pseudo", "quasi", "semi",
                                              "sub",  "super", "top",   "trans", "ultra",  "under"};

constexpr std::string_view kErrorSeries[] = {"err",  "error", "imp",      "ora", "pls",
                                             "rman", "sql",   "sqlstate", "tns"};

constexpr std::string_view kOrdinalSuffixes[] = {"am", "nd", "pm", "rd", "s", "st", "th"};

constexpr std::string_view kExchanges[] = {"amex", "ams",  "asx",  "bats", "bit", "bme", "bse", "epa",
                                           "etr",  "fra",  "hkex", "hkg",  "jse", "krx", "lse", "nasdaq",
                                           "nse",  "nyse", "otc",  "sgx",  "swx", "tse", "tsx", "tyo"};

constexpr std::string_view kShellVariables[] = {
    "dest", "dir", "file", "files", "home",  "host", "lang", "line", "name", "nf",  "nr",
    "path", "pid", "ppid", "pwd",   "shell", "src",  "temp", "term", "tmp",  "uid", "user"};

constexpr std::string_view kUnits[] = {
    "bpm", "cc",   "cl",  "cm",   "dl",  "dpi", "fps", "gb",  "ghz",  "gib",  "hpa", "hz",   "iu",
    "kb",  "kcal", "kg",  "khz",  "kib", "kj",  "km",  "kmh", "kpa",  "kv",   "kw",  "kwh",  "mah",
    "mb",  "mcg",  "meq", "mg",   "mhz", "mib", "ml",  "mm",  "mmhg", "mmol", "mol", "mpa",  "mph",
    "mwh", "ng",   "nm",  "nmol", "pg",  "psi", "rpm", "tb",  "tib",  "ug",   "ul",  "umol",
};

// Spelled with U+00B5 or U+03BC.
constexpr std::string_view kMicroUnits[] = {"A", "F", "L", "M", "V", "W", "g", "l", "m", "mol", "s"};

constexpr std::size_t kLongest = 16;

template <std::size_t N>
constexpr bool sorted_and_short(const std::string_view (&list)[N]) {
  return std::is_sorted(std::begin(list), std::end(list)) &&
         std::all_of(std::begin(list), std::end(list),
                     [](std::string_view s) { return s.size() <= kLongest; });
}

static_assert(sorted_and_short(kDomains) && sorted_and_short(kExtensions) &&
              sorted_and_short(kVersionSuffixes) && sorted_and_short(kGluedVersionSuffixes) &&
              sorted_and_short(kPlusPlusNames) && sorted_and_short(kWordPrefixes) &&
              sorted_and_short(kErrorSeries) && sorted_and_short(kOrdinalSuffixes) &&
              sorted_and_short(kExchanges) && sorted_and_short(kShellVariables) && sorted_and_short(kUnits) &&
              sorted_and_short(kMicroUnits));

template <std::size_t N>
bool holds(const std::string_view (&list)[N], std::string_view word) noexcept {
  return std::binary_search(std::begin(list), std::end(list), word);
}

template <std::size_t N>
bool holds(const std::string_view (&list)[N], Chars chars) noexcept {
  if (chars.size() > kLongest) return false;
  std::array<char, kLongest> lower{};
  std::transform(chars.begin(), chars.end(), lower.begin(), [](const Char& c) { return to_lower(c.unit); });
  return holds(list, std::string_view(lower.data(), chars.size()));
}

}  // namespace

bool is_top_level_domain(Chars chars) noexcept { return holds(kDomains, chars); }
bool is_file_extension(Chars chars) noexcept { return holds(kExtensions, chars); }
bool is_version_suffix(Chars chars) noexcept { return holds(kVersionSuffixes, chars); }
bool is_glued_version_suffix(Chars chars) noexcept { return holds(kGluedVersionSuffixes, chars); }
bool is_plus_plus_name(Chars chars) noexcept { return holds(kPlusPlusNames, chars); }
bool is_word_prefix(Chars chars) noexcept { return holds(kWordPrefixes, chars); }
bool is_error_series(Chars chars) noexcept { return holds(kErrorSeries, chars); }
bool is_exchange(Chars chars) noexcept { return holds(kExchanges, chars); }
bool is_shell_variable(Chars chars) noexcept { return holds(kShellVariables, chars); }
bool is_ordinal_suffix(Chars chars) noexcept { return holds(kOrdinalSuffixes, chars); }

bool is_unit(std::string_view text) noexcept {
  if (text == "g" || text == "ms") return true;
  for (const std::string_view mu : {std::string_view("\xC2\xB5"), std::string_view("\xCE\xBC")}) {
    if (text.starts_with(mu)) return holds(kMicroUnits, text.substr(mu.size()));
  }
  if (text.size() < 2 || text.size() > kLongest) return false;
  std::array<char, kLongest> lower{};
  std::transform(text.begin(), text.end(), lower.begin(), to_lower);
  return holds(kUnits, std::string_view(lower.data(), text.size()));
}

}  // namespace pyengine
