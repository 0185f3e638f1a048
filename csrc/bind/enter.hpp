// One way into the core: release the GIL, run, take it back.
#pragma once

#include <utility>

#include "bind/pybind.hpp"

// Runs `work` without the GIL and returns its value. `work` may not touch a py:: object.
// Errors of the core pass through and are translated in module.cpp.
template <class F>
auto enter(F&& work) {
  py::gil_scoped_release nogil;
  return std::forward<F>(work)();
}
