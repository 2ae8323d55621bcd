#include "tests/simulation/phones.h"

#include <algorithm>
#include <array>

#include "fmt/format.h"

namespace unipresence::simulation {
namespace {

constexpr std::uint8_t kNeverReported = 0xff;

// Which of two states wins when a phone has several calls (main/devicestate.c, state_order).
int Order(DeviceState state) {
  switch (state) {
    case DeviceState::kInvalid:
      return 0;
    case DeviceState::kUnknown:
      return 1;
    case DeviceState::kUnavailable:
      return 2;
    case DeviceState::kNotInUse:
      return 3;
    case DeviceState::kOnHold:
      return 4;
    case DeviceState::kRinging:
      return 5;
    case DeviceState::kInUse:
      return 6;
    case DeviceState::kBusy:
      return 7;
    case DeviceState::kRingInUse:
      return 8;
  }
  return 0;
}

}  // namespace

std::string_view ContactWord(const Contact& contact) {
  if (!contact.qualified) return "NonQualified";
  return contact.reachable ? "Reachable" : "Unreachable";
}

Phones::Phones(const Directory& directory, EventStream& events)
    : directory_(directory),
      events_(events),
      usual_contact_(directory.endpoint_count(), false),
      reported_(directory.endpoint_count(), kNeverReported) {}

std::string Phones::UsualUri(EndpointId phone) const {
  return fmt::format("sip:{}@127.0.0.1:{}", directory_.EndpointName(phone), 6000 + phone % 50000);
}

std::vector<Contact>& Phones::MutableContacts(EndpointId phone) {
  std::vector<Contact>& stored = contacts_[phone];
  if (usual_contact_[phone]) {
    usual_contact_[phone] = false;
    stored.push_back({UsualUri(phone)});
  }
  return stored;
}

std::vector<Contact> Phones::ContactsOf(EndpointId phone) const {
  if (usual_contact_[phone]) return {{UsualUri(phone)}};
  const auto found = contacts_.find(phone);
  return found == contacts_.end() ? std::vector<Contact>() : found->second;
}

bool Phones::Reachable(EndpointId phone) const {
  if (usual_contact_[phone]) return true;
  const auto found = contacts_.find(phone);
  if (found == contacts_.end()) return false;
  return std::any_of(found->second.begin(), found->second.end(),
                     [](const Contact& contact) { return contact.reachable; });
}

void Phones::RegisterSilently(EndpointId phone) {
  if (!ContactsOf(phone).empty()) return;
  usual_contact_[phone] = true;
  ++registered_;
  reported_[phone] = static_cast<std::uint8_t>(DeviceState::kNotInUse);
}

void Phones::EmitContactStatus(EndpointId phone, const Contact& contact, std::string_view status) {
  const std::string name = directory_.EndpointName(phone);
  std::string headers;
  AppendHeader(headers, "URI", contact.uri);
  AppendHeader(headers, "ContactStatus", status);
  AppendHeader(headers, "AOR", name);
  AppendHeader(headers, "EndpointName", name);
  AppendHeader(headers, "RoundtripUsec", status == "Reachable" ? "373" : "0");
  events_.Emit(EventStream::Source::kDevices, kSystem, "ContactStatus", headers);
}

void Phones::EmitPeerStatus(EndpointId phone, std::string_view status) {
  std::string headers;
  AppendHeader(headers, "ChannelType", "PJSIP");
  AppendHeader(headers, "Peer", "PJSIP/" + directory_.EndpointName(phone));
  AppendHeader(headers, "PeerStatus", status);
  events_.Emit(EventStream::Source::kDevices, kSystem, "PeerStatus", headers);
}

void Phones::Register(EndpointId phone, std::string_view uri) {
  std::vector<Contact>& contacts = MutableContacts(phone);
  const std::string wanted = uri.empty() ? UsualUri(phone) : std::string(uri);
  if (std::any_of(contacts.begin(), contacts.end(),
                  [&wanted](const Contact& contact) { return contact.uri == wanted; })) {
    return;
  }
  const EventStream::Instant instant(events_);
  const bool was_reachable = Reachable(phone);
  contacts.push_back({wanted});
  ++registered_;
  if (!was_reachable) EmitPeerStatus(phone, "Reachable");
  EmitContactStatus(phone, contacts.back(), "NonQualified");
  Refresh(phone);
}

absl::Status Phones::Unregister(EndpointId phone, std::string_view uri) {
  std::vector<Contact>& contacts = MutableContacts(phone);
  const EventStream::Instant instant(events_);
  std::vector<Contact> kept;
  std::vector<Contact> removed;
  for (Contact& contact : contacts) {
    (uri.empty() || contact.uri == uri ? removed : kept).push_back(std::move(contact));
  }
  contacts = std::move(kept);
  if (removed.empty()) {
    return absl::NotFoundError(fmt::format("PJSIP/{} has no contact {}; register it first",
                                           directory_.EndpointName(phone), uri));
  }
  registered_ -= removed.size();
  for (const Contact& contact : removed) EmitContactStatus(phone, contact, "Removed");
  if (!Reachable(phone)) EmitPeerStatus(phone, "Unreachable");
  Refresh(phone);
  return absl::OkStatus();
}

absl::Status Phones::SetReachable(EndpointId phone, bool reachable) {
  std::vector<Contact>& contacts = MutableContacts(phone);
  if (contacts.empty()) {
    return absl::NotFoundError(
        fmt::format("PJSIP/{} has no contact; register it first", directory_.EndpointName(phone)));
  }
  const EventStream::Instant instant(events_);
  for (Contact& contact : contacts) {
    if (contact.qualified && contact.reachable == reachable) continue;
    contact.qualified = true;
    contact.reachable = reachable;
    EmitContactStatus(phone, contact, ContactWord(contact));
  }
  Refresh(phone);
  return absl::OkStatus();
}

void Phones::SetChannel(EndpointId phone, ChannelId channel, DeviceState state) {
  std::vector<Channel>& channels = channels_[phone];
  const auto found = std::find_if(channels.begin(), channels.end(),
                                  [channel](const Channel& one) { return one.id == channel; });
  if (found == channels.end()) {
    channels.push_back({channel, state});
  } else {
    found->state = state;
  }
}

void Phones::RemoveChannel(EndpointId phone, ChannelId channel) {
  const auto found = channels_.find(phone);
  if (found == channels_.end()) return;
  std::vector<Channel>& channels = found->second;
  channels.erase(std::remove_if(channels.begin(), channels.end(),
                                [channel](const Channel& one) { return one.id == channel; }),
                 channels.end());
  if (channels.empty()) channels_.erase(found);
}

std::size_t Phones::ChannelCount(EndpointId phone) const {
  const auto found = channels_.find(phone);
  return found == channels_.end() ? 0 : found->second.size();
}

void Phones::SetBusyAt(EndpointId phone, unsigned calls) { busy_at_[phone] = calls; }

DeviceState Phones::Current(EndpointId phone) const {
  const DeviceState base = Reachable(phone) ? DeviceState::kNotInUse : DeviceState::kUnavailable;
  const auto found = channels_.find(phone);
  if (found == channels_.end()) return base;
  DeviceState result = DeviceState::kUnknown;
  bool in_use = false;
  bool ringing = false;
  unsigned calls = 0;
  for (const Channel& channel : found->second) {
    ringing |= channel.state == DeviceState::kRinging;
    in_use |= channel.state == DeviceState::kInUse || channel.state == DeviceState::kOnHold;
    if (channel.state != DeviceState::kNotInUse) ++calls;
    if (Order(channel.state) > Order(result)) result = channel.state;
  }
  const auto busy_at = busy_at_.find(phone);
  if (busy_at != busy_at_.end() && busy_at->second > 0 && calls >= busy_at->second) {
    return DeviceState::kBusy;
  }
  if (ringing && in_use) return DeviceState::kRingInUse;
  return calls == 0 ? base : result;
}

void Phones::Refresh(EndpointId phone) { Report(phone, Current(phone)); }

void Phones::Report(EndpointId phone, DeviceState state) {
  if (Reported(phone) == state) return;
  SetReported(phone, state);
  std::string headers;
  AppendHeader(headers, "Device", "PJSIP/" + directory_.EndpointName(phone));
  AppendHeader(headers, "State", ToString(state));
  events_.Emit(EventStream::Source::kDevices, kCall, "DeviceStateChange", headers);
}

void Phones::SetReported(EndpointId phone, DeviceState state) {
  reported_[phone] = static_cast<std::uint8_t>(state);
}

std::optional<DeviceState> Phones::Reported(EndpointId phone) const {
  if (reported_[phone] == kNeverReported) return std::nullopt;
  return static_cast<DeviceState>(reported_[phone]);
}

void Phones::Restart() {
  channels_.clear();
  for (EndpointId phone = 0; phone < reported_.size(); ++phone) {
    if (reported_[phone] != kNeverReported) SetReported(phone, Current(phone));
    for (const Contact& contact : ContactsOf(phone)) {
      EmitContactStatus(phone, contact, "NonQualified");
    }
  }
}

}  // namespace unipresence::simulation
