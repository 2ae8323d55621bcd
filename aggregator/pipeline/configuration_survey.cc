#include "aggregator/pipeline/configuration_survey.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include "absl/strings/ascii.h"
#include "aggregator/ami/printable.h"
#include "aggregator/base/strings.h"
#include "aggregator/pbx/configuration_check.h"
#include "aggregator/pbx/spelling.h"

namespace unipresence {
namespace {

constexpr Duration kPause = std::chrono::milliseconds(200);
constexpr std::array<std::string_view, 3> kFiles = {"pjsip.conf", "extensions.conf",
                                                    "voicemail.conf"};

std::string Lower(std::string_view name) { return absl::AsciiStrToLower(ToAbsl(name)); }

std::string KeyOf(const ConfiguredNames::Extension& hint) {
  return fmt::format("{}/{}", hint.context, hint.exten);
}

}  // namespace

void ConfigurationSurvey::Find(ami::Session& session, const ConfiguredNames& next,
                               const FormerConfiguration& former, PbxControl::Look look,
                               PbxControl::ConflictsCallback done) {
  if (running_) {
    return std::move(done)(
        absl::ResourceExhaustedError("a configuration is being applied already; wait for it"));
  }
  actions_.Reset();
  Running run;
  run.done = std::move(done);
  run.session = &session;
  run.former = former;
  run.reload = look == PbxControl::Look::kAfterReload;
  const ConfiguredNames& names = former.expected.names;
  const absl::flat_hash_set<std::string> endpoints(names.endpoints.begin(), names.endpoints.end());
  for (const std::string& name : next.endpoints) {
    const bool known = endpoints.contains(name);
    run.wanted[Lower(name)] = {name, known};
    known ? run.objects.push_back(name) : run.objects.push_front(name);
  }
  absl::flat_hash_set<std::string> hints;
  for (const ConfiguredNames::Extension& hint : names.hints) hints.insert(KeyOf(hint));
  for (const ConfiguredNames::Extension& hint : next.hints) {
    if (!hints.contains(KeyOf(hint))) run.hints.insert(KeyOf(hint));
    run.hints.insert(KeyOf(pbx::HintBefore(hint)));
  }
  const absl::flat_hash_set<std::string> boxes(names.mailboxes.begin(), names.mailboxes.end());
  for (const std::string& box : next.mailboxes) {
    if (!boxes.contains(box)) run.mailboxes.push_back(box);
  }
  running_.emplace(std::move(run));
  Continue();
}

void ConfigurationSurvey::Continue() {
  while (running_ && SendStep()) {
  }
}

bool ConfigurationSurvey::SendStep() {
  Running& run = *running_;
  const bool idle = actions_.in_flight() == 0;
  switch (run.step) {
    case Step::kFiles:
      return idle && CheckFile();
    case Step::kReload:
      return idle && Reload();
    case Step::kObjects:
      return ReadObject();
    case Step::kEndpoints:
      return idle && ListEndpoints();
    case Step::kHints:
      return idle && ListHints();
    case Step::kMailboxes:
      return AskForMailbox();
    case Step::kPause:
      if (clock_.Now() < run.next_try) return false;
      run.step = Step::kEndpoints;
      return true;
  }
  __builtin_unreachable();
}

template <typename Taken>
bool ConfigurationSurvey::Send(const ami::ActionBuilder& action, ami::ActionKind kind,
                               Taken taken) {
  absl::Status sent = actions_.Send(*running_->session, action, kind, std::move(taken));
  if (absl::IsInvalidArgument(sent)) {
    End(std::move(sent));
    return false;
  }
  return sent.ok();
}

bool ConfigurationSurvey::HasAnswered(std::string_view what,
                                      const absl::StatusOr<ami::ActionReply>& reply) {
  std::string why;
  if (!reply.ok()) {
    why = FromAbsl(reply.status().message());
  } else if (reply->skipped_rows > 0) {
    why = fmt::format("{} rows were beyond the limits of a message", reply->skipped_rows);
  } else if (!reply->success && !pbx::SaysNone(reply->text)) {
    why = ami::Printable(reply->text);
  }
  if (why.empty()) return true;
  End(absl::FailedPreconditionError(
      fmt::format("nothing was written, because names that Asterisk has from elsewhere could not "
                  "be looked for: {}: {}",
                  what, why)));
  return false;
}

bool ConfigurationSurvey::CheckFile() {
  const std::string_view file = kFiles[running_->file];
  return Send(
      pbx::CheckFileAction(file), ami::ActionKind::kSingle,
      [this, file](const absl::StatusOr<ami::ActionReply>& reply) { OnFileChecked(file, reply); });
}

void ConfigurationSurvey::OnFileChecked(std::string_view file,
                                        const absl::StatusOr<ami::ActionReply>& reply) {
  Running& run = *running_;
  const std::array<bool*, 3> askable = {&run.pjsip, &run.dialplan, &run.voicemail};
  const std::array<bool, 3> whole = {run.former.pjsip_whole, run.former.dialplan_whole,
                                     run.former.voicemail_whole};
  const bool missing = reply.ok() && !reply->success && reply->text == pbx::kNoSuchFile;
  const bool unfit = reply.ok() && !reply->success && reply->text == pbx::kUnfitFile;
  if (unfit && whole[run.file]) {
    return End(absl::FailedPreconditionError(
        fmt::format("Asterisk cannot read its {} (GetConfig: {}), so nothing was written; mend it "
                    "first, its log names the line",
                    file, reply->text)));
  }
  // A rendered file that is gone or cut may be why; writing it mends that.
  if (missing || unfit) {
    *askable[run.file] = false;
  } else if (!HasAnswered(fmt::format("GetConfig of {}", file), reply)) {
    return;
  }
  if (++run.file < kFiles.size()) return;
  run.deadline = clock_.Now() + kReadPatience;
  run.step = run.reload ? Step::kReload : Step::kObjects;
}

bool ConfigurationSurvey::Reload() {
  return Send(pbx::ReloadAction(pbx::kConfiguredModules[running_->module]),
              ami::ActionKind::kSingle, [this](const absl::StatusOr<ami::ActionReply>&) {
                if (++running_->module < pbx::kConfiguredModules.size()) return;
                running_->deadline = clock_.Now() + kReadPatience;
                running_->step = Step::kObjects;
              });
}

bool ConfigurationSurvey::ReadObject() {
  Running& run = *running_;
  if (!run.pjsip || run.objects.empty() || clock_.Now() >= run.deadline) {
    if (actions_.in_flight() > 0) return false;
    run.step = run.pjsip ? Step::kEndpoints : Step::kHints;
    run.deadline = run.reload ? clock_.Now() + kReloadPatience : clock_.Now();
    return true;
  }
  if (actions_.in_flight() >= kMaxInFlight) return false;
  const std::string name = run.objects.front();
  const bool sent = Send(pbx::ReadObjectsAction(name), ami::ActionKind::kSingle,
                         [this, name](const absl::StatusOr<ami::ActionReply>& reply) {
                           if (!HasAnswered(fmt::format("GetConfig of {}", name), reply)) return;
                           if (reply->success) TakeObjects(name, reply->message);
                         });
  if (sent) run.objects.pop_front();
  return sent;
}

void ConfigurationSurvey::TakeObjects(const std::string& name, const ami::Message& answer) {
  Wanted& wanted = running_->wanted[Lower(name)];
  std::map<std::string, int> ours;  // by type: those of the earlier files
  for (const pbx::ObjectInFile& object : pbx::ObjectsIn(answer)) {
    if (wanted.former && object.name == name && ours[object.type]++ == 0) continue;
    running_->conflicts.push_back(fmt::format("{} {}", object.type, object.name));
    wanted.former = true;  // told already: the list of endpoints need not tell it again
  }
}

bool ConfigurationSurvey::ListEndpoints() {
  running_->in_memory.clear();
  return Send(pbx::ShowEndpointsAction(), ami::ActionKind::kList,
              [this](const absl::StatusOr<ami::ActionReply>& reply) {
                if (HasAnswered("PJSIPShowEndpoints", reply)) OnEndpointsListed();
              });
}

void ConfigurationSurvey::OnEndpointsListed() {
  Running& run = *running_;
  if (run.in_memory.empty()) {
    run.step = Step::kHints;
  } else if (clock_.Now() < run.deadline) {
    run.next_try = clock_.Now() + kPause;
    run.step = Step::kPause;
  } else {
    for (const std::string& name : run.in_memory) {
      run.conflicts.push_back(fmt::format("endpoint {}", name));
    }
    run.step = Step::kHints;
  }
}

bool ConfigurationSurvey::ListHints() {
  if (!running_->dialplan) {
    running_->step = Step::kMailboxes;
    return true;
  }
  return Send(pbx::ListHintsAction(), ami::ActionKind::kList,
              [this](const absl::StatusOr<ami::ActionReply>& reply) {
                if (HasAnswered("ExtensionStateList", reply)) running_->step = Step::kMailboxes;
              });
}

bool ConfigurationSurvey::AskForMailbox() {
  Running& run = *running_;
  if (!run.voicemail || run.mailboxes.empty()) {
    if (actions_.in_flight() == 0) Finish();
    return false;
  }
  if (actions_.in_flight() >= kMaxInFlight) return false;
  const std::string box = run.mailboxes.front();
  const bool sent = Send(pbx::ShowMailboxAction(box), ami::ActionKind::kSingle,
                         [this, box](const absl::StatusOr<ami::ActionReply>& reply) {
                           // Without app_voicemail it succeeds too, with an empty value.
                           if (!HasAnswered(fmt::format("VM_INFO of {}", box), reply)) return;
                           if (!pbx::IsOne(reply->message)) return;
                           running_->conflicts.push_back(fmt::format("voicemail box {}", box));
                         });
  if (sent) run.mailboxes.pop_front();
  return sent;
}

void ConfigurationSurvey::Finish() {
  std::vector<std::string> conflicts = std::move(running_->conflicts);
  std::sort(conflicts.begin(), conflicts.end());
  conflicts.erase(std::unique(conflicts.begin(), conflicts.end()), conflicts.end());
  End(std::move(conflicts));
}

void ConfigurationSurvey::OnRow(const ami::Message& row, ami::ActionToken list) {
  if (!running_ || !actions_.Awaits(list)) return;
  Running& run = *running_;
  if (const std::string_view endpoint = pbx::EndpointOf(row); !endpoint.empty()) {
    const auto wanted = run.wanted.find(Lower(endpoint));
    if (wanted != run.wanted.end() && !wanted->second.former) {
      run.in_memory.emplace_back(endpoint);
    }
  }
  if (const auto hint = pbx::HintOf(row); hint && run.hints.contains(KeyOf(*hint))) {
    run.conflicts.push_back(fmt::format("hint {}@{}", hint->exten, hint->context));
  }
}

void ConfigurationSurvey::Stop(const absl::Status& reason) {
  if (running_) {
    End(absl::UnavailableError(
        fmt::format("the link was lost meanwhile: {}", FromAbsl(reason.message()))));
  }
}

void ConfigurationSurvey::End(absl::StatusOr<std::vector<std::string>> result) {
  Running ended = *std::exchange(running_, std::nullopt);
  actions_.Reset();
  std::move(ended.done)(std::move(result));
}

}  // namespace unipresence
