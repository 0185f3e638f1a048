#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "core/error.hpp"
#include "core/parallel.hpp"
#include "core/run_file.hpp"
#include "core/segment_builder.hpp"
#include "doctest/doctest.h"

using pyengine::Error;
using pyengine::ListBuffer;
using pyengine::PostingsPart;
using pyengine::RunFile;
using pyengine::SegmentBuilder;
using pyengine::VocabularyBuilder;

namespace {

using Tokens = std::vector<std::string_view>;

std::string bytes_of(const pyengine::LexicalSegment& segment) {
  const std::string path = std::filesystem::temp_directory_path() / ("builder-" + std::to_string(::getpid()));
  segment.verify();
  segment.save(path);
  std::ifstream in(path, std::ios::binary);
  std::string bytes((std::istreambuf_iterator<char>(in)), {});
  std::filesystem::remove(path);
  return bytes;
}

PostingsPart part_of(pyengine::TermId first, const std::vector<std::vector<std::uint32_t>>& frequencies) {
  PostingsPart part;
  part.first = first;
  for (const auto& list : frequencies) {
    part.counts.push_back(static_cast<std::uint32_t>(list.size()));
    for (std::size_t i = 0; i < list.size(); ++i) {
      part.rows.push_back(static_cast<pyengine::Row>(3 * i));
      part.frequencies.push_back(static_cast<std::uint8_t>(std::min(list[i], 255U)));
      if (list[i] >= 255) part.large.push_back(list[i]);
    }
  }
  return part;
}

}  // namespace

TEST_CASE("work is shared out once each, and the first failure wins") {
  for (const unsigned threads : {0U, 1U, 2U, 9U}) {
    std::vector<int> done(1000, 0);
    CHECK(pyengine::share_out(done.size(), threads, {}, [&](std::size_t i, unsigned) { ++done[i]; }));
    CHECK(done == std::vector<int>(1000, 1));
    for (int round = 0; round < 20; ++round) {
      try {
        static_cast<void>(pyengine::share_out(1000, threads, {}, [](std::size_t i, unsigned) {
          if (i >= 500) throw i;
        }));
        FAIL("expected an exception");
      } catch (const std::size_t i) {
        CHECK(i == 500);
      }
    }
    CHECK_FALSE(pyengine::share_out(1000, threads, [] { return true; }, [](std::size_t, unsigned) {}));
    CHECK(pyengine::share_out(0, threads, {}, [](std::size_t, unsigned) {}));
  }
}

