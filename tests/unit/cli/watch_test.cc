#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "clients/cli/commands/watch_writer.h"
#include "tests/testing/fake_clock.h"
#include "tests/unit/cli/command_fixture.h"

namespace unipresence::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

v1::WatchPresencesResponse Response(v1::WatchEvent event, const std::string& token = {},
                                    const std::vector<std::string>& users = {}) {
  v1::WatchPresencesResponse response;
  response.set_event(event);
  response.set_resume_token(token);
  for (const std::string& user : users) {
    response.add_updates()->mutable_presence()->set_user(user);
  }
  return response;
}

// The stream ends like this once the command is interrupted; a server that waits for that.
grpc::Status WaitForEnd(FakeServer::WatchWriter& writer) {
  while (writer.Write(Response(v1::WATCH_EVENT_UPDATES))) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return grpc::Status::CANCELLED;
}

class WatchTest : public CommandFixture {
 protected:
  void SetUp() override { LogIn(); }

  static WatchOptions Of(const std::vector<std::string>& users) {
    WatchOptions options;
    options.users = users;
    return options;
  }

  // Runs the command until it printed `lines` lines.
  absl::Status WatchUntil(std::size_t lines, const WatchOptions& options,
                          OutputFormat format = OutputFormat::kJson) {
    CommandContext& context = NewContext(format);
    absl::Status status;
    std::thread watcher([&] { status = RunCommand(options, context); });
    while (out_->Lines().size() < lines) std::this_thread::yield();
    context.interrupt().Raise();
    watcher.join();
    return status;
  }
};

TEST_F(WatchTest, PrintsValuesMarkersAndChanges) {
  server_.on_watch = [](const v1::WatchPresencesRequest&, FakeServer::WatchWriter& writer) {
    writer.Write(Response(v1::WATCH_EVENT_RESET, "", {"alice"}));
    writer.Write(Response(v1::WATCH_EVENT_CURRENT, "t1", {"bob"}));
    writer.Write(Response(v1::WATCH_EVENT_UPDATES, "t2", {"alice"}));
    return WaitForEnd(writer);
  };
  EXPECT_TRUE(WatchUntil(5, Of({"alice", "bob"})).ok());
  EXPECT_THAT(Values("event"), ElementsAre("RESET", "UPDATE", "UPDATE", "CURRENT", "UPDATE"));
  EXPECT_THAT(Values("user"), ElementsAre("", "alice", "bob", "", "alice"));
  ASSERT_EQ(server_.watch_requests().size(), 1U);
  EXPECT_THAT(server_.watch_requests()[0].users(), ElementsAre("alice", "bob"));
  EXPECT_EQ(server_.watch_requests()[0].resume_token(), "");
}

TEST_F(WatchTest, PrintsTheMailboxesThatItAskedFor) {
  server_.on_watch = [](const v1::WatchPresencesRequest& request, FakeServer::WatchWriter& writer) {
    v1::WatchPresencesResponse response = Response(v1::WATCH_EVENT_CURRENT, "t1", {"alice"});
    v1::Mailbox& box = *response.add_mailboxes();
    box.set_user(request.include_mailboxes() ? "alice" : "nobody asked");
    box.set_mailbox("1001@default");
    writer.Write(response);
    return WaitForEnd(writer);
  };
  WatchOptions options;
  options.mailboxes = true;
  EXPECT_TRUE(WatchUntil(3, options).ok());
  EXPECT_THAT(Values("event"), ElementsAre("UPDATE", "MAILBOX", "CURRENT"));
  EXPECT_THAT(Values("user"), ElementsAre("alice", "alice", ""));
  EXPECT_TRUE(WatchUntil(4, options, OutputFormat::kTable).ok());
  EXPECT_THAT(out_->Text(), HasSubstr("0 new, 0 old in 1001@default"));
}

