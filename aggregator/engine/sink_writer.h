#ifndef UNIPRESENCE_AGGREGATOR_ENGINE_SINK_WRITER_H_
#define UNIPRESENCE_AGGREGATOR_ENGINE_SINK_WRITER_H_

// Hands to the sink what one read, command or slice of work changes, as of one time, and flushes
// the sink at the end of it if there was anything.
//
//   writer.Begin();
//   writer.Write(update);
//   writer.End();
//
// Thread: the pipeline's.

#include "aggregator/base/clock.h"
#include "aggregator/engine/update_sink.h"

namespace unipresence {

class SinkWriter {
 public:
  // Both must outlive the writer.
  SinkWriter(const Clock& clock, UpdateSink& sink) : clock_(clock), sink_(sink) {}

  void Begin() { now_ = clock_.WallNow(); }
  WallTimeMicros now() const { return now_; }

  void Write(const PresenceUpdate& update) {
    sink_.OnUpdate(update);
    written_ = true;
  }
  void Write(const Mailbox& mailbox) {
    sink_.OnMailbox(mailbox);
    written_ = true;
  }

  void End() {
    if (!written_) return;
    written_ = false;
    sink_.Flush();
  }

 private:
  const Clock& clock_;
  UpdateSink& sink_;
  WallTimeMicros now_ = 0;  // when it was begun
  bool written_ = false;    // since the last flush
};

}  // namespace unipresence

#endif  // UNIPRESENCE_AGGREGATOR_ENGINE_SINK_WRITER_H_
