// The life of a link: connecting, login, silence, failures, backoff.

#include "aggregator/ami/session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <algorithm>
#include <chrono>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "tests/testing/log_capture.h"
#include "tests/unit/ami/ami_streams.h"
#include "tests/unit/ami/scripted_session.h"

namespace unipresence::ami {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

using S = ScriptedSession;
using unipresence::testing::LogCapture;

TEST(SessionLoginTest, Plain) {
  ScriptedSession s;
  s.session().Start();
  EXPECT_EQ(s.session().state(), SessionState::kConnecting);
  s.Connects();
  EXPECT_EQ(s.session().state(), SessionState::kBanner);
  EXPECT_EQ(s.actions(), 0);  // Asterisk speaks first
  s.Says(S::kBanner);
  EXPECT_EQ(s.session().state(), SessionState::kLogin);
  EXPECT_EQ(
      s.action(),
      "Action: Login\nUsername: presence\nSecret: s3cret\nEvents: system,call\nActionID: $ID\n\n");
  EXPECT_EQ(s.session().banner(), "Asterisk Call Manager/11.0.0");
  s.Says(S::kAccepted);
  EXPECT_EQ(s.session().state(), SessionState::kBooting);
  s.Says(S::kFullyBooted);
  EXPECT_EQ(s.session().state(), SessionState::kOnline);
  EXPECT_THAT(s.heard(), ElementsAre("read end", "FullyBooted", "online", "read end"));
  EXPECT_EQ(s.probe().logins.value(), 1u);
  EXPECT_EQ(s.probe().state.load(), SessionState::kOnline);
}

TEST(SessionLoginTest, Md5NeverSendsTheSecret) {
  PbxConfig config = S::DefaultConfig();
  config.auth = AuthMethod::kMd5;
  ScriptedSession s(config);
  s.GoTo(SessionState::kChallenge);
  EXPECT_EQ(s.session().state(), SessionState::kChallenge);
  EXPECT_EQ(s.action(), "Action: Challenge\nAuthType: MD5\nActionID: $ID\n\n");
  s.Says("Response: Success\nActionID: $ID\nChallenge: 123456789\n\n");
  EXPECT_EQ(s.session().state(), SessionState::kLogin);
  // printf '%s' 123456789s3cret | md5sum
  EXPECT_EQ(s.action(),
            "Action: Login\nAuthType: MD5\nUsername: presence\nKey: "
            "d32b5714dd0e3ae70d4a845d5e524f3f\nEvents: system,call\nActionID: $ID\n\n");
  s.Says(S::kAccepted);
  s.Says(S::kFullyBooted);
  EXPECT_TRUE(s.session().online());
}

TEST(SessionLoginTest, NoChallengeIsNoReasonToSendTheSecret) {
  PbxConfig config = S::DefaultConfig();
  config.auth = AuthMethod::kMd5;
  for (const std::string answer : {"Response: Error\nActionID: $ID\nMessage: Permission denied\n\n",
                                   "Response: Success\nActionID: $ID\n\n"}) {
    ScriptedSession s(config);
    s.GoTo(SessionState::kChallenge);
    s.Says(answer);
    EXPECT_EQ(s.session().state(), SessionState::kBackoff);
    EXPECT_THAT(s.probe().last_error(), HasSubstr("no MD5 challenge"));
    EXPECT_EQ(s.actions(), 1);
    // It is a refusal like any other: tried again rarely.
    EXPECT_TRUE(s.session().login_refused());
    EXPECT_EQ(s.probe().login_refused.value(), 1u);
    s.Passes(milliseconds(59'900));
    EXPECT_EQ(s.attempts(), 1);
    s.Passes(milliseconds(200));
    EXPECT_EQ(s.attempts(), 2);
  }
}

TEST(SessionLoginTest, EverythingInOneReadOrInSingleBytes) {
  ScriptedSession whole;
  whole.GoTo(SessionState::kLogin);
  whole.Says(std::string(S::kAccepted) + std::string(S::kFullyBooted) + std::string(S::kEvent));
  EXPECT_THAT(whole.heard(), ElementsAre("FullyBooted", "online", "DeviceStateChange", "read end"));

  ScriptedSession bytes;
  bytes.GoTo(SessionState::kBanner);
  for (const char c : bytes.Wire(S::kBanner)) bytes.SaysBytes({&c, 1});
  for (const char c : bytes.Wire(S::kAccepted)) bytes.SaysBytes({&c, 1});
  for (const char c : bytes.Wire(S::kFullyBooted)) bytes.SaysBytes({&c, 1});
  EXPECT_TRUE(bytes.session().online());
  EXPECT_THAT(bytes.heard(), ElementsAre("read end", "FullyBooted", "online", "read end"));
}

TEST(SessionLoginTest, LiveEventsBeforeFullyBootedAreHeard) {
  ScriptedSession s;
  s.GoTo(SessionState::kBooting);
  s.Says(S::kEvent);
  s.Passes(seconds(2));
  s.Says(S::kFullyBooted);
  EXPECT_THAT(s.heard(), ElementsAre("read end", "DeviceStateChange", "read end", "FullyBooted",
                                     "online", "read end"));
}

TEST(SessionLoginTest, WrongPasswordNeverHammers) {
  ScriptedSession s;
  s.GoTo(SessionState::kLogin);
  s.Passes(seconds(1));  // Asterisk takes that long to refuse
  s.Says(S::kRefused);
  EXPECT_EQ(s.session().state(), SessionState::kBackoff);
  EXPECT_FALSE(s.open());
  EXPECT_THAT(s.probe().last_error(), HasSubstr("refuses the login of user presence"));
  EXPECT_THAT(s.probe().last_error(), HasSubstr("Authentication failed"));
  EXPECT_THAT(s.probe().last_error(), Not(HasSubstr("s3cret")));
  EXPECT_EQ(s.probe().login_refused.value(), 1u);
  s.Passes(milliseconds(59'900));
  EXPECT_EQ(s.attempts(), 1);
  s.Passes(milliseconds(200));
  EXPECT_EQ(s.attempts(), 2);
  // An hour of it: one attempt a minute.
  for (int i = 0; i < 3600; ++i) {
    if (s.connecting()) {
      s.Connects();
      s.Says(S::kBanner);
      s.Says(S::kRefused);
    }
    s.Passes(seconds(1));
  }
  EXPECT_GE(s.attempts(), 60);
  EXPECT_LE(s.attempts(), 62);
  EXPECT_THAT(s.heard(), Not(::testing::Contains(StartsWith("offline"))));
}

TEST(SessionLoginTest, AfterARefusalTheRightPasswordLogsIn) {
  ScriptedSession s;
  s.GoTo(SessionState::kLogin);
  s.Says(S::kRefused);
  s.Passes(seconds(61));
  s.Connects();
  s.Says(S::kBanner);
  s.Says(S::kAccepted);
  s.Says(S::kFullyBooted);
  EXPECT_TRUE(s.session().online());
  EXPECT_THAT(s.probe().last_error(),
              HasSubstr("Authentication failed"));  // kept for who asks later
}

TEST(SessionLoginTest, AnOldAnswerToAnotherLinkIsNotTaken) {
  ScriptedSession s;
  s.GoTo(SessionState::kLogin);
  const std::string accepted = s.Wire(S::kAccepted);  // of the first link
  s.Closes();
  s.Passes(seconds(1));
  s.Connects();
  s.Says(S::kBanner);
  s.SaysBytes(accepted);
  EXPECT_EQ(s.session().state(), SessionState::kLogin);
  EXPECT_EQ(s.probe().stray_answers.value(), 1u);
}

TEST(SessionLoginTest, EventsBeforeTheLoginAreDropped) {
  ScriptedSession s;
  s.GoTo(SessionState::kLogin);
  s.Says(S::kFullyBooted);
  EXPECT_EQ(s.session().state(), SessionState::kLogin);
  EXPECT_THAT(s.heard(), Not(::testing::Contains("FullyBooted")));
}

// ---- Every way a link can fail, in every state ----

struct FailureCase {
  const char* name;
  SessionState at;
  enum How { kEnd, kBreak, kSilence, kGarbage } how;
  const char* error;  // part of the error that is kept
  Duration noticed_within = Duration(0);
};

class SessionFailureTest : public ::testing::TestWithParam<FailureCase> {};

TEST_P(SessionFailureTest, BacksOffAndConnectsAgain) {
  const FailureCase& c = GetParam();
  ScriptedSession s;
  s.GoTo(c.at);
  s.heard().clear();
  const MonotonicTime start = s.clock().Now();
  switch (c.how) {
    case FailureCase::kEnd:
      s.Closes();
      break;
    case FailureCase::kBreak:
      s.Closes(absl::UnavailableError("Connection reset by peer"));
      break;
    case FailureCase::kSilence:
      while (s.session().state() != SessionState::kBackoff &&
             s.clock().Now() - start < minutes(5)) {
        s.Passes(milliseconds(10));
      }
      break;
    case FailureCase::kGarbage:
      s.SaysBytes(std::string(1'100'000, '\x01'));
      break;
  }
  EXPECT_EQ(s.session().state(), SessionState::kBackoff);
  EXPECT_FALSE(s.open());
  EXPECT_FALSE(s.connecting());
  EXPECT_LE(s.clock().Now() - start, c.noticed_within + milliseconds(20));
  EXPECT_THAT(s.probe().last_error(), HasSubstr(c.error));
  if (c.at == SessionState::kOnline) {
    EXPECT_THAT(s.heard(), ElementsAre(StartsWith("offline: ")));
  } else {
    EXPECT_THAT(s.heard(), IsEmpty());
  }
  // The first failure costs a quarter of a second at most.
  s.Passes(milliseconds(250));
  EXPECT_EQ(s.attempts(), 2);
  EXPECT_TRUE(s.connecting());
  s.Connects();
  s.Says(S::kBanner);
  s.Says(S::kAccepted);
  s.Says(S::kFullyBooted);
  EXPECT_TRUE(s.session().online());
}

using F = FailureCase;
INSTANTIATE_TEST_SUITE_P(
    States, SessionFailureTest,
    ::testing::Values(
        F{"RefusedConnecting", SessionState::kConnecting, F::kBreak, "Connection reset"},
        F{"SilentConnecting", SessionState::kConnecting, F::kSilence, "no connection within 5 s",
          seconds(5)},
        F{"EndBeforeBanner", SessionState::kBanner, F::kEnd, "closed without a banner"},
        F{"BrokenBeforeBanner", SessionState::kBanner, F::kBreak, "Connection reset"},
        F{"SilentBeforeBanner", SessionState::kBanner, F::kSilence, "no banner within 5 s",
          seconds(5)},
        F{"GarbageForBanner", SessionState::kBanner, F::kGarbage, "AMI first line of at least"},
        F{"EndInLogin", SessionState::kLogin, F::kEnd, "closed the connection in state LOGIN"},
        F{"SilentInLogin", SessionState::kLogin, F::kSilence, "no answer to LOGIN within 5 s",
          seconds(5)},
        F{"GarbageInLogin", SessionState::kLogin, F::kGarbage, "AMI message without an end"},
        F{"EndBooting", SessionState::kBooting, F::kEnd, "closed the connection in state BOOTING"},
        F{"SilentBooting", SessionState::kBooting, F::kSilence, "the link is dead", seconds(7)},
        F{"EndOnline", SessionState::kOnline, F::kEnd, "closed the connection in state ONLINE"},
        F{"BrokenOnline", SessionState::kOnline, F::kBreak, "Connection reset"},
        // The promise is ten seconds.
        F{"HalfOpenOnline", SessionState::kOnline, F::kSilence, "the link is dead", seconds(7)},
        F{"GarbageOnline", SessionState::kOnline, F::kGarbage, "AMI message without an end"}),
    [](const auto& test) { return std::string(test.param.name); });

TEST(SessionFailureTest, AStrangerIsNamed) {
  ScriptedSession s;
  s.GoTo(SessionState::kBanner);
  s.Says("SSH-2.0-OpenSSH_9.2\x1b[2J\n");
  EXPECT_EQ(s.session().state(), SessionState::kBackoff);
  EXPECT_THAT(s.probe().last_error(), HasSubstr("\"SSH-2.0-OpenSSH_9.2\xEF\xBF\xBD[2J\""));
  EXPECT_EQ(s.actions(), 0);
  EXPECT_EQ(s.probe().protocol_errors.value(), 1u);
}

TEST(SessionFailureTest, FullyBootedThatNeverComesNamesTheRight) {
  ScriptedSession s;
  s.GoTo(SessionState::kBooting);
  for (int i = 0; i < 59; ++i) {
    s.Passes(seconds(1));
    s.Says(S::kEvent);
  }
  EXPECT_EQ(s.session().state(), SessionState::kBooting);
  s.Passes(seconds(1));
  EXPECT_EQ(s.session().state(), SessionState::kBackoff);
  EXPECT_THAT(s.probe().last_error(), HasSubstr("no FullyBooted within 60 s"));
  EXPECT_THAT(s.probe().last_error(), HasSubstr("read class system"));
}

TEST(SessionOrderlyStopTest, IsNoErrorAndNeitherIsWhatFollowsForAMinute) {
  for (const bool restart : {false, true}) {
    const std::string what =
        restart ? "Asterisk restarts in an orderly way" : "Asterisk stopped in an orderly way";
    ScriptedSession s;
    s.GoOnline();
    s.Passes(seconds(2));
    LogCapture log;
    s.Says(std::string("Event: Shutdown\nPrivilege: system,all\nShutdown: Cleanly\nRestart: ") +
           (restart ? "True\n\n" : "False\n\n"));
    EXPECT_TRUE(s.session().shutting_down());
    s.Closes(restart ? absl::UnavailableError("Connection reset by peer") : absl::OkStatus());
    EXPECT_THAT(s.heard().back(), "offline: " + what);
    EXPECT_THAT(log.Take(), ::testing::AllOf(StartsWith("info: "), HasSubstr(what)));
    s.Passes(milliseconds(250));
    s.Connects();
    EXPECT_FALSE(s.session().shutting_down());
    s.Closes();  // While it stops it accepts and closes without a banner.
    for (int i = 0; i < 50; ++i) {
      if (s.connecting()) s.Closes(absl::UnavailableError("Connection refused"));
      s.Passes(seconds(1));
    }
    EXPECT_EQ(log.Take(), "");
    EXPECT_EQ(s.probe().last_error(), what);
    EXPECT_EQ(s.probe().protocol_errors.value(), 0u);
    // That it stays away is told, once.
    for (int i = 0; i < 60; ++i) {
      if (s.connecting()) s.Closes(absl::UnavailableError("Connection refused"));
      s.Passes(seconds(1));
    }
    const std::string told = log.Take();
    EXPECT_THAT(told, StartsWith("warning: ami test: Connection refused"));
    EXPECT_EQ(std::count(told.begin(), told.end(), '\n'), 1);
    EXPECT_EQ(s.probe().last_error(), "Connection refused");
  }
}

TEST(SessionOrderlyStopTest, ARefusedLoginAfterItIsAnError) {
  ScriptedSession s;
  s.GoOnline();
  s.Says("Event: Shutdown\nPrivilege: system,all\nShutdown: Cleanly\nRestart: True\n\n");
  s.Closes();
  s.Passes(milliseconds(250));
  LogCapture log;
  s.Connects();
  s.Says(S::kBanner);
  s.Says(S::kRefused);
  EXPECT_THAT(log.Take(), StartsWith("warning: ami test: Asterisk refuses the login"));
  EXPECT_THAT(s.probe().last_error(), HasSubstr("refuses the login"));
}

TEST(SessionFailureTest, CutInAMessageGivesNoHalfEvent) {
  ScriptedSession s;
  s.GoOnline();
  s.Says("Event: DeviceStateChange\nPrivilege: call,all\nDevice: PJSIP/al");
  s.Closes();
  s.Passes(milliseconds(250));
  s.Connects();
  // The rest of the cut event must not be glued to what the next link says.
  s.Says("Asterisk Call Manager/11.0.0\n");
  s.Says(S::kAccepted);
  s.Says(S::kFullyBooted);
  EXPECT_THAT(s.heard(),
              ElementsAre(StartsWith("offline"), "read end", "FullyBooted", "online", "read end"));
}

TEST(SessionFailureTest, MessagesBeforeTheGarbageAreHeardBeforeTheEnd) {
  ScriptedSession s;
  s.GoOnline();
  s.SaysBytes(s.Wire(S::kEvent) + std::string(1'100'000, 'x'));
  EXPECT_THAT(s.heard(),
              ElementsAre("DeviceStateChange", "read end", StartsWith("offline: AMI message")));
  EXPECT_EQ(s.probe().protocol_errors.value(), 1u);
}

// ---- Backoff ----

TEST(SessionBackoffTest, GrowsToItsCapAndNoFurther) {
  ScriptedSession s;
  s.session().Start();
  Duration previous(0);
  for (int i = 0; i < 40; ++i) {
    s.Closes(absl::UnavailableError("Connection refused"));
    const Duration delay = s.session().NextDeadline() - s.clock().Now();
    const Duration full =
        std::min<Duration>(milliseconds(250) * (1LL << std::min(i, 20)), seconds(8));
    EXPECT_LE(delay, full) << i;
    EXPECT_GE(delay, full / 2) << i;
    if (i > 0 && i < 5) {
      EXPECT_GT(delay, previous * 9 / 10);
    }
    previous = delay;
    s.Passes(delay);
    ASSERT_TRUE(s.connecting()) << i;
  }
}

TEST(SessionBackoffTest, ACapThatIsNoMultipleOfTheFirst) {
  PbxConfig config = S::DefaultConfig();
  config.times.backoff_cap = milliseconds(700);
  ScriptedSession s(config);
  s.session().Start();
  for (int i = 0; i < 10; ++i) {
    s.Closes(absl::UnavailableError("Connection refused"));
    EXPECT_LE(s.session().NextDeadline() - s.clock().Now(), milliseconds(700));
    s.Passes(milliseconds(700));
  }
}

TEST(SessionBackoffTest, HalfOfItIsRandom) {
  const PbxConfig config = S::DefaultConfig();
  const unipresence::testing::FakeClock clock;
  std::vector<Duration> delays;
  for (const std::uint64_t random :
       {std::uint64_t{0}, std::uint64_t{62'500'000}, ~std::uint64_t{0}}) {
    AmiProbe probe;
    struct Quiet final : SessionTransport, SessionHandler {
      void Connect() override {}
      bool Write(std::string_view) override { return true; }
      void Close() override {}
      void OnOnline() override {}
      void OnOffline(const absl::Status&) override {}
      void OnEvent(const Message&, ActionToken) override {}
      void OnReadEnd() override {}
    } quiet;
    Session session(config, quiet, quiet, probe, clock, [random] { return random; });
    session.Start();
    session.OnClosed(absl::UnavailableError("refused"));
    delays.push_back(session.NextDeadline() - clock.Now());
  }
  EXPECT_EQ(delays[0], milliseconds(250));
  EXPECT_EQ(delays[1], milliseconds(250) - Duration(62'500'000));
  EXPECT_GE(delays[2], milliseconds(125));
}

TEST(SessionBackoffTest, ACutLinkThatHadToldAllIsTriedAgainSoon) {
  ScriptedSession s;
  s.session().Start();
  const auto delay = [&] { return s.session().NextDeadline() - s.clock().Now(); };
  for (int i = 0; i < 10; ++i) {
    s.Answers(SessionState::kOnline);
    s.session().MarkToldAll();
    s.Closes();
    EXPECT_LE(delay(), milliseconds(500)) << i;
    s.Passes(seconds(1));
  }
  // Each link has to tell for itself.
  for (int i = 0; i < 5; ++i) {
    s.Answers(SessionState::kOnline);
    s.Closes();
    s.Passes(seconds(8));
  }
  s.Answers(SessionState::kOnline);
  s.Closes();
  EXPECT_GE(delay(), seconds(4));
  // Nor does it help one that breaks the protocol right behind.
  s.Passes(seconds(8));
  s.Answers(SessionState::kOnline);
  s.session().MarkToldAll();
  s.Says(std::string(3 << 20, 'x'));
  EXPECT_GE(delay(), seconds(4));
}

TEST(SessionBackoffTest, BeingOfUseResetsIt) {
  ScriptedSession s;
  s.session().Start();
  for (int i = 0; i < 10; ++i) {
    s.Closes(absl::UnavailableError("Connection refused"));
    s.Passes(seconds(8));
  }
  s.Answers(SessionState::kBooting);
  // Logged in is not enough: an Asterisk that dies at boot again and again is not to be hammered.
  s.Closes();
  EXPECT_GE(s.session().NextDeadline() - s.clock().Now(), seconds(4));
  s.Passes(seconds(8));
  s.Answers(SessionState::kOnline);
  for (int i = 0; i < 9; ++i) {
    s.Passes(seconds(1));
    s.Says(S::kEvent);
  }
  s.Closes();
  EXPECT_GE(s.session().NextDeadline() - s.clock().Now(), seconds(4));
  s.Passes(seconds(8));
  s.Answers(SessionState::kOnline);
  for (int i = 0; i < 10; ++i) {
    s.Passes(seconds(1));
    s.Says(S::kEvent);
  }
  s.Closes();
  EXPECT_LE(s.session().NextDeadline() - s.clock().Now(), milliseconds(250));
}

// However a link ends right after the login.
TEST(SessionBackoffTest, APbxThatBreaksAfterEachLoginIsNotHammered) {
  const std::vector<std::pair<const char*, std::function<void(ScriptedSession&)>>> ways = {
      {"damage", [](ScriptedSession& s) { s.SaysBytes(std::string(1'100'000, 'x')); }},
      {"end", [](ScriptedSession& s) { s.Closes(); }},
      {"break", [](ScriptedSession& s) { s.Closes(absl::UnavailableError("reset")); }},
      {"orderly stop", [](ScriptedSession& s) {
         s.Says("Event: Shutdown\nPrivilege: system,all\nRestart: True\n\n");
         s.Closes();
       }}};
  for (const auto& [name, breaks] : ways) {
    ScriptedSession s;
    s.session().Start();
    LogCapture log;
    std::vector<double> pauses;
    for (int i = 0; i < 20; ++i) {
      const MonotonicTime ended = s.clock().Now();
      while (!s.connecting()) s.Passes(s.session().NextDeadline() - s.clock().Now());
      pauses.push_back(std::chrono::duration<double>(s.clock().Now() - ended).count());
      s.Connects();
      s.Says(S::kBanner);
      s.Says(S::kAccepted);
      s.Says(S::kFullyBooted);
      ASSERT_TRUE(s.session().online()) << name;
      breaks(s);
    }
    for (std::size_t i = 2; i < pauses.size(); ++i) {
      EXPECT_LE(pauses[i], 8.0) << name;
      EXPECT_GE(pauses[i], std::min(4.0, 0.125 * static_cast<double>(1 << (i - 1)))) << name;
    }
    if (std::string_view(name) == "orderly stop") continue;
    const std::string told = log.Take();
    EXPECT_EQ(told.find("warning"), told.rfind("warning")) << told;
  }
}

// ---- Silence ----

TEST(SessionPingTest, OnlyAfterTheLogin) {
  for (const SessionState state :
       {SessionState::kConnecting, SessionState::kBanner, SessionState::kLogin}) {
    ScriptedSession s;
    s.GoTo(state);
    const int before = s.actions();
    s.Passes(milliseconds(4900));
    EXPECT_EQ(s.actions(), before) << ToString(state);
    EXPECT_EQ(s.probe().pings.value(), 0u) << ToString(state);
  }
}

TEST(SessionPingTest, AfterThreeSecondsOfSilence) {
  ScriptedSession s;
  s.GoOnline();
  const int before = s.actions();
  s.Passes(milliseconds(2990));
  EXPECT_EQ(s.actions(), before);
  s.Passes(milliseconds(20));
  EXPECT_EQ(s.actions(), before + 1);
  EXPECT_EQ(s.action(), "Action: Ping\nActionID: $ID\n\n");
  s.Says("Response: Success\nActionID: $ID\nPing: Pong\nTimestamp: 1.0\n\n");
  s.Passes(milliseconds(2990));
  EXPECT_EQ(s.probe().pings.value(), 1u);
  EXPECT_TRUE(s.session().online());
}

TEST(SessionPingTest, AnsweredPingsKeepAQuietLinkForEver) {
  ScriptedSession s;
  s.GoOnline();
  for (int i = 0; i < 1000; ++i) {
    s.Passes(milliseconds(3001));
    ASSERT_EQ(s.probe().pings.value(), static_cast<std::uint64_t>(i + 1));
    s.Says("Response: Success\nActionID: $ID\nPing: Pong\n\n");
  }
  EXPECT_TRUE(s.session().online());
  EXPECT_EQ(s.probe().actions_in_flight.load(), 0u);
}

TEST(SessionPingTest, AnyByteIsAsGoodAsAnAnswer) {
  ScriptedSession s;
  s.GoOnline();
  s.Passes(milliseconds(6900));
  EXPECT_TRUE(s.session().online());
  s.Says("E");
  s.Passes(milliseconds(6900));
  EXPECT_TRUE(s.session().online());
  EXPECT_EQ(s.probe().pings.value(), 2u);
}

TEST(SessionPingTest, BusyLinksAreNotPinged) {
  ScriptedSession s;
  s.GoOnline();
  for (int i = 0; i < 100; ++i) {
    s.Passes(seconds(1));
    s.Says(S::kEvent);
  }
  EXPECT_EQ(s.probe().pings.value(), 0u);
}

TEST(SessionPingTest, AFullWriteQueueDoesNotHideADeadLink) {
  ScriptedSession s;
  s.GoOnline();
  s.RefuseWrites(true);
  s.Passes(milliseconds(7010));
  EXPECT_EQ(s.session().state(), SessionState::kBackoff);
  EXPECT_EQ(s.probe().dead_links.value(), 1u);
}

// ---- Stop ----

TEST(SessionStopTest, InEveryState) {
  for (const SessionState state :
       {SessionState::kStopped, SessionState::kConnecting, SessionState::kBanner,
        SessionState::kLogin, SessionState::kBooting, SessionState::kOnline}) {
    ScriptedSession s;
    s.GoTo(state);
    s.heard().clear();
    s.session().Stop();
    s.session().Stop();
    EXPECT_EQ(s.session().state(), SessionState::kStopped) << ToString(state);
    EXPECT_FALSE(s.open() || s.connecting());
    const int attempts = s.attempts();
    s.Closes();
    s.Passes(minutes(10));
    EXPECT_EQ(s.attempts(), attempts) << ToString(state);
    if (state == SessionState::kOnline) {
      EXPECT_THAT(s.heard(), ElementsAre("offline: stopped"));
    } else {
      EXPECT_THAT(s.heard(), IsEmpty()) << ToString(state);
    }
  }
}

TEST(SessionStopTest, InBackoffAndStartAgain) {
  ScriptedSession s;
  s.session().Start();
  s.Closes();
  s.session().Stop();
  s.Passes(minutes(1));
  EXPECT_EQ(s.attempts(), 1);
  s.session().Start();
  EXPECT_EQ(s.attempts(), 2);
}

TEST(SessionStopTest, FromWithinAnEventEndsTheRead) {
  ScriptedSession s;
  s.GoOnline();
  s.on_event = [&](const Message& event) {
    s.session().Stop();
    s.Note("still readable: " + std::string(event.Get("Device")));
  };
  s.Says(std::string(S::kEvent) + std::string(S::kEvent));
  EXPECT_THAT(s.heard(),
              ElementsAre("DeviceStateChange", "offline: stopped", "still readable: PJSIP/alice"));
}

TEST(SessionStateTest, Names) {
  EXPECT_EQ(ToString(SessionState::kStopped), "STOPPED");
  EXPECT_EQ(ToString(SessionState::kBackoff), "BACKOFF");
  EXPECT_EQ(ToString(SessionState::kConnecting), "CONNECTING");
  EXPECT_EQ(ToString(SessionState::kBanner), "BANNER");
  EXPECT_EQ(ToString(SessionState::kChallenge), "CHALLENGE");
  EXPECT_EQ(ToString(SessionState::kLogin), "LOGIN");
  EXPECT_EQ(ToString(SessionState::kBooting), "BOOTING");
  EXPECT_EQ(ToString(SessionState::kOnline), "ONLINE");
}

// Every recorded trace behind a login, in one piece and in single bytes: the same events in the
// same order. The traces' own answers are of another client's actions: dropped, and so are its
// rows.
TEST(SessionTraceTest, RecordedStreams) {
  for (const auto& [name, stream] : Traces()) {
    const std::string body = stream.substr(stream.find("\r\n") + 2);
    std::vector<std::string> expected;
    for (const std::string& text : NaiveMessages(body)) {
      const Message message(text);
      if (message.Has("Privilege")) expected.emplace_back(message.Event());
    }
    for (const std::size_t piece : {body.size(), std::size_t{1}, std::size_t{1000}}) {
      ScriptedSession s;
      s.GoOnline();
      for (std::size_t from = 0; from < body.size(); from += piece) {
        s.SaysBytes(std::string_view(body).substr(from, piece));
      }
      std::erase(s.heard(), "read end");
      EXPECT_EQ(s.heard(), expected) << name;
      EXPECT_TRUE(s.session().online()) << name;
    }
  }
}

}  // namespace
}  // namespace unipresence::ami
