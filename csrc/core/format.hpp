// The container of our own files: magic, version, a table of checksummed, aligned sections.
// It knows nothing of what the sections hold. docs/lexical.md describes it byte by byte.
//
//   header (64 bytes) | section table (32 bytes a section) | sections, each at a multiple of 64
//
// Everything is little-endian. Bytes between sections are zero.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"

namespace pyengine {

inline constexpr std::uint64_t kSectionAlignment = 64;

// CRC-32C (Castagnoli), as in RFC 3720 appendix B.4; `crc` continues an earlier result.
[[nodiscard]] std::uint32_t crc32c(std::span<const std::byte> bytes, std::uint32_t crc = 0) noexcept;

// What one kind of file is, and how its sections are called in messages.
struct FileKind {
  std::string_view magic;  // 8 bytes
  std::uint32_t version;   // the one this build writes, and the newest it reads
  std::string_view (*section_name)(std::uint32_t id);
};

struct Section {
  std::uint32_t id;
  std::span<const std::byte> bytes;
};

template <class T>
[[nodiscard]] Section make_section(std::uint32_t id, std::span<const T> values) {
  return {id, std::as_bytes(values)};
}

// Writes the file under a temporary name, syncs it, renames it over `path` and syncs the folder: after a
// crash `path` is the old file or the new one. Throws Error{kIo}; the temporary file is then removed.
void write_sections(const std::string& path, const FileKind& kind, std::span<const Section> sections);

// A read-only memory map of a whole file. The file must not be changed in place while it is mapped.
class MappedFile {
 public:
  // Throws Error{kNotFound} or Error{kIo}.
  explicit MappedFile(const std::string& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  [[nodiscard]] std::span<const std::byte> bytes() const noexcept { return bytes_; }

 private:
  std::span<const std::byte> bytes_;
};

// An opened file. Opening checks the header and the table, which takes microseconds: the checksums of
// the sections are checked by verify(), or one by one where a section is small.
class SectionFile {
 public:
  // Throws Error{kNotFound, kIo, kCorruption, kIncompatible}.
  // `kind` is kept.
  SectionFile(const std::string& path, const FileKind& kind);

  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  [[nodiscard]] std::uint32_t version() const noexcept { return version_; }
  [[nodiscard]] std::span<const std::byte> bytes() const noexcept { return file_.bytes(); }

  // The section as an array of T. Throws Error{kCorruption} if it is missing or not a whole number of T.
  template <class T>
  [[nodiscard]] std::span<const T> section(std::uint32_t id) const {
    const std::span<const std::byte> raw = entry_bytes(id);
    if (raw.size() % sizeof(T) != 0) {
      throw corrupt(id, "expected a multiple of " + std::to_string(sizeof(T)) + " bytes, got " +
                            std::to_string(raw.size()));
    }
    // Sound: the map starts at a page and the table's offsets are multiples of 64, checked at open.
    return {reinterpret_cast<const T*>(raw.data()), raw.size() / sizeof(T)};
  }

  // Throws Error{kCorruption} if the checksum of one section, or of any, differs, or if a byte between
  // sections is not zero.
  void verify_section(std::uint32_t id) const;
  void verify() const;

  // The error for a fault inside a section, naming file, section and where it starts.
  [[nodiscard]] Error corrupt(std::uint32_t id, const std::string& what) const;

 private:
  struct Entry {
    std::uint32_t id;
    std::uint32_t crc;
    std::uint64_t offset;
    std::uint64_t length;
  };

  [[nodiscard]] Error corrupt_at(std::uint64_t offset, const std::string& what) const;
  [[nodiscard]] std::uint32_t read_header();
  void read_table(std::uint32_t sections);
  [[nodiscard]] const Entry& entry(std::uint32_t id) const;
  [[nodiscard]] std::span<const std::byte> entry_bytes(std::uint32_t id) const;

  [[nodiscard]] std::string describe(std::uint32_t id) const;

  std::string path_;
  FileKind kind_;
  std::uint32_t version_ = 0;
  MappedFile file_;
  std::vector<Entry> entries_;
};

}  // namespace pyengine
