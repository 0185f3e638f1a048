// BM25: the formula, its source, nothing else.
//
//   score(d, q) = sum over distinct terms t of q, in order of first occurrence, of
//                 weight(t) * idf(t) * saturation(tf, norm(d))
//   idf(t)      = ln(1 + (N - df + 0.5) / (df + 0.5))
//   norm(d)     = k1 * (1 - b + b * dl / avgdl)
//   saturation  = tf * (k1 + 1) / (tf + norm)
//
// Sources: S. Robertson and H. Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond",
// Foundations and Trends in Information Retrieval 3(4), 2009, section 3.4 (saturation and length
// normalisation) and 3.5.1 (the factor k1 + 1); C. Kamphuis, A. de Vries, L. Boytsov and J. Lin,
// "Which BM25 Do You Mean?", ECIR 2020, variant "Lucene (accurate)" (the idf, which is never negative).
// weight(t) is how often t occurs in the query.
//
// Everything is float64 in exactly the order written here; a score is rounded once, to float32, when
// its sum is complete. Every search algorithm must produce these bits.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

namespace pyengine {

struct Bm25Params {
  double k1 = 1.5;  // term frequency saturation, >= 0
  double b = 0.75;  // length normalisation, 0 to 1
};

namespace bm25 {

// REQUIRES: df <= documents.
[[nodiscard]] inline double idf(double documents, double df) noexcept {
  return std::log1p((documents - df + 0.5) / (df + 0.5));
}

[[nodiscard]] inline double norm(const Bm25Params& params, double length, double average_length) noexcept {
  return params.k1 * (1.0 - params.b + params.b * length / average_length);
}

[[nodiscard]] inline double saturation(const Bm25Params& params, double tf, double norm) noexcept {
  return tf * (params.k1 + 1.0) / (tf + norm);
}

}  // namespace bm25

// The formula with the statistics of one collection filled in. Immutable.
class Bm25 {
 public:
  // Lengths below `max_length` (bounded by 65,536) get their norm from a table; the others are computed.
  Bm25(Bm25Params params, std::uint64_t documents, std::uint64_t total_length, std::uint32_t max_length)
      : params_(params),
        documents_(static_cast<double>(documents)),
        // A collection without a single token has no average length; 1 keeps the formula defined.
        average_length_(total_length == 0 ? 1.0 : static_cast<double>(total_length) / documents_) {
    norms_.resize(std::min<std::size_t>(max_length, kLargestTable) + 1);
    for (std::size_t length = 0; length < norms_.size(); ++length) {
      norms_[length] = bm25::norm(params_, static_cast<double>(length), average_length_);
    }
  }

  [[nodiscard]] const Bm25Params& params() const noexcept { return params_; }
  [[nodiscard]] double average_length() const noexcept { return average_length_; }

  [[nodiscard]] double idf(std::uint64_t df) const noexcept {
    return bm25::idf(documents_, static_cast<double>(df));
  }

  [[nodiscard]] double norm(std::uint32_t length) const noexcept {
    return length < norms_.size() ? norms_[length]
                                  : bm25::norm(params_, static_cast<double>(length), average_length_);
  }

  // What one term adds to a document's sum; `weighted_idf` is weight * idf.
  [[nodiscard]] double contribution(double weighted_idf, std::uint32_t tf,
                                    std::uint32_t length) const noexcept {
    return weighted_idf * bm25::saturation(params_, static_cast<double>(tf), norm(length));
  }

 private:
  static constexpr std::size_t kLargestTable = 65'535;

  Bm25Params params_;
  double documents_;
  double average_length_;
  std::vector<double> norms_;
};

}  // namespace pyengine
