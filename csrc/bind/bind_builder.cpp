#include <atomic>
#include <memory>
#include <string>
#include <utility>

#include "bind/enter.hpp"
#include "bind/interrupt.hpp"
#include "bind/lexical_index.hpp"
#include "bind/pybind.hpp"
#include "bind/texts.hpp"
#include "core/error.hpp"
#include "core/segment_builder.hpp"

namespace {

using pyengine::Analyzer;
using pyengine::Code;
using pyengine::Error;
using pyengine::LayoutOptions;
using pyengine::SegmentBuilder;

// A builder that notices when two threads use it at once, which the core leaves to its caller.
class LexicalBuilder {
 public:
  LexicalBuilder(double k1, double b, std::uint32_t variant, double delta, std::uint64_t max_documents,
                 std::uint64_t tail_limit, std::uint64_t dense_divisor, std::uint32_t range_postings,
                 unsigned n_threads, std::uint64_t memory, std::string scratch)
      : builder_({k1, b, delta, static_cast<pyengine::Variant>(variant)}, max_documents,
                 {tail_limit, dense_divisor, range_postings}, {n_threads, memory, std::move(scratch)}) {}

  void add_texts(const Analyzer& analyzer, const py::object& source) {
    const Turn turn(*this);
    const Texts texts(source, "docs", builder_.documents());
    interruptible(
        [&](const SegmentBuilder::Stop& stop) { return builder_.add_texts(texts.views(), analyzer, stop); });
  }

  void add_pairs(const Analyzer& analyzer, const py::object& titles, const py::object& texts) {
    const Turn turn(*this);
    const Texts first(titles, "titles", builder_.documents());
    const Texts second(texts, "texts", builder_.documents());
    if (first.views().size() != second.views().size()) {
      throw Error(Code::kInvalidArgument, "titles: expected one for each text");
    }
    interruptible([&](const SegmentBuilder::Stop& stop) {
      return builder_.add_pairs(first.views(), second.views(), analyzer, stop);
    });
  }

  void add_token_lists(const py::object& source) {
    const Turn turn(*this);
    const TokenLists lists(source, "docs", builder_.documents());
    interruptible([&](const SegmentBuilder::Stop& stop) {
      return builder_.add_token_lists(lists.size(), [&](std::size_t i) { return lists[i]; }, stop);
    });
  }

  [[nodiscard]] py::list terms() {
    const Turn turn(*this);
    const pyengine::VocabularyBuilder* vocabulary = enter([&] { return &builder_.terms(); });
    return terms_of(*vocabulary, builder_.replaced());
  }

  void replace_terms(const py::object& source) {
    const Turn turn(*this);
    const Texts stems(source, "stems");
    enter([&] { builder_.replace_terms(stems.views()); });
  }

  void spill() {
    const Turn turn(*this);
    interruptible([&](const SegmentBuilder::Stop& stop) { return builder_.spill(stop); });
  }

  [[nodiscard]] std::unique_ptr<LexicalIndex> finish(const std::string& analyzer) {
    const Turn turn(*this);
    std::unique_ptr<pyengine::LexicalSegment> segment;
    interruptible([&](const SegmentBuilder::Stop& stop) {
      segment = builder_.finish(analyzer, stop);
      return segment != nullptr;
    });
    return std::make_unique<LexicalIndex>(std::move(segment));
  }

  [[nodiscard]] std::uint64_t documents() const noexcept { return builder_.documents(); }
  [[nodiscard]] bool over_budget() const noexcept { return builder_.over_budget(); }
  [[nodiscard]] std::size_t spills() const noexcept { return builder_.spills(); }

 private:
  class Turn {
   public:
    explicit Turn(LexicalBuilder& owner) : owner_(owner) {
      if (owner_.busy_.exchange(true)) {
        throw Error(Code::kInvalidArgument, "builder: expected one thread at a time, another is using it");
      }
    }
    ~Turn() { owner_.busy_ = false; }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

   private:
    LexicalBuilder& owner_;
  };

  // Runs work(stop) without the GIL; raises what a signal's handler raised meanwhile.
  template <class F>
  void interruptible(const F& work) {
    Interrupt interrupt;
    enter([&] { return work([&] { return interrupt(); }); });
    interrupt.rethrow();
  }

  SegmentBuilder builder_;
  std::atomic<bool> busy_{false};
};

}  // namespace

void register_builder(py::module_& m) {
  py::class_<LexicalBuilder>(m, "LexicalBuilder")
      // The layout's limits are other than the default only in tests.
      .def(py::init<double, double, std::uint32_t, double, std::uint64_t, std::uint64_t, std::uint64_t,
                    std::uint32_t, unsigned, std::uint64_t, std::string>(),
           py::arg("k1"), py::arg("b"), py::arg("variant") = 0, py::arg("delta") = 0.5,
           py::arg("max_documents") = pyengine::kMaxDocuments,
           py::arg("tail_limit") = LayoutOptions{}.tail_limit,
           py::arg("dense_divisor") = LayoutOptions{}.dense_divisor,
           py::arg("range_postings") = LayoutOptions{}.range_postings, py::arg("n_threads") = 1,
           py::arg("memory") = 0, py::arg("scratch") = ".")
      .def("add_texts", &LexicalBuilder::add_texts, py::arg("analyzer"), py::arg("texts"))
      .def("add_pairs", &LexicalBuilder::add_pairs, py::arg("analyzer"), py::arg("titles"), py::arg("texts"))
      .def("add_token_lists", &LexicalBuilder::add_token_lists, py::arg("token_lists"))
      .def("terms", &LexicalBuilder::terms)
      .def("replace_terms", &LexicalBuilder::replace_terms, py::arg("stems"))
      .def("spill", &LexicalBuilder::spill)
      .def("finish", &LexicalBuilder::finish, py::arg("analyzer"))
      .def_property_readonly("documents", &LexicalBuilder::documents)
      .def_property_readonly("over_budget", &LexicalBuilder::over_budget)
      .def_property_readonly("spills", &LexicalBuilder::spills);
}
