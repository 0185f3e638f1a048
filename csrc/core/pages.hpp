// Memory straight from the operating system, which gets it back at once when it is no longer needed: freed
// blocks of the allocator may stay with the process, and a build holds most of what it ever holds at its end.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <cstdint>
#include <new>
#include <span>
#include <type_traits>
#include <utility>

namespace pyengine {

// Bytes from `memory` on up to the next multiple of `alignment`, a power of two.
[[nodiscard]] inline std::size_t up_to_multiple(const void* memory, std::size_t alignment) noexcept {
  return (alignment - reinterpret_cast<std::uintptr_t>(memory) % alignment) % alignment;
}

// Asks for large pages where the memory holds any: what is read all over for long then needs few translations
// of addresses. Not for what is written once and given back: virtual machines may pay for each large page
// anew. Only advice; nothing depends on it.
inline void prefer_large_pages(void* memory, std::size_t bytes) noexcept {
#ifdef MADV_HUGEPAGE
  constexpr std::size_t kLarge = std::size_t{1} << 21;
  const std::size_t before = up_to_multiple(memory, kLarge);
  if (bytes < before + kLarge) return;
  ::madvise(static_cast<std::byte*>(memory) + before, (bytes - before) / kLarge * kLarge, MADV_HUGEPAGE);
#else
  static_cast<void>(memory);
  static_cast<void>(bytes);
#endif
}

// `size` elements of T, zero at first. Moves, does not copy.
template <class T>
class Pages {
  static_assert(std::is_trivial_v<T>);

 public:
  Pages() = default;
  explicit Pages(std::size_t size) : size_(size) {
    if (size == 0) return;
    if (size > SIZE_MAX / sizeof(T)) throw std::bad_alloc();
    void* memory =
        ::mmap(nullptr, size * sizeof(T), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw std::bad_alloc();
    data_ = static_cast<T*>(memory);
  }
  ~Pages() {
    if (data_ != nullptr) ::munmap(data_, size_ * sizeof(T));
  }
  Pages(Pages&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  Pages& operator=(Pages&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }

  // Gives [begin, end) back, as far as whole pages go; they read as zero afterwards.
  void give_back(std::size_t begin, std::size_t end) noexcept {
    constexpr std::size_t kPage = std::size_t{1} << 12;
    auto* const first = reinterpret_cast<std::byte*>(data_ + begin);
    const std::size_t bytes = (end - begin) * sizeof(T);
    const std::size_t before = up_to_multiple(first, kPage);
    if (bytes < before + kPage) return;
    ::madvise(first + before, (bytes - before) / kPage * kPage, MADV_DONTNEED);
  }

  [[nodiscard]] T* data() noexcept { return data_; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] std::span<T> span() noexcept { return {data_, size_}; }

 private:
  T* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace pyengine
