#include "bind/pybind.hpp"
#include "core/analyzer/analyzer.hpp"

void register_analyzer(py::module_& m) {
  py::class_<pyengine::Analyzer>(m, "Analyzer").def(py::init([](int preset) {
    return pyengine::Analyzer(static_cast<pyengine::Preset>(preset));
  }));
}
