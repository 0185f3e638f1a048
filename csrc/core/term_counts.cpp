#include "core/term_counts.hpp"

#include <algorithm>

namespace pyengine {

bool TermCounts::add(std::span<const std::string_view> texts, const Analyzer& analyzer,
                     std::span<std::uint32_t> kinds, const std::function<bool()>& stop) {
  std::fill(kinds.begin(), kinds.end(), 0U);
  for (std::size_t i = 0; i < texts.size(); ++i) {
    analyzer.analyze(texts[i], tokens_);
    const std::size_t block = documents_++ % blocks_;
    for (const Token& token : tokens_.tokens) {
      if (token.part) continue;
      const auto kind = static_cast<std::uint8_t>(token.kind);
      ++kinds[i * kKindCount + kind];
      const std::string_view term = tokens_.term(token);
      const TermId id = vocabulary_.size() < most_terms_ ? vocabulary_.intern(term) : vocabulary_.find(term);
      if (id == kNoTerm) {
        ++left_out_;
        continue;
      }
      if (id == kinds_.size()) {
        counts_.resize(counts_.size() + blocks_);
        kinds_.push_back(kind);
      }
      ++counts_[id * blocks_ + block];
    }
    if (stop && stop()) return true;
  }
  return false;
}

}  // namespace pyengine
