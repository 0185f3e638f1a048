#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "core/simd/kernels.hpp"
#include "core/term_list.hpp"
#include "doctest/doctest.h"

using pyengine::kScanPadding;
using pyengine::simd::BodyView;
using pyengine::simd::ByteWorth;
using pyengine::simd::Kernels;

namespace {

std::vector<const Kernels*> tables() {
  std::vector<const Kernels*> found;
  for (const Kernels* const* table = pyengine::simd::available_kernels(); *table != nullptr; ++table) {
    found.push_back(*table);
  }
  return found;
}

struct List {
  std::vector<std::uint8_t> codes;
  std::vector<std::uint16_t> low;
  std::vector<std::uint32_t> directory;
  std::uint32_t count = 0;
  std::uint32_t shift = 0;

  [[nodiscard]] BodyView view() const { return {codes.data(), low.data(), directory.data(), count, shift}; }
};

// With `hostile`, a directory of any numbers.
List random_list(std::mt19937& random, std::uint32_t documents, bool hostile) {
  List list;
  list.shift = random() % 17;
  const std::uint32_t one_in = 1 + random() % 40;
  list.directory.assign(((documents - 1) >> list.shift) + 2, 0);
  std::uint32_t range = 0;
  for (std::uint32_t row = 0; row < documents; ++row) {
    if (random() % one_in != 0) continue;
    for (; range <= row >> list.shift; ++range) list.directory[range] = list.count;
    list.low.push_back(static_cast<std::uint16_t>(row));
    list.codes.push_back(static_cast<std::uint8_t>(1 + random() % 255));
    ++list.count;
  }
  for (; range < list.directory.size(); ++range) list.directory[range] = list.count;
  if (hostile) {
    for (std::uint32_t& offset : list.directory)
      offset = random() % 3 == 0 ? random() : random() % (list.count + 3);
  }
  list.low.resize(list.count + kScanPadding);
  list.codes.resize(list.count + kScanPadding);
  return list;
}

struct Candidates {
  std::vector<std::uint32_t> rows;
  std::vector<std::int64_t> sums;

  [[nodiscard]] bool operator==(const Candidates&) const = default;
};

Candidates random_candidates(std::mt19937& random, std::uint32_t documents) {
  Candidates candidates;
  const std::uint32_t one_in = 1 + random() % 60;
  for (std::uint32_t row = 0; row < documents; ++row) {
    if (random() % one_in != 0) continue;
    candidates.rows.push_back(row);
    candidates.sums.push_back(static_cast<std::int64_t>(random() % 1000) - 100);
  }
  return candidates;
}

template <class Pass>
Candidates kept(Candidates candidates, const Pass& pass) {
  const std::size_t left = pass(candidates.rows.data(), candidates.sums.data(), candidates.rows.size());
  candidates.rows.resize(left);
  candidates.sums.resize(left);
  return candidates;
}

}  // namespace

TEST_CASE("there is always the scalar table, and the chosen one is among those the CPU can run") {
  const std::vector<const Kernels*> found = tables();
  REQUIRE(!found.empty());
  CHECK(std::string(found.front()->name) == "scalar");
  CHECK(std::find(found.begin(), found.end(), &pyengine::simd::kernels()) != found.end());
}

TEST_CASE("every table finds the same codes as the scalar one") {
  std::mt19937 random(3);
  const Kernels& scalar = *tables().front();
  for (const Kernels* table : tables()) {
    CAPTURE(table->name);
    for (int round = 0; round < 400; ++round) {
      const std::size_t count = random() % 300;
      std::vector<std::uint8_t> codes(count + kScanPadding);
      for (std::uint8_t& code : codes) code = static_cast<std::uint8_t>(random());
      const auto least = static_cast<std::uint8_t>(round % 5 == 0 ? random() % 3 : random());
      std::vector<std::uint32_t> expected(count + kScanPadding);
      std::vector<std::uint32_t> found(count + kScanPadding);
      expected.resize(scalar.scan_codes(codes.data(), count, least, expected.data()));
      found.resize(table->scan_codes(codes.data(), count, least, found.data()));
      REQUIRE(found == expected);
    }
  }
}