TEST_F(WatchTest, GoesOnWhereTheStreamBroke) {
  server_.on_watch = [](const v1::WatchPresencesRequest& request, FakeServer::WatchWriter& writer) {
    if (request.resume_token().empty()) {
      writer.Write(Response(v1::WATCH_EVENT_CURRENT, "t1", {"alice"}));
      writer.Write(Response(v1::WATCH_EVENT_UPDATES));  // the token before stays valid
      return grpc::Status(grpc::StatusCode::UNAVAILABLE, "the server is shutting down");
    }
    writer.Write(Response(v1::WATCH_EVENT_CURRENT, "t2", {"bob"}));
    return WaitForEnd(writer);
  };
  EXPECT_TRUE(WatchUntil(5, Of({"alice", "bob"})).ok());
  EXPECT_THAT(Values("event"),
              ElementsAre("UPDATE", "CURRENT", "DISCONNECTED", "UPDATE", "CURRENT"));
  ASSERT_EQ(server_.watch_requests().size(), 2U);
  EXPECT_EQ(server_.watch_requests()[1].resume_token(), "t1");
  EXPECT_THAT(server_.watch_requests()[1].users(), ElementsAre("alice", "bob"));
}

TEST_F(WatchTest, SurvivesARestartOfTheServer) {
  server_.on_watch = [](const v1::WatchPresencesRequest&, FakeServer::WatchWriter& writer) {
    writer.Write(Response(v1::WATCH_EVENT_CURRENT, "t"));
    return WaitForEnd(writer);
  };
  CommandContext& context = NewContext();
  absl::Status status;
  std::thread watcher([&] { status = RunCommand(WatchOptions{}, context); });
  while (out_->Lines().empty()) std::this_thread::yield();
  server_.Stop();
  server_.Start(folder_.File("."));
  while (Values("event").back() != "CURRENT" || out_->Lines().size() < 3) {
    std::this_thread::yield();
  }
  context.interrupt().Raise();
  watcher.join();
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_EQ(Values("event")[1], "DISCONNECTED");
}

TEST_F(WatchTest, FailsWithoutReconnectWhereItIsWanted) {
  server_.on_watch = [](const v1::WatchPresencesRequest&, FakeServer::WatchWriter& writer) {
    writer.Write(Response(v1::WATCH_EVENT_CURRENT, "t1"));
    return grpc::Status(grpc::StatusCode::UNAVAILABLE, "gone");
  };
  WatchOptions options;
  options.reconnect = false;
  EXPECT_TRUE(absl::IsUnavailable(RunCommand(options, NewContext())));
  EXPECT_EQ(server_.watch_requests().size(), 1U);
}

TEST_F(WatchTest, AServerThatWasNeverReachedIsAnError) {
  server_.Stop();
  EXPECT_TRUE(absl::IsUnavailable(RunCommand(WatchOptions{}, NewContext())));
}

TEST_F(WatchTest, AnEndedSessionEndsIt) {
  server_.on_watch = [](const v1::WatchPresencesRequest&, FakeServer::WatchWriter& writer) {
    writer.Write(Response(v1::WATCH_EVENT_CURRENT, "t1"));
    return ServerError(grpc::StatusCode::UNAUTHENTICATED, v1::ERROR_REASON_SESSION_EXPIRED,
                       "the session has ended");
  };
  EXPECT_TRUE(absl::IsUnauthenticated(RunCommand(WatchOptions{}, NewContext())));
}

TEST_F(WatchTest, TheTableIsLive) {
  server_.on_watch = [](const v1::WatchPresencesRequest&, FakeServer::WatchWriter& writer) {
    writer.Write(Response(v1::WATCH_EVENT_CURRENT, "t1", {"alice"}));
    return WaitForEnd(writer);
  };
  EXPECT_TRUE(WatchUntil(3, {}, OutputFormat::kTable).ok());
  EXPECT_THAT(out_->Lines(),
              ElementsAre(HasSubstr("CAUSE"), HasSubstr("alice"), HasSubstr("current")));
}

