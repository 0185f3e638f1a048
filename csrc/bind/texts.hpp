// Texts from Python as byte ranges that can be read without the GIL.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bind/pybind.hpp"

// A batch of texts: str objects, or an Arrow array of strings that is read where it lies (C data
// interface: anything with __arrow_c_array__ or __arrow_c_stream__). Holds references to whatever owns
// the bytes, so the caller's list may change meanwhile. Made and destroyed with the GIL.
class Texts {
 public:
  // `name` and `first` make up the messages: "docs[17]: expected str, got int" is name "docs" and element
  // 17 - first of `source`. Throws Error{kInvalidArgument}.
  Texts(const py::object& source, const std::string& name, std::uint64_t first = 0);

  [[nodiscard]] std::span<const std::string_view> views() const noexcept { return views_; }

 private:
  void add_str(py::handle text, const std::string& name, std::uint64_t index);
  void add_arrow_array(const py::object& source, const std::string& name, std::uint64_t first);
  void add_arrow_stream(const py::object& source, const std::string& name, std::uint64_t first);

  std::vector<std::string_view> views_;
  std::vector<py::object> owners_;

  friend class TokenLists;
};

// A batch of token lists: each a list or tuple of str.
class TokenLists {
 public:
  // As Texts; a message names list and token.
  TokenLists(const py::object& source, const std::string& name, std::uint64_t first = 0);

  [[nodiscard]] std::size_t size() const noexcept { return offsets_.size() - 1; }
  [[nodiscard]] std::span<const std::string_view> operator[](std::size_t i) const noexcept {
    return std::span(tokens_).subspan(offsets_[i], offsets_[i + 1] - offsets_[i]);
  }

 private:
  std::vector<std::string_view> tokens_;
  std::vector<std::size_t> offsets_;
  std::vector<py::object> owners_;
};
