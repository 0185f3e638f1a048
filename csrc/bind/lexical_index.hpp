// The index as Python holds it: made by the builder's binding, searched by that of the index.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "bind/pybind.hpp"
#include "core/collection.hpp"
#include "core/error.hpp"
#include "core/searcher.hpp"
#include "core/segment.hpp"
#include "core/vocabulary.hpp"

// The segments of one index and what searches them. Immutable: any number of Python threads may use it.
class LexicalIndex {
 public:
  explicit LexicalIndex(std::shared_ptr<const pyengine::LexicalSegment> segment)
      : searcher_(pyengine::Collection(std::move(segment))) {}
  explicit LexicalIndex(pyengine::Collection collection) : searcher_(std::move(collection)) {}

  [[nodiscard]] const pyengine::Collection& collection() const noexcept { return searcher_.collection(); }
  [[nodiscard]] const pyengine::Searcher& searcher() const noexcept { return searcher_; }
  [[nodiscard]] std::span<const pyengine::CollectionPart> parts() const noexcept {
    return collection().parts();
  }

  // The one segment there is, shared. REQUIRES: there is one.
  [[nodiscard]] std::shared_ptr<const pyengine::LexicalSegment> shared_part() const {
    return parts().front().segment;
  }

  // The one segment there is, which has the term ids. Throws Error{kInvalidArgument} if there are several.
  [[nodiscard]] const pyengine::LexicalSegment& only_part() const {
    if (parts().size() != 1) {
      throw pyengine::Error(pyengine::Code::kInvalidArgument,
                            "term ids: expected an index of one segment, this is a union of " +
                                std::to_string(parts().size()) + "; ask with tokens");
    }
    return *parts().front().segment;
  }

  // The one segment there is. Throws Error{kInvalidArgument} if there are several or rows are deleted.
  [[nodiscard]] const pyengine::LexicalSegment& only_segment() const {
    if (parts().size() != 1 || collection().deleted() != 0) {
      throw pyengine::Error(
          pyengine::Code::kInvalidArgument,
          "index: expected one segment without deletions; save the indexes it was made from");
    }
    return *parts().front().segment;
  }

 private:
  pyengine::Searcher searcher_;
};

// The terms from `first` on as a list of str.
inline py::list terms_of(const pyengine::VocabularyBuilder& vocabulary, std::size_t first = 0) {
  py::list terms(vocabulary.size() - first);
  for (std::size_t i = first; i < vocabulary.size(); ++i) {
    const std::string_view term = vocabulary.term(static_cast<pyengine::TermId>(i));
    terms[i - first] = py::str(term.data(), term.size());
  }
  return terms;
}
