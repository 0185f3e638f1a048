#include "core/types.hpp"
#include "doctest/doctest.h"

TEST_CASE("the order law: score descending, then row ascending") {
  using pyengine::Hit;
  using pyengine::ranks_before;
  CHECK(ranks_before(Hit{7, 2.0F}, Hit{1, 1.0F}));
  CHECK(ranks_before(Hit{1, 1.0F}, Hit{7, 1.0F}));
  CHECK_FALSE(ranks_before(Hit{7, 1.0F}, Hit{1, 1.0F}));
  CHECK_FALSE(ranks_before(Hit{1, 1.0F}, Hit{1, 1.0F}));
}
