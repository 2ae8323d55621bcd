#include "server/service/forwarding_message.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string_view>

#include "server/service/convert.h"
#include "server/service/status.h"

namespace unipresence {
namespace {

constexpr std::string_view kDoNotDisturb = "do_not_disturb";

// Empty if it is not set.
Forward FromMessage(const v1::Forwarding& message, ForwardingCondition condition) {
  const auto read = [](const v1::Forward& forward) {
    return Forward{.destination = forward.destination(), .enabled = forward.enabled()};
  };
  switch (condition) {
    case ForwardingCondition::kUnconditional:
      return read(message.unconditional());
    case ForwardingCondition::kBusy:
      return read(message.busy());
    case ForwardingCondition::kNoAnswer:
      return read(message.no_answer());
  }
  __builtin_unreachable();
}

v1::Forward& MutableForward(v1::Forwarding& message, ForwardingCondition condition) {
  switch (condition) {
    case ForwardingCondition::kUnconditional:
      return *message.mutable_unconditional();
    case ForwardingCondition::kBusy:
      return *message.mutable_busy();
    case ForwardingCondition::kNoAnswer:
      return *message.mutable_no_answer();
  }
  __builtin_unreachable();
}

// Another one for a user who was deleted and created again.
std::string EtagOf(const StoredUser& user) {
  return fmt::format("{:x}.{}", user.create_time, user.settings.forwarding_version);
}

}  // namespace

absl::StatusOr<ForwardingUpdate> ForwardingUpdate::Parse(
    const v1::UpdateForwardingRequest& request) {
  ForwardingUpdate update;
  for (ForwardingCondition condition : kForwardingConditions) {
    update.values_[condition] = FromMessage(request.forwarding(), condition);
  }
  update.do_not_disturb_ = request.forwarding().do_not_disturb();
  if (request.update_mask().paths().empty()) {
    update.changes_.fill({.destination = true, .enabled = true});
    update.sets_do_not_disturb_ = true;
    return update;
  }
  for (const std::string& path : request.update_mask().paths()) {
    if (path == kDoNotDisturb) {
      update.sets_do_not_disturb_ = true;
      continue;
    }
    const std::string_view name = std::string_view(path).substr(0, path.find('.'));
    const std::string_view part = std::string_view(path).substr(name.size());
    const std::optional<ForwardingCondition> condition = ParseForwardingCondition(name);
    const bool whole = part.empty();
    if (!condition || (!whole && part != ".destination" && part != ".enabled")) {
      return Failure(v1::ERROR_REASON_UPDATE_MASK_INVALID,
                     fmt::format("update_mask names '{}'; allowed are unconditional, busy and "
                                 "no_answer, each also with .destination or .enabled, and {}",
                                 path, kDoNotDisturb),
                     {{"path", path}});
    }
    Change& change = update.changes_[static_cast<std::size_t>(*condition)];
    change.destination |= whole || part == ".destination";
    change.enabled |= whole || part == ".enabled";
  }
  return update;
}

std::vector<std::string> ForwardingUpdate::Destinations() const {
  std::vector<std::string> destinations;
  for (ForwardingCondition condition : kForwardingConditions) {
    const std::string& destination = values_[condition].destination;
    if (ChangeOf(condition).destination && ValidateDestination(destination).ok() &&
        std::find(destinations.begin(), destinations.end(), destination) == destinations.end()) {
      destinations.push_back(destination);
    }
  }
  return destinations;
}

void ForwardingUpdate::ApplyTo(Forwardings& forwardings, bool& do_not_disturb) const {
  for (ForwardingCondition condition : kForwardingConditions) {
    Forward& forward = forwardings[condition];
    const Forward& value = values_[condition];
    if (ChangeOf(condition).destination) forward.destination = value.destination;
    if (ChangeOf(condition).enabled) forward.enabled = value.enabled;
  }
  if (sets_do_not_disturb_) do_not_disturb = do_not_disturb_;
}

void FillForwarding(const StoredUser& user, v1::Forwarding& out) {
  const UserSettings& settings = user.settings;
  out.set_user(user.user.id);
  for (ForwardingCondition condition : kForwardingConditions) {
    const Forward& forward = settings.forwardings[condition];
    if (forward.destination.empty()) continue;  // and so not enabled
    v1::Forward& message = MutableForward(out, condition);
    message.set_destination(forward.destination);
    message.set_enabled(forward.enabled);
  }
  out.set_do_not_disturb(settings.do_not_disturb);
  out.set_etag(EtagOf(user));
  if (settings.forwarding_time != 0) SetTime(settings.forwarding_time, *out.mutable_update_time());
}

absl::Status CheckForwardingEtag(const StoredUser& user, const std::string& etag) {
  const std::string current = EtagOf(user);
  if (etag.empty() || etag == current) return absl::OkStatus();
  return Failure(v1::ERROR_REASON_ETAG_MISMATCH,
                 fmt::format("the forwarding of '{}' was changed meanwhile; read it again, apply "
                             "your change, retry",
                             user.user.id),
                 {{"etag", current}});
}

}  // namespace unipresence
