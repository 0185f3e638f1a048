#include <array>
#include <cstdlib>
#include <string>
#include <string_view>

#include "core/error.hpp"
#include "core/simd/tables.hpp"

namespace pyengine::simd {

namespace {

using Tables = std::array<const Kernels*, 5>;

#if defined(__x86_64__)
const Kernels& vbmi_kernels() noexcept {
  static const Kernels kKernels = [] {
    Kernels kernels = kAvx512Kernels;
    kernels.name = "avx512vbmi";
    kernels.scan_columns = scan_columns_vbmi;
    return kernels;
  }();
  return kKernels;
}
#endif

Tables tables_of_this_cpu() noexcept {
  Tables tables{&kScalarKernels};
#if defined(__x86_64__)
  std::size_t count = 1;
  if (__builtin_cpu_supports("avx2") != 0) tables[count++] = &kAvx2Kernels;
  if (__builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512bw") != 0 &&
      __builtin_cpu_supports("avx512dq") != 0 && __builtin_cpu_supports("avx512vl") != 0) {
    tables[count++] = &kAvx512Kernels;
    if (__builtin_cpu_supports("avx512vbmi") != 0) tables[count] = &vbmi_kernels();
  }
#elif defined(__aarch64__)
  tables[1] = &kNeonKernels;
#endif
  return tables;
}

const Tables& tables() noexcept {
  static const Tables kTables = tables_of_this_cpu();
  return kTables;
}

const Kernels& choose() {
  const char* asked = std::getenv("PYENGINE_SIMD");
  const Kernels* best = &kScalarKernels;
  std::string names;
  for (const Kernels* const* table = available_kernels(); *table != nullptr; ++table) {
    best = *table;
    if (asked != nullptr && std::string_view(asked) == best->name) return *best;
    names += (names.empty() ? "" : ", ") + std::string(best->name);
  }
  if (asked != nullptr && *asked != '\0') {
    throw Error(Code::kInvalidArgument, "PYENGINE_SIMD: expected one of " + names + " on this CPU, got " +
                                            asked + "; unset it or change it");
  }
  return *best;
}

}  // namespace

const Kernels& kernels() {
  static const Kernels& chosen = choose();
  return chosen;
}

const Kernels* const* available_kernels() noexcept { return tables().data(); }

}  // namespace pyengine::simd
