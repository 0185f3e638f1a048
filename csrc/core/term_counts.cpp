#include "core/term_counts.hpp"

#include <algorithm>

namespace pyengine {

bool TermCounts::add(std::span<const std::string_view> texts, const Analyzer& analyzer,
                     std::span<std::uint32_t> kinds, const std::function<bool()>& stop) {
  std::fill(kinds.begin(), kinds.end(), 0U);
  for (std::size_t i = 0; i < texts.size(); ++i) {
    analyzer.analyze(texts[i], tokens_);
    for (const Token& token : tokens_.tokens) {
      if (token.part) continue;
      const auto kind = static_cast<std::uint8_t>(token.kind);
      ++kinds[i * kKindCount + kind];
      const TermId id = vocabulary_.intern(tokens_.term(token));
      if (id == counts_.size()) {
        counts_.push_back(0);
        kinds_.push_back(kind);
      }
      ++counts_[id];
    }
    if (stop && stop()) return true;
  }
  return false;
}

}  // namespace pyengine
