#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "bind/arrays.hpp"
#include "bind/enter.hpp"
#include "bind/lexical_index.hpp"
#include "bind/pybind.hpp"
#include "bind/texts.hpp"
#include "core/phrases.hpp"
#include "core/row_sets.hpp"

namespace {

using pyengine::Analyzer;

py::array_t<bool> rows_with(const LexicalIndex& index, const std::vector<std::string>& terms) {
  py::array_t<bool> rows(static_cast<py::ssize_t>(index.collection().rows()));
  auto* first = reinterpret_cast<std::uint8_t*>(rows.mutable_data());
  const std::span<std::uint8_t> out(first, static_cast<std::size_t>(rows.size()));
  enter([&] {
    std::fill(out.begin(), out.end(), std::uint8_t{0});
    for (const std::string& term : terms) pyengine::mark_rows(index.collection(), term, out);
  });
  return rows;
}

py::tuple expand_prefix(const LexicalIndex& index, const std::string& prefix, std::size_t limit) {
  const pyengine::Expansions found =
      enter([&] { return pyengine::expand_prefix(index.collection(), prefix, limit); });
  py::list terms(found.terms.size());
  for (std::size_t i = 0; i < found.terms.size(); ++i) {
    terms[i] = py::reinterpret_steal<py::object>(PyUnicode_DecodeUTF8(
        found.terms[i].data(), static_cast<py::ssize_t>(found.terms[i].size()), "replace"));
  }
  return py::make_tuple(terms, found.more);
}

py::array_t<bool> phrase_in(const Analyzer& analyzer, const std::string& phrase, const py::object& source) {
  const Texts texts(source, "texts");
  py::array_t<bool> found(static_cast<py::ssize_t>(texts.views().size()));
  const std::span<bool> out(found.mutable_data(), static_cast<std::size_t>(found.size()));
  enter([&] {
    pyengine::PhraseMatcher matcher(analyzer, phrase);
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = matcher.in(texts.views()[i]);
  });
  return found;
}

}  // namespace

void register_row_sets(py::module_& m) {
  m.def("rows_with", &rows_with, py::arg("index"), py::arg("terms"));
  m.def("expand_prefix", &expand_prefix, py::arg("index"), py::arg("prefix"), py::arg("limit"));
  m.def("phrase_in", &phrase_in, py::arg("analyzer"), py::arg("phrase"), py::arg("texts"));
}
