#include <cctype>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/analyzer/analyzer.hpp"
#include "core/analyzer/ascii.hpp"
#include "core/analyzer/unicode.hpp"
#include "core/analyzer/words.hpp"
#include "core/error.hpp"
#include "doctest/doctest.h"

#if !defined(__SANITIZE_ADDRESS__)
// Counts allocations, so that a test can say that analysis makes none. AddressSanitizer brings its own.
namespace {
thread_local std::size_t allocations = 0;
}
void* operator new(std::size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc();
}
void* operator new[](std::size_t size) { return operator new(size); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }
#endif

namespace {

using namespace pyengine;

constexpr Preset kPresets[] = {Preset::kDomain, Preset::kWords, Preset::kWhitespace};

std::vector<std::string> terms(const Analyzer& analyzer, std::string_view text) {
  TokenBuffer buffer;
  analyzer.analyze(text, buffer);
  std::vector<std::string> out;
  for (const Token& token : buffer.tokens) out.emplace_back(buffer.term(token));
  return out;
}

// A small generator with a seed: the same texts on every machine.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  std::size_t below(std::size_t bound) {
    state_ = state_ * 6364136223846793005ULL + 1442695040888963407ULL;
    return static_cast<std::size_t>(state_ >> 33) % bound;
  }

 private:
  std::uint64_t state_;
};

constexpr std::string_view kPieces[] = {"28 U.S.C. § 1331(a)",
                                        "F33.1",
                                        "v2.0.1",
                                        "SKU-88421-A",
                                        "AB-1234/X",
                                        "$MSFT",
                                        "NYSE:IBM",
                                        "CVE-2024-3094",
                                        "/usr/{id}/bin",
                                        "C:\\Windows",
                                        "user@host",
                                        "https://example.com/a",
                                        "snake_case()",
                                        "getUserById",
                                        "C++17",
                                        "3.5 mg",
                                        "1,000 ml",
                                        "0xDEADBEEF",
                                        "a",
                                        "-",
                                        ".",
                                        "/",
                                        ":",
                                        "'s",
                                        " ",
                                        "\n",
                                        "§",
                                        "(",
                                        ")",
                                        "é",
                                        "日",
                                        "\xCC\x81",
                                        "\xE2\x80\x8D",
                                        "\xF0\x9F\x91\x8D",
                                        "\xE2\x80\x91",
                                        "\xC2\xAD",
                                        "\x80",
                                        "\xFF",
                                        "\xED\xA0\x80",
                                        "\xF0\x9F",
                                        "9"};

std::string random_text(Random& random) {
  std::string text;
  for (std::size_t n = random.below(12); n > 0; --n) {
    text += kPieces[random.below(std::size(kPieces))];
    if (random.below(8) == 0) text += static_cast<char>(random.below(256));
  }
  return text;
}

bool well_formed(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const Decoded d = decode(text, at);
    if (d.code_point == kMalformed) return false;
    at += d.size;
  }
  return true;
}

}  // namespace

TEST_CASE("the presets by hand") {
  CHECK(terms(Analyzer(Preset::kWords), "Don't PANIC: 3.14, naïve_x") ==
        std::vector<std::string>{"don't", "panic", "3.14", "naïve_x"});
  CHECK(terms(Analyzer(Preset::kWhitespace), " Don't\tPANIC: ") ==
        std::vector<std::string>{"Don't", "PANIC:"});
  CHECK(terms(Analyzer(Preset::kDomain), "see F33.1.") ==
        std::vector<std::string>{"see", "f33.1", "f33", "1"});
  CHECK(terms(Analyzer(Preset::kWords, {"THE", "the", ""}), "The the end") ==
        std::vector<std::string>{"end"});
}

TEST_CASE("tokens are in order, inside the text, never malformed and never empty, whatever the bytes") {
  Random random(1);
  TokenBuffer buffer;
  for (const Preset preset : kPresets) {
    const Analyzer analyzer(preset);
    for (int round = 0; round < 20000; ++round) {
      const std::string text = random_text(random);
      CAPTURE(text);
      analyzer.analyze(text, buffer);
      std::uint32_t last = 0;
      for (const Token& token : buffer.tokens) {
        REQUIRE(token.start >= last);
        REQUIRE(token.start < token.end);
        REQUIRE(token.end <= text.size());
        REQUIRE(token.term_length > 0);
        REQUIRE(token.term_start + token.term_length <= buffer.terms.size());
        REQUIRE(well_formed(std::string_view(text).substr(token.start, token.end - token.start)));
        REQUIRE(well_formed(buffer.term(token)));
        last = token.start;
      }
    }
  }
}

