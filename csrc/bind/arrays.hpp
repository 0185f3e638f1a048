// NumPy arrays in and out of the core as spans.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "bind/pybind.hpp"
#include "core/error.hpp"
#include "core/types.hpp"

// The memory of an array this file's functions made or checked.
template <class T>
[[nodiscard]] std::span<T> span_of(py::array_t<T>& array) {
  return {array.mutable_data(), static_cast<std::size_t>(array.size())};
}

// An argument that must be a contiguous array of T; `name` is what the caller calls it.
template <class T>
[[nodiscard]] py::array_t<T> require_array(const py::object& argument, const char* name, int dimensions) {
  if (!py::isinstance<py::array_t<T, py::array::c_style>>(argument)) {
    throw pyengine::Error(pyengine::Code::kInvalidArgument,
                          std::string(name) + ": expected a C-contiguous array of " +
                              py::str(py::dtype::of<T>()).template cast<std::string>() + ", got " +
                              py::repr(py::type::of(argument)).cast<std::string>());
  }
  auto array = py::reinterpret_borrow<py::array_t<T>>(argument);
  if (array.ndim() != dimensions) {
    throw pyengine::Error(pyengine::Code::kInvalidArgument,
                          std::string(name) + ": expected " + std::to_string(dimensions) +
                              " dimensions, got " + std::to_string(array.ndim()));
  }
  return array;
}

// The three arrays of a Hits, owned by Python.
struct HitBuffers {
  HitBuffers(std::size_t n, std::size_t k) : rows({n, k}), scores({n, k}), counts(n) {}

  [[nodiscard]] py::tuple as_tuple() const { return py::make_tuple(rows, scores, counts); }

  // More slots than this would take 16 GiB or more: a mistyped k rather than a wish.
  static constexpr std::size_t kMostSlots = std::size_t{1} << 31;
  static void check_size(std::size_t n, std::size_t k) {
    if (n != 0 && k > kMostSlots / n) {
      throw pyengine::Error(pyengine::Code::kExhausted,
                            "k: expected at most 2^31 slots in one answer, got " + std::to_string(n) +
                                " queries x " + std::to_string(k) + "; lower k or split the batch");
    }
  }

  py::array_t<pyengine::Row> rows;
  py::array_t<pyengine::Score> scores;
  py::array_t<std::uint32_t> counts;
};
