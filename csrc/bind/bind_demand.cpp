#include <memory>
#include <string>
#include <vector>

#include "bind/arrays.hpp"
#include "bind/enter.hpp"
#include "bind/lexical_index.hpp"
#include "bind/pybind.hpp"
#include "bind/texts.hpp"
#include "core/demand.hpp"

namespace {

using pyengine::AskedTexts;

std::unique_ptr<AskedTexts> asked_texts(const pyengine::Analyzer& analyzer, const py::object& source) {
  const Texts texts(source, "queries");
  return enter([&] {
    auto asked = std::make_unique<AskedTexts>();
    for (const std::string_view text : texts.views()) asked->add_text(text, analyzer);
    return asked;
  });
}

// Arrays of idf and literal share, and a list of the rare literals of each text.
py::tuple demands(const LexicalIndex& index, const AskedTexts& texts, double most_rows) {
  const std::vector<pyengine::Demand> found =
      enter([&] { return pyengine::demands(index.collection(), texts, most_rows); });
  const auto n = static_cast<py::ssize_t>(found.size());
  py::array_t<double> idf(n);
  py::array_t<double> literal_share(n);
  py::list literals(found.size());
  const pyengine::VocabularyBuilder& terms = texts.queries().terms();
  for (std::size_t i = 0; i < found.size(); ++i) {
    span_of(idf)[i] = found[i].idf;
    span_of(literal_share)[i] = found[i].literal_share;
    py::list of_text;
    for (const pyengine::TermId id : found[i].literals) {
      const std::string_view term = terms.term(id);
      of_text.append(py::str(term.data(), term.size()));
    }
    literals[i] = of_text;
  }
  return py::make_tuple(idf, literal_share, literals);
}

void replace_terms(AskedTexts& texts, const py::object& source) {
  const Texts stems(source, "stems");
  enter([&] { texts.replace_terms(stems.views()); });
}

}  // namespace

void register_demand(py::module_& m) {
  py::class_<AskedTexts>(m, "AskedTexts")
      .def(py::init(&asked_texts), py::arg("analyzer"), py::arg("texts"))
      .def("terms", [](const AskedTexts& texts) { return terms_of(texts.queries().terms()); })
      .def("replace_terms", &replace_terms, py::arg("stems"));
  m.def("demands", &demands, py::arg("index"), py::arg("texts"), py::arg("most_rows"));
}
