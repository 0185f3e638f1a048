#include <vector>

#include "bind/arrays.hpp"
#include "bind/enter.hpp"
#include "bind/pybind.hpp"
#include "bind/texts.hpp"
#include "core/chunker.hpp"

namespace {

using pyengine::Chunker;
using pyengine::ChunkSpan;

// How many chunks each text has, and the chunks of all texts one after the other as rows of four numbers:
// begin and end in bytes, begin and end in code points.
py::tuple spans(const Chunker& self, const py::object& source) {
  const Texts texts(source, "texts");
  std::vector<ChunkSpan> found;
  py::array_t<std::int64_t> counts(static_cast<py::ssize_t>(texts.views().size()));
  const std::span<std::int64_t> counted = span_of(counts);
  enter([&] {
    pyengine::ChunkScratch scratch;
    std::size_t i = 0;
    for (const std::string_view text : texts.views()) {
      const std::size_t before = found.size();
      self.spans(text, scratch, found);
      counted[i++] = static_cast<std::int64_t>(found.size() - before);
    }
  });
  py::array_t<std::int64_t> out({static_cast<py::ssize_t>(found.size()), py::ssize_t{4}});
  std::int64_t* to = out.mutable_data();
  for (const ChunkSpan& span : found) {
    *to++ = span.byte_begin;
    *to++ = span.byte_end;
    *to++ = span.begin;
    *to++ = span.end;
  }
  return py::make_tuple(counts, out);
}

}  // namespace

void register_chunker(py::module_& m) {
  py::class_<Chunker>(m, "Chunker")
      .def(py::init<std::size_t, std::size_t, bool>(), py::arg("tokens"), py::arg("overlap"),
           py::arg("sentences"))
      .def("spans", &spans, py::arg("texts"));
}
