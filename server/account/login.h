#ifndef UNIPRESENCE_SERVER_ACCOUNT_LOGIN_H_
#define UNIPRESENCE_SERVER_ACCOUNT_LOGIN_H_

// Logging in, from username and password to a live session.
//
//   throttle
//   -> store:    the user
//   -> hasher:   the password
//   -> store:    the session, and WEBRTC as the choice of a user who never had one
//   -> pipeline: the feed of changes begins the session, the user is logged in
//   -> answer
//
// An unknown username takes the same way with a hash that nothing matches, so that neither the
// answer nor its time tells who exists. If the password or the user changed while it was verified,
// the log-in fails like one with a wrong password.
//
// A user of a users file whose password is not hashed yet waits for that first. So for the seconds
// after new users were added the time tells that they are.

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/account/account_context.h"
#include "server/auth/login_throttle.h"
#include "server/auth/password_hasher.h"
#include "server/storage/store.h"

namespace unipresence {

struct LoginRequest {
  std::string username;
  std::string password;
  SessionKind kind = SessionKind::kAssistant;
  std::string client_name;  // what the client calls itself
  std::string peer;         // where it connects from
};

// kFieldRequired, kFieldInvalid: nobody could log in so.
absl::Status ValidateLogin(const LoginRequest& request);

// A session that has begun.
struct LoggedIn {
  StoredSession session;
  std::string token;  // the secret that its calls carry; it is kept nowhere else
};

// Thread-safe.
class LoginFlow {
 public:
  // What it came to, once. A success is told on the pipeline's thread, with its core, within the
  // command that began the session; a failure on any thread, with null. Destroyed uncalled if the
  // server stops, or has too much to do, before.
  using Done = absl::AnyInvocable<void(Core*, absl::StatusOr<LoggedIn>) &&>;
  using WhenHashed =
      std::function<void(const std::string& user, absl::AnyInvocable<void() &&> done)>;

  // All must outlive the desk.
  // `when_hashed` calls the function once the password of that user of a users file is hashed, at
  // once where it does not wait to be.
  LoginFlow(const AccountContext& shared, auth::PasswordHasher& hasher,
            auth::LoginThrottle& throttle, WhenHashed when_hashed)
      : shared_(shared),
        hasher_(hasher),
        throttle_(throttle),
        when_hashed_(std::move(when_hashed)) {}

  // `request` is valid (ValidateLogin). kTooManyLoginAttempts, kBadCredentials, kTooManySessions,
  // kStoreUnavailable, kOverloaded.
  void LogIn(LoginRequest request, Done done);

 private:
  struct Attempt;
  using AttemptPtr = std::unique_ptr<Attempt>;

  void LookUp(AttemptPtr attempt);
  void Verify(AttemptPtr attempt, absl::StatusOr<StoredUser> user);
  void Save(AttemptPtr attempt);
  // The store has the session.
  void Begin(Core& core, Attempt& attempt, StoredSession session);
  void Reject(AttemptPtr attempt);
  // The attempt was no guess: it does not count.
  void GiveUp(AttemptPtr attempt, const absl::Status& status);
  static void Fail(Attempt& attempt, const absl::Status& status);

  const AccountContext& shared_;
  auth::PasswordHasher& hasher_;
  auth::LoginThrottle& throttle_;
  const WhenHashed when_hashed_;
};

}  // namespace unipresence

#endif  // UNIPRESENCE_SERVER_ACCOUNT_LOGIN_H_
