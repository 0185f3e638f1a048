#include "core/format.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

namespace pyengine {

namespace {

static_assert(std::endian::native == std::endian::little, "the storage format is little-endian");

constexpr std::uint32_t kEndianTag = 0x01020304;
constexpr std::uint32_t kLargestTable = 1024;  // sections; a bound for a hostile header

struct Header {
  std::array<char, 8> magic;
  std::uint32_t version;
  std::uint32_t endian_tag;
  std::uint64_t file_size;
  std::uint32_t sections;
  std::uint32_t crc;  // of header and table, with this field 0
  std::array<std::uint64_t, 4> reserved;
};
static_assert(sizeof(Header) == 64);

struct TableEntry {
  std::uint32_t id;
  std::uint32_t crc;
  std::uint64_t offset;
  std::uint64_t length;
  std::uint64_t reserved;
};
static_assert(sizeof(TableEntry) == 32);

constexpr std::uint64_t aligned(std::uint64_t offset) noexcept {
  return (offset + kSectionAlignment - 1) / kSectionAlignment * kSectionAlignment;
}

using CrcTables = std::array<std::array<std::uint32_t, 256>, 8>;

constexpr CrcTables make_crc_tables() noexcept {
  CrcTables tables{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82F63B78U : 0U);
    tables[0][i] = crc;
  }
  for (std::uint32_t i = 0; i < 256; ++i) {
    for (std::size_t t = 1; t < 8; ++t) {
      const std::uint32_t previous = tables[t - 1][i];
      tables[t][i] = (previous >> 8) ^ tables[0][previous & 0xFF];
    }
  }
  return tables;
}

constexpr CrcTables kCrc = make_crc_tables();

std::uint32_t table_crc(Header header, std::span<const TableEntry> table) noexcept {
  header.crc = 0;
  return crc32c(std::as_bytes(table), crc32c(std::as_bytes(std::span(&header, 1))));
}

Error io_error(const std::string& doing, const std::string& path) {
  return {Code::kIo, path + ": " + doing + ": " + std::generic_category().message(errno)};
}

// An open file that is closed and, unless it was published, removed.
class TemporaryFile {
 public:
  // Takes a name nobody uses, so that leftovers of a crash and saves in other threads are not touched.
  explicit TemporaryFile(const std::string& target) {
    const std::string stem = target + ".tmp." + std::to_string(::getpid()) + ".";
    for (int attempt = 0; descriptor_ < 0; ++attempt) {
      path_ = stem + std::to_string(attempt);
      descriptor_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
      if (descriptor_ < 0 && errno != EEXIST) throw io_error("cannot create", path_);
    }
  }
  ~TemporaryFile() {
    if (descriptor_ >= 0) ::close(descriptor_);
    if (!published_) ::unlink(path_.c_str());
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  void write(std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
      const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
      if (written < 0) {
        if (errno == EINTR) continue;
        throw io_error("cannot write", path_);
      }
      bytes = bytes.subspan(static_cast<std::size_t>(written));
    }
  }

  void publish(const std::string& target) {
    if (::fsync(descriptor_) != 0) throw io_error("cannot sync", path_);
    const int descriptor = descriptor_;
    descriptor_ = -1;
    if (::close(descriptor) != 0) throw io_error("cannot close", path_);
    if (::rename(path_.c_str(), target.c_str()) != 0) throw io_error("cannot rename to " + target, path_);
    published_ = true;
  }

 private:
  std::string path_;
  int descriptor_ = -1;
  bool published_ = false;
};

void sync_folder_of(const std::string& path) {
  const std::filesystem::path parent = std::filesystem::path(path).parent_path();
  const std::string folder = parent.empty() ? std::string(".") : parent.string();
  const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) throw io_error("cannot open", folder);
  const int failed = ::fsync(descriptor);
  const int reason = errno;
  ::close(descriptor);
  // Some file systems cannot sync a folder and say EINVAL; there is nothing to mend then.
  if (failed != 0 && reason != EINVAL) {
    errno = reason;
    throw io_error("cannot sync", folder);
  }
}

}  // namespace

