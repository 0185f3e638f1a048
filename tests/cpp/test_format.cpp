#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include "core/format.hpp"
#include "doctest/doctest.h"

using pyengine::Code;
using pyengine::Error;
using pyengine::FileKind;
using pyengine::SectionFile;

namespace {

std::string_view any_name(std::uint32_t /*id*/) { return "any"; }

constexpr FileKind kKind{"TESTFILE", 3, any_name};

// A folder of its own that goes away again.
struct Folder {
  Folder()
      : path(std::filesystem::temp_directory_path() /
             ("pyengine_" + std::to_string(std::random_device{}()))) {
    std::filesystem::create_directory(path);
  }
  ~Folder() { std::filesystem::remove_all(path); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  std::filesystem::path path;
};

std::span<const std::byte> bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

std::uint32_t crc_bit_by_bit(std::span<const std::byte> bytes) {
  std::uint32_t crc = ~0U;
  for (const std::byte byte : bytes) {
    crc ^= static_cast<std::uint32_t>(byte);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1U) != 0 ? 0x82F63B78U : 0U);
  }
  return ~crc;
}

}  // namespace

TEST_CASE("crc32c: the published check value, any length, in pieces") {
  CHECK(pyengine::crc32c(bytes_of("123456789")) == 0xE3069283U);
  // RFC 3720, appendix B.4: 32 bytes of zeros, of ones, ascending.
  std::vector<std::byte> block(32, std::byte{0});
  CHECK(pyengine::crc32c(block) == 0x8A9136AAU);
  std::fill(block.begin(), block.end(), std::byte{0xFF});
  CHECK(pyengine::crc32c(block) == 0x62A8AB43U);
  for (std::size_t i = 0; i < block.size(); ++i) block[i] = static_cast<std::byte>(i);
  CHECK(pyengine::crc32c(block) == 0x46DD794EU);

  std::mt19937 random(5);
  for (std::size_t length = 0; length < 70; ++length) {
    std::vector<std::byte> bytes(length);
    for (std::byte& byte : bytes) byte = static_cast<std::byte>(random());
    const std::span<const std::byte> all(bytes);
    REQUIRE(pyengine::crc32c(all) == crc_bit_by_bit(all));
    const std::size_t cut = length == 0 ? 0 : random() % length;
    REQUIRE(pyengine::crc32c(all.subspan(cut), pyengine::crc32c(all.first(cut))) == crc_bit_by_bit(all));
  }
}

TEST_CASE("sections come back as they were written, aligned") {
  const Folder folder;
  const std::string path = folder.path / "file";
  const std::vector<std::uint64_t> numbers{1, 2, 3};
  const std::string text = "some bytes";
  const std::vector<pyengine::Section> sections{
      pyengine::make_section(7, std::span<const std::uint64_t>(numbers)),
      pyengine::make_section(9, std::span<const char>(text)),
      pyengine::make_section(8, std::span<const char>()),
  };
  pyengine::write_sections(path, kKind, sections);
  const SectionFile file(path, kKind);
  file.verify();
  const auto found = file.section<std::uint64_t>(7);
  CHECK(std::vector<std::uint64_t>(found.begin(), found.end()) == numbers);
  CHECK(reinterpret_cast<std::uintptr_t>(found.data()) % 64 == 0);
  CHECK(file.section<char>(9).size() == text.size());
  CHECK(file.section<char>(8).empty());
  CHECK(file.bytes().size() % 64 == 0);
  CHECK_THROWS_AS((void)file.section<char>(1), Error);
  CHECK_THROWS_AS((void)file.section<std::uint64_t>(9), Error);
  CHECK(std::distance(std::filesystem::directory_iterator(folder.path), {}) == 1);
}

TEST_CASE("a file of another kind or version is refused by the right code") {
  const Folder folder;
  const std::string path = folder.path / "file";
  pyengine::write_sections(path, kKind, {});
  const auto code_of = [&](const FileKind& kind, const std::string& name) {
    try {
      const SectionFile file(name, kind);
    } catch (const Error& error) {
      CHECK(std::string(error.what()).find(name) != std::string::npos);
      return error.code();
    }
    return Code::kExhausted;
  };
  CHECK(code_of({"OTHERONE", 3, any_name}, path) == Code::kCorruption);
  CHECK(code_of({"TESTFILE", 2, any_name}, path) == Code::kIncompatible);
  CHECK(code_of(kKind, path + "x") == Code::kNotFound);
  CHECK(code_of(kKind, folder.path) == Code::kIo);
  std::ofstream(path).close();
  CHECK(code_of(kKind, path) == Code::kCorruption);
}

TEST_CASE("a failed write leaves nothing behind") {
  const Folder folder;
  CHECK_THROWS_AS(pyengine::write_sections(folder.path / "absent" / "file", kKind, {}), Error);
  std::filesystem::create_directory(folder.path / "taken");
  CHECK_THROWS_AS(pyengine::write_sections(folder.path / "taken", kKind, {}), Error);
  CHECK(std::distance(std::filesystem::directory_iterator(folder.path), {}) == 1);
}
