#include "core/bm25.hpp"
#include "doctest/doctest.h"

using pyengine::Bm25;

TEST_CASE("worked by hand: one of two documents, two of two tokens") {
  const Bm25 bm25({.k1 = 1.5, .b = 0.75}, {2, 4});
  CHECK(bm25.average_length() == 2.0);
  CHECK(bm25.idf(1) == doctest::Approx(0.6931471805599453).epsilon(1e-15));  // ln 2
  CHECK(bm25.contribution(1.0, 2, 2) == doctest::Approx(10.0 / 7.0).epsilon(1e-15));
}

TEST_CASE("a collection without tokens has a defined average") {
  const Bm25 nothing({}, {0, 0});
  CHECK(nothing.average_length() == 1.0);
  CHECK(Bm25({}, {3, 0}).average_length() == 1.0);
}

TEST_CASE("the idf falls with df and stays above 0") {
  const Bm25 bm25({}, {4'294'967'294U, 1});
  double last = bm25.idf(0);
  for (std::uint64_t df = 1; df <= 4'294'967'294U; df *= 2) {
    CHECK(bm25.idf(df) < last);
    last = bm25.idf(df);
  }
  CHECK(bm25.idf(4'294'967'294U) > 0.0);
}
