#include "bind/mapping_faults.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <mutex>
#include <string_view>

namespace {

// Everything below runs inside a signal handler: only system calls and memory of its own.

struct sigaction previous;

void say(std::string_view text) noexcept {
  while (!text.empty()) {
    const ssize_t written = ::write(STDERR_FILENO, text.data(), text.size());
    if (written <= 0) return;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

// Takes a hexadecimal number off the front of a text.
std::uintptr_t take_hex(std::string_view& text) noexcept {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::uintptr_t value = 0;
  while (!text.empty()) {
    const std::size_t digit = kDigits.find(text.front());
    if (digit == std::string_view::npos) break;
    value = value << 4 | digit;
    text.remove_prefix(1);
  }
  return value;
}

// The path at the end of a line of /proc/self/maps, if its range holds the address; else nothing.
// A line: "7f00a000-7f00b000 r--s 00000000 08:01 1234   /path".
std::string_view path_in(std::string_view line, std::uintptr_t address) noexcept {
  const std::uintptr_t begin = take_hex(line);
  if (line.empty() || line.front() != '-') return {};
  line.remove_prefix(1);
  const std::uintptr_t end = take_hex(line);
  if (address < begin || address >= end) return {};
  const std::size_t slash = line.find('/');
  return slash == std::string_view::npos ? std::string_view{} : line.substr(slash);
}

void name_file_of(std::uintptr_t address) noexcept {
  const int maps = ::open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
  if (maps < 0) return;
  std::array<char, 8192> buffer;  // a line is at most a path and 73 characters; longer ones are passed over
  std::size_t held = 0;
  for (;;) {
    const ssize_t got = ::read(maps, buffer.data() + held, buffer.size() - held);
    if (got <= 0) break;
    held += static_cast<std::size_t>(got);
    std::string_view text(buffer.data(), held);
    for (std::size_t end = text.find('\n'); end != std::string_view::npos; end = text.find('\n')) {
      const std::string_view path = path_in(text.substr(0, end), address);
      if (!path.empty()) {
        say("pyengine: ");
        say(path);
        say(": this file was cut, or its disk failed, while it was in use; the process ends. "
            "Restore the file from a copy; replace an index as a whole directory, never a file in it\n");
        ::close(maps);
        return;
      }
      text.remove_prefix(end + 1);
    }
    const std::size_t rest = text.size() == buffer.size() ? 0 : text.size();
    std::memmove(buffer.data(), buffer.data() + (held - rest), rest);
    held = rest;
  }
  ::close(maps);
}

void on_bus_error(int signal, siginfo_t* info, void* context) noexcept {
  // Sent by a process (kill), it has no address.
  if (info->si_code > 0) name_file_of(reinterpret_cast<std::uintptr_t>(info->si_addr));
  if ((previous.sa_flags & SA_SIGINFO) != 0) {
    previous.sa_sigaction(signal, info, context);
  } else if (previous.sa_handler != SIG_DFL && previous.sa_handler != SIG_IGN) {
    previous.sa_handler(signal);
  } else {
    struct sigaction end{};
    end.sa_handler = SIG_DFL;
    ::sigaction(signal, &end, nullptr);
    ::raise(signal);
  }
}

}  // namespace

void name_files_of_mapping_faults() noexcept {
  static std::once_flag once;
  std::call_once(once, [] {
    struct sigaction action{};
    action.sa_sigaction = on_bus_error;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    ::sigemptyset(&action.sa_mask);
    ::sigaction(SIGBUS, &action, &previous);
  });
}