// A change of alice; what is not given stays.
v1::WatchPresencesResponse Change(v1::PresenceState state, v1::CauseKind cause) {
  v1::WatchPresencesResponse response = Response(v1::WATCH_EVENT_UPDATES, "t", {"alice"});
  v1::PresenceUpdate& update = *response.mutable_updates(0);
  update.mutable_presence()->set_state(state);
  update.mutable_cause()->set_kind(cause);
  return response;
}

class ChangesTest : public WatchTest {
 protected:
  void SetUp() override {
    WatchTest::SetUp();
    server_.users["alice"].set_display_name("Alice Martin");
    server_.users["alice"].set_exten("1000");
    server_.on_watch = [](const v1::WatchPresencesRequest&, FakeServer::WatchWriter& writer) {
      v1::WatchPresencesResponse first = Change(v1::PRESENCE_STATE_AVAILABLE, v1::CAUSE_KIND_LOGIN);
      first.set_event(v1::WATCH_EVENT_CURRENT);
      writer.Write(first);
      writer.Write(Change(v1::PRESENCE_STATE_AVAILABLE, v1::CAUSE_KIND_CONTACT_STATUS));
      writer.Write(Change(v1::PRESENCE_STATE_RINGING, v1::CAUSE_KIND_NEWSTATE));
      writer.Write(Change(v1::PRESENCE_STATE_RINGING, v1::CAUSE_KIND_RENAME));
      writer.Write(Change(v1::PRESENCE_STATE_AVAILABLE, v1::CAUSE_KIND_HANGUP));
      return WaitForEnd(writer);
    };
  }
};

TEST_F(ChangesTest, TheTableHasRowsInWhichSomethingVisibleChanged) {
  EXPECT_TRUE(WatchUntil(5, {}, OutputFormat::kTable).ok());
  EXPECT_THAT(out_->Lines(),
              ElementsAre(HasSubstr("CAUSE"), HasSubstr("LOGIN"), HasSubstr("current"),
                          HasSubstr("NEWSTATE"), HasSubstr("HANGUP")));
}

TEST_F(ChangesTest, OrAllOfThem) {
  WatchOptions options;
  options.all_changes = true;
  EXPECT_TRUE(WatchUntil(7, options, OutputFormat::kTable).ok());
  EXPECT_THAT(out_->Text(), HasSubstr("CONTACT_STATUS"));
  EXPECT_THAT(out_->Text(), HasSubstr("RENAME"));
}

TEST_F(ChangesTest, JsonHasAllOfThem) {
  EXPECT_TRUE(WatchUntil(6, {}).ok());
  EXPECT_EQ(Values("event").size(), 6U);
  EXPECT_EQ(server_.directory_reads(), 0) << "nor is it asked for names";
}

TEST_F(ChangesTest, NamesAreReadOnce) {
  EXPECT_TRUE(WatchUntil(5, Of({"alice"}), OutputFormat::kTable).ok());
  EXPECT_THAT(out_->Lines()[1], HasSubstr("Alice Martin  1000"));
  EXPECT_EQ(server_.directory_reads(), 1);
}

v1::PresenceUpdate UpdateOf(const std::string& user, v1::PresenceState state) {
  v1::PresenceUpdate update;
  update.mutable_presence()->set_user(user);
  update.mutable_presence()->set_state(state);
  return update;
}

// Written to directly, with a clock that is turned.
class WatchWriterTest : public WatchTest {
 protected:
  void SetUp() override {
    WatchTest::SetUp();
    Name("bob", "Bob OLD", "1001");
    ASSERT_TRUE(NewContext(OutputFormat::kTable).Connect().ok());
  }
  void Name(const std::string& user, const std::string& name, const std::string& number) {
    server_.users[user].set_id(user);
    server_.users[user].set_display_name(name);
    server_.users[user].set_exten(number);
  }
  testing::FakeClock clock_;
};

