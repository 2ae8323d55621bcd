#include "server/account/account_context.h"

#include <chrono>
#include <memory>
#include <thread>
#include <utility>

namespace unipresence {

bool PostDurable(const AccountContext& shared, Command command) {
  auto kept = std::make_shared<Command>(std::move(command));
  while (!shared.executor.Post([kept](Core& core) { std::move (*kept)(core); })) {
    if (shared.stopping.load()) return false;
    std::this_thread::sleep_for(std::chrono::microseconds(200));
  }
  return true;
}

}  // namespace unipresence
