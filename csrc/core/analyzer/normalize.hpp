// Text to term: what makes two spellings of a word the same word.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace pyengine {

// Working memory of append_term, kept from call to call so that it does not allocate.
struct NormalizeScratch {
  std::vector<char32_t> points;
  std::vector<char32_t> next;
};

// Appends NFKC(casefold(NFKC(text without default-ignorable code points))) to `out`, as UTF-8.
// Full case folding (CaseFolding.txt, C + F). Default-ignorable code points (soft hyphen, zero-width
// joiners, direction marks) are invisible, so they do not tell two terms apart; NFKC_Casefold
// (Unicode Standard 15.0, section 3.13, definition of toNFKC_Casefold) drops them for the same reason.
// Linear in the length of `text`. Malformed bytes are dropped; callers cut tokens at them.
void append_term(std::string_view text, std::string& out, NormalizeScratch& scratch);

}  // namespace pyengine