TEST_F(WatchWriterTest, ANameThatChangedIsReadAnewAfterAMinute) {
  Directory directory(*context_, clock_);
  directory.ReadAll();
  WatchWriter writer(*context_, &directory, false);
  writer.Update(UpdateOf("bob", v1::PRESENCE_STATE_AVAILABLE));
  writer.Current();
  Name("bob", "Bob NEW", "1999");
  clock_.Advance(std::chrono::seconds(59));
  writer.Update(UpdateOf("bob", v1::PRESENCE_STATE_RINGING));
  EXPECT_THAT(out_->Lines().back(), HasSubstr("Bob OLD  1001"));
  const int reads = server_.directory_reads();
  clock_.Advance(std::chrono::seconds(2));
  writer.Update(UpdateOf("bob", v1::PRESENCE_STATE_RINGING));
  EXPECT_EQ(server_.directory_reads(), reads) << "not for a row that is not written";
  writer.Update(UpdateOf("bob", v1::PRESENCE_STATE_IN_USE));
  EXPECT_THAT(out_->Lines().back(), HasSubstr("Bob NEW  1999"));
  EXPECT_EQ(server_.directory_reads(), reads + 1);
}

TEST_F(WatchWriterTest, NamesAreReadAnewAfterAResetAndAnInterruption) {
  Directory directory(*context_, clock_);
  directory.ReadAll();
  WatchWriter writer(*context_, &directory, false);
  writer.Reset();
  writer.Update(UpdateOf("bob", v1::PRESENCE_STATE_AVAILABLE));
  writer.Current();
  EXPECT_EQ(server_.directory_reads(), 1) << "once at the beginning";
  Name("bob", "Bob NEW", "1999");
  writer.Interrupted("DISCONNECTED", "gone");
  writer.Update(UpdateOf("bob", v1::PRESENCE_STATE_RINGING));
  EXPECT_THAT(out_->Lines().back(), HasSubstr("Bob NEW  1999"));
  Name("bob", "Bob", "1001");
  writer.Reset();
  writer.Update(UpdateOf("bob", v1::PRESENCE_STATE_RINGING));
  EXPECT_THAT(out_->Lines().back(), HasSubstr("Bob      1001"));
}

TEST_F(WatchWriterTest, ANameThatCannotBeReadStays) {
  Directory directory(*context_, clock_);
  EXPECT_EQ(directory.Find("bob").name, "Bob OLD");
  server_.Stop();
  clock_.Advance(std::chrono::hours(1));
  EXPECT_EQ(directory.FindFresh("bob").name, "Bob OLD");
}

// What stands in NOTES is news, and is seen, at every width that a row has room at all.
TEST_F(WatchWriterTest, NotesAreSeenAtEveryWidth) {
  for (const std::size_t width : {40U, 50U, 60U, 72U, 80U, 81U, 100U, 200U}) {
    CapturedOutput captured(false, width);
    GlobalOptions options;
    options.output = OutputFormat::kTable;
    CommandContext context(options, "watch", captured.output(), errors_->output());
    WatchWriter writer(context, nullptr, false);
    v1::PresenceUpdate update = UpdateOf("jean.baptiste", v1::PRESENCE_STATE_AVAILABLE);
    writer.Update(update);
    writer.Current();
    update.mutable_presence()->set_stale(true);
    writer.Update(update);
    EXPECT_THAT(captured.Lines().back(), HasSubstr("stale")) << width;
    update.mutable_presence()->set_stale(false);
    update.mutable_presence()->set_do_not_disturb(true);
    writer.Update(update);
    EXPECT_THAT(captured.Lines().back(), HasSubstr("do-not")) << width;
    EXPECT_EQ(captured.Lines().size(), 5U) << width;
    for (const std::string& line : captured.Lines()) EXPECT_LE(DisplayWidth(line), width);
  }
}

}  // namespace
}  // namespace unipresence::cli
