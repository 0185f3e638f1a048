// Registers the concepts and translates the core's errors; nothing else lives here.
#include "bind/pybind.hpp"
#include "core/error.hpp"

namespace {

const char* error_class(pyengine::Code code) {
  using pyengine::Code;
  switch (code) {
    case Code::kInvalidArgument:
    case Code::kExhausted:
      return "InvalidInputError";
    case Code::kNotFound:
      return "NotFoundError";
    case Code::kCorruption:
      return "CorruptIndexError";
    case Code::kIncompatible:
      return "IncompatibleIndexError";
    case Code::kIo:
      return "StorageError";
  }
  return "PyEngineError";
}

}  // namespace

PYBIND11_MODULE(_core, m) {
  py::register_exception_translator([](std::exception_ptr p) {
    try {
      if (p) std::rethrow_exception(p);
    } catch (const pyengine::Error& e) {
      const py::object type = py::module_::import("pyengine.errors").attr(error_class(e.code()));
      py::set_error(type, e.what());
    }
  });
  register_analyzer(m);
  register_chunker(m);
  register_dense(m);
  register_fuse(m);
  register_lexical(m);
  register_builder(m);
  register_positions(m);
  register_term_counts(m);
  register_row_sets(m);
  register_demand(m);
}
