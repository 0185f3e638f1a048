// BM25: the five formulas in use, their sources, nothing else.
//
//   score(d, q) = sum over the terms t that q and d share of weight(t) * idf(t) * saturation(tf, dl)
//
// weight(t) is how often t occurs in the query, N the number of documents, df that of those with t,
//   norm = k1 * (1 - b + b * dl / avgdl),    c = tf / (1 - b + b * dl / avgdl).
//
//   variant     idf                                     saturation
//   lucene      ln(1 + (N - df + 0.5) / (df + 0.5))     tf * (k1 + 1) / (tf + norm)
//   robertson   ln((N - df + 0.5) / (df + 0.5))         tf * (k1 + 1) / (tf + norm)
//   atire       ln(N / df)                              tf * (k1 + 1) / (tf + norm)
//   bm25l       ln((N + 1) / (df + 0.5))                (k1 + 1) * (c + delta) / (k1 + c + delta)
//   bm25+       ln((N + 1) / df)                        delta + tf * (k1 + 1) / (tf + norm)
//
// Sources: the table of C. Kamphuis, A. de Vries, L. Boytsov and J. Lin, "Which BM25 Do You Mean?", ECIR 2020
// ("Lucene (accurate)" is our lucene); S. Robertson and H. Zaragoza, "The Probabilistic Relevance Framework:
// BM25 and Beyond", FnTIR 3(4), 2009, sections 3.4 and 3.5.1 (the factor k1 + 1); Y. Lv and C. Zhai, "When
// Documents Are Very Long, BM25 Fails!", SIGIR 2011 (bm25l) and "Lower-Bounding Term Frequency
// Normalization", CIKM 2011 (bm25+). As in these two papers the sum runs over the terms in the document: a
// term it lacks adds nothing. The idf of robertson is negative for terms in more than half of the documents,
// and stays so.
//
// What search relies on: saturation is at least 0, rises with tf, never rises with the length, and is at
// most max_saturation(). Everything is float64 in exactly the order written here.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace pyengine {

enum class Variant : std::uint32_t { kLucene = 0, kRobertson = 1, kAtire = 2, kBm25l = 3, kBm25Plus = 4 };
inline constexpr std::uint32_t kVariants = 5;

struct Bm25Params {
  double k1 = 1.5;     // term frequency saturation, >= 0
  double b = 0.75;     // length normalisation, 0 to 1
  double delta = 0.5;  // what an occurrence is worth at least, >= 0; bm25l and bm25+ only
  Variant variant = Variant::kLucene;

  [[nodiscard]] bool operator==(const Bm25Params&) const = default;
};

// What the formula needs to know of the collection as a whole.
struct CollectionStats {
  std::uint64_t documents = 0;
  std::uint64_t tokens = 0;

  [[nodiscard]] bool operator==(const CollectionStats&) const = default;
};

// The formula with the statistics of one collection filled in. Immutable.
class Bm25 {
 public:
  Bm25(const Bm25Params& params, const CollectionStats& stats) noexcept
      : params_(params),
        stats_(stats),
        // A collection without a single token has no average length; 1 keeps the formula defined.
        average_length_(stats.tokens == 0 || stats.documents == 0
                            ? 1.0
                            : static_cast<double>(stats.tokens) / static_cast<double>(stats.documents)) {}

  [[nodiscard]] const Bm25Params& params() const noexcept { return params_; }
  [[nodiscard]] const CollectionStats& stats() const noexcept { return stats_; }
  [[nodiscard]] double average_length() const noexcept { return average_length_; }

  // REQUIRES: df <= documents.
  [[nodiscard]] double idf(std::uint64_t df) const noexcept {
    const auto documents = static_cast<double>(stats_.documents);
    const auto with = static_cast<double>(df);
    switch (params_.variant) {
      case Variant::kRobertson:
        return std::log((documents - with + 0.5) / (with + 0.5));
      case Variant::kAtire:
        return df == 0 ? 0.0 : std::log(documents / with);
      case Variant::kBm25l:
        return std::log((documents + 1.0) / (with + 0.5));
      case Variant::kBm25Plus:
        return df == 0 ? 0.0 : std::log((documents + 1.0) / with);
      case Variant::kLucene:
        break;
    }
    return std::log1p((documents - with + 0.5) / (with + 0.5));
  }

  // How long a document is against the average one, as far as b lets that count.
  [[nodiscard]] double pivot(std::uint32_t length) const noexcept {
    return 1.0 - params_.b + params_.b * static_cast<double>(length) / average_length_;
  }

  // How much one term with frequency `tf` >= 1 counts in a document of `length` tokens.
  [[nodiscard]] double saturation(std::uint32_t tf, std::uint32_t length) const noexcept {
    return saturation(tf, pivot(length));
  }

  // The same for a known pivot(length).
  [[nodiscard]] double saturation(std::uint32_t tf, double pivot) const noexcept {
    const auto frequency = static_cast<double>(tf);
    if (params_.variant == Variant::kBm25l) {
      const double c = frequency / pivot + params_.delta;
      return (params_.k1 + 1.0) * c / (params_.k1 + c);
    }
    const double share = frequency * (params_.k1 + 1.0) / (frequency + params_.k1 * pivot);
    return params_.variant == Variant::kBm25Plus ? params_.delta + share : share;
  }

  // What one term adds to a document's sum; `weighted_idf` is weight * idf.
  [[nodiscard]] double contribution(double weighted_idf, std::uint32_t tf,
                                    std::uint32_t length) const noexcept {
    return weighted_idf * saturation(tf, length);
  }

  // No saturation is greater.
  [[nodiscard]] double max_saturation() const noexcept {
    return params_.k1 + 1.0 + (params_.variant == Variant::kBm25Plus ? params_.delta : 0.0);
  }

 private:
  Bm25Params params_;
  CollectionStats stats_;
  double average_length_;
};

}  // namespace pyengine
