#include "tests/simulation/ami_session.h"

#include <array>
#include <chrono>
#include <memory>
#include <utility>

#include "fmt/format.h"
#include "openssl/evp.h"

namespace unipresence::simulation {
namespace {

// Asterisk makes a wrong password wait this long, to slow down guessing (main/manager.c).
constexpr Duration kWrongPasswordDelay = std::chrono::seconds(1);

}  // namespace

std::string Md5Hex(std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_md5(), nullptr);
  std::string hex;
  for (unsigned i = 0; i < size; ++i) hex += fmt::format("{:02x}", digest[i]);
  return hex;
}

AmiSession::AmiSession(SimulatedPbx& pbx, const std::vector<ManagerUser>& users, AmiOutput& output,
                       std::uint64_t seed)
    : pbx_(pbx), users_(users), output_(output), random_(seed) {}

const std::vector<AmiSession::Entry>& AmiSession::Actions() {
  static const std::vector<Entry> kActions = {
      {"Login", 0, &AmiSession::Login},
      {"Challenge", 0, &AmiSession::Challenge},
      {"Logoff", 0, &AmiSession::Logoff},
      {"Ping", 0, &AmiSession::Ping},
      {"Events", 0, &AmiSession::Events},
      {"DBPut", kSystem, &AmiSession::DbPut},
      {"DBGet", kSystem | kReporting, &AmiSession::DbGet},
      {"DBGetTree", kSystem | kReporting, &AmiSession::DbGetTree},
      {"DBDel", kSystem, &AmiSession::DbDel},
      {"DBDelTree", kSystem, &AmiSession::DbDelTree},
      {"Setvar", kCall, &AmiSession::SetVariable},
      {"Getvar", kCall | kReporting, &AmiSession::GetVariable},
      {"Originate", kOriginate, &AmiSession::Originate},
      {"Hangup", kSystem | kCall, &AmiSession::Hangup},
      {"Redirect", kCall, &AmiSession::Redirect},
      {"BlindTransfer", kCall, &AmiSession::BlindTransfer},
      {"Reload", kSystem | kConfig, &AmiSession::Reload},
      {"UserEvent", kUser, &AmiSession::UserEvent},
      {"CoreStatus", kSystem | kReporting, &AmiSession::CoreStatus},
      {"CoreSettings", kSystem | kReporting, &AmiSession::CoreSettings},
      {"DeviceStateList", kCall | kReporting, &AmiSession::DeviceStateList},
      {"ExtensionStateList", kCall | kReporting, &AmiSession::ExtensionStateList},
      {"ExtensionState", kCall | kReporting, &AmiSession::ExtensionState},
      {"PJSIPShowEndpoints", kSystem, &AmiSession::ShowEndpoints},
      {"PJSIPShowContacts", kSystem, &AmiSession::ShowContacts},
      {"CoreShowChannels", kSystem | kReporting, &AmiSession::ShowChannels},
      {"Status", kSystem | kCall | kReporting, &AmiSession::Status},
      {"MailboxCount", kCall | kReporting, &AmiSession::MailboxCount},
      {"MailboxStatus", kCall | kReporting, &AmiSession::MailboxStatus},
  };
  return kActions;
}

void AmiSession::Greet(std::string_view version) {
  output_.Write(fmt::format("Asterisk Call Manager/{}\r\n", version));
}

void AmiSession::Consume(std::string_view bytes) {
  reader_.Consume(bytes, [this](const Action& action) { Handle(action); });
}

void AmiSession::Handle(const Action& action) {
  if (action.too_long()) return Fail(action, "Failed to parse message: line too long");
  const std::string_view name = action.name();
  if (name.empty()) return Fail(action, "Missing action in request");
  const Entry* entry = nullptr;
  for (const Entry& one : Actions()) {
    if (EqualIgnoringCase(one.name, name)) entry = &one;
  }
  const bool before_login = entry != nullptr && (entry->handle == &AmiSession::Login ||
                                                 entry->handle == &AmiSession::Challenge ||
                                                 entry->handle == &AmiSession::Logoff);
  if (user_ == nullptr && !before_login) return Fail(action, "Permission denied");
  if (entry == nullptr) {
    return Fail(action, fmt::format("Invalid/unknown command: {}. Use Action: ListCommands to show "
                                    "available commands.",
                                    name));
  }
  if (entry->needs != 0 && (user_->write & entry->needs) == 0) {
    return Fail(action, "Permission denied");
  }
  (this->*entry->handle)(action);
}

// --- answers ---

void AmiSession::Respond(const Action& action, std::string_view response,
                         std::string_view headers) {
  std::string text = Header("Response", response);
  if (!action.id().empty()) AppendHeader(text, "ActionID", action.id());
  output_.Write(text.append(headers).append("\r\n"));
}

