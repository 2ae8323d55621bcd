// Any script of bytes, failures, time and calls: the session keeps the promises of session.h and
// session_handler.h.
//
// Input: operations of one byte, some with an argument (Step below).

#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "aggregator/ami/session.h"
#include "tests/testing/fake_clock.h"

namespace {

using namespace unipresence::ami;
using unipresence::Duration;
using unipresence::MonotonicTime;

void Require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "violated: %s\n", what);
  std::abort();
}

class Script final : public SessionTransport, public SessionHandler {
 public:
  Script(std::string_view input, AuthMethod auth) : input_(input), config_(Config(auth)) {}

  void Run() {
    session_.Start();
    while (!input_.empty()) Step(TakeByte());
    session_.Stop();
    Require(sent_ == answered_, "each action is answered once");
    Require(!online_, "offline after stop");
  }

 private:
  static PbxConfig Config(AuthMethod auth) {
    PbxConfig config;
    config.name = "fuzz";
    config.host = "asterisk";
    config.username = "u";
    config.secret = "s";
    config.auth = auth;
    config.max_actions_in_flight = 8;
    return config;
  }

  std::uint8_t TakeByte() {
    if (input_.empty()) return 0;
    const auto byte = static_cast<std::uint8_t>(input_.front());
    input_.remove_prefix(1);
    return byte;
  }

  void Step(std::uint8_t op) {
    switch (op % 16) {
      case 0:
        if (connecting_) {
          connecting_ = false;
          open_ = true;
          session_.OnConnected();
        }
        break;
      case 1:
        Close(absl::OkStatus());
        break;
      case 2:
        Close(absl::UnavailableError("broken"));
        break;
      case 3:
        Pass(std::chrono::milliseconds(100) * TakeByte());
        break;
      case 4:
        Send(ActionKind::kSingle);
        break;
      case 5:
        Send(ActionKind::kList);
        break;
      case 6:
        session_.Stop();
        break;
      case 7:
        session_.Start();
        break;
      case 8:
        Read("Asterisk Call Manager/11.0.0\r\n");
        break;
      case 9:
        Read("Response: Success\r\nActionID: " + action_id_ + "\r\nChallenge: 1\r\n\r\n");
        break;
      case 10:
        Read("Event: FullyBooted\r\nPrivilege: system,all\r\n\r\n");
        break;
      case 11:
        Read("Response: Success\r\nActionID: " + action_id_ + "\r\nEventList: start\r\n\r\n");
        break;
      case 12:
        Read("Event: Row\r\nActionID: " + action_id_ + "\r\n\r\n");
        break;
      case 13:
        Read("Event: RowComplete\r\nActionID: " + action_id_ + "\r\nEventList: Complete\r\n\r\n");
        break;
      case 14:
        stop_in_event_ = TakeByte() % 4 == 0;
        break;
      case 15: {
        const std::size_t size = std::min<std::size_t>(input_.size(), TakeByte());
        const std::string bytes(input_.substr(0, std::min(size, input_.size())));
        input_.remove_prefix(bytes.size());
        Read(bytes);
        break;
      }
    }
  }

  void Close(const absl::Status& reason) {
    if (!connecting_ && !open_) return;
    connecting_ = open_ = false;
    session_.OnClosed(reason);
  }

  void Read(std::string_view bytes) {
    if (!open_ || bytes.empty()) return;
    std::ranges::copy(bytes, session_.PrepareRead(bytes.size()).begin());
    session_.OnRead(bytes.size());
  }

  void Pass(Duration time) {
    const MonotonicTime end = clock_.Now() + time;
    for (int i = 0; i < 1000 && session_.NextDeadline() <= end; ++i) {
      if (session_.NextDeadline() > clock_.Now()) {
        clock_.Advance(session_.NextDeadline() - clock_.Now());
      }
      const MonotonicTime before = session_.NextDeadline();
      session_.OnTime();
      Require(session_.NextDeadline() > before || session_.NextDeadline() > clock_.Now() ||
                  session_.state() == SessionState::kStopped,
              "a deadline is met by OnTime");
    }
    if (end > clock_.Now()) clock_.Advance(end - clock_.Now());
  }

  void Send(ActionKind kind) {
    const auto token = session_.Send(ActionBuilder("Act"), kind,
                                     [this](const absl::StatusOr<ActionReply>&) { ++answered_; });
    if (token.ok()) ++sent_;
    Require(token.ok() == (open_ && token.ok()), "actions are sent on open links only");
  }

  // SessionTransport.
  void Connect() override {
    Require(!connecting_ && !open_, "one link at a time");
    connecting_ = true;
  }
  bool Write(std::string_view bytes) override {
    Require(open_, "nothing is written to a closed link");
    Require(bytes.ends_with("\r\n\r\n") && bytes.find("\r\n\r\n") == bytes.size() - 4,
            "one action");
    const std::size_t id = bytes.find("ActionID: ") + 10;
    action_id_ = bytes.substr(id, bytes.find("\r\n", id) - id);
    return true;
  }
  void Close() override { connecting_ = open_ = false; }

  // SessionHandler.
  void OnOnline() override {
    Require(!online_ && session_.online(), "online once");
    online_ = true;
  }
  void OnOffline(const absl::Status& reason) override {
    Require(online_ && !session_.online() && !reason.ok(), "offline after online");
    Require(sent_ == answered_, "callbacks run before OnOffline");
    online_ = false;
  }
  void OnEvent(const Message& event, ActionToken) override {
    Require(session_.state() == SessionState::kBooting || session_.online(), "events after login");
    Require(!event.Event().empty(), "events have names");
    if (stop_in_event_) {
      stop_in_event_ = false;
      session_.Stop();
    }
  }
  void OnReadEnd() override {
    Require(session_.state() != SessionState::kStopped, "nothing is heard after stop");
  }

  std::string_view input_;
  const PbxConfig config_;
  unipresence::testing::FakeClock clock_;
  AmiProbe probe_;
  std::string action_id_ = "up-00000000-1";
  bool connecting_ = false;
  bool open_ = false;
  bool online_ = false;
  bool stop_in_event_ = false;
  std::size_t sent_ = 0;
  std::size_t answered_ = 0;
  Session session_{config_, *this, *this, probe_, clock_, [] { return std::uint64_t{0}; }};
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const bool quiet = [] {
    spdlog::set_level(spdlog::level::off);
    return true;
  }();
  if (!quiet || size == 0) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  Script(input, data[0] % 2 == 0 ? AuthMethod::kPlain : AuthMethod::kMd5).Run();
  return 0;
}
