#include "core/run_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <system_error>
#include <utility>

#include "core/error.hpp"
#include "core/format.hpp"
#include "core/list_encoder.hpp"

namespace pyengine {

namespace {

constexpr std::size_t kBlockBytes = std::size_t{1} << 16;

// Before every block of a run.
struct BlockHead {
  std::uint32_t bytes;
  std::uint32_t crc;
};

Error refused(const std::string& folder, const std::string& doing, int reason) {
  return {Code::kIo, "scratch " + folder + ": cannot " + doing +
                         " the temporary file: " + std::generic_category().message(reason) +
                         "; give another folder, or build without memory_mb"};
}

Error unsound(const std::string& folder) {
  return {Code::kIo,
          "scratch " + folder +
              ": the temporary file does not hold what was written to it; check the disk and build "
              "again, or give another folder"};
}

template <class T>
std::span<std::byte> writable_bytes(T& value) {
  return std::as_writable_bytes(std::span(&value, 1));
}

}  // namespace

ScratchFile::ScratchFile(std::string folder) : folder_(std::move(folder)) {
  std::string path = folder_ + "/pyengine-build-XXXXXX";
  descriptor_ = ::mkostemp(path.data(), O_CLOEXEC);
  if (descriptor_ < 0) throw refused(folder_, "create", errno);
  ::unlink(path.c_str());
}

ScratchFile::~ScratchFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

void ScratchFile::append(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::pwrite(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(size_));
    if (written < 0) {
      if (errno == EINTR) continue;
      throw refused(folder_, "write", errno);
    }
    size_ += static_cast<std::uint64_t>(written);
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
}

void ScratchFile::read(std::uint64_t offset, std::span<std::byte> out) const {
  while (!out.empty()) {
    const ssize_t got = ::pread(descriptor_, out.data(), out.size(), static_cast<off_t>(offset));
    if (got < 0) {
      if (errno == EINTR) continue;
      throw refused(folder_, "read", errno);
    }
    if (got == 0) throw unsound(folder_);
    offset += static_cast<std::uint64_t>(got);
    out = out.subspan(static_cast<std::size_t>(got));
  }
}

void RunFile::begin_run() { runs_.push_back({file_.size(), file_.size()}); }

void RunFile::end_run() {
  flush();
  runs_.back().end = file_.size();
}

void RunFile::put(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const std::size_t fits = std::min(bytes.size(), kBlockBytes - block_.size());
    block_.insert(block_.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(fits));
    bytes = bytes.subspan(fits);
    if (block_.size() == kBlockBytes) flush();
  }
}

void RunFile::flush() {
  if (block_.empty()) return;
  const BlockHead head{static_cast<std::uint32_t>(block_.size()), crc32c(block_)};
  file_.append(std::as_bytes(std::span(&head, 1)));
  file_.append(block_);
  block_.clear();
}

void RunFile::write(const PostingsPart& part) {
  std::size_t begin = 0;
  std::size_t large_begin = 0;
  for (std::size_t term = 0; term < part.counts.size(); ++term) {
    const std::size_t count = part.counts[term];
    if (count == 0) continue;
    const std::span frequencies = std::span(part.frequencies).subspan(begin, count);
    const auto large =
        static_cast<std::size_t>(std::count(frequencies.begin(), frequencies.end(), kLargeFrequency));
    const Reader::Head head{static_cast<TermId>(part.first + term), part.counts[term],
                            static_cast<std::uint32_t>(large)};
    put(std::as_bytes(std::span(&head, 1)));
    put(std::as_bytes(std::span(part.rows).subspan(begin, count)));
    put(std::as_bytes(frequencies));
    put(std::as_bytes(std::span(part.large).subspan(large_begin, large)));
    begin += count;
    large_begin += large;
  }
}

RunFile::Reader::Reader(const RunFile& owner, std::size_t run)
    : owner_(owner), at_(owner.runs_[run].begin), end_(owner.runs_[run].end) {
  next_head();
}

void RunFile::Reader::next_block() {
  BlockHead head{};
  if (end_ - at_ < sizeof(head)) throw unsound(owner_.file_.folder());
  owner_.file_.read(at_, writable_bytes(head));
  at_ += sizeof(head);
  if (head.bytes == 0 || head.bytes > kBlockBytes || head.bytes > end_ - at_) {
    throw unsound(owner_.file_.folder());
  }
  block_.resize(head.bytes);
  owner_.file_.read(at_, block_);
  at_ += head.bytes;
  if (crc32c(block_) != head.crc) throw unsound(owner_.file_.folder());
  used_ = 0;
}

void RunFile::Reader::get(std::span<std::byte> out) {
  while (!out.empty()) {
    if (used_ == block_.size()) next_block();
    const std::size_t there = std::min(out.size(), block_.size() - used_);
    std::memcpy(out.data(), block_.data() + used_, there);
    used_ += there;
    out = out.subspan(there);
  }
}

void RunFile::Reader::next_head() {
  if (used_ == block_.size() && at_ == end_) {
    head_ = {};
    return;
  }
  get(writable_bytes(head_));
}

void RunFile::Reader::take(ListBuffer& out) {
  const std::size_t before = out.rows.size();
  out.rows.resize(before + head_.count);
  get(std::as_writable_bytes(std::span(out.rows).subspan(before)));
  small_.resize(head_.count);
  get(std::as_writable_bytes(std::span(small_)));
  large_.resize(head_.large);
  get(std::as_writable_bytes(std::span(large_)));
  std::size_t next = 0;
  out.frequencies.reserve(out.frequencies.size() + head_.count);
  for (const std::uint8_t small : small_) {
    out.frequencies.push_back(small == kLargeFrequency ? large_[next++] : small);
  }
  next_head();
}

}  // namespace pyengine
