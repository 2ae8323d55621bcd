// Logging in, staying logged in, logging out, over a real gRPC connection.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "tests/integration/grpc_test_server.h"
#include "tests/testing/answer.h"

namespace unipresence::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::IsEmpty;
using ::testing::Not;

class GrpcSessionTest : public ::testing::Test {
 protected:
  GrpcSessionTest() { server_.AddUsers(); }

  v1::Presence PresenceOf(const std::string& user) {
    return GrpcTestClient::LogIn(server_, "root", v1::SESSION_KIND_CLIENT).GetPresence(user).second;
  }
  std::vector<StoredSession> StoredSessions() {
    Answer<absl::StatusOr<std::vector<StoredSession>>> answer;
    EXPECT_TRUE(server_.store()
                    .Call<std::vector<StoredSession>>(
                        [](Transaction& t) { return t.sessions.List(); }, answer)
                    .ok());
    return *answer.Wait();
  }
  StoredUser Stored(const std::string& id) {
    Answer<absl::StatusOr<StoredUser>> answer;
    EXPECT_TRUE(server_.store()
                    .Call<StoredUser>([id](Transaction& t) { return t.users.Get(id); }, answer)
                    .ok());
    return *answer.Wait();
  }

  GrpcTestServer server_;
};

TEST_F(GrpcSessionTest, LogInMakesASessionAndTheUserLoggedIn) {
  GrpcTestClient client(server_);
  const auto [status, response] = client.CreateSession("alice", GrpcTestServer::kPassword);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_THAT(response.token(), Not(IsEmpty()));
  EXPECT_EQ(response.session().user(), "alice");
  EXPECT_EQ(response.session().kind(), v1::SESSION_KIND_ASSISTANT);
  EXPECT_EQ(response.session().role(), v1::ROLE_USER);
  EXPECT_EQ(response.session().time_to_live().seconds(), 20);
  EXPECT_EQ(response.session().expire_time().seconds() - response.session().create_time().seconds(),
            20);
  EXPECT_THAT(response.session().peer(), Not(IsEmpty()));

  const v1::Presence presence = GrpcTestClient(server_, response.token()).GetPresence().second;
  EXPECT_EQ(presence.user(), "alice");
  EXPECT_TRUE(presence.logged_in());
  ASSERT_EQ(StoredSessions().size(), 1u);
  EXPECT_EQ(StoredSessions()[0].id, response.session().id());
}

TEST_F(GrpcSessionTest, AClientSessionDoesNotLogIn) {
  GrpcTestClient client = GrpcTestClient::LogIn(server_, "alice", v1::SESSION_KIND_CLIENT);
  EXPECT_FALSE(client.GetPresence().second.logged_in());
}

TEST_F(GrpcSessionTest, TheFirstLogInSelectsWebrtcAndKeepsItLater) {
  EXPECT_EQ(Stored("alice").settings.selected_device, std::nullopt);
  GrpcTestClient client = GrpcTestClient::LogIn(server_, "alice");
  EXPECT_EQ(Stored("alice").settings.selected_device, LineKind::kWebrtc);
  EXPECT_TRUE(client.SelectDevice(v1::LINE_KIND_DESKPHONE).first.ok());
  EXPECT_TRUE(client.LogOut().ok());
  client = GrpcTestClient::LogIn(server_, "alice");
  EXPECT_EQ(Stored("alice").settings.selected_device, LineKind::kDeskphone);
  EXPECT_EQ(client.GetPresence().second.selected_device(), v1::LINE_KIND_DESKPHONE);
}

TEST_F(GrpcSessionTest, AUserWithOneLineHasNothingToSelect) {
  GrpcTestClient::LogIn(server_, "dave");
  EXPECT_EQ(Stored("dave").settings.selected_device, std::nullopt);
}

