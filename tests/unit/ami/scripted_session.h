#ifndef UNIPRESENCE_TESTS_UNIT_AMI_SCRIPTED_SESSION_H_
#define UNIPRESENCE_TESTS_UNIT_AMI_SCRIPTED_SESSION_H_

// A session whose Asterisk, socket and clock are the test's.
//
//   ScriptedSession s;
//   s.GoOnline();
//   s.Says("Event: DeviceStateChange\nPrivilege: call,all\nDevice: PJSIP/alice\nState: INUSE\n\n");
//   EXPECT_THAT(s.heard(), ElementsAre("online", "read end", "DeviceStateChange", "read end"));

#include <chrono>
#include <cstring>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "aggregator/ami/session.h"
#include "tests/testing/fake_clock.h"

namespace unipresence::ami {

class ScriptedSession final : public SessionTransport, public SessionHandler {
 public:
  explicit ScriptedSession(PbxConfig config = DefaultConfig())
      : config_(std::move(config)),
        session_(config_, *this, *this, probe_, clock_, [this] { return random_++; }) {}

  static PbxConfig DefaultConfig() {
    PbxConfig config;
    config.name = "test";
    config.host = "asterisk";
    config.username = "presence";
    config.secret = "s3cret";
    config.auth = AuthMethod::kPlain;
    config.events = "system,call";
    return config;
  }

  // ---- What happens ----

  // Asterisk sends `text`; its line feeds stand for CR LF and $ID for the newest ActionID.
  void Says(std::string_view text) { SaysBytes(Wire(text)); }
  void SaysBytes(std::string_view bytes) {
    std::memcpy(session_.PrepareRead(bytes.size()).data(), bytes.data(), bytes.size());
    session_.OnRead(bytes.size());
  }
  std::string Wire(std::string_view text) const {
    std::string wire;
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (text.substr(i).starts_with("$ID")) {
        wire += action_id_;
        i += 2;
      } else if (text[i] == '\n') {
        wire += "\r\n";
      } else {
        wire += text[i];
      }
    }
    return wire;
  }

  // Time passes, and the driver wakes the session at each of its deadlines.
  void Passes(Duration time) {
    const MonotonicTime end = clock_.Now() + time;
    while (session_.NextDeadline() <= end) {
      if (session_.NextDeadline() > clock_.Now()) {
        clock_.Advance(session_.NextDeadline() - clock_.Now());
      }
      session_.OnTime();
    }
    clock_.Advance(end - clock_.Now());
  }

  void Closes(absl::Status reason = absl::OkStatus()) {
    open_ = connecting_ = false;
    session_.OnClosed(reason);
  }
  void Connects() {
    connecting_ = false;
    open_ = true;
    session_.OnConnected();
  }

  static constexpr std::string_view kBanner = "Asterisk Call Manager/11.0.0\n";
  static constexpr std::string_view kAccepted =
      "Response: Success\nActionID: $ID\nMessage: Authentication accepted\n\n";
  static constexpr std::string_view kRefused =
      "Response: Error\nActionID: $ID\nMessage: Authentication failed\n\n";
  static constexpr std::string_view kFullyBooted =
      "Event: FullyBooted\nPrivilege: system,all\nUptime: 1\nLastReload: 1\nStatus: Fully "
      "Booted\n\n";
  static constexpr std::string_view kEvent =
      "Event: DeviceStateChange\nPrivilege: call,all\nDevice: PJSIP/alice\nState: INUSE\n\n";

  // With plain login, up to the state.
  void GoTo(SessionState state) {
    if (state == SessionState::kStopped) return;
    session_.Start();
    if (state == SessionState::kConnecting) return;
    Answers(state);
  }
  // Asterisk's part of a try that has begun, up to the state.
  void Answers(SessionState state) {
    Connects();
    if (state == SessionState::kBanner) return;
    Says(kBanner);
    if (state == SessionState::kChallenge || state == SessionState::kLogin) return;
    Says(kAccepted);
    if (state == SessionState::kBooting) return;
    Says(kFullyBooted);
  }
  // Forgets what the handler heard on the way.
  void GoOnline() {
    GoTo(SessionState::kOnline);
    heard_.clear();
  }

  // ---- What was seen ----

  Session& session() { return session_; }
  const AmiProbe& probe() const { return probe_; }
  testing::FakeClock& clock() { return clock_; }
  // What the handler heard: "online", "offline: why", an event's name, "row TOKEN NAME", "read
  // end"; and what callbacks wrote with Note().
  std::vector<std::string>& heard() { return heard_; }
  void Note(std::string text) { heard_.push_back(std::move(text)); }
  // The newest action, line feeds for CR LF, its ActionID as $ID; all of them counted.
  const std::string& action() const { return action_; }
  int actions() const { return actions_; }
  int attempts() const { return attempts_; }
  bool open() const { return open_; }
  bool connecting() const { return connecting_; }
  void RefuseWrites(bool refuse) { refuse_writes_ = refuse; }
  // Called in each OnEvent, behind the note of it.
  std::function<void(const Message&)> on_event;
  std::function<void()> on_offline;

  // A callback that notes "TAG: how it ended".
  ActionCallback Noting(std::string tag) {
    return [this, tag = std::move(tag)](const absl::StatusOr<ActionReply>& reply) {
      if (!reply.ok()) {
        Note(tag + ": " + absl::StatusCodeToString(reply.status().code()));
      } else {
        Note(tag + (reply->success ? ": success " : ": error ") + std::string(reply->text));
      }
    };
  }

 private:
  // SessionTransport.
  void Connect() override {
    ++attempts_;
    connecting_ = true;
  }
  bool Write(std::string_view bytes) override {
    if (refuse_writes_) return false;
    ++actions_;
    action_.clear();
    for (const char c : bytes) {
      if (c != '\r') action_ += c;
    }
    const std::size_t id = action_.find("ActionID: ") + 10;
    const std::size_t end = action_.find('\n', id);
    action_id_ = action_.substr(id, end - id);
    action_.replace(id, end - id, "$ID");
    return true;
  }
  void Close() override { open_ = connecting_ = false; }

  // SessionHandler.
  void OnOnline() override { Note("online"); }
  void OnOffline(const absl::Status& reason) override {
    Note("offline: " + std::string(reason.message()));
    if (on_offline) on_offline();
  }
  void OnEvent(const Message& event, ActionToken list) override {
    Note(list == kLiveEvent ? std::string(event.Event())
                            : "row " + std::to_string(list) + " " + std::string(event.Event()));
    if (on_event) on_event(event);
  }
  void OnReadEnd() override { Note("read end"); }

  PbxConfig config_;
  testing::FakeClock clock_;
  AmiProbe probe_;
  std::uint64_t random_ = 1;
  std::vector<std::string> heard_;
  std::string action_;
  std::string action_id_;
  int actions_ = 0;
  int attempts_ = 0;
  bool connecting_ = false;
  bool open_ = false;
  bool refuse_writes_ = false;
  Session session_;
};

}  // namespace unipresence::ami

#endif  // UNIPRESENCE_TESTS_UNIT_AMI_SCRIPTED_SESSION_H_
