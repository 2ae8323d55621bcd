#ifndef UNIPRESENCE_AGGREGATOR_AMI_SESSION_H_
#define UNIPRESENCE_AGGREGATOR_AMI_SESSION_H_

// The conversation with one Asterisk as a state machine fed with bytes and time: it owns no socket,
// no clock and no thread. connection.h drives one over TCP; tests drive it by hand.
//
//   STOPPED -> CONNECTING -> BANNER -> CHALLENGE -> LOGIN -> BOOTING -> ONLINE
//                 ^              \________ any failure ________/
//                 '--- BACKOFF <----------'
//
// Rules (asterisk.md):
//   - Asterisk speaks first. An end of stream before the banner is normal while it stops.
//   - `Response: Error` to Login means wrong user or secret, or an address that is not permitted.
//   The
//     session waits backoff_login_refused and never hammers; last_error says so.
//   - Other failures back off exponentially, half of it at random, up to backoff_cap; being online
//   resets.
//   - Lists are complete only after FullyBooted. It comes right after the login when Asterisk was
//   up.
//   - Pings are sent after login only, when nothing was received for ping_after; when nothing comes
//   for
//     dead_after more, the link is dead.
//   - A row of a list carries its ActionID and no Privilege, a live event the reverse.
//
// Thread: one; not reentrant but for Send() and Stop(), which handlers and callbacks may call.

#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "aggregator/ami/action.h"
#include "aggregator/ami/ami_probe.h"
#include "aggregator/ami/config.h"
#include "aggregator/ami/framer.h"
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

// How an action is answered.
enum class ActionKind : std::uint8_t {
  kSingle,  // one response. If Asterisk starts a list all the same, it is taken as one
  kList,  // a response, rows, and an event that says `EventList: Complete` or is named ...Complete
};

class Session {
 public:
  // The references outlive the session. `random` gives uniform 64-bit
  // numbers, for the jitter.
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
  //   RESOURCE_EXHAUSTED  too many in flight, or the write queue is full: send again after a
  //   callback
  absl::StatusOr<ActionToken> Send(const ActionBuilder& action, ActionKind kind,
                                   ActionCallback callback);

  // Closes the link for good: callbacks of pending actions and OnOffline run before it returns.
  void Stop();

  // The token in an ActionID of this session, for live events that carry one (OriginateResponse);
  // kLiveEvent if it is another's.
  ActionToken TokenOf(std::string_view action_id) const;

  SessionState state() const { return state_; }
  bool online() const { return state_ == SessionState::kOnline; }
  // "Asterisk Call Manager/11.0.0" of the newest link.
  const std::string& banner() const { return banner_; }
  // Asterisk announced that it stops; until the next link.
  bool shutting_down() const { return shutting_down_; }

 private:
  struct Pending {
    std::string name;
    ActionKind kind;
    ActionCallback callback;  // null for the session's own
    MonotonicTime last_heard;
  };
  using PendingMap = std::map<ActionToken, Pending>;

  void Enter(SessionState state, MonotonicTime deadline);
  void Fail(const absl::Status& reason, bool login_refused);
  void Drop(const absl::Status& reason);
  void FailPending(const absl::Status& reason);
  Duration NextBackoff();

  void Drain();
  bool TakeBanner();
  void OnMessage(const Message& message);
  void OnResponse(const Message& response);
  void OnChallengeResponse(const Message& response);
  void OnLoginResponse(const Message& response);
  void OnEvent(const Message& event);
  void OnOwnEvent(const Message& event);
  void OnRow(PendingMap::iterator pending, const Message& row);
  void OnSilence();
  void TimeOutActions();
  void Finish(PendingMap::iterator pending, const absl::StatusOr<ActionReply>& reply);

  void SendChallenge();
  void SendLogin(std::string_view challenge);
  absl::StatusOr<ActionToken> Write(const ActionBuilder& action, ActionKind kind,
                                    ActionCallback callback);

  const PbxConfig& config_;
  SessionTransport& transport_;
  SessionHandler& handler_;
  AmiProbe& probe_;
  const Clock& clock_;
  std::function<std::uint64_t()> random_;
  std::string id_prefix_;  // of ActionIDs; random, for OriginateResponse goes to every client

  SessionState state_ = SessionState::kStopped;
  // Of the state; max() for none.
  MonotonicTime deadline_ = MonotonicTime::max();
  std::uint32_t failures_ = 0;  // since last online
  std::uint64_t link_ = 0;      // changes with each link and each end of one
  std::string banner_;
  bool shutting_down_ = false;

  MonotonicTime last_received_{};
  bool ping_sent_ = false;  // since last_received_

  Framer framer_;
  PendingMap pending_;  // in order of sending
  ActionToken next_token_ = 1;
  ActionToken login_token_ = 0;                       // of Challenge or Login
  MonotonicTime actions_due_ = MonotonicTime::max();  // no action times out before
};

}  // namespace unipresence::ami

#endif  // UNIPRESENCE_AGGREGATOR_AMI_SESSION_H_
