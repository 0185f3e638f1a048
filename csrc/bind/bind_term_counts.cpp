#include <algorithm>

#include "bind/arrays.hpp"
#include "bind/enter.hpp"
#include "bind/interrupt.hpp"
#include "bind/lexical_index.hpp"
#include "bind/pybind.hpp"
#include "bind/texts.hpp"
#include "core/mixed_tokens.hpp"
#include "core/term_counts.hpp"

namespace {

using pyengine::Analyzer;
using pyengine::kKindCount;
using pyengine::TermCounts;

constexpr std::size_t kBatch = 256;  // texts between two looks for Ctrl-C

py::array_t<std::uint32_t> add(TermCounts& self, const Analyzer& analyzer, const py::object& source) {
  const Texts texts(source, "texts");
  py::array_t<std::uint32_t> kinds({texts.views().size(), kKindCount});
  const std::span<std::uint32_t> out = span_of(kinds);
  Interrupt interrupt;
  std::size_t done = 0;
  enter([&] { self.add(texts.views(), analyzer, out, [&] { return ++done % kBatch == 0 && interrupt(); }); });
  interrupt.rethrow();
  return kinds;
}

py::tuple count_mixed(const py::object& source) {
  const Texts texts(source, "texts");
  py::array_t<std::uint64_t> mixed(static_cast<py::ssize_t>(texts.views().size()));
  py::array_t<std::uint64_t> kept(static_cast<py::ssize_t>(texts.views().size()));
  const std::span<std::uint64_t> mixed_out = span_of(mixed);
  const std::span<std::uint64_t> kept_out = span_of(kept);
  enter([&] {
    std::size_t i = 0;
    for (const std::string_view text : texts.views()) {
      pyengine::MixedTokens found;
      found.add(text);
      mixed_out[i] = found.mixed;
      kept_out[i++] = found.kept;
    }
  });
  return py::make_tuple(mixed, kept);
}

template <class T>
py::array_t<T> copied(std::span<const T> values) {
  return py::array_t<T>(static_cast<py::ssize_t>(values.size()), values.data());
}

}  // namespace

void register_term_counts(py::module_& m) {
  py::class_<TermCounts>(m, "TermCounts")
      .def(py::init<std::size_t, std::size_t>(), py::arg("most_terms"), py::arg("blocks"))
      .def("add", &add, py::arg("analyzer"), py::arg("texts"))
      .def("terms", [](const TermCounts& self) { return terms_of(self.terms()); })
      .def("counts",
           [](const TermCounts& self) {
             return copied(self.counts())
                 .reshape({static_cast<py::ssize_t>(self.terms().size()),
                           static_cast<py::ssize_t>(self.blocks())});
           })
      .def_property_readonly("left_out", &TermCounts::left_out)
      .def("kinds", [](const TermCounts& self) { return copied(self.kinds()); })
      .def("__len__", [](const TermCounts& self) { return self.terms().size(); });
  m.def("count_mixed", &count_mixed, py::arg("texts"));
}
