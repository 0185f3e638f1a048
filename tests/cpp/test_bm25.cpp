#include "core/bm25.hpp"
#include "doctest/doctest.h"

using pyengine::Bm25;

TEST_CASE("worked by hand: one of two documents, two of two tokens") {
  const Bm25 bm25({1.5, 0.75}, 2, 4, 2);
  CHECK(bm25.average_length() == 2.0);
  CHECK(bm25.norm(2) == 1.5);
  CHECK(bm25.idf(1) == doctest::Approx(0.6931471805599453).epsilon(1e-15));  // ln 2
  CHECK(bm25.contribution(1.0, 2, 2) == doctest::Approx(10.0 / 7.0).epsilon(1e-15));
}

TEST_CASE("a length beyond the table has the norm of the formula") {
  const Bm25 small({1.2, 0.5}, 10, 1000, 10);
  const Bm25 large({1.2, 0.5}, 10, 1000, 4'000'000'000U);
  for (const std::uint32_t length : {0U, 10U, 11U, 65'535U, 65'536U, 4'000'000'000U}) {
    CHECK(small.norm(length) == large.norm(length));
  }
}

TEST_CASE("a collection without tokens has a defined norm") {
  const Bm25 nothing({1.5, 0.75}, 0, 0, 0);
  CHECK(nothing.average_length() == 1.0);
  CHECK(Bm25({1.5, 0.75}, 3, 0, 0).average_length() == 1.0);
}

TEST_CASE("the idf falls with df and stays above 0") {
  const Bm25 bm25({1.5, 0.75}, 4'294'967'294U, 1, 1);
  double last = bm25.idf(0);
  for (std::uint64_t df = 1; df <= 4'294'967'294U; df *= 2) {
    CHECK(bm25.idf(df) < last);
    last = bm25.idf(df);
  }
  CHECK(bm25.idf(4'294'967'294U) > 0.0);
}
