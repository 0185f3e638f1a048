// Sorted runs of postings in a temporary file, for builds that may not keep them all in memory.
//
// The file has no name: it is unlinked as soon as it is open, so that the system frees it however the build
// ends. What is read back is checked against length and checksum.
// Thread rule: one owner.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "core/postings_part.hpp"
#include "core/types.hpp"

namespace pyengine {

// A file of the given folder that nobody else sees.
class ScratchFile {
 public:
  // Throws Error{kIo} naming the folder, as do all below.
  explicit ScratchFile(std::string folder);
  ~ScratchFile();
  ScratchFile(const ScratchFile&) = delete;
  ScratchFile& operator=(const ScratchFile&) = delete;

  void append(std::span<const std::byte> bytes);
  void read(std::uint64_t offset, std::span<std::byte> out) const;
  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }
  [[nodiscard]] const std::string& folder() const noexcept { return folder_; }

 private:
  std::string folder_;
  int descriptor_ = -1;
  std::uint64_t size_ = 0;
};

// The postings of one term in one run, appended to what other runs gave.
struct ListBuffer {
  std::vector<Row> rows;
  std::vector<std::uint32_t> frequencies;

  void clear() {
    rows.clear();
    frequencies.clear();
  }
};

class RunFile {
 public:
  explicit RunFile(std::string folder) : file_(std::move(folder)) {}

  // A run is begin_run(), its parts in order of terms, end_run(). A term without postings leaves no trace.
  void begin_run();
  void write(const PostingsPart& part);
  void end_run();

  [[nodiscard]] std::size_t runs() const noexcept { return runs_.size(); }
  [[nodiscard]] std::uint64_t bytes() const noexcept { return file_.size(); }

  // Reads one run from front to back.
  class Reader {
   public:
    Reader(const RunFile& owner, std::size_t run);

    // The term of the list at hand; kNoTerm: the run is read.
    [[nodiscard]] TermId term() const noexcept { return head_.term; }

    // Appends the list at hand to `out` and goes on to the next.
    void take(ListBuffer& out);

   private:
    friend class RunFile;
    void get(std::span<std::byte> out);
    void next_block();
    void next_head();

    const RunFile& owner_;
    std::uint64_t at_;   // of the next block
    std::uint64_t end_;  // of the run
    std::vector<std::byte> block_;
    std::size_t used_ = 0;  // of block_
    struct Head {
      TermId term = kNoTerm;
      std::uint32_t count = 0;
      std::uint32_t large = 0;
    } head_;
    std::vector<std::uint8_t> small_;
    std::vector<std::uint32_t> large_;
  };

 private:
  struct Run {
    std::uint64_t begin;
    std::uint64_t end;
  };

  void put(std::span<const std::byte> bytes);
  void flush();

  ScratchFile file_;
  std::vector<Run> runs_;
  std::vector<std::byte> block_;
};

}  // namespace pyengine
