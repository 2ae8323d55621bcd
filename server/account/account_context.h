#ifndef UNIPRESENCE_SERVER_ACCOUNT_ACCOUNT_CONTEXT_H_
#define UNIPRESENCE_SERVER_ACCOUNT_ACCOUNT_CONTEXT_H_

// What the commands of this room work with. All outlive them. Members are thread-safe, except
// `sessions`, which is the pipeline's.

#include "aggregator/base/clock.h"
#include "aggregator/pipeline/executor.h"
#include "server/account/account_probe.h"
#include "server/account/change_feed.h"
#include "server/account/session_keeper.h"
#include "server/storage/store.h"

namespace unipresence {

struct AccountContext {
  Executor& executor;  // one that refuses nothing before the server stops (sure_executor.h)
  Store& store;
  ChangeFeed& feed;
  const Clock& clock;
  SessionKeeper& sessions;
  AccountProbe& probe;
};

}  // namespace unipresence

#endif  // UNIPRESENCE_SERVER_ACCOUNT_ACCOUNT_CONTEXT_H_