TEST_F(GrpcSessionTest, WrongPasswordAndUnknownUserAreToldApartByNothing) {
  GrpcTestClient client(server_);
  const grpc::Status wrong = client.CreateSession("alice", "wrong password").first;
  const grpc::Status unknown = client.CreateSession("nobody", "wrong password").first;
  EXPECT_EQ(wrong.error_code(), grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_EQ(ReasonOf(wrong), v1::ERROR_REASON_BAD_CREDENTIALS);
  EXPECT_EQ(unknown.error_code(), wrong.error_code());
  EXPECT_EQ(unknown.error_message(), wrong.error_message());
  EXPECT_EQ(unknown.error_details(), wrong.error_details());
  EXPECT_EQ(server_.probe().account.bad_logins.value(), 2u);
}

// An unknown username costs the same work, so that time does not tell either.
TEST_F(GrpcSessionTest, APasswordIsVerifiedForUnknownUsersToo) {
  GrpcTestClient client(server_);
  const std::uint64_t before = server_.hasher().probe().hashed.value();
  EXPECT_FALSE(client.CreateSession("nobody", "wrong password").first.ok());
  EXPECT_EQ(server_.hasher().probe().hashed.value(), before + 1);
}

TEST_F(GrpcSessionTest, GuessingIsSlowedDown) {
  GrpcTestClient client(server_);
  const int free_failures = auth::LoginThrottle::Options{}.free_failures;
  grpc::Status status;
  int refused_at = 0;
  for (int i = 1; i <= free_failures + 1 && refused_at == 0; ++i) {
    status = client.CreateSession("alice", "wrong password").first;
    if (ReasonOf(status) == v1::ERROR_REASON_TOO_MANY_LOGIN_ATTEMPTS) refused_at = i;
  }
  EXPECT_EQ(refused_at, free_failures + 1);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  const int wait = std::stoi(DetailOf(status).metadata().at("retry_after_ms"));
  EXPECT_GT(wait, 0);
  // The right password has to wait as well, but not for others.
  EXPECT_FALSE(client.CreateSession("alice", GrpcTestServer::kPassword).first.ok());
  EXPECT_TRUE(client.CreateSession("bob", GrpcTestServer::kPassword).first.ok());
  server_.clock().Advance(milliseconds(wait));
  EXPECT_TRUE(client.CreateSession("alice", GrpcTestServer::kPassword).first.ok());
  EXPECT_EQ(server_.probe().account.throttled_logins.value(), 2u);
}

TEST_F(GrpcSessionTest, RequestsAreChecked) {
  GrpcTestClient client(server_);
  EXPECT_EQ(ReasonOf(client.CreateSession("", "password").first), v1::ERROR_REASON_FIELD_REQUIRED);
  EXPECT_EQ(ReasonOf(client.CreateSession("alice", "").first), v1::ERROR_REASON_FIELD_REQUIRED);
  EXPECT_EQ(ReasonOf(client.CreateSession(std::string(100'000, 'x'), "password").first),
            v1::ERROR_REASON_FIELD_INVALID);
  EXPECT_EQ(ReasonOf(client.CreateSession("alice", std::string(100'000, 'x')).first),
            v1::ERROR_REASON_BAD_CREDENTIALS);
}

TEST_F(GrpcSessionTest, LogOutCountsAtOnceAndIsForgotten) {
  GrpcTestClient client = GrpcTestClient::LogIn(server_, "alice");
  ASSERT_TRUE(client.LogOut().ok());
  EXPECT_FALSE(PresenceOf("alice").logged_in());
  const grpc::Status after = client.GetPresence().first;
  EXPECT_EQ(after.error_code(), grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_EQ(ReasonOf(after), v1::ERROR_REASON_SESSION_EXPIRED);
  for (const StoredSession& session : StoredSessions()) EXPECT_EQ(session.user, "root");
}

TEST_F(GrpcSessionTest, OneOfSeveralSessionsKeepsTheUserLoggedIn) {
  GrpcTestClient first = GrpcTestClient::LogIn(server_, "alice");
  GrpcTestClient second = GrpcTestClient::LogIn(server_, "alice");
  EXPECT_TRUE(first.LogOut().ok());
  EXPECT_TRUE(second.GetPresence().second.logged_in());
  EXPECT_TRUE(second.LogOut().ok());
  EXPECT_FALSE(PresenceOf("alice").logged_in());
}

TEST_F(GrpcSessionTest, ASessionThatIsNotKeptAliveExpires) {
  GrpcTestClient client = GrpcTestClient::LogIn(server_, "alice");
  server_.clock().Advance(seconds(19));
  server_.Expire();
  EXPECT_TRUE(client.KeepAlive().first.ok());
  server_.clock().Advance(seconds(19));
  server_.Expire();
  EXPECT_TRUE(client.GetPresence().second.logged_in());  // any call is a sign of life
  server_.clock().Advance(seconds(21));
  server_.Expire();
  EXPECT_EQ(ReasonOf(client.KeepAlive().first), v1::ERROR_REASON_SESSION_EXPIRED);
  EXPECT_FALSE(PresenceOf("alice").logged_in());
  EXPECT_EQ(server_.probe().account.expired_sessions.value(), 1u);
}

TEST_F(GrpcSessionTest, SessionsSurviveARestartWithAFreshTimeToLive) {
  TempFolder folder;
  GrpcTestServer::Options options;
  options.folder = folder.path();
  std::string token;
  {
    GrpcTestServer first(options);
    first.AddUsers();
    token = GrpcTestClient::LogIn(first, "alice").token();
    EXPECT_TRUE(GrpcTestClient::LogIn(first, "bob").LogOut().ok());
    first.Stop();
  }
  GrpcTestServer second(options);
  GrpcTestClient alice(second, token);
  const auto [status, presence] = alice.GetPresence();
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_TRUE(presence.logged_in());
  EXPECT_FALSE(alice.GetPresence("bob").second.logged_in());
  second.clock().Advance(seconds(21));
  second.Expire();
  EXPECT_FALSE(alice.GetPresence().first.ok());
}

TEST_F(GrpcSessionTest, OnlyOneselfAndAdministratorsSeeASession) {
  GrpcTestClient alice = GrpcTestClient::LogIn(server_, "alice");
  GrpcTestClient bob = GrpcTestClient::LogIn(server_, "bob");
  GrpcTestClient root = GrpcTestClient::LogIn(server_, "root");
  EXPECT_EQ(alice.GetSession().second.id(), alice.session());
  EXPECT_EQ(alice.GetSession().second.client_name(), "test");
  EXPECT_EQ(ReasonOf(bob.GetSession(alice.session()).first), v1::ERROR_REASON_SESSION_NOT_FOUND);
  EXPECT_EQ(ReasonOf(bob.LogOut(alice.session())), v1::ERROR_REASON_SESSION_NOT_FOUND);
  EXPECT_TRUE(root.GetSession(alice.session()).first.ok());
  EXPECT_TRUE(root.LogOut(alice.session()).ok());
  EXPECT_EQ(ReasonOf(alice.GetSession().first), v1::ERROR_REASON_SESSION_EXPIRED);
}

TEST_F(GrpcSessionTest, ListsAreOldestFirstAndPaged) {
  std::vector<std::string> ids;
  GrpcTestClient alice = GrpcTestClient::LogIn(server_, "alice");
  ids.push_back(alice.session());
  for (int i = 0; i < 4; ++i) {
    server_.clock().Advance(milliseconds(1));
    ids.push_back(GrpcTestClient::LogIn(server_, "alice").session());
    GrpcTestClient::LogIn(server_, "bob");
  }
  std::vector<std::string> listed;
  v1::ListSessionsRequest request;
  request.set_page_size(2);
  do {
    const auto [status, page] =
        alice.Call<v1::SessionService>(&v1::SessionService::Stub::ListSessions, request);
    ASSERT_TRUE(status.ok()) << status.error_message();
    EXPECT_LE(page.sessions_size(), 2);
    for (const v1::Session& session : page.sessions()) listed.push_back(session.id());
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  EXPECT_EQ(listed, ids);

  const auto list = [](const GrpcTestClient& client, const std::string& user) {
    v1::ListSessionsRequest request;
    request.set_user(user);
    return client.Call<v1::SessionService>(&v1::SessionService::Stub::ListSessions, request);
  };
  EXPECT_EQ(ReasonOf(list(alice, "bob").first), v1::ERROR_REASON_NOT_OWN_USER);
  GrpcTestClient root = GrpcTestClient::LogIn(server_, "root");
  EXPECT_EQ(list(root, "").second.sessions_size(), 10);
  EXPECT_EQ(list(root, "bob").second.sessions_size(), 4);
  EXPECT_EQ(ReasonOf(list(root, "nobody").first), v1::ERROR_REASON_USER_NOT_FOUND);
}

TEST_F(GrpcSessionTest, AUserHasABoundedNumberOfSessions) {
  GrpcTestClient client(server_);
  const std::size_t most = SessionTable::Options{}.max_sessions_per_user;
  for (std::size_t i = 0; i < most; ++i) {
    ASSERT_TRUE(client.CreateSession("alice", GrpcTestServer::kPassword).first.ok());
  }
  const grpc::Status status = client.CreateSession("alice", GrpcTestServer::kPassword).first;
  EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_TOO_MANY_SESSIONS);
  while (StoredSessions().size() > most) std::this_thread::yield();
}

TEST_F(GrpcSessionTest, AFullPipelineAnswersInsteadOfHanging) {
  GrpcTestClient client = GrpcTestClient::LogIn(server_, "alice");
  server_.thread().RefusePosts(true);
  EXPECT_EQ(ReasonOf(client.GetPresence().first), v1::ERROR_REASON_SERVER_OVERLOADED);
  server_.thread().RefusePosts(false);
  EXPECT_TRUE(client.GetPresence().first.ok());
}

// --- HoldSession ---

class Hold {
 public:
  explicit Hold(const GrpcTestClient& client)
      : stub_(v1::SessionService::NewStub(client.channel())),
        context_(client.Context()),
        stream_(stub_->HoldSession(context_.get())) {}

  bool Beat() {
    v1::HoldSessionResponse response;
    if (!stream_->Write({}) || !stream_->Read(&response)) return false;
    session_ = response.session();
    return true;
  }
  grpc::Status Finish() {
    v1::HoldSessionResponse response;
    while (stream_->Read(&response)) {
    }
    return stream_->Finish();
  }
  bool WritesDone() { return stream_->WritesDone(); }
  void Cancel() { context_->TryCancel(); }
  const v1::Session& session() const { return session_; }

 private:
  std::unique_ptr<v1::SessionService::Stub> stub_;
  std::unique_ptr<grpc::ClientContext> context_;
  std::unique_ptr<grpc::ClientReaderWriter<v1::HoldSessionRequest, v1::HoldSessionResponse>>
      stream_;
  v1::Session session_;
};

TEST_F(GrpcSessionTest, EachMessageOfHoldSessionKeepsAlive) {
  GrpcTestClient client = GrpcTestClient::LogIn(server_, "alice");
  Hold hold(client);
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(hold.Beat());
    EXPECT_EQ(hold.session().id(), client.session());
    server_.clock().Advance(seconds(15));
    server_.Expire();
  }
  EXPECT_TRUE(hold.WritesDone());
  EXPECT_TRUE(hold.Finish().ok());
  EXPECT_TRUE(client.GetSession().first.ok());  // the end of the stream is not the session's
}

TEST_F(GrpcSessionTest, ASilentHoldSessionLetsTheSessionExpire) {
  GrpcTestClient client = GrpcTestClient::LogIn(server_, "alice");
  Hold hold(client);
  ASSERT_TRUE(hold.Beat());
  server_.clock().Advance(seconds(20));
  server_.Expire();
  const grpc::Status status = hold.Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_SESSION_EXPIRED);
  EXPECT_FALSE(PresenceOf("alice").logged_in());
}

TEST_F(GrpcSessionTest, ASilentHoldSessionEndsThoughSomethingElseKeepsAlive) {
  GrpcTestClient client = GrpcTestClient::LogIn(server_, "alice");
  Hold hold(client);
  ASSERT_TRUE(hold.Beat());
  server_.clock().Advance(seconds(11));
  ASSERT_TRUE(client.GetSession().first.ok());
  server_.clock().Advance(seconds(11));
  server_.Expire();
  EXPECT_EQ(hold.Finish().error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
  EXPECT_TRUE(client.GetSession().first.ok());
}

// A browser whose network is gone: its connection looks open for a while.
TEST_F(GrpcSessionTest, OpenStreamsDoNotKeepASessionAliveWhoseHoldSessionIsSilent) {
  GrpcTestClient client = GrpcTestClient::LogIn(server_, "alice");
  GrpcTestWatch watch(client);
  ASSERT_TRUE(watch.ReadUntilCurrent());
  Hold hold(client);
  ASSERT_TRUE(hold.Beat());
  server_.clock().Advance(seconds(20));
  server_.Expire();
  EXPECT_EQ(ReasonOf(hold.Finish()), v1::ERROR_REASON_SESSION_EXPIRED);
  EXPECT_FALSE(PresenceOf("alice").logged_in());
}

TEST_F(GrpcSessionTest, LoggingOutEndsHoldSession) {
  GrpcTestClient client = GrpcTestClient::LogIn(server_, "alice");
  Hold hold(client);
  ASSERT_TRUE(hold.Beat());
  EXPECT_TRUE(client.LogOut().ok());
  EXPECT_EQ(ReasonOf(hold.Finish()), v1::ERROR_REASON_SESSION_EXPIRED);
}

TEST_F(GrpcSessionTest, CancelledHoldSessionsLeaveNothingBehind) {
  GrpcTestClient client = GrpcTestClient::LogIn(server_, "alice");
  for (int i = 0; i < 100; ++i) {
    Hold hold(client);
    if (i % 2 == 0) {
      EXPECT_TRUE(hold.Beat());
    }
    hold.Cancel();
    EXPECT_EQ(hold.Finish().error_code(), grpc::StatusCode::CANCELLED);
  }
  while (server_.probe().streams.hold_streams.value() > 0) std::this_thread::yield();
  Hold hold(client);  // none of the session's streams is still counted
  EXPECT_TRUE(hold.Beat());
}

}  // namespace
}  // namespace unipresence::testing
