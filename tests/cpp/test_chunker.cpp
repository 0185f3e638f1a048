#include <algorithm>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "core/analyzer/unicode.hpp"
#include "core/chunker.hpp"
#include "core/error.hpp"
#include "doctest/doctest.h"

namespace {

using namespace pyengine;

std::vector<ChunkSpan> spans(const Chunker& chunker, const std::string& text) {
  ChunkScratch scratch;
  std::vector<ChunkSpan> out;
  chunker.spans(text, scratch, out);
  return out;
}

std::vector<std::string> cut(const Chunker& chunker, const std::string& text) {
  std::vector<std::string> out;
  for (const ChunkSpan& span : spans(chunker, text)) {
    out.push_back(text.substr(static_cast<std::size_t>(span.byte_begin),
                              static_cast<std::size_t>(span.byte_end - span.byte_begin)));
  }
  return out;
}

}  // namespace

TEST_CASE("chunks end at sentences, and repeat what fits of the last") {
  const Chunker chunker(7, 4, true);
  CHECK(cut(chunker, " One two three. Four five six. Seven eight. ") ==
        std::vector<std::string>{"One two three. Four five six.", "Four five six. Seven eight."});
}

TEST_CASE("bytes and code points of one place") {
  const auto found = spans(Chunker(1, 0, true), "é 𝒳 z");
  REQUIRE(found.size() == 3);
  CHECK(found[1].byte_begin == 3);
  CHECK(found[1].byte_end == 7);
  CHECK(found[1].begin == 2);
  CHECK(found[1].end == 3);
}

TEST_CASE("malformed bytes end tokens and are kept") {
  CHECK(cut(Chunker(1, 0, true), "a \xFF. \xC3 B") == std::vector<std::string>{"a \xFF.", "\xC3 B"});
}

TEST_CASE("any bytes are cut within their bounds, and only white space is left out") {
  std::mt19937 random(0);
  const std::string some = "aA1.!? \n\t\"')\xE2\x80\xA6\xE3\x80\x82\xC2\x85\xF0\x9D\xFF";
  for (int round = 0; round < 3000; ++round) {
    std::string text(random() % 60, ' ');
    for (char& c : text) {
      c = random() % 8 == 0 ? static_cast<char>(random() % 256) : some[random() % some.size()];
    }
    const std::size_t tokens = 1 + random() % 6;
    std::size_t done = 0;
    std::string left;
    for (const ChunkSpan& span : spans(Chunker(tokens, random() % tokens, random() % 2 == 0), text)) {
      const auto begin = static_cast<std::size_t>(span.byte_begin);
      const auto end = static_cast<std::size_t>(span.byte_end);
      REQUIRE(begin <= end);
      REQUIRE(end <= text.size());
      if (begin > done) left += text.substr(done, begin - done);
      done = std::max(done, end);
    }
    left += text.substr(done);
    for (std::size_t at = 0; at < left.size(); at += decode(left, at).size) {
      CHECK(is_white_space(decode(left, at)));
    }
  }
}

TEST_CASE("an overlap as long as a chunk is refused") {
  CHECK_THROWS_AS(Chunker(3, 3, true), Error);
  CHECK_THROWS_AS(Chunker(0, 0, true), Error);
}

TEST_CASE("every chunk brings something new, whatever the overlap") {
  std::string text;
  for (int i = 0; i < 500; ++i) text += i % 7 == 0 ? "Word. " : "Word ";
  for (std::size_t tokens = 1; tokens < 12; ++tokens) {
    for (std::size_t overlap = 0; overlap < tokens; ++overlap) {
      std::int64_t begin = -1;
      std::int64_t end = 0;
      for (const ChunkSpan& span : spans(Chunker(tokens, overlap, true), text)) {
        CHECK(span.byte_begin > begin);
        CHECK(span.byte_end > end);
        begin = span.byte_begin;
        end = span.byte_end;
      }
      CHECK(end == static_cast<std::int64_t>(text.size()) - 1);
    }
  }
}
