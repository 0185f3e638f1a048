#include "core/position_log.hpp"

#include <utility>

#include "core/error.hpp"
#include "core/format.hpp"

namespace pyengine {

namespace {

void append_number(std::uint64_t value, std::vector<std::byte>& out) {
  for (; value >= 0x80; value >>= 7) out.push_back(static_cast<std::byte>(value | 0x80));
  out.push_back(static_cast<std::byte>(value));
}

// What is read back was checked against its checksum: the numbers are those that were written.
std::uint64_t take_number(std::span<const std::byte>& left) {
  std::uint64_t value = 0;
  std::size_t at = 0;
  for (unsigned shift = 0;; shift += 7) {
    const auto byte = static_cast<std::uint64_t>(left[at++]);
    value |= (byte & 0x7F) << shift;
    if ((byte & 0x80) == 0) break;
  }
  left = left.subspan(at);
  return value;
}

}  // namespace

void append_document(std::uint32_t title_length, std::span<const LoggedToken> tokens,
                     std::vector<std::byte>& out) {
  append_number(title_length, out);
  append_number(tokens.size(), out);
  for (const LoggedToken& token : tokens) {
    append_number(std::uint64_t{token.term} << 1 | (token.part ? 1U : 0U), out);
  }
}

PositionLog::PositionLog(const std::string* scratch)
    : file_(scratch == nullptr ? nullptr : std::make_unique<ScratchFile>(*scratch)) {}

void PositionLog::add(unsigned shard, std::uint32_t documents, std::vector<std::byte> bytes) {
  Piece piece{shard, documents, {}, 0, bytes.size(), 0};
  if (file_ == nullptr) {
    bytes.shrink_to_fit();
    piece.bytes = std::move(bytes);
  } else {
    piece.begin = file_->size();
    piece.crc = crc32c(bytes);
    file_->append(bytes);
  }
  pieces_.push_back(std::move(piece));
}

std::span<const std::byte> PositionLog::bytes_of(const Piece& piece, std::vector<std::byte>& buffer) const {
  if (file_ == nullptr) return piece.bytes;
  buffer.resize(piece.size);
  file_->read(piece.begin, buffer);
  if (crc32c(buffer) != piece.crc) {
    throw Error(Code::kIo, "scratch " + file_->folder() +
                               ": the temporary file does not hold what was written to it; check the disk "
                               "and build again, or give another folder");
  }
  return buffer;
}

std::uint32_t PositionLog::take_document(std::span<const std::byte>& left, std::vector<LoggedToken>& tokens) {
  const auto title_length = static_cast<std::uint32_t>(take_number(left));
  tokens.resize(take_number(left));
  for (LoggedToken& token : tokens) {
    const std::uint64_t value = take_number(left);
    token = {static_cast<TermId>(value >> 1), (value & 1U) != 0};
  }
  return title_length;
}

}  // namespace pyengine