std::uint32_t crc32c(std::span<const std::byte> bytes, std::uint32_t crc) noexcept {
  crc = ~crc;
  const auto* p = reinterpret_cast<const unsigned char*>(bytes.data());
  std::size_t left = bytes.size();
  for (; left >= 8; left -= 8, p += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, p, 8);
    word ^= crc;
    crc = 0;
    for (std::size_t i = 0; i < 8; ++i) crc ^= kCrc[7 - i][(word >> (8 * i)) & 0xFF];
  }
  for (; left > 0; --left, ++p) crc = (crc >> 8) ^ kCrc[0][(crc ^ *p) & 0xFF];
  return ~crc;
}

void write_sections(const std::string& path, const FileKind& kind, std::span<const Section> sections) {
  Header header{};
  std::copy_n(kind.magic.begin(), header.magic.size(), header.magic.begin());
  header.version = kind.version;
  header.endian_tag = kEndianTag;
  header.sections = static_cast<std::uint32_t>(sections.size());

  std::vector<TableEntry> table;
  std::uint64_t offset = sizeof(Header) + sections.size() * sizeof(TableEntry);
  for (const Section& section : sections) {
    offset = aligned(offset);
    table.push_back({section.id, crc32c(section.bytes), offset, section.bytes.size(), 0});
    offset += section.bytes.size();
  }
  header.file_size = aligned(offset);
  header.crc = table_crc(header, table);

  constexpr std::array<std::byte, kSectionAlignment> kZeros{};
  TemporaryFile file(path);
  file.write(std::as_bytes(std::span(&header, 1)));
  file.write(std::as_bytes(std::span<const TableEntry>(table)));
  std::uint64_t written = sizeof(Header) + table.size() * sizeof(TableEntry);
  for (std::size_t i = 0; i < sections.size(); ++i) {
    file.write(std::span(kZeros).first(static_cast<std::size_t>(table[i].offset - written)));
    file.write(sections[i].bytes);
    written = table[i].offset + table[i].length;
  }
  file.write(std::span(kZeros).first(static_cast<std::size_t>(header.file_size - written)));
  file.publish(path);
  sync_folder_of(path);
}

MappedFile::MappedFile(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) {
    if (errno == ENOENT) throw Error(Code::kNotFound, path + ": expected a file, found nothing");
    throw io_error("cannot open", path);
  }
  struct stat status{};
  const bool known = ::fstat(descriptor, &status) == 0;
  const bool regular = known && S_ISREG(status.st_mode);
  const auto size = regular ? static_cast<std::size_t>(status.st_size) : 0;
  void* data = size > 0 ? ::mmap(nullptr, size, PROT_READ, MAP_SHARED, descriptor, 0) : nullptr;
  const int reason = errno;
  ::close(descriptor);
  errno = reason;
  if (!known || data == MAP_FAILED) throw io_error("cannot map", path);
  if (!regular) throw Error(Code::kIo, path + ": expected a regular file");
  bytes_ = {static_cast<const std::byte*>(data), size};
}

MappedFile::~MappedFile() {
  if (!bytes_.empty()) ::munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
}

SectionFile::SectionFile(const std::string& path, const FileKind& kind)
    : path_(path), kind_(kind), file_(path) {
  read_table(read_header());
}

std::string SectionFile::describe(std::uint32_t id) const {
  return "section " + std::to_string(id) + " (" + std::string(kind_.section_name(id)) + ")";
}

