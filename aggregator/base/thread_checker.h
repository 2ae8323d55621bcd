#ifndef UNIPRESENCE_AGGREGATOR_BASE_THREAD_CHECKER_H_
#define UNIPRESENCE_AGGREGATOR_BASE_THREAD_CHECKER_H_

// Holds a class to one thread. The first checked call binds the thread; a call from another aborts
// with a message, in release builds too: a data race in a presence server is worse than a crash.
//
//   void Engine::Apply(...) {
//     UNIPRESENCE_CHECK_THREAD(thread_checker_);
//     ...
//   }

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <thread>

namespace unipresence {

class ThreadChecker {
 public:
  // True on the bound thread; binds the calling thread if none is bound.
  bool OnThread() {
    const std::thread::id self = std::this_thread::get_id();
    std::thread::id owner = owner_.load(std::memory_order_relaxed);
    if (owner == self) return true;
    return owner == std::thread::id() && owner_.compare_exchange_strong(owner, self);
  }

  // The next call binds anew: for objects that are built on one thread and then handed to theirs.
  void Detach() { owner_.store(std::thread::id()); }

 private:
  std::atomic<std::thread::id> owner_{};
};

}  // namespace unipresence

#define UNIPRESENCE_CHECK_THREAD(checker)                                                  \
  do {                                                                                     \
    if (!(checker).OnThread()) {                                                           \
      std::fprintf(stderr, "%s:%d: called on another thread than its owner's\n", __FILE__, \
                   __LINE__);                                                              \
      std::abort();                                                                        \
    }                                                                                      \
  } while (false)

#endif  // UNIPRESENCE_AGGREGATOR_BASE_THREAD_CHECKER_H_
