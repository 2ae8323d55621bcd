#ifndef UNIPRESENCE_AGGREGATOR_ENGINE_UPDATE_SINK_H_
#define UNIPRESENCE_AGGREGATOR_ENGINE_UPDATE_SINK_H_

// Where the engine's output goes: one call per published change, in sequence order.
//
// Thread: the pipeline's. Must not block and must not call back into the engine.

#include "aggregator/model/mailbox.h"
#include "aggregator/model/presence.h"

namespace unipresence {

class UpdateSink {
 public:
  virtual ~UpdateSink() = default;

  // `update` and all its views are valid until the call returns.
  virtual void OnUpdate(const PresenceUpdate& update) = 0;

  // A user's voicemail box is another one or has other counts, in the order of its sequence. Sinks
  // that serve presences only pass it over.
  virtual void OnMailbox(const Mailbox& mailbox) { static_cast<void>(mailbox); }

  // The updates of one read, command or slice of work are complete: send what was gathered.
  virtual void Flush() = 0;
};

}  // namespace unipresence

#endif  // UNIPRESENCE_AGGREGATOR_ENGINE_UPDATE_SINK_H_
