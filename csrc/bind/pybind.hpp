// The only door to pybind11's headers, and the list of concepts the module registers.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

namespace py = pybind11;

void register_analyzer(py::module_& m);
void register_builder(py::module_& m);
void register_positions(py::module_& m);
void register_row_sets(py::module_& m);
void register_demand(py::module_& m);
void register_term_counts(py::module_& m);
void register_chunker(py::module_& m);
void register_dense(py::module_& m);
void register_fuse(py::module_& m);
void register_lexical(py::module_& m);
