// The one exception of the core. Cold paths throw it; hot loops are noexcept.
// The binding layer maps each code to one class of pyengine.errors.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>

namespace pyengine {

enum class Code : std::uint8_t {
  kInvalidArgument,  // the caller gave a value outside the documented range
  kNotFound,         // a file, id or term that was asked for does not exist
  kCorruption,       // stored bytes contradict themselves or their checksum
  kIncompatible,     // stored bytes are sound but of a format this build does not read
  kIo,               // the operating system refused an operation
  kExhausted,        // a documented limit (rows, terms, bytes) would be passed
};

class Error : public std::runtime_error {
 public:
  Error(Code code, const std::string& message) : std::runtime_error(message), code_(code) {}
  [[nodiscard]] Code code() const noexcept { return code_; }

 private:
  Code code_;
};

}  // namespace pyengine
