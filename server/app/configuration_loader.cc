#include "server/app/configuration_loader.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "aggregator/ami/printable.h"
#include "aggregator/base/strings.h"
#include "aggregator/pbx/configuration_check.h"

namespace unipresence {
namespace {

constexpr Duration kPause = std::chrono::milliseconds(200);
constexpr std::size_t kNamesTold = 5;

// "alice, bob and 3 more".
std::string Some(const std::vector<std::string>& names) {
  std::string text;
  for (std::size_t i = 0; i < std::min(names.size(), kNamesTold); ++i) {
    text += (i == 0 ? "" : ", ") + names[i];
  }
  if (names.size() > kNamesTold) text += fmt::format(" and {} more", names.size() - kNamesTold);
  return text;
}

std::string Told(const ConfiguredNames& missing) {
  std::vector<std::string> hints;
  for (const ConfiguredNames::Extension& hint : missing.hints) {
    hints.push_back(fmt::format("{}@{}", hint.exten, hint.context));
  }
  std::string text;
  const auto add = [&](std::string_view what, const std::vector<std::string>& names) {
    if (!names.empty()) text += fmt::format("{}{} {}", text.empty() ? "" : "; ", what, Some(names));
  };
  add("endpoints", missing.endpoints);
  add("hints", hints);
  add("voicemail boxes", missing.mailboxes);
  return text;
}

}  // namespace

void ConfigurationLoader::Load(ConfiguredNames names, PbxControl::LoadCallback done) {
  if (loading_) {
    return std::move(done)(
        absl::ResourceExhaustedError("a configuration is being loaded already; wait for it"));
  }
  ++number_;
  Loading loading;
  loading.done = std::move(done);
  loading.missing = std::move(names);
  loading_.emplace(std::move(loading));
  Continue();
}

void ConfigurationLoader::Continue() {
  bool sent = true;
  while (loading_ && sent) {
    switch (loading_->step) {
      case Step::kReload:
        sent = loading_->in_flight == 0 && Reload();
        break;
      case Step::kEndpoints:
        sent = loading_->in_flight == 0 && ListEndpoints();
        break;
      case Step::kNames:
        sent = AskForNames();
        break;
      case Step::kPause:
        sent = clock_.Now() >= loading_->next_try;
        if (sent) loading_->step = Step::kEndpoints;
        break;
    }
  }
}

template <typename Taken>
bool ConfigurationLoader::Send(const ami::ActionBuilder& action, ami::ActionKind kind,
                               Taken taken) {
  const auto token = connection_.session().Send(
      action, kind, [this, number = number_, taken](const absl::StatusOr<ami::ActionReply>& reply) {
        if (!loading_ || number != number_) return;
        --loading_->in_flight;
        if (absl::IsUnavailable(reply.status())) return;  // Stop follows
        taken(reply);
      });
  if (absl::IsInvalidArgument(token.status())) {
    End(token.status());
    return false;
  }
  if (!token.ok()) return false;
  ++loading_->in_flight;
  if (kind == ami::ActionKind::kList) loading_->list = *token;
  return true;
}

// --- Reload ---

bool ConfigurationLoader::Reload() {
  const std::string_view module = pbx::kConfiguredModules[loading_->module];
  return Send(
      pbx::ReloadAction(module), ami::ActionKind::kSingle,
      [this, module](const absl::StatusOr<ami::ActionReply>& reply) { OnReloaded(module, reply); });
}

void ConfigurationLoader::OnReloaded(std::string_view module,
                                     const absl::StatusOr<ami::ActionReply>& reply) {
  const bool done = reply.ok() && reply->success;
  const bool optional = module == pbx::kVoicemailModule && loading_->missing.mailboxes.empty();
  if (!done && !(reply.ok() && optional)) {
    return End(absl::FailedPreconditionError(
        fmt::format("Reload of {}: {}", module,
                    reply.ok() ? ami::Printable(reply->text)
                               : std::string(FromAbsl(reply.status().message())))));
  }
  if (++loading_->module < pbx::kConfiguredModules.size()) return;
  loading_->deadline = clock_.Now() + kPatience;
  loading_->step = Step::kEndpoints;
}

// --- Is everything there? ---

bool ConfigurationLoader::ListEndpoints() {
  loading_->shown.clear();
  return Send(pbx::ShowEndpointsAction(), ami::ActionKind::kList,
              [this](const absl::StatusOr<ami::ActionReply>&) { OnEndpointsListed(); });
}

void ConfigurationLoader::OnRow(const ami::Message& row, ami::ActionToken list) {
  if (!loading_ || list != loading_->list || list == ami::kLiveEvent) return;
  const std::string_view endpoint = pbx::EndpointOf(row);
  if (!endpoint.empty()) loading_->shown.emplace(endpoint);
}

void ConfigurationLoader::OnEndpointsListed() {
  ConfiguredNames& missing = loading_->missing;
  std::erase_if(missing.endpoints,
                [&](const std::string& name) { return loading_->shown.contains(name); });
  // What is not found in this pass comes back.
  loading_->hints.assign(missing.hints.begin(), missing.hints.end());
  missing.hints.clear();
  loading_->mailboxes.assign(missing.mailboxes.begin(), missing.mailboxes.end());
  missing.mailboxes.clear();
  loading_->step = Step::kNames;
}

template <typename Name>
bool ConfigurationLoader::AskFor(std::deque<Name>& names, ami::ActionBuilder (*ask)(const Name&),
                                 bool (*shows)(const ami::Message&),
                                 std::vector<Name> ConfiguredNames::*missing) {
  const Name name = std::move(names.front());
  names.pop_front();
  const bool sent =
      Send(ask(name), ami::ActionKind::kSingle,
           [this, name, shows, missing](const absl::StatusOr<ami::ActionReply>& reply) {
             if (reply.ok() && shows(reply->message)) return;
             (loading_->missing.*missing).push_back(name);
           });
  if (!sent && loading_) names.push_front(name);
  return sent;
}

bool ConfigurationLoader::AskForNames() {
  Loading& loading = *loading_;
  if (loading.in_flight >= kMaxInFlight) return false;
  if (!loading.hints.empty()) {
    return AskFor(loading.hints, &pbx::ShowHintAction, &pbx::ShowsHint, &ConfiguredNames::hints);
  }
  if (!loading.mailboxes.empty()) {
    return AskFor(loading.mailboxes, &pbx::ShowMailboxAction, &pbx::ShowsMailbox,
                  &ConfiguredNames::mailboxes);
  }
  if (loading.in_flight == 0) EndPass();
  return false;
}

void ConfigurationLoader::EndPass() {
  if (loading_->missing == ConfiguredNames()) return End(absl::OkStatus());
  const MonotonicTime now = clock_.Now();
  if (now >= loading_->deadline) {
    return End(absl::FailedPreconditionError(fmt::format(
        "Asterisk was told to reload but does not know {}; see its log, and that the files are "
        "#included as their first lines say",
        Told(loading_->missing))));
  }
  loading_->next_try = now + kPause;
  loading_->step = Step::kPause;
}

void ConfigurationLoader::Stop(const absl::Status& reason) {
  if (loading_) {
    End(absl::UnavailableError(
        fmt::format("the link was lost meanwhile: {}", FromAbsl(reason.message()))));
  }
}

void ConfigurationLoader::End(absl::Status status) {
  Loading ended = *std::exchange(loading_, std::nullopt);
  std::move(ended.done)(std::move(status));
}

}  // namespace unipresence
