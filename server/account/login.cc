#include "server/account/login.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <chrono>
#include <utility>

#include "aggregator/base/status_macros.h"
#include "aggregator/base/strings.h"
#include "aggregator/base/valid_text.h"
#include "server/account/failure.h"
#include "server/auth/token.h"

namespace unipresence {
namespace {

constexpr std::size_t kMaxClientName = 64;
// Longer usernames cannot exist (ValidateUser); they are not looked up.
constexpr std::size_t kMaxUsername = 64;

absl::Status BadCredentials() {
  return Failure(AccountProblem::kBadCredentials, "unknown username or wrong password");
}

absl::Status TooManyAttempts(Duration wait) {
  const auto milliseconds = std::chrono::ceil<std::chrono::milliseconds>(wait).count();
  return Failure(
      AccountProblem::kTooManyLoginAttempts,
      fmt::format("too many failed log-ins for this username; try again in {} ms", milliseconds),
      {{"retry_after_ms", fmt::to_string(milliseconds)}});
}

// Whether the user has several lines, and what is selected at first is one of them.
bool HasChoice(const User& user) {
  const LineKinds kinds = KindsOf(user.lines);
  return kinds.size() > 1 && kinds.Contains(kFirstSelection);
}

}  // namespace

absl::Status ValidateLogin(const LoginRequest& request) {
  if (request.username.empty()) return FieldRequired("username", "give the username");
  if (request.username.size() > kMaxUsername) {
    return FieldInvalid("username", "(too long)", "1 to 64 characters");
  }
  if (request.password.empty()) return FieldRequired("password", "give the password");
  if (request.client_name.size() > kMaxClientName || !IsValidText(request.client_name)) {
    return FieldInvalid("client_name", request.client_name,
                        "up to 64 bytes of UTF-8 without control characters");
  }
  return absl::OkStatus();
}

struct LoginFlow::Attempt {
  Done done;
  std::string username;
  std::string password;
  std::string password_hash;  // that was verified
  std::string token;
  StoredSession session;
  bool waited = false;  // for the hash of the password
};

void LoginFlow::LogIn(LoginRequest request, Done done) {
  if (const auto wait = throttle_.Admit(request.username, shared_.clock.Now())) {
    shared_.probe.throttled_logins.Add();
    return std::move(done)(nullptr, TooManyAttempts(*wait));
  }
  auto attempt = std::make_unique<Attempt>(Attempt{.done = std::move(done),
                                                   .username = std::move(request.username),
                                                   .password = std::move(request.password)});
  attempt->session.kind = request.kind;
  attempt->session.client_name = std::move(request.client_name);
  attempt->session.peer = ValidText(request.peer);
  LookUp(std::move(attempt));
}

void LoginFlow::LookUp(AttemptPtr attempt) {
  // Copied before the call: its arguments are evaluated in any order, and one of them takes
  // `attempt`.
  const std::string username = attempt->username;
  CallOrRefuse<StoredUser>(
      shared_.store,
      [username](Transaction& transaction) { return transaction.users.GetByUsername(username); },
      [this, attempt = std::move(attempt)](absl::StatusOr<StoredUser> user) mutable {
        Verify(std::move(attempt), std::move(user));
      });
}

void LoginFlow::Verify(AttemptPtr attempt, absl::StatusOr<StoredUser> user) {
  if (!user.ok() && !absl::IsNotFound(user.status())) {
    const absl::Status status = FromStore(user.status(), {});
    return GiveUp(std::move(attempt), status);
  }
  if (user.ok() && user->password_hash == kPasswordPending) {
    if (!std::exchange(attempt->waited, true)) {
      return when_hashed_(user->user.id, [this, attempt = std::move(attempt)]() mutable {
        LookUp(std::move(attempt));
      });
    }
    user->password_hash.clear();
  }
  if (user.ok()) {
    attempt->session.user = user->user.id;
    attempt->password_hash = std::move(user->password_hash);
  }
  std::string password = std::move(attempt->password);
  std::string hash = attempt->password_hash;
  hasher_.Verify(std::move(hash), std::move(password),
                 [this, attempt = std::move(attempt)](absl::StatusOr<bool> right) mutable {
                   if (!right.ok()) return GiveUp(std::move(attempt), ServerOverloaded());
                   if (!*right) return Reject(std::move(attempt));
                   throttle_.Succeeded(attempt->username);
                   Save(std::move(attempt));
                 });
}

void LoginFlow::Save(AttemptPtr attempt) {
  absl::StatusOr<auth::SessionToken> token = auth::NewSessionToken();
  absl::StatusOr<std::string> id = auth::NewSessionId();
  if (!token.ok() || !id.ok()) {
    return Fail(*attempt, token.ok() ? id.status() : token.status());
  }
  attempt->token = std::move(token->text);
  attempt->session.key = token->key;
  attempt->session.id = *std::move(id);
  attempt->session.create_time = shared_.clock.WallNow();
  Attempt& kept = *attempt;  // lives until `Begin`, which is called after the work
  shared_.feed.Call<StoredSession>(
      [&kept](Transaction& transaction) -> absl::StatusOr<StoredSession> {
        UNIPRESENCE_ASSIGN_OR_RETURN(const StoredUser user,
                                     transaction.users.Get(kept.session.user));
        if (user.password_hash != kept.password_hash) return BadCredentials();
        kept.session.role = user.user.role;
        if (!user.settings.selected_device && HasChoice(user.user)) {
          UNIPRESENCE_RETURN_IF_ERROR(
              transaction.settings.SetSelectedDevice(kept.session.user, kFirstSelection));
        }
        UNIPRESENCE_RETURN_IF_ERROR(transaction.sessions.Save(kept.session));
        return kept.session;
      },
      [this, attempt = std::move(attempt)](Core* core, absl::StatusOr<StoredSession> saved) {
        if (saved.ok()) return Begin(*core, *attempt, *std::move(saved));
        if (absl::IsNotFound(saved.status())) saved = BadCredentials();
        Fail(*attempt, FromStore(saved.status(), attempt->session.user));
      });
}

void LoginFlow::Begin(Core& core, Attempt& attempt, StoredSession session) {
  // The feed has begun it. Where it could not, the same reason still holds.
  absl::Status begun = shared_.sessions.Begin(core, session);
  if (!begun.ok()) {
    SubmitOrRefuse(
        shared_.store,
        [id = session.id](Transaction& transaction) { return transaction.sessions.Delete(id); },
        [](const absl::Status&) {});
    if (absl::IsNotFound(begun)) begun = BadCredentials();
    return Fail(attempt, begun);
  }
  std::move(attempt.done)(
      &core, LoggedIn{.session = std::move(session), .token = std::move(attempt.token)});
}

void LoginFlow::Reject(AttemptPtr attempt) {
  shared_.probe.bad_logins.Add();
  // Not what was typed: people type passwords into the wrong field.
  spdlog::info("log-in refused: user '{}' from {}", attempt->session.user, attempt->session.peer);
  Fail(*attempt, BadCredentials());
}

void LoginFlow::GiveUp(AttemptPtr attempt, const absl::Status& status) {
  throttle_.Withdraw(attempt->username);
  Fail(*attempt, status);
}

void LoginFlow::Fail(Attempt& attempt, const absl::Status& status) {
  std::move(attempt.done)(nullptr, status);
}

}  // namespace unipresence