void AmiSession::RespondMessage(const Action& action, std::string_view response,
                                std::string_view message) {
  Respond(action, response, Header("Message", message));
}

void AmiSession::Fail(const Action& action, std::string_view message) {
  RespondMessage(action, "Error", message);
}

void AmiSession::Succeed(const Action& action, std::string_view message) {
  RespondMessage(action, "Success", message);
}

void AmiSession::List(const Action& action, std::string_view message, std::string_view event,
                      std::string_view complete,
                      std::function<bool(std::size_t index, std::string& headers)> row) {
  constexpr std::size_t kRowsAtOnce = 500;
  Respond(action, "Success", Header("EventList", "start") + Header("Message", message));
  std::string id;
  if (!action.id().empty()) AppendHeader(id, "ActionID", action.id());
  struct State {
    std::size_t index = 0;
    std::size_t rows = 0;
    std::string headers;
  };
  output_.Stream([row = std::move(row), head = Header("Event", event) + id,
                  tail = Header("Event", complete) + id + Header("EventList", "Complete"),
                  state = std::make_shared<State>()](std::string& out) {
    for (std::size_t i = 0; i < kRowsAtOnce; ++i) {
      state->headers.clear();
      if (!row(state->index++, state->headers)) {
        out.append(tail).append(Header("ListItems", std::to_string(state->rows))).append("\r\n");
        return false;
      }
      if (state->headers.empty()) continue;
      ++state->rows;
      out.append(head).append(state->headers).append("\r\n");
    }
    return true;
  });
}

// --- the session itself ---

bool AmiSession::PasswordFits(const Action& action, const ManagerUser& user) const {
  if (!EqualIgnoringCase(action.Get("AuthType"), "MD5")) {
    return action.Get("Secret") == user.secret;
  }
  return !challenge_.empty() && action.Get("Key") == Md5Hex(challenge_ + user.secret);
}

void AmiSession::Login(const Action& action) {
  if (user_ != nullptr) return Succeed(action, "Already authenticated");
  const ManagerUser* found = nullptr;
  for (const ManagerUser& user : users_) {
    if (user.name == action.Get("Username") && PasswordFits(action, user)) found = &user;
  }
  if (found == nullptr) {
    std::string text = Header("Response", "Error");
    if (!action.id().empty()) AppendHeader(text, "ActionID", action.id());
    AppendHeader(text, "Message", "Authentication failed");
    output_.CloseAfter(kWrongPasswordDelay, text + "\r\n");
    return;
  }
  user_ = found;
  if (EqualIgnoringCase(action.Get("Events"), "off")) mask_ = 0;
  Succeed(action, "Authentication accepted");
  // Behind a login FullyBooted has no Timestamp and another order than as a live event.
  if (pbx_.booted() && Wants(kSystem)) {
    std::string text = Header("Event", "FullyBooted") + Header("Privilege", "system,all");
    AppendHeader(text, "Uptime", std::to_string(pbx_.Uptime()));
    AppendHeader(text, "LastReload", std::to_string(pbx_.SinceReload()));
    AppendHeader(text, "Status", "Fully Booted");
    output_.Write(text.append("\r\n"));
  }
}

void AmiSession::Challenge(const Action& action) {
  if (!EqualIgnoringCase(action.Get("AuthType"), "MD5")) {
    return Fail(action, "Must specify AuthType");
  }
  if (challenge_.empty()) challenge_ = std::to_string(100'000'000 + random_.Below(900'000'000));
  Respond(action, "Success", Header("Challenge", challenge_));
}

void AmiSession::Logoff(const Action& action) {
  std::string text = Header("Response", "Goodbye");
  if (!action.id().empty()) AppendHeader(text, "ActionID", action.id());
  AppendHeader(text, "Message", "Thanks for all the fish.");
  user_ = nullptr;
  output_.CloseAfter(Duration::zero(), text + "\r\n");
}

void AmiSession::Ping(const Action& action) {
  Respond(action, "Success",
          Header("Ping", "Pong") + Header("Timestamp", TimestampText(pbx_.clock().WallNow())));
}

void AmiSession::Events(const Action& action) {
  const std::string_view mask = action.Get("EventMask");
  if (mask.empty()) return Fail(action, "Invalid event mask");
  if (EqualIgnoringCase(mask, "on")) {
    mask_ = kAllRights;
  } else if (EqualIgnoringCase(mask, "off")) {
    mask_ = 0;
  } else {
    mask_ = ParseRights(mask).value_or(0);
  }
  Respond(action, "Success", Header("Events", mask_ != 0 ? "On" : "Off"));
}

}  // namespace unipresence::simulation
