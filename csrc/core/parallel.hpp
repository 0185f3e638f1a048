// Shares numbered pieces of work out to threads that live for one call.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <exception>
#include <functional>
#include <limits>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

namespace pyengine {

// Runs work(i, worker) for every i below `count`, each once; worker < max(threads, 1), and a worker's i
// ascend. `stop` is asked between pieces by the calling thread. False: stopped, some pieces were left out. Of
// the exceptions thrown the one of the least i is passed on, whatever the number of threads: pieces before a
// failed one are always finished.
template <class Work>
[[nodiscard]] bool share_out(std::size_t count, unsigned threads, const std::function<bool()>& stop,
                             const Work& work) {
  std::atomic<std::size_t> next{0};
  std::atomic<bool> stopped{false};
  std::mutex mutex;
  std::exception_ptr failure;
  std::size_t failed = std::numeric_limits<std::size_t>::max();

  const auto run = [&](unsigned worker) noexcept {
    while (!stopped.load(std::memory_order_relaxed)) {
      if (worker == 0 && stop && stop()) {
        stopped = true;
        break;
      }
      const std::size_t i = next.fetch_add(1, std::memory_order_relaxed);
      if (i >= count) break;
      try {
        work(i, worker);
      } catch (...) {
        const std::lock_guard guard(mutex);
        if (i < failed) {
          failed = i;
          failure = std::current_exception();
        }
        stopped = true;
      }
    }
  };

  {
    std::vector<std::jthread> helpers;  // joined at the end of this block
    try {
      const std::size_t most = std::min<std::size_t>(threads, count);
      for (unsigned worker = 1; worker < most; ++worker) helpers.emplace_back(run, worker);
    } catch (const std::system_error&) {
      // The system gives no more threads: those there are do the work, with the same result.
    }
    run(0);
  }
  if (failure) std::rethrow_exception(failure);
  return !stopped;
}

}  // namespace pyengine
