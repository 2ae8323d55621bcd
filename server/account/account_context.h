#ifndef UNIPRESENCE_SERVER_ACCOUNT_ACCOUNT_CONTEXT_H_
#define UNIPRESENCE_SERVER_ACCOUNT_ACCOUNT_CONTEXT_H_

// What the commands of this room work with. All outlive them. Members are thread-safe, except
// `sessions`, which is the pipeline's.

#include <atomic>

#include "aggregator/base/clock.h"
#include "aggregator/pipeline/executor.h"
#include "server/account/account_probe.h"
#include "server/account/session_keeper.h"
#include "server/storage/store_thread.h"

namespace unipresence {

struct AccountContext {
  Executor& executor;
  StoreThread& store;
  const Clock& clock;
  SessionKeeper& sessions;
  AccountProbe& probe;
  const std::atomic<bool>& stopping;
};

// Runs `command` on the pipeline, after a change that is on disk already: it must not get lost
// because the pipeline's queue is full for a moment. Waits for room; false only when the server is
// stopping. Thread: the store's, which so slows down with the pipeline, and keeps the order of
// commits.
bool PostDurable(const AccountContext& shared, Command command);

}  // namespace unipresence

#endif  // UNIPRESENCE_SERVER_ACCOUNT_ACCOUNT_CONTEXT_H_
