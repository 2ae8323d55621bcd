// The part of the session from the banner to the answer to Login.

#include <openssl/evp.h>

#include <iterator>
#include <optional>
#include <string>

#include "aggregator/ami/printable.h"
#include "aggregator/ami/session.h"
#include "fmt/format.h"

namespace unipresence::ami {
namespace {

constexpr std::string_view kBannerStart = "Asterisk Call Manager/";

absl::StatusOr<std::string> Md5Hex(std::string_view text) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  if (EVP_Digest(text.data(), text.size(), digest, &size, EVP_md5(), nullptr) != 1) {
    return absl::FailedPreconditionError(
        "OpenSSL refuses MD5 on this machine; use plain login over TLS instead");
  }
  std::string hex;
  for (unsigned int i = 0; i < size; ++i)
    fmt::format_to(std::back_inserter(hex), "{:02x}", digest[i]);
  return hex;
}

}  // namespace

// True once the banner has been read and the login has begun.
bool Session::TakeBanner() {
  const std::optional<std::string_view> line = framer_.NextLine();
  if (!line.has_value()) return false;
  if (!line->starts_with(kBannerStart)) {
    probe_.protocol_errors.Add();
    Fail(absl::FailedPreconditionError(fmt::format(
        "the peer is not an Asterisk manager: it greets with \"{}\"; check host and port",
        Printable(*line))));
    return false;
  }
  banner_ = Printable(*line);
  const std::uint64_t link = link_;
  if (config_.auth == AuthMethod::kMd5) {
    SendChallenge();
  } else {
    SendLogin("Secret", config_.secret);
  }
  return link_ == link;
}

void Session::SendChallenge() {
  Enter(SessionState::kChallenge, clock_.Now() + config_.times.login);
  ActionBuilder action("Challenge");
  action.Header("AuthType", "MD5");
  const auto sent =
      Submit(action, ActionKind::kSingle,
             [this](const absl::StatusOr<ActionReply>& reply) { OnChallengeReply(reply); });
  if (!sent.ok()) Fail(sent.status());
}

void Session::OnChallengeReply(const absl::StatusOr<ActionReply>& reply) {
  if (state_ != SessionState::kChallenge) return;  // the link is gone
  if (!reply.ok()) {
    Fail(reply.status());
    return;
  }
  const std::string_view challenge = reply->message.Get("Challenge");
  if (!reply->success || challenge.empty()) {
    // No fallback to the plain secret: whoever sits between could ask for it that way.
    FailLogin(absl::FailedPreconditionError(fmt::format(
        "Asterisk gave no MD5 challenge (\"{}\"); check permit and deny in its manager.conf; if it "
        "cannot, configure plain login over TLS",
        Printable(reply->text))));
    return;
  }
  const absl::StatusOr<std::string> key = Md5Hex(fmt::format("{}{}", challenge, config_.secret));
  if (!key.ok()) {
    Fail(key.status());
    return;
  }
  SendLogin("Key", *key);
}

void Session::SendLogin(std::string_view key_header, std::string_view key) {
  Enter(SessionState::kLogin, clock_.Now() + config_.times.login);
  ActionBuilder action("Login");
  if (key_header == "Key") action.Header("AuthType", "MD5");
  action.Header("Username", config_.username)
      .Header(key_header, key)
      .Header("Events", config_.events);
  const auto sent =
      Submit(action, ActionKind::kSingle,
             [this](const absl::StatusOr<ActionReply>& reply) { OnLoginReply(reply); });
  if (!sent.ok()) Fail(sent.status());
}

void Session::OnLoginReply(const absl::StatusOr<ActionReply>& reply) {
  if (state_ != SessionState::kLogin) return;  // the link is gone
  if (!reply.ok()) {
    Fail(reply.status());
    return;
  }
  if (!reply->success) {
    FailLogin(absl::UnauthenticatedError(fmt::format(
        "Asterisk refuses the login of user {}: \"{}\"; check username, secret, permit and "
        "deny in its manager.conf",
        config_.username, Printable(reply->text))));
    return;
  }
  Enter(SessionState::kBooting, clock_.Now() + config_.times.fully_booted);
}

}  // namespace unipresence::ami
