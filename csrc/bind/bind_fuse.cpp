#include <vector>

#include "bind/arrays.hpp"
#include "bind/enter.hpp"
#include "bind/pybind.hpp"
#include "core/fuse.hpp"
#include "core/fuse_scores.hpp"

namespace {

using pyengine::Row;
using pyengine::Score;
using Rows = std::vector<py::array_t<Row>>;
using Scores = std::vector<py::array_t<Score>>;
using Counts = std::vector<py::array_t<std::uint32_t>>;
using Weights = std::vector<py::array_t<double>>;

// The lines of a two-dimensional array whose columns lie side by side: those of a Hits may be the first ones
// of a wider array, as Hits.truncate makes them.
template <class T>
struct Lines {
  explicit Lines(const py::array_t<T>& array)
      : stride(static_cast<std::size_t>(array.strides(0)) / sizeof(T)) {
    const auto n = static_cast<std::size_t>(array.shape(0));
    values = {array.data(), n == 0 ? 0 : (n - 1) * stride + static_cast<std::size_t>(array.shape(1))};
  }
  std::size_t stride;
  std::span<const T> values;
};

pyengine::RankedLists borrow_lists(const py::array_t<Row>& rows, const py::array_t<std::uint32_t>& counts,
                                   const py::array_t<double>& weights) {
  const Lines<Row> lines(rows);
  return {lines.values,
          lines.stride,
          {counts.data(), static_cast<std::size_t>(rows.shape(0))},
          {weights.data(), static_cast<std::size_t>(weights.size())}};
}

py::tuple fuse(const Rows& rows, const Counts& counts, const Weights& weights, double k,
               std::uint32_t first_rank, std::size_t window, std::size_t depth) {
  const auto n = static_cast<std::size_t>(rows.front().shape(0));
  std::vector<pyengine::RankedLists> lists;
  for (std::size_t l = 0; l < rows.size(); ++l) lists.push_back(borrow_lists(rows[l], counts[l], weights[l]));
  HitBuffers::check_size(n, depth);
  HitBuffers hits(n, depth);
  const pyengine::FusedHits out{span_of(hits.rows), span_of(hits.scores), span_of(hits.counts)};
  enter([&] { pyengine::fuse(lists, {k, first_rank, window, depth}, out); });
  return hits.as_tuple();
}

py::tuple fuse_scores(const Rows& rows, const Scores& scores, const Counts& counts, const Weights& weights,
                      const Scores& truth, const std::vector<int>& normalisations,
                      const std::vector<double>& minima, std::size_t window, std::size_t depth) {
  const auto n = static_cast<std::size_t>(rows.front().shape(0));
  std::vector<pyengine::ScoredLists> lists;
  for (std::size_t l = 0; l < rows.size(); ++l) {
    const Lines<Score> lines(scores[l]);
    lists.push_back({borrow_lists(rows[l], counts[l], weights[l]), lines.values, lines.stride,
                     static_cast<pyengine::Normalisation>(normalisations[l]), minima[l]});
  }
  std::vector<pyengine::TrueScores> given;
  for (const py::array_t<Score>& array : truth) {
    const Lines<Score> lines(array);
    given.push_back({lines.values, lines.stride});
  }
  HitBuffers::check_size(n, depth);
  HitBuffers hits(n, depth);
  const pyengine::FusedHits out{span_of(hits.rows), span_of(hits.scores), span_of(hits.counts)};
  enter([&] { pyengine::fuse_scores(lists, given, {window, depth}, out); });
  return hits.as_tuple();
}

}  // namespace

void register_fuse(py::module_& m) {
  m.def("fuse", &fuse, py::arg("rows"), py::arg("counts"), py::arg("weights"), py::arg("k"),
        py::arg("first_rank"), py::arg("window"), py::arg("depth"));
  m.def("fuse_scores", &fuse_scores, py::arg("rows"), py::arg("scores"), py::arg("counts"),
        py::arg("weights"), py::arg("truth"), py::arg("normalisations"), py::arg("minima"), py::arg("window"),
        py::arg("depth"));
}
