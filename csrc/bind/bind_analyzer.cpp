#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "bind/enter.hpp"
#include "bind/pybind.hpp"
#include "core/analyzer/analyzer.hpp"
#include "core/analyzer/unicode.hpp"
#include "core/analyzer/words.hpp"

namespace {

using pyengine::Analyzer;
using pyengine::Token;
using pyengine::TokenBuffer;

// Below this, analysis takes less time than handing the GIL over and back.
constexpr std::size_t kReleaseGilFrom = 2048;

// The UTF-8 of a str. A lone surrogate has none; it passes as three malformed bytes, which end a token.
class Utf8 {
 public:
  explicit Utf8(const py::str& text) {
    Py_ssize_t size = 0;
    const char* data = PyUnicode_AsUTF8AndSize(text.ptr(), &size);
    if (data == nullptr) {
      if (PyErr_ExceptionMatches(PyExc_UnicodeEncodeError) == 0) throw py::error_already_set();
      PyErr_Clear();
      owner_ =
          py::reinterpret_steal<py::object>(PyUnicode_AsEncodedString(text.ptr(), "utf-8", "surrogatepass"));
      if (!owner_) throw py::error_already_set();
      data = PyBytes_AS_STRING(owner_.ptr());
      size = PyBytes_GET_SIZE(owner_.ptr());
    }
    view_ = {data, static_cast<std::size_t>(size)};
  }

  [[nodiscard]] std::string_view view() const { return view_; }

 private:
  py::object owner_;
  std::string_view view_;
};

void run(const Analyzer& analyzer, std::string_view text, TokenBuffer& out) {
  if (text.size() < kReleaseGilFrom) {
    analyzer.analyze(text, out);
  } else {
    enter([&] { analyzer.analyze(text, out); });
  }
}

// Byte offsets to code-point offsets, for positions asked in any order that moves mostly forward.
class CodePoints {
 public:
  explicit CodePoints(std::string_view text) : text_(text) {}

  std::size_t at(std::size_t byte) {
    for (; byte_ < byte; ++byte_) point_ += pyengine::is_continuation(text_[byte_]) ? 0 : 1;
    while (byte_ > byte) point_ -= pyengine::is_continuation(text_[--byte_]) ? 0 : 1;
    return point_;
  }

 private:
  std::string_view text_;
  std::size_t byte_ = 0;
  std::size_t point_ = 0;
};

py::object term_of(const TokenBuffer& buffer, const Token& token) {
  const std::string_view term = buffer.term(token);
  return py::reinterpret_steal<py::object>(
      PyUnicode_DecodeUTF8(term.data(), static_cast<Py_ssize_t>(term.size()), "replace"));
}

py::list to_tuples(const TokenBuffer& buffer, CodePoints* points) {
  py::list out(buffer.tokens.size());
  std::size_t i = 0;
  for (const Token& token : buffer.tokens) {
    const std::size_t start = points == nullptr ? token.start : points->at(token.start);
    const std::size_t end = points == nullptr ? token.end : points->at(token.end);
    out[i++] = py::make_tuple(term_of(buffer, token), start, end, static_cast<int>(token.kind), token.part);
  }
  return out;
}

py::list tokens(const Analyzer& self, const py::str& text) {
  const Utf8 utf8(text);
  TokenBuffer buffer;
  run(self, utf8.view(), buffer);
  CodePoints points(utf8.view());
  return to_tuples(buffer, &points);
}

py::list tokens_utf8(const Analyzer& self, const py::bytes& text) {
  TokenBuffer buffer;
  run(self, std::string_view(text), buffer);
  return to_tuples(buffer, nullptr);
}

py::list terms(const Analyzer& self, const py::str& text) {
  const Utf8 utf8(text);
  TokenBuffer buffer;
  run(self, utf8.view(), buffer);
  py::list out(buffer.tokens.size());
  std::size_t i = 0;
  for (const Token& token : buffer.tokens) out[i++] = term_of(buffer, token);
  return out;
}

std::size_t count(const Analyzer& self, const py::str& text) {
  const Utf8 utf8(text);
  TokenBuffer buffer;
  run(self, utf8.view(), buffer);
  return buffer.tokens.size();
}

std::vector<std::size_t> word_boundaries(const py::str& text) {
  const Utf8 utf8(text);
  CodePoints points(utf8.view());
  std::vector<std::size_t> out;
  for (std::size_t at = 0; at < utf8.view().size();) {
    at = pyengine::segment_at(utf8.view(), at).end;
    out.push_back(points.at(at));
  }
  return out;
}

std::vector<std::string> kind_names() {
  std::vector<std::string> names;
  for (std::size_t kind = 0; kind < pyengine::kKindCount; ++kind) {
    names.emplace_back(name_of(static_cast<pyengine::Kind>(kind)));
  }
  return names;
}

std::string unicode_version() {
  const auto [major, minor, patch] = pyengine::unicode_version();
  return std::to_string(major) + "." + std::to_string(minor) + "." + std::to_string(patch);
}

py::str normalize(const py::str& text) {
  const Utf8 utf8(text);
  std::string out;
  pyengine::NormalizeScratch scratch;
  pyengine::append_term(utf8.view(), out, scratch);
  return out;
}

}  // namespace

void register_analyzer(py::module_& m) {
  py::class_<Analyzer>(m, "Analyzer")
      .def(py::init([](int preset, const std::vector<std::string>& stop_words) {
             return Analyzer(static_cast<pyengine::Preset>(preset), stop_words);
           }),
           py::arg("preset"), py::arg("stop_words") = std::vector<std::string>{})
      .def("tokens", &tokens, py::arg("text"))
      .def("tokens_utf8", &tokens_utf8, py::arg("text"))
      .def("terms", &terms, py::arg("text"))
      .def("count", &count, py::arg("text"))
      .def_property_readonly("stop_words", &Analyzer::stop_words);
  m.def("normalize", &normalize, py::arg("text"));
  m.def("word_boundaries", &word_boundaries, py::arg("text"));
  m.def("kind_names", &kind_names);
  m.def("unicode_version", &unicode_version);
}
