#include "aggregator/pipeline/executor.h"

#include "aggregator/engine/engine.h"

namespace unipresence {

Core::Core(Engine& engine, SessionTable& sessions, const Clock& clock, PbxControl& pbx_control,
           CallControl& calls)
    : presences(engine),
      directory(engine),
      mailboxes(engine.mailboxes()),
      pbxs(engine.pbxs()),
      writer(engine),
      engine(engine),
      sessions(sessions),
      clock(clock),
      pbx_control(&pbx_control),
      calls(&calls) {}

}  // namespace unipresence
