#ifndef UNIPRESENCE_AGGREGATOR_AMI_SESSION_H_
#define UNIPRESENCE_AGGREGATOR_AMI_SESSION_H_

// The conversation with one Asterisk as a state machine fed with bytes and time: it owns no socket,
// no clock and no thread. connection.h drives one over TCP; tests drive it by hand.
//
//   STOPPED -> CONNECTING -> BANNER -> CHALLENGE -> LOGIN -> BOOTING -> ONLINE
//                 ^              \________ any failure ________/
//                 '--- BACKOFF <----------'
//
// Rules (README.md in this folder has what Asterisk does):
//   - Asterisk speaks first. An end of stream before the banner is normal while it stops.
//   - `Response: Error` to Challenge or Login means wrong user or secret, or an address that is not
//     permitted. The session waits backoff_login_refused and never hammers; last_error says so.
//   - Other failures back off exponentially, half of it at random, up to backoff_cap. A link that
//     was online for of_use resets that; one that ends sooner counts as one more failure. If it was
//     cut after it had told everything (MarkToldAll), it is tried again within half a second.
//   - An orderly stop (Shutdown, then the end) is no failure: it is logged as what it is, and for
//     orderly_stop nothing is said of an Asterisk that is away.
//   - A message beyond the limits of the framer costs that message: it is counted, and said once a
//     minute. If it answers an action, the action ends with DATA_LOSS; if it is a row, the list
//     lacks it.
//   - Lists are complete only after FullyBooted. It comes right after the login when Asterisk was
//     up.
//   - Pings are sent after login only, when nothing was received for ping_after; when nothing comes
//     for dead_after more, the link is dead.
//   - A row of a list carries its ActionID and no Privilege, a live event the reverse.
//
// Thread: one; not reentrant but for Send() and Stop(), which handlers and callbacks may call.

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "aggregator/ami/action.h"
#include "aggregator/ami/ami_probe.h"
#include "aggregator/ami/config.h"
#include "aggregator/ami/framer.h"
#include "aggregator/ami/pending_actions.h"
#include "aggregator/ami/session_handler.h"
#include "aggregator/base/clock.h"

namespace unipresence::ami {

// What a session asks of its link. None of these calls back into the session.
class SessionTransport {
 public:
  virtual ~SessionTransport() = default;

  // Connect; answered later by OnConnected or OnClosed, unless Close comes first.
  virtual void Connect() = 0;

  // Queue bytes for the open link. False, with nothing queued, if the queue is full.
  virtual bool Write(std::string_view bytes) = 0;

  // Close or give up connecting. No OnConnected, OnRead or OnClosed of that link comes afterwards.
  virtual void Close() = 0;
};

class Session {
 public:
  // The references outlive the session. `random` gives uniform 64-bit numbers, for the jitter.
  Session(const PbxConfig& config, SessionTransport& transport, SessionHandler& handler,
          AmiProbe& probe, const Clock& clock, std::function<std::uint64_t()> random);
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // ---- Inputs of the driver ----

  // Connects. Only in STOPPED.
  void Start();
  void OnConnected();
  // The link could not be made or ended; `reason` is OK for an orderly end of the stream.
  void OnClosed(const absl::Status& reason);
  // Where to read the next bytes; then OnRead says how many there are.
  std::span<char> PrepareRead(std::size_t minimum) { return framer_.Prepare(minimum); }
  void OnRead(std::size_t size);
  // Call at NextDeadline(), or at any other time.
  void OnTime();
  // The next time at which OnTime has something to do; max() for never. May be early. Ask after
  // each input.
  MonotonicTime NextDeadline() const;

  // ---- For consumers ----

  // Sends an action. The token names it in OnEvent. Errors, after which `callback` is not called:
  //   INVALID_ARGUMENT    of the action itself (action.h)
  //   UNAVAILABLE         not online
  //   RESOURCE_EXHAUSTED  too many in flight, or the write queue is full: send after a callback
  absl::StatusOr<ActionToken> Send(const ActionBuilder& action, ActionKind kind,
                                   ActionCallback callback);

