#include <string>
#include <vector>

#include "core/vocabulary.hpp"
#include "doctest/doctest.h"

using pyengine::kNoTerm;
using pyengine::TermId;
using pyengine::VocabularyArrays;
using pyengine::VocabularyBuilder;
using pyengine::VocabularyView;

TEST_CASE("ids are given in order of first interning and stay") {
  VocabularyBuilder builder;
  CHECK(builder.intern("b") == 0);
  CHECK(builder.intern("a") == 1);
  CHECK(builder.intern("b") == 0);
  CHECK(builder.intern("") == 2);
  CHECK(builder.find("a") == 1);
  CHECK(builder.find("c") == kNoTerm);
  CHECK(builder.term(0) == "b");
  CHECK(builder.size() == 3);
}

TEST_CASE("a hundred thousand terms are found again, in the builder and in its arrays") {
  VocabularyBuilder builder;
  const auto name = [](TermId i) { return std::string(i % 40, 'x') + std::to_string(i); };
  constexpr TermId kTerms = 100'000;
  for (TermId i = 0; i < kTerms; ++i) REQUIRE(builder.intern(name(i)) == i);
  const VocabularyArrays arrays = builder.take();
  const VocabularyView view(arrays.bytes, arrays.offsets, arrays.slots);
  REQUIRE(view.size() == kTerms);
  for (TermId i = 0; i < kTerms; ++i) {
    REQUIRE(view.find(name(i)) == i);
    REQUIRE(view.term(i) == name(i));
  }
  CHECK(view.find("absent") == kNoTerm);
}

TEST_CASE("bytes of any value and terms of a megabyte are terms") {
  VocabularyBuilder builder;
  const std::string nul("a\0b", 3);
  const std::string huge(1 << 20, 'z');
  CHECK(builder.intern(nul) == 0);
  CHECK(builder.intern("a") == 1);
  CHECK(builder.intern(huge) == 2);
  CHECK(builder.intern(huge + "y") == 3);
  CHECK(builder.find(nul) == 0);
  CHECK(builder.find(huge) == 2);
}

TEST_CASE("the hash is part of the storage format") {
  // Worked out in Python from the description in docs/lexical.md.
  CHECK(pyengine::term_hash("") == 0x60894999AD208B5DULL);
  CHECK(pyengine::term_hash("a") == 0x449F861E32ACE3F6ULL);
  CHECK(pyengine::term_hash("12345678") == 0x35C8EDE249B5296EULL);
  CHECK(pyengine::term_hash(std::string_view("12345678\0", 9)) == 0xA1635F817B77C819ULL);
  CHECK(pyengine::term_hash("28 usc 1331") == 0x901CA1785C2DA31BULL);
}

TEST_CASE("hostile arrays are answered, not followed") {
  const std::vector<char> bytes{'a', 'b'};
  const std::vector<TermId> full{0, 1, 0, 7};  // no empty slot, one id out of range
  const std::vector<std::uint64_t> backwards{2, 0, 99};
  const VocabularyView view(bytes, backwards, full);
  CHECK(view.find("a") == kNoTerm);
  CHECK_FALSE(view.term(0).has_value());
  CHECK_FALSE(view.term(1).has_value());
  CHECK(VocabularyView().find("a") == kNoTerm);
}