TEST_CASE("the fast reader of words finds what the full rules find") {
  Random random(2);
  for (int round = 0; round < 50000; ++round) {
    const std::string text = random_text(random);
    CAPTURE(text);
    std::vector<std::pair<std::size_t, std::size_t>> slow;
    for (std::size_t at = 0; at < text.size();) {
      const Segment segment = segment_at(text, at);
      REQUIRE(segment.begin == at);
      REQUIRE(segment.end > at);
      if (segment.is_word) slow.emplace_back(segment.begin, segment.end);
      at = segment.end;
    }
    std::vector<std::pair<std::size_t, std::size_t>> fast;
    for_each_word(text, 0, [&](const Segment& s) { fast.emplace_back(s.begin, s.end); });
    REQUIRE(fast == slow);
  }
}

TEST_CASE("every encoding of one to four bytes decodes as the standard says") {
  CHECK(decode("\xF4\x8F\xBF\xBF", 0).code_point == 0x10FFFF);
  CHECK(decode("\xE2\x82\xAC", 0).code_point == 0x20AC);
  for (const std::string_view bad : {"\xF4\x90\x80\x80", "\xED\xA0\x80", "\xC0\xAF", "\xE0\x9F\xBF",
                                     "\xF0\x8F\xBF\xBF", "\xC3", "\xE2\x82", "\xFE", "\x80"}) {
    CHECK(decode(bad, 0).code_point == kMalformed);
    CHECK(decode(bad, 0).size == 1);
  }
}

TEST_CASE("marks of any number and order are put in canonical order") {
  // 230 and 220 by turns: a sort that compares neighbours would take hours.
  std::string text = "a";
  for (int i = 0; i < 200000; ++i) text += i % 2 == 0 ? "\xCC\x81" : "\xCC\xA3";
  const std::vector<std::string> found = terms(Analyzer(Preset::kWords), text);
  REQUIRE(found.size() == 1);
  CHECK(found[0].starts_with("\xE1\xBA\xA1\xCC\xA3"));  // a with the first dot below, then the other dots
  CHECK(found[0].ends_with("\xCC\x81"));
}

TEST_CASE("a text of 2^30 bytes is refused before it is read") {
  const char byte = 'a';
  TokenBuffer buffer;
  CHECK_THROWS_AS(Analyzer(Preset::kWords).analyze({&byte, std::size_t{1} << 30}, buffer), Error);
}

TEST_CASE("kinds keep their numbers and names") {
  CHECK(name_of(Kind::kWord) == "word");
  CHECK(static_cast<int>(Kind::kStatute) == 2);
  CHECK(name_of(Kind::kErrorCode) == "error_code");
  CHECK(static_cast<int>(Kind::kQuantity) == 14);
  CHECK(name_of(Kind::kQuantity) == "quantity");
}

#if !defined(__SANITIZE_ADDRESS__)
TEST_CASE("a warm buffer is all that analysis needs: nothing is allocated") {
  Random random(3);
  std::vector<std::string> texts;
  for (int i = 0; i < 500; ++i)
    texts.push_back(random_text(random) + " Größe, a\xCC\x81\xCC\xA3 and 28 USC § 1331 ");
  for (const Preset preset : kPresets) {
    const Analyzer analyzer(preset, {"and"});
    TokenBuffer buffer;
    for (const std::string& text : texts) analyzer.analyze(text, buffer);
    const std::size_t before = allocations;
    for (const std::string& text : texts) analyzer.analyze(text, buffer);
    CHECK(allocations == before);
  }
}
#endif

TEST_CASE("sixteen bytes at a time are what one at a time are, whatever the bytes") {
  std::mt19937 random(11);
  for (int round = 0; round < 20'000; ++round) {
    std::string text(random() % 70, ' ');
    // Mostly letters, digits and their neighbours in the table; all bytes in the rest.
    for (char& c : text)
      c = static_cast<char>(random() % 8 == 0 ? random() : "azAZ09/:@[`{_mM5"[random() % 16]);
    const std::size_t at = text.empty() ? 0 : random() % text.size();
    std::size_t end = at;
    while (end < text.size() && std::isalnum(static_cast<unsigned char>(text[end])) != 0) ++end;
    REQUIRE(pyengine::ascii::alnum_end(text, at) == end);
    std::string lower = "x";
    std::string ascii;
    for (const char c : text) ascii += static_cast<char>(c & 0x7F);
    pyengine::ascii::append_lower(ascii, lower);
    std::string expected = "x";
    for (const char c : ascii) expected += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    REQUIRE(lower == expected);
  }
}
