// The term ids of all documents in the making, 4 bytes a token, in the order of the documents.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <utility>
#include <vector>

#include "core/pages.hpp"
#include "core/types.hpp"

namespace pyengine {

// The tokens of consecutive documents, with the ids of one shard of the vocabulary.
struct TokenPiece {
  Row first_row;
  std::uint32_t documents;
  unsigned shard;
  std::uint64_t tokens;
  std::shared_ptr<Pages<TermId>> block;  // where they lie; given back with the last piece in it
  std::uint64_t begin;                   // in the block

  [[nodiscard]] std::span<TermId> terms() const noexcept { return block->span().subspan(begin, tokens); }
};

// Places pieces in large blocks. Thread rule: any number of threads may call keep(); the rest has one owner.
class TokenStore {
 public:
  // Copies `terms`; the piece becomes part of the store with add(), which may come later.
  [[nodiscard]] TokenPiece keep(Row first_row, std::uint32_t documents, unsigned shard,
                                std::span<const TermId> terms);

  // REQUIRES: pieces come in ascending order of rows.
  void add(TokenPiece piece) {
    tokens_ += piece.tokens;
    pieces_.push_back(std::move(piece));
  }

  [[nodiscard]] std::uint64_t tokens() const noexcept { return tokens_; }

  // Hands all pieces over; the store is then empty.
  [[nodiscard]] std::vector<TokenPiece> take();

 private:
  static constexpr std::size_t kBlockTokens = std::size_t{1} << 18;

  std::mutex mutex_;
  std::shared_ptr<Pages<TermId>> block_;
  std::uint64_t used_ = 0;  // of block_
  std::vector<TokenPiece> pieces_;
  std::uint64_t tokens_ = 0;
};

}  // namespace pyengine
