#ifndef UNIPRESENCE_AGGREGATOR_PIPELINE_EXECUTOR_H_
#define UNIPRESENCE_AGGREGATOR_PIPELINE_EXECUTOR_H_

// How other threads reach the pipeline: they post a command, which runs on the pipeline thread
// between two reads and answers by whatever callback it carries.
//
//   executor.Post([user, reply](Core& core) { reply(core.directory.Explain(user)); });

#include "absl/functional/any_invocable.h"
#include "aggregator/base/clock.h"
#include "aggregator/engine/mailboxes.h"
#include "aggregator/engine/pbx_table.h"
#include "aggregator/engine/presence_source.h"
#include "aggregator/engine/session_table.h"
#include "aggregator/engine/user_directory.h"
#include "aggregator/pipeline/call_control.h"
#include "aggregator/pipeline/pbx_control.h"

namespace unipresence {

class Engine;
class EngineWriter;

// What the pipeline thread owns and commands may touch, by narrow ports.
struct Core {
  // Without the last two no pipeline runs: there is no PBX to command.
  Core(Engine& engine, SessionTable& sessions, const Clock& clock,
       PbxControl& pbx_control = NoPbxControl(), CallControl& calls = NoCallControl());

  const PresenceSource& presences;
  const UserDirectory& directory;
  const Mailboxes& mailboxes;
  const PbxTable& pbxs;
  // For those who apply what is committed; they include engine/engine_writer.h.
  EngineWriter& writer;
  // For those who drive the engine; they include engine/engine.h, which rooms of the server cannot.
  Engine& engine;

  SessionTable& sessions;
  const Clock& clock;
  PbxControl* pbx_control;  // never null
  CallControl* calls;       // never null
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
