#include "aggregator/pipeline/configuration_loader.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

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

void ConfigurationLoader::Load(ExpectedConfiguration expected, PbxControl::LoadCallback done) {
  if (loading_) {
    return std::move(done)(
        absl::ResourceExhaustedError("a configuration is being loaded already; wait for it"));
  }
  actions_.Reset();
  Loading loading;
  loading.done = std::move(done);
  loading.missing = std::move(expected.names);
  loading.marks = std::move(expected.marks);
  loading_.emplace(std::move(loading));
  Continue();
}

void ConfigurationLoader::Continue() {
  bool sent = true;
  while (loading_ && sent) {
    switch (loading_->step) {
      case Step::kReload:
        sent = actions_.in_flight() == 0 && Reload();
        break;
      case Step::kLists:
        sent = actions_.in_flight() == 0 && SendList();
        break;
      case Step::kNames:
        sent = AskForNames();
        break;
      case Step::kPause:
        sent = clock_.Now() >= loading_->next_try;
        if (sent) BeginPass();
        break;
    }
  }
}

template <typename Taken>
bool ConfigurationLoader::Send(const ami::ActionBuilder& action, ami::ActionKind kind,
                               Taken taken) {
  absl::Status sent = actions_.Send(session_, action, kind, std::move(taken));
  if (absl::IsInvalidArgument(sent)) {
    End(std::move(sent));
    return false;
  }
  return sent.ok();
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
  const bool optional = module == pbx::kVoicemailModule && loading_->marks.voicemail.empty() &&
                        loading_->missing.mailboxes.empty();
  if (!done && !(reply.ok() && optional)) {
    return End(absl::FailedPreconditionError(
        fmt::format("Reload of {}: {}", module,
                    reply.ok() ? ami::Printable(reply->text)
                               : std::string(FromAbsl(reply.status().message())))));
  }
  if (++loading_->module < pbx::kConfiguredModules.size()) return;
  loading_->deadline = clock_.Now() + kPatience;
  BeginPass();
}

// --- Is everything there? ---

void ConfigurationLoader::BeginPass() {
  Loading& loading = *loading_;
  loading.shown.clear();
  loading.shown_marks = {};
  loading.missing_marks.clear();
  loading.lists = {pbx::ShowEndpointsAction()};
  for (ami::ActionBuilder& action : pbx::ShowMarksActions(loading.marks)) {
    loading.lists.push_back(std::move(action));
  }
  loading.variables.clear();
  if (!loading.marks.dialplan.empty()) {
    loading.variables.push_back(pbx::DialplanMarkVariable(loading.marks));
  }
  if (!loading.marks.voicemail.empty()) {
    loading.variables.push_back(pbx::VoicemailMarkVariable(loading.marks));
  }
  loading.step = Step::kLists;
}

bool ConfigurationLoader::SendList() {
  // What is refused, such as the endpoint that is not there, shows nothing.
  return Send(loading_->lists.front(), ami::ActionKind::kList,
              [this](const absl::StatusOr<ami::ActionReply>&) {
                loading_->lists.pop_front();
                if (loading_->lists.empty()) OnListed();
              });
}

void ConfigurationLoader::OnRow(const ami::Message& row, ami::ActionToken list) {
  if (!loading_ || !actions_.Awaits(list)) return;
  const std::string_view endpoint = pbx::EndpointOf(row);
  if (!endpoint.empty()) loading_->shown.emplace(endpoint);
  pbx::ReadMarkOf(row, loading_->marks, loading_->shown_marks);
}

void ConfigurationLoader::OnListed() {
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
                                 bool (*shows)(const Name&, const ami::Message&),
                                 std::vector<Name>& (*missing)(Loading&)) {
  const Name name = std::move(names.front());
  names.pop_front();
  const bool sent =
      Send(ask(name), ami::ActionKind::kSingle,
           [this, name, shows, missing](const absl::StatusOr<ami::ActionReply>& reply) {
             if (reply.ok() && shows(name, reply->message)) return;
             missing(*loading_).push_back(name);
           });
  if (!sent && loading_) names.push_front(name);
  return sent;
}

bool ConfigurationLoader::AskForNames() {
  Loading& loading = *loading_;
  if (actions_.in_flight() >= kMaxInFlight) return false;
  if (!loading.hints.empty()) {
    return AskFor<ConfiguredNames::Extension>(
        loading.hints, &pbx::ShowHintAction, &pbx::ShowsHint,
        [](Loading & all) -> auto& { return all.missing.hints; });
  }
  const auto is_one = [](const std::string&, const ami::Message& answer) {
    return pbx::IsOne(answer);
  };
  if (!loading.mailboxes.empty()) {
    return AskFor<std::string>(
        loading.mailboxes, &pbx::ShowMailboxAction, is_one,
        [](Loading & all) -> auto& { return all.missing.mailboxes; });
  }
  if (!loading.variables.empty()) {
    return AskFor<std::string>(
        loading.variables, &pbx::GetVariableAction, is_one,
        [](Loading & all) -> auto& { return all.missing_marks; });
  }
  if (actions_.in_flight() == 0) EndPass();
  return false;
}

std::vector<std::string> ConfigurationLoader::NotLoaded(const Loading& loading) {
  std::vector<std::string> kinds;
  const auto missing = [&](const std::string& variable) {
    return std::find(loading.missing_marks.begin(), loading.missing_marks.end(), variable) !=
           loading.missing_marks.end();
  };
  if (!loading.marks.pjsip.empty()) {
    if (!loading.shown_marks.endpoint) kinds.emplace_back("endpoints");
    if (!loading.shown_marks.aor) kinds.emplace_back("AORs");
    if (!loading.shown_marks.auth) kinds.emplace_back("auths");
  }
  if (missing(pbx::DialplanMarkVariable(loading.marks))) kinds.emplace_back("dialplan");
  if (missing(pbx::VoicemailMarkVariable(loading.marks))) kinds.emplace_back("voicemail boxes");
  return kinds;
}

void ConfigurationLoader::EndPass() {
  const std::vector<std::string> not_loaded = NotLoaded(*loading_);
  if (loading_->missing == ConfiguredNames() && not_loaded.empty()) return End(absl::OkStatus());
  const MonotonicTime now = clock_.Now();
  if (now >= loading_->deadline) {
    std::string text = Told(loading_->missing);
    if (!text.empty()) text = "does not know " + text;
    if (!not_loaded.empty()) {
      text += fmt::format("{}holds the former {}, not these", text.empty() ? "" : ", and ",
                          fmt::join(not_loaded, ", "));
    }
    return End(absl::FailedPreconditionError(
        fmt::format("Asterisk was told to reload but {}; see its log, and that the files are "
                    "#included as their first lines say",
                    text)));
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
  actions_.Reset();
  std::move(ended.done)(std::move(status));
}

}  // namespace unipresence
