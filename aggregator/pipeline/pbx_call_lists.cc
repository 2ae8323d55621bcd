// What PbxCallControl tells of calls: the lists, and who is told of changes.

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "aggregator/base/strings.h"
#include "aggregator/base/valid_text.h"
#include "aggregator/pipeline/pbx_call_control.h"

namespace unipresence {
namespace {

constexpr std::string_view kConsultationSuffix = "/consultation";

}  // namespace

std::string PbxCallControl::IdOf(std::string_view pbx, std::string_view uniqueid) {
  // Asterisk puts its systemname before it, which may be in any bytes.
  return fmt::format("{}/{}", pbx, ValidText(uniqueid));
}

// --- Lists -----------------------------------------------------------------------------------

PbxCallControl::Link* PbxCallControl::LinkOf(std::string_view pbx) const {
  for (const auto& link : links_) {
    if (pbxs_[link->pbx].name == pbx) return link.get();
  }
  return nullptr;
}

bool PbxCallControl::Synced(const Link& link) const {
  return pbxs_[link.pbx].link == LinkState::kSynced && link.session->online();
}

absl::StatusOr<std::vector<PbxCallControl::Line>> PbxCallControl::LinesOf(
    std::string_view user) const {
  std::vector<Line> lines;
  const bool exists = presences_.Read(user, [&](const PresenceSource::Entry& entry) {
    for (const LinePresence& line : entry.presence.lines) {
      lines.push_back({.kind = line.kind,
                       .pbx = std::string(line.pbx),
                       .device = std::string(line.device),
                       .state = line.state,
                       .link = LinkOf(line.pbx)});
    }
  });
  if (!exists) {
    return CallError(CallProblem::kUserNotFound, fmt::format("there is no user '{}'", user));
  }
  return lines;
}

void PbxCallControl::AddCall(const Line& line, const pbx::CallView& view,
                             std::vector<Found>& found) const {
  Found one{.call = {.id = IdOf(line.pbx, view.uniqueid),
                     .kind = line.kind,
                     .device = line.device,
                     .pbx = line.pbx,
                     .direction = view.direction,
                     .other_party = view.other_party,
                     .state = view.state,
                     .holding = view.holding,
                     .held = view.held,
                     .start_time = view.start_time,
                     .answer_time = view.answer_time,
                     .linked_id = view.linkedid},
            .link = line.link,
            .uniqueid = view.uniqueid,
            .peer_uniqueid = view.peer_uniqueid};
  const auto dialled = dialled_.find(ToAbsl(view.uniqueid));
  if (dialled != dialled_.end() && one.call.other_party.number.empty()) {
    one.call.other_party.number = dialled->second;
  }
  const auto transfer = consultations_.find(ToAbsl(view.uniqueid));
  if (transfer == consultations_.end()) {
    found.push_back(std::move(one));
    return;
  }
  const Consultation& consultation = transfer->second;
  Found second = one;
  second.consultation = true;
  second.call.id += kConsultationSuffix;
  second.call.transfer_call = one.call.id;
  second.call.direction = CallDirection::kEmitted;
  second.call.other_party.number = consultation.destination;
  if (view.other_party == consultation.held_party) second.call.other_party.name.clear();
  second.call.state = consultation.answer_time == 0 ? CallState::kDialing : CallState::kAnswered;
  second.call.start_time = consultation.start_time;
  second.call.answer_time = consultation.answer_time;
  one.call.transfer_call = second.call.id;
  one.call.other_party = consultation.held_party;
  one.call.holding = true;
  one.call.held = false;
  found.push_back(std::move(one));
  found.push_back(std::move(second));
}

std::vector<PbxCallControl::Found> PbxCallControl::FindAll(const std::vector<Line>& lines) const {
  std::vector<Found> found;
  for (const Line& line : lines) {
    if (line.link == nullptr) continue;
    for (const pbx::CallView& view : line.link->tracker->Calls(line.device)) {
      AddCall(line, view, found);
    }
  }
  std::sort(found.begin(), found.end(), [](const Found& a, const Found& b) {
    return std::tie(a.call.start_time, a.call.id) < std::tie(b.call.start_time, b.call.id);
  });
  return found;
}

absl::StatusOr<LiveCalls> PbxCallControl::List(std::string_view user) const {
  const absl::StatusOr<std::vector<Line>> lines = LinesOf(user);
  if (!lines.ok()) return lines.status();
  LiveCalls live;
  for (Found& found : FindAll(*lines)) live.calls.push_back(std::move(found.call));
  live.stale = std::any_of(lines->begin(), lines->end(), [this](const Line& line) {
    return line.link == nullptr || pbxs_[line.link->pbx].link != LinkState::kSynced;
  });
  return live;
}

// --- Watching --------------------------------------------------------------------------------

std::string PbxCallControl::DeviceKey(PbxIndex pbx, std::string_view device) {
  return fmt::format("{}\n{}", pbx, device);
}

void PbxCallControl::SetListener(std::function<void(const std::string& user)> changed) {
  changed_ = std::move(changed);
}

void PbxCallControl::CollectChanges() {
  const bool on = !watched_.empty() || !consultations_.empty();
  if (on == collecting_) return;
  collecting_ = on;
  for (const auto& link : links_) link->tracker->WatchCalls(on);
}

void PbxCallControl::Watch(const std::string& user) {
  ++watched_[user].count;
  Refresh(user);
  CollectChanges();
}

void PbxCallControl::Unwatch(const std::string& user) {
  const auto at = watched_.find(user);
  if (at == watched_.end() || --at->second.count > 0) return;
  ForgetDevices(user, at->second);
  watched_.erase(at);
  CollectChanges();
}

void PbxCallControl::ForgetDevices(const std::string& user, Watched& watched) {
  for (const std::string& key : watched.devices) {
    const auto users = watched_devices_.find(key);
    users->second.erase(user);
    if (users->second.empty()) watched_devices_.erase(users);
  }
  watched.devices.clear();
}

void PbxCallControl::Refresh(const std::string& user) {
  const auto at = watched_.find(user);
  if (at == watched_.end()) return;
  ForgetDevices(user, at->second);
  const absl::StatusOr<std::vector<Line>> lines = LinesOf(user);
  if (!lines.ok()) return;
  for (const Line& line : *lines) {
    if (line.link == nullptr) continue;
    at->second.devices.push_back(DeviceKey(line.link->pbx, line.device));
    watched_devices_[at->second.devices.back()].insert(user);
  }
}

void PbxCallControl::NotifyDevice(PbxIndex pbx, std::string_view device,
                                  absl::flat_hash_set<std::string>& users) const {
  const auto found = watched_devices_.find(DeviceKey(pbx, device));
  if (found != watched_devices_.end()) users.insert(found->second.begin(), found->second.end());
}

void PbxCallControl::OnRead(PbxIndex pbx) {
  Link* const link = LinkOf(pbxs_[pbx].name);
  if (link == nullptr) return;
  if (!consultations_.empty()) UpdateConsultations(*link);
  if (!pending_.empty()) UpdatePending(*link);
  if (watched_.empty()) return;
  absl::flat_hash_set<std::string> users;
  for (const std::string& device : link->tracker->changed_calls()) {
    NotifyDevice(pbx, device, users);
  }
  if (!changed_) return;
  for (const std::string& user : users) changed_(user);
}

void PbxCallControl::OnLinkChanged(PbxIndex pbx) {
  if (!changed_ || watched_.empty()) return;
  absl::flat_hash_set<std::string> users;
  const std::string prefix = DeviceKey(pbx, "");
  for (const auto& [key, watchers] : watched_devices_) {
    if (key.starts_with(prefix)) users.insert(watchers.begin(), watchers.end());
  }
  for (const std::string& user : users) changed_(user);
}

}  // namespace unipresence
