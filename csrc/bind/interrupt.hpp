// Ctrl-C for calls that run without the GIL.
#pragma once

#include <chrono>

#include "bind/pybind.hpp"

// Handed to the core as `stop`: asks Python for pending signals every 50 ms at most, since taking the GIL
// is not free. Only the thread that called from Python may ask.
class Interrupt {
 public:
  // REQUIRES: the GIL is released.
  [[nodiscard]] bool operator()() {
    const auto now = std::chrono::steady_clock::now();
    if (now - last_ < std::chrono::milliseconds(50)) return false;
    last_ = now;
    const py::gil_scoped_acquire gil;
    raised_ = PyErr_CheckSignals() != 0;
    return raised_;
  }

  // Passes on what the signal's handler raised. REQUIRES: the GIL is held.
  void rethrow() const {
    if (raised_) throw py::error_already_set();
  }

 private:
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
  bool raised_ = false;
};