std::uint32_t SectionFile::read_header() {
  const std::uint64_t size = bytes().size();
  if (size < sizeof(Header)) {
    throw corrupt_at(0, "expected a header of 64 bytes, the file has " + std::to_string(size));
  }
  Header header;
  std::memcpy(&header, bytes().data(), sizeof(header));
  if (std::string_view(header.magic.data(), header.magic.size()) != kind_.magic) {
    throw corrupt_at(0, "expected the magic bytes '" + std::string(kind_.magic) + "', found others");
  }
  if (header.endian_tag != kEndianTag) {
    throw Error(Code::kIncompatible, path_ + ": written on a machine of another byte order, or damaged");
  }
  if (header.version == 0 || header.version > kind_.version) {
    throw Error(Code::kIncompatible, path_ + ": format version " + std::to_string(header.version) +
                                         ", this build reads 1 to " + std::to_string(kind_.version) +
                                         "; update pyengine or build the index anew");
  }
  if (header.file_size != size) {
    throw corrupt_at(16, "the header says " + std::to_string(header.file_size) + " bytes, the file has " +
                             std::to_string(size));
  }
  if (header.sections > kLargestTable || sizeof(Header) + header.sections * sizeof(TableEntry) > size) {
    throw corrupt_at(24, "impossible number of sections: " + std::to_string(header.sections));
  }
  const std::span<const TableEntry> table{
      reinterpret_cast<const TableEntry*>(bytes().data() + sizeof(Header)), header.sections};
  if (table_crc(header, table) != header.crc) {
    throw corrupt_at(28, "the checksum of header and section table differs");
  }
  version_ = header.version;
  return header.sections;
}

void SectionFile::read_table(std::uint32_t sections) {
  std::uint64_t floor = sizeof(Header) + sections * sizeof(TableEntry);
  for (std::uint32_t i = 0; i < sections; ++i) {
    TableEntry raw;
    const std::uint64_t at = sizeof(Header) + i * sizeof(TableEntry);
    std::memcpy(&raw, bytes().data() + at, sizeof(raw));
    // The checksum held, so only a writer's bug or malice gets here; neither may cost memory safety.
    if (raw.offset % kSectionAlignment != 0 || raw.offset < floor || raw.offset > bytes().size() ||
        raw.length > bytes().size() - raw.offset) {
      throw corrupt_at(at, describe(raw.id) + " does not lie in the file");
    }
    floor = raw.offset + raw.length;
    entries_.push_back({raw.id, raw.crc, raw.offset, raw.length});
  }
}

const SectionFile::Entry& SectionFile::entry(std::uint32_t id) const {
  const auto found =
      std::find_if(entries_.begin(), entries_.end(), [id](const Entry& e) { return e.id == id; });
  if (found == entries_.end()) {
    throw corrupt_at(sizeof(Header), describe(id) + " is missing");
  }
  return *found;
}

std::span<const std::byte> SectionFile::entry_bytes(std::uint32_t id) const {
  const Entry& e = entry(id);
  return bytes().subspan(static_cast<std::size_t>(e.offset), static_cast<std::size_t>(e.length));
}

void SectionFile::verify_section(std::uint32_t id) const {
  if (crc32c(entry_bytes(id)) != entry(id).crc) throw corrupt(id, "the checksum differs");
}

void SectionFile::verify() const {
  std::uint64_t written = sizeof(Header) + entries_.size() * sizeof(TableEntry);
  const auto require_zeros = [this](std::uint64_t begin, std::uint64_t end) {
    for (std::uint64_t at = begin; at < end; ++at) {
      if (bytes()[static_cast<std::size_t>(at)] != std::byte{0}) {
        throw corrupt_at(at, "expected a zero between sections");
      }
    }
  };
  for (const Entry& e : entries_) {
    require_zeros(written, e.offset);
    verify_section(e.id);
    written = e.offset + e.length;
  }
  require_zeros(written, bytes().size());
}

Error SectionFile::corrupt(std::uint32_t id, const std::string& what) const {
  const auto found =
      std::find_if(entries_.begin(), entries_.end(), [id](const Entry& e) { return e.id == id; });
  const std::uint64_t offset = found == entries_.end() ? 0 : found->offset;
  return corrupt_at(offset, describe(id) + ": " + what);
}

Error SectionFile::corrupt_at(std::uint64_t offset, const std::string& what) const {
  return {Code::kCorruption, path_ + ", offset " + std::to_string(offset) + ": " + what +
                                 "; restore the file or build the index anew"};
}

}  // namespace pyengine