TEST_CASE("terms one by one and in batches get the same ids") {
  std::mt19937 random(5);
  std::vector<std::string> names{"",
                                 std::string(1, '\0'),
                                 std::string(2, '\0'),
                                 std::string(1 << 24, 'x'),
                                 std::string((1 << 24) + 1, 'x'),
                                 std::string((1 << 24) - 1, 'x')};
  for (int i = 0; i < 20'000; ++i)
    names.push_back(std::string(random() % 20, 'a') + std::to_string(random() % 9000));
  Tokens tokens;
  for (int i = 0; i < 60'000; ++i) tokens.push_back(names[i < 40 ? i % 6 : random() % names.size()]);
  VocabularyBuilder one;
  VocabularyBuilder many;
  std::vector<pyengine::TermId> ids;
  many.intern_all(tokens.size(), [&tokens](std::size_t i) { return tokens[i]; }, ids);
  std::map<std::string_view, pyengine::TermId> expected;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const auto id = expected.emplace(tokens[i], expected.size()).first->second;
    REQUIRE(ids[i] == id);
    REQUIRE(one.intern(tokens[i]) == id);
    REQUIRE(many.find(tokens[i]) == id);
  }
  const pyengine::VocabularyArrays arrays = many.take();
  const pyengine::VocabularyView view(arrays.bytes, arrays.offsets, arrays.slots);
  for (const auto& [term, id] : expected) REQUIRE(view.find(term) == id);
  CHECK(one.take().slots == arrays.slots);
}

TEST_CASE("runs come back as they were written") {
  RunFile file(std::filesystem::temp_directory_path());
  std::vector<std::uint32_t> long_list(100'000, 1);
  long_list[7] = 255;
  long_list[99'999] = 1'000'000;
  file.begin_run();
  file.write(part_of(0, {{1, 254, 255}, {}, {70'000}}));
  file.write(part_of(3, {long_list, {}}));
  file.end_run();
  file.begin_run();
  file.end_run();
  file.begin_run();
  file.write(part_of(9, {{2}}));
  file.end_run();
  CHECK(file.runs() == 3);

  RunFile::Reader first(file, 0);
  ListBuffer list;
  CHECK(first.term() == 0);
  first.take(list);
  CHECK(list.frequencies == std::vector<std::uint32_t>{1, 254, 255});
  CHECK(first.term() == 2);
  first.take(list);  // appends
  CHECK(list.frequencies == std::vector<std::uint32_t>{1, 254, 255, 70'000});
  CHECK(list.rows == std::vector<pyengine::Row>{0, 3, 6, 0});
  list.clear();
  CHECK(first.term() == 3);
  first.take(list);
  CHECK(list.frequencies == long_list);
  CHECK(first.term() == pyengine::kNoTerm);
  CHECK(RunFile::Reader(file, 1).term() == pyengine::kNoTerm);
  CHECK(RunFile::Reader(file, 2).term() == 9);
}

TEST_CASE("a segment is the same bytes for any threads, spills and batches") {
  std::mt19937 random(23);
  std::vector<std::string> texts;
  for (int i = 0; i < 700; ++i) {
    std::string text;
    for (unsigned n = random() % 40; n > 0; --n)
      text += "w" + std::to_string(random() % (1 + random() % 500)) + " ";
    texts.push_back(text);
  }
  const std::vector<std::string_view> views(texts.begin(), texts.end());
  const pyengine::Analyzer analyzer(pyengine::Preset::kWords);
  std::string expected;
  for (const unsigned threads : {1U, 2U, 3U, 8U}) {
    for (const std::size_t batch : {1'000U, 90U, 1U}) {
      for (const bool spilling : {false, true}) {
        SegmentBuilder builder({}, pyengine::kMaxDocuments, {.tail_limit = 8},
                               {threads, spilling ? 9'000U : 0U, std::filesystem::temp_directory_path()});
        for (std::size_t i = 0; i < views.size(); i += batch) {
          CHECK(builder.add_texts(std::span(views).subspan(i, std::min(batch, views.size() - i)), analyzer,
                                  {}));
          if (builder.over_budget()) CHECK(builder.spill({}));
        }
        CHECK((builder.spills() > 0) == spilling);
        const std::string bytes = bytes_of(*builder.finish("", {}));
        if (expected.empty()) expected = bytes;
        REQUIRE(bytes == expected);
      }
    }
  }
}

TEST_CASE("a builder that was stopped or has failed takes nothing more") {
  const auto stop = [] { return true; };
  const Tokens tokens{"a", "b"};
  const auto list = [&](std::size_t) { return std::span<const std::string_view>(tokens); };
  SegmentBuilder builder({}, 10, {}, {2, 1, std::filesystem::temp_directory_path()});
  CHECK_FALSE(builder.add_token_lists(5, list, stop));
  CHECK_THROWS_AS(builder.add_token_lists(1, list, {}), Error);
  CHECK_THROWS_AS(static_cast<void>(builder.finish("", {})), Error);

  SegmentBuilder spilling({}, 10, {}, {1, 1, std::filesystem::temp_directory_path()});
  spilling.add_tokens(tokens);
  CHECK(spilling.over_budget());
  CHECK_FALSE(spilling.spill(stop));
  CHECK_THROWS_AS(spilling.add_tokens(tokens), Error);

  SegmentBuilder merging({}, 10, {}, {1, 1, std::filesystem::temp_directory_path()});
  merging.add_tokens(tokens);
  CHECK(merging.spill({}));
  CHECK(merging.finish("", stop) == nullptr);

  SegmentBuilder nowhere({}, 10, {}, {1, 1, "/no/such/folder"});
  nowhere.add_tokens(tokens);
  CHECK_THROWS_WITH_AS(static_cast<void>(nowhere.spill({})),
                       doctest::Contains("scratch /no/such/folder: cannot create"), Error);
  CHECK_THROWS_AS(static_cast<void>(nowhere.finish("", {})), Error);
}

TEST_CASE("terms are replaced piece by piece") {
  SegmentBuilder whole{pyengine::Bm25Params{}};
  SegmentBuilder pieces({}, 10, {}, {2, 0, std::filesystem::temp_directory_path()});
  for (SegmentBuilder* builder : {&whole, &pieces}) {
    builder->add_tokens(Tokens{"run", "runs", "walk"});
    if (builder == &pieces) {
      builder->replace_terms(Tokens{"run", "run", "walk"});
      CHECK(builder->replaced() == 3);
      CHECK(builder->spill({}));
    }
    builder->add_tokens(Tokens{"walks", "running", "run"});
  }
  CHECK_THROWS_AS(pieces.replace_terms(Tokens{"walk"}), Error);
  pieces.replace_terms(Tokens{"walk", "run"});
  whole.replace_terms(Tokens{"run", "run", "walk", "walk", "run"});
  CHECK(bytes_of(*pieces.finish("", {})) == bytes_of(*whole.finish("", {})));
}
