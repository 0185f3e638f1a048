#include <string>

#include "bind/arrays.hpp"
#include "bind/enter.hpp"
#include "bind/interrupt.hpp"
#include "bind/pybind.hpp"
#include "core/dense.hpp"

namespace {

using pyengine::Code;
using pyengine::Error;
using pyengine::Row;
using pyengine::VectorBlocksView;
using pyengine::VectorType;

// Arrays of float16 or float32, all alike, each C-contiguous of shape (rows, dim).
VectorBlocksView borrow_blocks(const py::list& blocks, std::size_t dim, bool half) {
  const py::ssize_t size = half ? 2 : 4;
  VectorBlocksView view(half ? VectorType::kFloat16 : VectorType::kFloat32, dim);
  for (const py::handle& item : blocks) {
    const auto block = py::reinterpret_borrow<py::array>(item);
    const bool fits = py::isinstance<py::array>(item) && block.ndim() == 2 && block.dtype().kind() == 'f' &&
                      block.itemsize() == size && static_cast<std::size_t>(block.shape(1)) == dim &&
                      (block.flags() & py::array::c_style) != 0;
    if (!fits) {
      throw Error(Code::kInvalidArgument, "blocks: expected C-contiguous arrays of float" +
                                              std::string(half ? "16" : "32") + " with " +
                                              std::to_string(dim) + " columns");
    }
    view.append(static_cast<const std::byte*>(block.data()), static_cast<std::size_t>(block.shape(0)));
  }
  return view;
}

struct DenseQueries {
  explicit DenseQueries(const py::object& argument) : array(require_array<float>(argument, "queries", 2)) {}
  [[nodiscard]] std::size_t count() const { return static_cast<std::size_t>(array.shape(0)); }
  [[nodiscard]] std::size_t dim() const { return static_cast<std::size_t>(array.shape(1)); }
  [[nodiscard]] std::span<const float> values() const {
    return {array.data(), static_cast<std::size_t>(array.size())};
  }
  py::array_t<float> array;
};

// The row of every slot of `vectors`.
py::array_t<Row> require_rows(const py::object& argument, const VectorBlocksView& vectors) {
  const auto rows = require_array<Row>(argument, "rows", 1);
  if (static_cast<std::size_t>(rows.size()) != vectors.slots()) {
    throw Error(Code::kInvalidArgument, "rows: expected one for each of " + std::to_string(vectors.slots()) +
                                            " vectors, got " + std::to_string(rows.size()));
  }
  return rows;
}

py::tuple dense_exact(const py::object& queries_argument, std::size_t k, const py::list& blocks,
                      const py::object& rows_argument, bool half, unsigned threads,
                      const py::object& filter) {
  const DenseQueries queries(queries_argument);
  const VectorBlocksView vectors = borrow_blocks(blocks, queries.dim(), half);
  const py::array_t<Row> rows_array = require_rows(rows_argument, vectors);
  const std::span<const Row> rows{rows_array.data(), vectors.slots()};
  py::array_t<std::uint64_t> bits;  // keeps the filter's memory
  std::span<const std::uint64_t> allowed;
  if (!filter.is_none()) {
    bits = require_array<std::uint64_t>(filter, "filter", 1);
    allowed = {bits.data(), static_cast<std::size_t>(bits.size())};
    if (allowed.size() * 64 < vectors.slots()) {
      throw Error(Code::kInvalidArgument, "filter: expected a bit for each of " +
                                              std::to_string(vectors.slots()) + " rows, got " +
                                              std::to_string(64 * allowed.size()));
    }
  }
  HitBuffers::check_size(queries.count(), k);
  HitBuffers hits(queries.count(), k);
  const pyengine::DenseHits out{k, span_of(hits.rows), span_of(hits.scores), span_of(hits.counts)};
  const std::span<const float> values = queries.values();
  Interrupt interrupt;
  enter([&] {
    return pyengine::search_every_row(vectors, rows, allowed, values, threads, out,
                                      [&] { return interrupt(); });
  });
  interrupt.rethrow();
  return hits.as_tuple();
}

py::object dense_first_not_unit(const py::array& vectors, bool half, double tolerance) {
  py::list blocks;
  blocks.append(vectors);
  const VectorBlocksView view = borrow_blocks(blocks, static_cast<std::size_t>(vectors.shape(1)), half);
  const std::uint32_t row = enter([&] { return pyengine::first_not_unit(view, tolerance); });
  return row == pyengine::kNoRow ? py::object(py::none()) : py::object(py::int_(row));
}

py::tuple dense_rank(const py::object& queries_argument, const py::object& candidates_argument,
                     const py::object& found_argument, std::size_t k, const py::list& blocks,
                     const py::object& rows_argument, bool half) {
  const DenseQueries queries(queries_argument);
  const auto candidates = require_array<std::uint64_t>(candidates_argument, "candidates", 2);
  const auto found = require_array<std::uint64_t>(found_argument, "found", 1);
  const VectorBlocksView vectors = borrow_blocks(blocks, queries.dim(), half);
  const py::array_t<Row> rows_array = require_rows(rows_argument, vectors);
  const std::span<const Row> rows{rows_array.data(), vectors.slots()};
  const std::span<const std::uint64_t> slots{candidates.data(), static_cast<std::size_t>(candidates.size())};
  const std::span<const std::uint64_t> counts{found.data(), static_cast<std::size_t>(found.size())};
  const auto per_query = static_cast<std::size_t>(candidates.shape(1));
  bool fits = counts.size() == queries.count() && slots.size() == queries.count() * per_query;
  for (const std::uint64_t count : counts) fits = fits && count <= per_query;
  if (!fits) throw Error(Code::kInvalidArgument, "candidates: expected one row per query, as found says");
  HitBuffers::check_size(queries.count(), k);
  HitBuffers hits(queries.count(), k);
  const pyengine::DenseHits out{k, span_of(hits.rows), span_of(hits.scores), span_of(hits.counts)};
  const std::span<const float> values = queries.values();
  enter([&] { pyengine::rank_candidates(vectors, rows, values, slots, per_query, counts, out); });
  return hits.as_tuple();
}

py::array_t<pyengine::Score> dense_score(const py::object& queries_argument, const py::object& slots_argument,
                                         const py::list& blocks, bool half) {
  const DenseQueries queries(queries_argument);
  const auto wanted = require_array<std::uint32_t>(slots_argument, "slots", 2);
  const VectorBlocksView vectors = borrow_blocks(blocks, queries.dim(), half);
  if (static_cast<std::size_t>(wanted.shape(0)) != queries.count()) {
    throw Error(Code::kInvalidArgument, "slots: expected one line for each of " +
                                            std::to_string(queries.count()) + " queries, got " +
                                            std::to_string(wanted.shape(0)));
  }
  py::array_t<pyengine::Score> scores({wanted.shape(0), wanted.shape(1)});
  const std::span<const std::uint32_t> slots{wanted.data(), static_cast<std::size_t>(wanted.size())};
  const std::span<pyengine::Score> out = span_of(scores);
  const std::span<const float> values = queries.values();
  const auto per_query = static_cast<std::size_t>(wanted.shape(1));
  enter([&] { pyengine::score_slots(vectors, values, slots, per_query, out); });
  return scores;
}

}  // namespace

void register_dense(py::module_& m) {
  m.def("dense_exact", &dense_exact, py::arg("queries"), py::arg("k"), py::arg("blocks"), py::arg("rows"),
        py::arg("half"), py::arg("threads"), py::arg("filter") = py::none());
  m.def("dense_first_not_unit", &dense_first_not_unit, py::arg("vectors"), py::arg("half"),
        py::arg("tolerance"));
  m.def("dense_rank", &dense_rank, py::arg("queries"), py::arg("candidates"), py::arg("found"), py::arg("k"),
        py::arg("blocks"), py::arg("rows"), py::arg("half"));
  m.def("dense_score", &dense_score, py::arg("queries"), py::arg("slots"), py::arg("blocks"),
        py::arg("half"));
}
