#ifndef UNIPRESENCE_SERVER_APP_PBX_LINK_H_
#define UNIPRESENCE_SERVER_APP_PBX_LINK_H_

// One Asterisk wired to the engine: connection -> tracker -> engine, and the lists that make the
// beginning (resync) and the checks (reconcile).
//
// Thread: the pipeline's.

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "aggregator/ami/connection.h"
#include "aggregator/ami/session_handler.h"
#include "aggregator/base/clock.h"
#include "aggregator/base/probe.h"
#include "aggregator/engine/engine.h"
#include "aggregator/pbx/tracker.h"
#include "server/app/mailbox_reader.h"

namespace asio {
class io_context;
}

namespace unipresence {

// Written by the pipeline thread, read by the scrape.
struct PbxLinkProbe {
  Gauge link;  // a LinkState
  Counter resyncs;
  Counter reconciles;
  Gauge last_resync_micros;
  Counter list_errors;     // lists that were refused or cut short
  Counter mailbox_errors;  // boxes whose messages were not told
  Gauge channels;          // live ones of this PBX
  Gauge contacts;          // callable ones
  Gauge malformed_events;  // since the start: events that could not be understood
};

class PbxLink final : public ami::SessionHandler {
 public:
  // What the link calls, all on the pipeline thread.
  struct Hooks {
    // A read was applied, `started` is when it was handed over: send what was gathered.
    std::function<void(MonotonicTime started, std::size_t changes)> read_end;
    // The link state of this PBX is another one now.
    std::function<void(PbxIndex)> link_changed;
  };

  // `io`, `engine` and `clock` must outlive the link.
  PbxLink(asio::io_context& io, const ami::PbxConfig& config, Engine& engine, const Clock& clock,
          Duration reconcile_interval, Hooks hooks);

  // INVALID_ARGUMENT if the configuration cannot work (ami::Connection::Start).
  absl::Status Start() { return connection_.Start(); }
  void Stop() { connection_.Stop(); }

  // Call now and then: starts a reconcile when one is due or a new device wants to be listed.
  void OnTick();
  // Starts a reconcile at the next tick.
  void RequestReconcile() { reconcile_due_ = MonotonicTime::min(); }

  PbxIndex pbx() const { return pbx_; }
  // Any thread.
  const ami::AmiProbe& ami_probe() const { return connection_.probe(); }
  const PbxLinkProbe& probe() const { return probe_; }

  // ami::SessionHandler.
  void OnOnline() override;
  void OnOffline(const absl::Status& reason) override;
  void OnEvent(const ami::Message& event, ami::ActionToken list) override;
  void OnReadEnd() override;

 private:
  void AskVersion();
  void BeginResync(std::string_view version);
  void SendNextList();
  void OnListEnd(const absl::StatusOr<ami::ActionReply>& reply);
  void FinishResync();
  void TellMailboxErrors();
  void SetLinkGauge();

  Engine& engine_;
  const Clock& clock_;
  const Duration reconcile_interval_;
  const Hooks hooks_;
  const PbxIndex pbx_;
  pbx::Tracker tracker_;
  PbxLinkProbe probe_;
  MonotonicTime read_started_ = MonotonicTime::min();  // min(): between reads
  MonotonicTime reconcile_due_ = MonotonicTime::max();
  MailboxReader mailbox_reader_;
  ami::Connection connection_;  // last: it calls the others
};

}  // namespace unipresence

#endif  // UNIPRESENCE_SERVER_APP_PBX_LINK_H_
