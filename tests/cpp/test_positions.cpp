#include <filesystem>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "core/error.hpp"
#include "core/positions.hpp"
#include "core/positions_builder.hpp"
#include "core/row_sets.hpp"
#include "core/segment_builder.hpp"
#include "doctest/doctest.h"

using pyengine::Error;
using pyengine::Place;
using pyengine::PlaceReader;
using pyengine::PlaceWriter;
using pyengine::Positions;

TEST_CASE("places written are places read, in any order") {
  std::mt19937 random(7);
  for (const bool parts : {false, true}) {
    for (const std::uint32_t postings : {1U, 31U, 32U, 33U, 64U, 65U, 300U}) {
      std::vector<std::vector<Place>> places(postings);
      pyengine::PositionArrays arrays;
      arrays.lists.push_back(parts ? pyengine::kListHasParts : 0);
      PlaceWriter writer(arrays.bytes, postings, parts);
      for (std::vector<Place>& posting : places) {
        std::uint32_t at = random() % 3 == 0 ? random() : random() % 40;
        for (std::uint32_t left = 1 + random() % 4; left > 0 && at < (1U << 30); --left) {
          posting.push_back({at, parts && random() % 2 == 0});
          at += 1 + random() % 200;
        }
        if (posting.empty()) posting.push_back({0xFFFFFFFF, false});
        writer.add(posting);
      }
      arrays.lists.push_back(arrays.bytes.size());
      const Positions positions(std::move(arrays));
      PlaceReader forward(positions, 0, postings);
      PlaceReader anywhere(positions, 0, postings);
      std::vector<Place> out;
      for (std::uint32_t i = 0; i < postings; ++i) {
        forward.read(i, out);
        CHECK(out == places[i]);
        const std::uint32_t other = random() % postings;
        anywhere.read(other, out);
        CHECK(out == places[other]);
      }
      CHECK(forward.done());
    }
  }
}

TEST_CASE("bytes of any kind end in an error, not outside") {
  std::mt19937 random(11);
  for (int round = 0; round < 2000; ++round) {
    pyengine::PositionArrays arrays;
    arrays.lists = {random() % 2 == 0 ? 0 : pyengine::kListHasParts, random() % 40};
    arrays.bytes.resize(random() % 40);
    for (std::uint8_t& byte : arrays.bytes) byte = static_cast<std::uint8_t>(random());
    const Positions positions(std::move(arrays));
    std::vector<Place> out;
    try {
      PlaceReader reader(positions, 0, 70);
      for (const std::uint32_t posting : {0U, 1U, 69U, 33U}) reader.read(posting, out);
    } catch (const Error& error) {
      CHECK(error.code() == pyengine::Code::kCorruption);
    }
  }
}

TEST_CASE("a phrase ends where the title does") {
  const pyengine::Analyzer analyzer(pyengine::Preset::kDomain);
  pyengine::SegmentBuilder builder({});
  builder.add_text("one two\n\n\n\nthree one", analyzer);
  const std::shared_ptr<const pyengine::LexicalSegment> segment = builder.finish("{}", {});
  pyengine::PositionsBuilder places(segment, "\n\n\n\n", {});
  const std::vector<std::string_view> titles{"one two"};
  const std::vector<std::string_view> texts{"three one"};
  CHECK(places.add(titles, texts, analyzer, {}));
  places.resolve(places.new_terms());
  const std::shared_ptr<const Positions> positions = places.finish({});
  positions->verify(*segment);
  CHECK(positions->title_length(0) == 2);
  const pyengine::Collection collection(std::vector<pyengine::CollectionPart>{
      {segment, std::make_shared<const pyengine::Deletions>(), 0, positions}});
  const auto has = [&](const std::vector<std::string>& phrase, pyengine::Field field) {
    std::vector<std::uint8_t> rows(1, 0);
    pyengine::mark_rows_with_phrase(collection, phrase, field, rows);
    return rows[0] != 0;
  };
  using enum pyengine::Field;
  CHECK(has({"one", "two"}, kAny));
  CHECK(has({"one", "two"}, kTitle));
  CHECK(!has({"one", "two"}, kText));
  CHECK(!has({"two", "three"}, kAny));
  CHECK(has({"three", "one"}, kText));
  CHECK(!has({"two", "one"}, kAny));
}

TEST_CASE("sorted at once or a range of terms at a time, from memory or a file: the same places") {
  const pyengine::Analyzer analyzer(pyengine::Preset::kDomain);
  std::mt19937 random(5);
  std::vector<std::string> titles;
  std::vector<std::string> texts;
  pyengine::SegmentBuilder builder({});
  for (int i = 0; i < 300; ++i) {
    titles.push_back(i % 3 == 0 ? "" : "t" + std::to_string(random() % 9) + " F33.1");
    std::string text;
    for (auto left = random() % 30; left > 0; --left) text += "w" + std::to_string(random() % 40) + " ";
    texts.push_back(text + "getUser");
    builder.add_text(titles.back().empty() ? texts.back() : titles.back() + "\n\n\n\n" + texts.back(),
                     analyzer);
  }
  const std::shared_ptr<const pyengine::LexicalSegment> segment = builder.finish("{}", {});
  const std::vector<std::string_view> first(titles.begin(), titles.end());
  const std::vector<std::string_view> second(texts.begin(), texts.end());
  const std::string scratch = std::filesystem::temp_directory_path();
  std::unique_ptr<Positions> expected;
  for (const std::uint64_t memory : {0U, 1U, 500U, 1U << 20}) {
    for (const unsigned threads : {1U, 3U}) {
      pyengine::PositionsBuilder places(segment, "\n\n\n\n", {threads, memory, scratch});
      CHECK(places.add(first, second, analyzer, {}));
      places.resolve(places.new_terms());
      std::unique_ptr<Positions> made = places.finish({});
      made->verify(*segment);
      if (expected == nullptr) expected = std::move(made);
      if (made == nullptr) continue;
      std::vector<Place> a;
      std::vector<Place> b;
      for (pyengine::TermId id = 0; id < segment->meta().terms; ++id) {
        const std::uint32_t postings = segment->document_frequency(id);
        PlaceReader reader(*expected, id, postings);
        PlaceReader other(*made, id, postings);
        for (std::uint32_t i = 0; i < postings; ++i) {
          reader.read(i, a);
          other.read(i, b);
          CHECK(a == b);
        }
      }
    }
  }
}

TEST_CASE("documents that are not those of the segment are refused, and a stop ends the work") {
  const pyengine::Analyzer analyzer(pyengine::Preset::kDomain);
  pyengine::SegmentBuilder builder({});
  builder.add_text("one two", analyzer);
  builder.add_text("two", analyzer);
  const std::shared_ptr<const pyengine::LexicalSegment> segment = builder.finish("{}", {});
  const auto build = [&](const std::vector<std::string_view>& texts, const std::function<bool()>& stop) {
    pyengine::PositionsBuilder places(segment, "\n", {});
    const std::vector<std::string_view> titles(texts.size(), "");
    if (!places.add(titles, texts, analyzer, stop)) return false;
    places.resolve(places.new_terms());
    return places.finish(stop) != nullptr;
  };
  CHECK(build({"one two", "two"}, {}));
  CHECK_THROWS_AS(build({"one two"}, {}), Error);
  CHECK_THROWS_AS(build({"one two", "two", "two"}, {}), Error);
  CHECK_THROWS_AS(build({"one two", "three"}, {}), Error);
  CHECK_THROWS_AS(build({"one", "two"}, {}), Error);
  CHECK(!build({"one two", "two"}, [] { return true; }));
}
