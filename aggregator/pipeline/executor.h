#ifndef UNIPRESENCE_AGGREGATOR_PIPELINE_EXECUTOR_H_
#define UNIPRESENCE_AGGREGATOR_PIPELINE_EXECUTOR_H_

// How other threads reach the engine: they post a command, which runs on the pipeline thread
// between two reads and answers by whatever callback it carries.
//
//   executor.Post([user, reply](Core& core) { reply(core.engine.Explain(user)); });

#include "absl/functional/any_invocable.h"
#include "aggregator/engine/engine.h"
#include "aggregator/engine/session_table.h"
#include "aggregator/pipeline/call_control.h"
#include "aggregator/pipeline/pbx_control.h"

namespace unipresence {

// What the pipeline thread owns and commands may touch.
struct Core {
  Engine& engine;
  SessionTable& sessions;
  const Clock& clock;
  PbxControl* pbx_control = nullptr;  // null where no pipeline runs
  CallControl* calls = nullptr;       // null where there is no PBX to command
};

using Command = absl::AnyInvocable<void(Core&) &&>;

class Executor {
 public:
  virtual ~Executor() = default;

  // Thread-safe. False, and the command is destroyed unrun, when the queue is full or the pipeline
  // is stopping: answer UNAVAILABLE. Commands must be short and must not block.
  virtual bool Post(Command command) = 0;
};

}  // namespace unipresence

#endif  // UNIPRESENCE_AGGREGATOR_PIPELINE_EXECUTOR_H_
