// The tokens of documents in the making and their places, in the order of the documents: some 2 bytes a
// token, in memory or in a temporary file.
//
// A document is the places of its title, the number of its tokens, and for each token its number and whether
// it is part of a literal; all as variable-length integers. A token that is no part has the next place, a
// part that of the token before. Thread rule: append_document() is a function of its arguments; the rest has
// one owner.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/run_file.hpp"
#include "core/types.hpp"

namespace pyengine {

// One token as it is logged: its number with whoever interned it, and whether it is part of a literal.
struct LoggedToken {
  TermId term;
  bool part;
};

void append_document(std::uint32_t title_length, std::span<const LoggedToken> tokens,
                     std::vector<std::byte>& out);

class PositionLog {
 public:
  // `scratch`: the folder of the temporary file; null: everything stays in memory. Throws Error{kIo}.
  explicit PositionLog(const std::string* scratch);

  // Takes consecutive documents whose tokens were numbered by `shard`. Throws Error{kIo}.
  void add(unsigned shard, std::uint32_t documents, std::vector<std::byte> bytes);

  // Calls document(shard, title_length, tokens) for each document in order, and stop() between pieces.
  // False: stopped. Throws Error{kIo} if the file does not hold what was written to it.
  template <class Document, class Stop>
  [[nodiscard]] bool read(const Document& document, const Stop& stop) const {
    std::vector<std::byte> buffer;
    std::vector<LoggedToken> tokens;
    for (const Piece& piece : pieces_) {
      if (stop && stop()) return false;
      std::span<const std::byte> left = bytes_of(piece, buffer);
      for (std::uint32_t i = 0; i < piece.documents; ++i) {
        const std::uint32_t title_length = take_document(left, tokens);
        document(piece.shard, title_length, std::span<const LoggedToken>(tokens));
      }
    }
    return true;
  }

 private:
  struct Piece {
    unsigned shard;
    std::uint32_t documents;
    std::vector<std::byte> bytes;  // empty where the file has them
    std::uint64_t begin;           // in the file
    std::uint64_t size;
    std::uint32_t crc;
  };

  [[nodiscard]] std::span<const std::byte> bytes_of(const Piece& piece, std::vector<std::byte>& buffer) const;
  [[nodiscard]] static std::uint32_t take_document(std::span<const std::byte>& left,
                                                   std::vector<LoggedToken>& tokens);

  std::unique_ptr<ScratchFile> file_;  // null: in memory
  std::vector<Piece> pieces_;
};

}  // namespace pyengine