  // All that was asked for when the link came up has been told. Until the link ends.
  void MarkToldAll() { told_all_ = true; }

  // Closes the link for good: callbacks of pending actions and OnOffline run before it returns.
  void Stop();

  // The token in an ActionID of this session, for live events that carry one (OriginateResponse);
  // kLiveEvent if it is another's.
  ActionToken TokenOf(std::string_view action_id) const;
  // The reverse: the ActionID that the rows and answers of a sent action carry.
  std::string ActionIdOf(ActionToken token) const { return id_prefix_ + std::to_string(token); }

  SessionState state() const { return state_; }
  bool online() const { return state_ == SessionState::kOnline; }
  // "Asterisk Call Manager/11.0.0" of the newest link.
  const std::string& banner() const { return banner_; }
  // Asterisk announced that it stops; until the next link.
  bool shutting_down() const { return shutting_down_; }
  // Asterisk refused the newest login; it is tried again rarely.
  bool login_refused() const { return login_refused_; }

 private:
  bool logged_in() const {
    return state_ == SessionState::kBooting || state_ == SessionState::kOnline;
  }

  void Enter(SessionState state, MonotonicTime deadline);
  void Connect();
  void Fail(const absl::Status& reason);
  void FailLogin(const absl::Status& reason);
  void FailOrderly();
  void Drop(const absl::Status& reason, SessionState next, MonotonicTime deadline);
  void Report(const absl::Status& reason, Duration delay);
  Duration NextBackoff(const absl::Status& reason);
  absl::Status StateTimeout() const;

  bool Drain();
  bool TakeBanner();
  void OnMessage(const Message& message);
  void OnCut(const Message& message);
  void OnResponse(const Message& response);
  void OnEvent(const Message& event);
  void OnRow(std::string_view action_id, const Message& event);
  void CheckSilence(MonotonicTime now);

  void SendChallenge();
  void OnChallengeReply(const absl::StatusOr<ActionReply>& reply);
  void SendLogin(std::string_view key_header, std::string_view key);
  void OnLoginReply(const absl::StatusOr<ActionReply>& reply);
  void SendPing(MonotonicTime now);
  absl::StatusOr<ActionToken> Submit(const ActionBuilder& action, ActionKind kind,
                                     ActionCallback callback);

  const PbxConfig& config_;
  SessionTransport& transport_;
  SessionHandler& handler_;
  AmiProbe& probe_;
  const Clock& clock_;
  std::function<std::uint64_t()> random_;
  std::string id_prefix_;  // of ActionIDs; random, for OriginateResponse goes to every client

  SessionState state_ = SessionState::kStopped;
  MonotonicTime deadline_ = MonotonicTime::max();  // of the state
  std::uint32_t failures_ = 0;                     // since a link was of use
  std::uint64_t link_ = 0;                         // changes at the start and the end of each link
  std::string banner_;
  std::string reported_;  // the failure that was logged last
  bool shutting_down_ = false;
  bool told_all_ = false;
  bool restarting_ = false;  // it said that it comes back
  bool login_refused_ = false;
  bool owes_offline_ = false;  // was online, and the handler has not heard yet that it is not

  MonotonicTime online_time_{};                         // when the link came online
  MonotonicTime excused_until_ = MonotonicTime::min();  // see orderly_stop
  MonotonicTime say_skipped_ = MonotonicTime::min();    // when the next one is logged
  MonotonicTime read_time_{};                           // of the newest bytes
  MonotonicTime silence_due_{};                         // when to ping, or to give up
  bool ping_sent_ = false;                              // since read_time_

  Framer framer_;
  PendingActions pending_;
  ActionToken next_token_ = 1;
};

}  // namespace unipresence::ami

#endif  // UNIPRESENCE_AGGREGATOR_AMI_SESSION_H_
