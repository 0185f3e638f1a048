#include <string>
#include <vector>

#include "bind/arrays.hpp"
#include "bind/enter.hpp"
#include "bind/pybind.hpp"
#include "core/fuse.hpp"

namespace {

using pyengine::Row;

// A Hits whose rows may be the first columns of a wider array, as Hits.truncate makes them.
pyengine::RankedLists borrow_lists(const py::array_t<Row>& rows, const py::array_t<std::uint32_t>& counts,
                                   double weight) {
  const auto n = static_cast<std::size_t>(rows.shape(0));
  const auto k = static_cast<std::size_t>(rows.shape(1));
  const auto stride = static_cast<std::size_t>(rows.strides(0)) / sizeof(Row);
  const std::size_t size = n == 0 ? 0 : (n - 1) * stride + k;
  return {{rows.data(), size}, stride, {counts.data(), n}, weight};
}

py::tuple fuse(const std::vector<py::array_t<Row>>& rows,
               const std::vector<py::array_t<std::uint32_t>>& counts, const std::vector<double>& weights,
               double k, std::uint32_t first_rank, std::size_t window, std::size_t depth) {
  const auto n = static_cast<std::size_t>(rows.front().shape(0));
  std::vector<pyengine::RankedLists> lists;
  for (std::size_t l = 0; l < rows.size(); ++l) lists.push_back(borrow_lists(rows[l], counts[l], weights[l]));
  HitBuffers::check_size(n, depth);
  HitBuffers hits(n, depth);
  const pyengine::FusedHits out{span_of(hits.rows), span_of(hits.scores), span_of(hits.counts)};
  enter([&] { pyengine::fuse(lists, {k, first_rank, window, depth}, out); });
  return hits.as_tuple();
}

}  // namespace

void register_fuse(py::module_& m) {
  m.def("fuse", &fuse, py::arg("rows"), py::arg("counts"), py::arg("weights"), py::arg("k"),
        py::arg("first_rank"), py::arg("window"), py::arg("depth"));
}