TEST_CASE("every table adds, looks up and keeps like the scalar one, also in lists that lie") {
  std::mt19937 random(5);
  const Kernels& scalar = *tables().front();
  for (const Kernels* table : tables()) {
    CAPTURE(table->name);
    for (int round = 0; round < 200; ++round) {
      const std::uint32_t documents = 1 + random() % (round % 20 == 0 ? 200'000 : 3000);
      const List list = random_list(random, documents, round % 4 == 3);
      const BodyView view = list.view();
      const Candidates candidates = random_candidates(random, documents);
      std::vector<std::int64_t> worth(256, 0);
      for (std::size_t code = 1; code < worth.size(); ++code)
        worth[code] = static_cast<std::int64_t>(random() % 900);
      const auto need = static_cast<std::int64_t>(random() % 1200);
      std::vector<std::uint8_t> column(documents);
      for (std::uint8_t& code : column) code = static_cast<std::uint8_t>(random() % 4 == 0 ? random() : 0);

      const auto body = [&](const Kernels& k) {
        return kept(candidates, [&](auto* rows, auto* sums, std::size_t n) {
          return k.add_body(view, worth.data(), rows, sums, n, need);
        });
      };
      const auto dense = [&](const Kernels& k) {
        return kept(candidates, [&](auto* rows, auto* sums, std::size_t n) {
          return k.add_column(column.data(), worth.data(), rows, sums, n, need);
        });
      };
      const std::uint32_t shift = random() % 8;
      const auto ranges = [&](const Kernels& k) {
        return kept(candidates, [&](auto* rows, auto* sums, std::size_t n) {
          return k.keep_by_range(column.data(), shift, worth.data(), rows, sums, n, need);
        });
      };
      REQUIRE(body(*table) == body(scalar));
      REQUIRE(dense(*table) == dense(scalar));
      REQUIRE(ranges(*table) == ranges(scalar));

      std::vector<std::uint8_t> expected(candidates.rows.size());
      std::vector<std::uint8_t> found(candidates.rows.size());
      scalar.find_codes(view, candidates.rows.data(), candidates.rows.size(), expected.data());
      table->find_codes(view, candidates.rows.data(), candidates.rows.size(), found.data());
      REQUIRE(found == expected);
    }
  }
}

TEST_CASE("every table rounds products like the scalar one, halves to even") {
  std::mt19937 random(7);
  const Kernels& scalar = *tables().front();
  for (const Kernels* table : tables()) {
    CAPTURE(table->name);
    std::vector<double> values{0.0, 0.5, 1.5, 2.5, -0.5, 0x1p50 - 0.5};
    for (int i = 0; i < 250; ++i) values.push_back(static_cast<double>(random()) / 7.0);
    std::vector<std::int64_t> expected(values.size());
    std::vector<std::int64_t> found(values.size());
    scalar.round_products(values.data(), 1.0, 1.0, values.size(), expected.data());
    table->round_products(values.data(), 1.0, 1.0, values.size(), found.data());
    CHECK(std::vector(expected.begin(), expected.begin() + 5) == std::vector<std::int64_t>{0, 0, 2, 2, 0});
    REQUIRE(found == expected);
  }
}

TEST_CASE("columns side by side: the rows whose worths add up, with saturation") {
  std::mt19937 random(11);
  for (const Kernels* table : tables()) {
    if (table->scan_columns == nullptr) continue;
    CAPTURE(table->name);
    for (int round = 0; round < 200; ++round) {
      const std::size_t lists = 1 + random() % 5;
      const std::size_t documents = 1 + random() % 500;
      std::vector<std::vector<std::uint8_t>> columns(lists, std::vector<std::uint8_t>(documents));
      std::vector<ByteWorth> worth(lists);
      std::vector<const std::uint8_t*> starts;
      for (std::size_t list = 0; list < lists; ++list) {
        for (std::uint8_t& code : columns[list]) code = static_cast<std::uint8_t>(random());
        for (std::uint8_t& units : worth[list].bytes) units = static_cast<std::uint8_t>(random() % 120);
        starts.push_back(columns[list].data());
      }
      const std::size_t first = random() % documents;
      const std::size_t count = documents - first;
      const auto least = static_cast<std::uint8_t>(1 + random() % 255);
      std::vector<std::uint32_t> expected;
      for (std::size_t i = 0; i < count; ++i) {
        unsigned sum = 0;
        for (std::size_t list = 0; list < lists; ++list) sum += worth[list].bytes[columns[list][first + i]];
        if (std::min(sum, 255U) >= least) expected.push_back(static_cast<std::uint32_t>(i));
      }
      std::vector<std::uint32_t> found(count + kScanPadding);
      found.resize(
          table->scan_columns(starts.data(), worth.data(), lists, first, count, least, found.data()));
      REQUIRE(found == expected);
    }
  }
}
