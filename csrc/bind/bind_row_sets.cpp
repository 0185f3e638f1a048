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
using pyengine::Field;

// One bool for each stored row, of which `mark` sets some without the GIL.
template <class F>
py::array_t<bool> marked(const LexicalIndex& index, const F& mark) {
  py::array_t<bool> rows(static_cast<py::ssize_t>(index.collection().rows()));
  auto* first = reinterpret_cast<std::uint8_t*>(rows.mutable_data());
  const std::span<std::uint8_t> out(first, static_cast<std::size_t>(rows.size()));
  enter([&] {
    std::fill(out.begin(), out.end(), std::uint8_t{0});
    mark(out);
  });
  return rows;
}

py::array_t<bool> rows_with(const LexicalIndex& index, const std::vector<std::string>& terms, int field) {
  const auto where = static_cast<Field>(field);
  return marked(index, [&](std::span<std::uint8_t> rows) {
    for (const std::string& term : terms) {
      if (where == Field::kAny) {
        pyengine::mark_rows(index.collection(), term, rows);
      } else {
        pyengine::mark_rows_in_field(index.collection(), term, where, rows);
      }
    }
  });
}

py::array_t<bool> rows_with_phrase(const LexicalIndex& index, const std::vector<std::string>& terms,
                                   int field) {
  return marked(index, [&](std::span<std::uint8_t> rows) {
    pyengine::mark_rows_with_phrase(index.collection(), terms, static_cast<Field>(field), rows);
  });
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
  m.def("rows_with", &rows_with, py::arg("index"), py::arg("terms"), py::arg("field") = 0);
  m.def("rows_with_phrase", &rows_with_phrase, py::arg("index"), py::arg("terms"), py::arg("field") = 0);
  m.def("expand_prefix", &expand_prefix, py::arg("index"), py::arg("prefix"), py::arg("limit"));
  m.def("phrase_in", &phrase_in, py::arg("analyzer"), py::arg("phrase"), py::arg("texts"));
}
