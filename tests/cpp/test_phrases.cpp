#include <set>
#include <string>
#include <vector>

#include "core/phrases.hpp"
#include "core/row_sets.hpp"
#include "core/segment_builder.hpp"
#include "doctest/doctest.h"

using pyengine::Analyzer;
using pyengine::PhraseMatcher;
using pyengine::Preset;

namespace {

bool in(std::string_view phrase, std::string_view text) {
  const Analyzer analyzer(Preset::kDomain);
  return PhraseMatcher(analyzer, phrase).in(text);
}

std::set<std::string> pairs(std::string_view text) {
  const Analyzer analyzer(Preset::kDomain);
  const Analyzer by_words(Preset::kWords);
  pyengine::PairScratch scratch;
  std::set<std::string> found;
  pyengine::for_pairs(text, analyzer, by_words, scratch, [&](std::string_view pair) { found.emplace(pair); });
  return found;
}

}  // namespace

TEST_CASE("a sequence is found where it overlaps itself, and where the first place is refused") {
  const pyengine::SequenceFinder finder({"a", "b", "a", "c"});
  const std::vector<std::string_view> text{"a", "b", "a", "b", "a", "c", "a", "b", "a", "c"};
  std::vector<std::size_t> places;
  const bool found = finder.in(text, [&](std::size_t first, std::size_t last) {
    places.push_back(first);
    CHECK(last == first + 3);
    return first > 2;
  });
  CHECK(found);
  CHECK(places == std::vector<std::size_t>{2, 6});
  CHECK_FALSE(pyengine::SequenceFinder({}).in(text, [](std::size_t, std::size_t) { return true; }));
}

TEST_CASE("a phrase is in a text by its tokens, or word for word") {
  CHECK(in("28 USC § 1331", "under 28 U.S.C. § 1331 now"));
  CHECK(in("28 USC § 1331", "section 28 USC  §\n1331 grants"));
  CHECK(in("1331 grants", "section 28 USC § 1331 grants"));
  CHECK_FALSE(in("1331 grants", "section 28 USC §1331 grants"));
  CHECK_FALSE(in("code F33.1", "code F33.1.2"));
  CHECK_FALSE(in("grants section", "section grants"));
  CHECK_FALSE(in("", "anything"));
  CHECK_FALSE(in("...", "anything..."));
}

TEST_CASE("the pairs of a text are those of its words that are no neighbouring tokens") {
  CHECK(pairs("red fox runs") == std::set<std::string>{});
  CHECK(pairs("per section 5") == std::set<std::string>{"per\tsection", "section\t5"});
  CHECK(pairs("red") == std::set<std::string>{});
}

TEST_CASE("rows with a term, and terms with a prefix, are those of live documents") {
  const auto build = [](const std::vector<std::vector<std::string_view>>& docs) {
    pyengine::SegmentBuilder builder{pyengine::Bm25Params{}};
    for (const auto& doc : docs) builder.add_tokens(doc);
    return std::shared_ptr<const pyengine::LexicalSegment>(builder.finish("", {}));
  };
  const auto none = std::make_shared<const pyengine::Deletions>();
  const pyengine::Collection all(
      {{build({{"ab"}, {"ac"}}), none, 0}, {build({{"ac", "b"}, {"ab"}}), none, 0}});
  const std::vector<pyengine::Row> dead{0, 3};
  const pyengine::Collection left = all.without(dead);
  for (const auto& [collection, expected] :
       {std::pair{&all, std::string("1001")}, std::pair{&left, std::string("0000")}}) {
    std::vector<std::uint8_t> rows(4, 0);
    pyengine::mark_rows(*collection, "ab", rows);
    for (std::size_t i = 0; i < 4; ++i) CHECK(rows[i] == (expected[i] == '1' ? 1 : 0));
  }
  CHECK(pyengine::expand_prefix(all, "a", 2).terms == std::vector<std::string_view>{"ab", "ac"});
  CHECK(pyengine::expand_prefix(all, "a", 1).more);
  CHECK(pyengine::expand_prefix(left, "a", 1).terms == std::vector<std::string_view>{"ac"});
  CHECK_FALSE(pyengine::expand_prefix(left, "a", 1).more);
}
