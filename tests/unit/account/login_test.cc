#include "server/account/login.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sodium.h>

#include <array>
#include <string>

#include "server/account/failure.h"
#include "server/auth/password.h"
#include "server/auth/token.h"
#include "tests/testing/account_room.h"
#include "tests/testing/users.h"

namespace unipresence {
namespace {

using testing::AccountRoom;
using testing::UniqueAccount;
using Begun = absl::StatusOr<LoggedIn>;

constexpr char kPassword[] = "correct horse";

// The cheapest hash that libsodium makes.
std::string CheapHash(const std::string& password) {
  EXPECT_TRUE(auth::InitializeSodium().ok());
  std::array<char, crypto_pwhash_STRBYTES> hash;
  EXPECT_EQ(crypto_pwhash_str(hash.data(), password.data(), password.size(),
                              crypto_pwhash_OPSLIMIT_MIN, crypto_pwhash_MEMLIMIT_MIN),
            0);
  return hash.data();
}

LoginRequest As(const std::string& username, const std::string& password = kPassword) {
  return {.username = username, .password = password, .client_name = "test", .peer = "ipv4:1"};
}

std::optional<AccountProblem> ProblemIn(const Begun& begun) {
  return ProblemAs<AccountProblem>(begun.status());
}

class LoginTest : public ::testing::Test {
 protected:
  LoginTest() { room_.AddUser(UniqueAccount("alice", "101"), CheapHash(kPassword)); }

  Begun LogIn(LoginRequest request) {
    return room_.Run<Begun>([&](std::function<void(Begun)> done) {
      desk_.LogIn(std::move(request), [this, done = std::move(done)](Core* core, Begun begun) {
        EXPECT_EQ(core, begun.ok() ? &room_.core() : nullptr);
        done(std::move(begun));
      });
    });
  }

  AccountRoom room_{SessionTable::Options{.max_sessions_per_user = 2}};
  auth::PasswordHasher hasher_{{}};
  auth::LoginThrottle throttle_{{}};
  LoginFlow::WhenHashed when_hashed_;
  LoginFlow desk_{room_.context(), hasher_, throttle_,
                  [this](const std::string& user, absl::AnyInvocable<void() &&> done) {
                    when_hashed_(user, std::move(done));
                  }};
};

TEST_F(LoginTest, ASessionIsStoredAndLives) {
  const Begun begun = LogIn(As("alice"));
  ASSERT_TRUE(begun.ok()) << begun.status();
  EXPECT_EQ(begun->session.user, "alice");
  EXPECT_EQ(begun->session.client_name, "test");
  EXPECT_EQ(auth::KeyOfToken(begun->token), begun->session.key);
  const auto caller = room_.keeper().Authenticate(room_.core(), begun->session.key);
  ASSERT_TRUE(caller.ok());
  EXPECT_EQ(caller->session, begun->session.id);
  EXPECT_TRUE(room_.PresenceOf("alice").logged_in);
  // Who never chose has the softphone from the first log-in on.
  EXPECT_EQ(room_.Stored("alice").settings.selected_device, LineKind::kWebrtc);
  EXPECT_EQ(room_.probe().logins.value(), 1u);
}

TEST_F(LoginTest, UnknownAndWrongAreAlike) {
  const Begun wrong = LogIn(As("alice", "wrong horse"));
  const Begun unknown = LogIn(As("nobody"));
  EXPECT_EQ(ProblemIn(wrong), AccountProblem::kBadCredentials);
  EXPECT_EQ(wrong.status(), unknown.status());
  EXPECT_EQ(room_.probe().bad_logins.value(), 2u);
  EXPECT_FALSE(room_.PresenceOf("alice").logged_in);
}

TEST_F(LoginTest, FailuresMakeTheNextOnesWait) {
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(ProblemIn(LogIn(As("alice", "wrong"))), AccountProblem::kBadCredentials);
  }
  const Begun waits = LogIn(As("alice"));
  EXPECT_EQ(ProblemIn(waits), AccountProblem::kTooManyLoginAttempts);
  EXPECT_EQ(ProblemOf(waits.status())->values.front(),
            (std::pair<std::string, std::string>("retry_after_ms", "1000")));
  room_.clock().Advance(std::chrono::seconds(1));
  EXPECT_TRUE(LogIn(As("alice")).ok());
}

TEST_F(LoginTest, MoreSessionsThanAUserMayHaveAreRefusedAndForgotten) {
  EXPECT_TRUE(LogIn(As("alice")).ok());
  EXPECT_TRUE(LogIn(As("alice")).ok());
  EXPECT_EQ(ProblemIn(LogIn(As("alice"))), AccountProblem::kTooManySessions);
  EXPECT_TRUE(room_
                  .InStore([](Transaction& transaction) {
                    EXPECT_EQ(transaction.sessions.List()->size(), 2u);
                    return absl::OkStatus();
                  })
                  .ok());
}

TEST_F(LoginTest, AUserWhoIsDeletedOnTheWayIsNotToldOf) {
  std::optional<Begun> begun;
  desk_.LogIn(As("alice"), [&](Core*, Begun got) { begun = std::move(got); });
  ASSERT_TRUE(room_.engine().RemoveUser("alice").ok());
  while (!begun) room_.RunNext();
  EXPECT_EQ(ProblemIn(*begun), AccountProblem::kBadCredentials);
}

TEST_F(LoginTest, APasswordThatIsNotHashedYetIsWaitedForOnce) {
  room_.AddUser(UniqueAccount("bob", "102"), std::string(kPasswordPending));
  int waits = 0;
  when_hashed_ = [&](const std::string& user, absl::AnyInvocable<void() &&> done) {
    EXPECT_EQ(user, "bob");
    ++waits;
    std::move(done)();
  };
  // It never is: then it matches nothing.
  EXPECT_EQ(ProblemIn(LogIn(As("bob"))), AccountProblem::kBadCredentials);
  EXPECT_EQ(waits, 1);
}

TEST(ValidateLoginTest, SaysWhatIsMissingOrWrong) {
  const auto with = [](auto change) {
    LoginRequest request = As("alice");
    change(request);
    return request;
  };
  const struct {
    const char* row;
    LoginRequest request;
    std::optional<AccountProblem> problem;
  } kRows[] = {
      {"right", As("alice"), std::nullopt},
      {"no username", As(""), AccountProblem::kFieldRequired},
      {"longest username", As(std::string(64, 'a')), std::nullopt},
      {"longer username", As(std::string(65, 'a')), AccountProblem::kFieldInvalid},
      {"no password", As("alice", ""), AccountProblem::kFieldRequired},
      {"no client name", with([](LoginRequest& r) { r.client_name.clear(); }), std::nullopt},
      {"long client name", with([](LoginRequest& r) { r.client_name = std::string(65, 'c'); }),
       AccountProblem::kFieldInvalid},
      {"client name of control characters", with([](LoginRequest& r) { r.client_name = "a\nb"; }),
       AccountProblem::kFieldInvalid},
  };
  for (const auto& row : kRows) {
    EXPECT_EQ(ProblemAs<AccountProblem>(ValidateLogin(row.request)), row.problem) << row.row;
  }
}

}  // namespace
}  // namespace unipresence
