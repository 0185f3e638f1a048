#include <memory>
#include <string>
#include <utility>

#include "bind/enter.hpp"
#include "bind/interrupt.hpp"
#include "bind/lexical_index.hpp"
#include "bind/pybind.hpp"
#include "bind/texts.hpp"
#include "core/error.hpp"
#include "core/positions_builder.hpp"

namespace {

using pyengine::Analyzer;
using pyengine::Code;
using pyengine::Error;
using pyengine::PositionsBuilder;

std::unique_ptr<PositionsBuilder> make_builder(const LexicalIndex& index, std::string seam,
                                               unsigned n_threads, std::uint64_t memory,
                                               std::string scratch) {
  static_cast<void>(index.only_segment());
  return std::make_unique<PositionsBuilder>(index.shared_part(), std::move(seam),
                                            pyengine::BuildResources{n_threads, memory, std::move(scratch)});
}

void add(PositionsBuilder& builder, const Analyzer& analyzer, const py::object& titles,
         const py::object& texts) {
  const Texts first(titles, "titles", builder.documents());
  const Texts second(texts, "texts", builder.documents());
  if (first.views().size() != second.views().size()) {
    throw Error(Code::kInvalidArgument, "titles: expected one for each text");
  }
  Interrupt interrupt;
  enter([&] { return builder.add(first.views(), second.views(), analyzer, [&] { return interrupt(); }); });
  interrupt.rethrow();
}

py::list new_terms(const PositionsBuilder& builder) {
  const std::vector<std::string_view> terms = builder.new_terms();
  py::list out(terms.size());
  for (std::size_t i = 0; i < terms.size(); ++i) out[i] = py::str(terms[i].data(), terms[i].size());
  return out;
}

// `stems`: one for each of new_terms(), or None where terms stand as they are.
void resolve(PositionsBuilder& builder, const py::object& stems) {
  if (stems.is_none()) {
    enter([&] { builder.resolve(builder.new_terms()); });
    return;
  }
  const Texts terms(stems, "stems");
  if (terms.views().size() != builder.new_terms().size()) {
    throw Error(Code::kInvalidArgument, "stems: expected one for each new term");
  }
  enter([&] { builder.resolve(terms.views()); });
}

void save(PositionsBuilder& builder, const LexicalIndex& index, const std::string& path) {
  Interrupt interrupt;
  enter([&] {
    const std::unique_ptr<pyengine::Positions> positions = builder.finish([&] { return interrupt(); });
    if (positions != nullptr) positions->save(path, index.only_segment());
    return positions != nullptr;
  });
  interrupt.rethrow();
}

}  // namespace

void register_positions(py::module_& m) {
  py::class_<PositionsBuilder>(m, "PositionsBuilder")
      .def(py::init(&make_builder), py::arg("index"), py::arg("seam"), py::arg("n_threads") = 1,
           py::arg("memory") = 0, py::arg("scratch") = ".")
      .def("add", &add, py::arg("analyzer"), py::arg("titles"), py::arg("texts"))
      .def("new_terms", &new_terms)
      .def("resolve", &resolve, py::arg("stems"))
      .def("save", &save, py::arg("index"), py::arg("path"));
}
