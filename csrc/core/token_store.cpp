#include "core/token_store.hpp"

#include <algorithm>
#include <utility>

namespace pyengine {

TokenPiece TokenStore::keep(Row first_row, std::uint32_t documents, unsigned shard,
                            std::span<const TermId> terms) {
  TokenPiece piece{first_row, documents, shard, terms.size(), nullptr, 0};
  {
    const std::lock_guard guard(mutex_);
    if (block_ == nullptr || used_ + terms.size() > block_->size()) {
      block_ = std::make_shared<Pages<TermId>>(std::max(kBlockTokens, terms.size()));
      used_ = 0;
    }
    piece.block = block_;
    piece.begin = used_;
    used_ += terms.size();
  }
  std::copy(terms.begin(), terms.end(), piece.block->data() + piece.begin);
  return piece;
}

std::vector<TokenPiece> TokenStore::take() {
  block_.reset();
  used_ = 0;
  tokens_ = 0;
  return std::exchange(pieces_, {});
}

}  // namespace pyengine
