// The list actions and those that look one thing up. The third part of ami_session.h.

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "tests/simulation/ami_session.h"

namespace unipresence::simulation {
namespace {

// The words of PJSIPShowEndpoints (main/devicestate.c, devstatestring).
std::string_view Words(DeviceState state) {
  switch (state) {
    case DeviceState::kUnknown:
      return "Unknown";
    case DeviceState::kNotInUse:
      return "Not in use";
    case DeviceState::kInUse:
      return "In use";
    case DeviceState::kBusy:
      return "Busy";
    case DeviceState::kInvalid:
      return "Invalid";
    case DeviceState::kUnavailable:
      return "Unavailable";
    case DeviceState::kRinging:
      return "Ringing";
    case DeviceState::kRingInUse:
      return "Ring+Inuse";
    case DeviceState::kOnHold:
      return "On Hold";
  }
  return "Unknown";
}

// "sip:alice@127.0.0.1:6000" -> ("127.0.0.1", "6000").
std::pair<std::string_view, std::string_view> HostAndPort(std::string_view uri) {
  const std::size_t at = uri.find('@');
  const std::string_view place = at == std::string_view::npos ? uri : uri.substr(at + 1);
  const std::size_t colon = place.find(':');
  if (colon == std::string_view::npos) return {place, "5060"};
  return {place.substr(0, colon), place.substr(colon + 1)};
}

void AppendContact(std::string& text, const std::string& phone, const Contact& contact,
                   WallTimeMicros now) {
  const auto [host, port] = HostAndPort(contact.uri);
  AppendHeader(text, "ObjectType", "contact");
  AppendHeader(text, "ObjectName",
               fmt::format("{};@{:032x}", phone, std::hash<std::string>()(contact.uri)));
  AppendHeader(text, "ViaAddr", host);
  AppendHeader(text, "QualifyTimeout", "3.000000");
  AppendHeader(text, "Qualify2xxOnly", "false");
  AppendHeader(text, "CallId", fmt::format("{:016x}", std::hash<std::string>()(phone)));
  AppendHeader(text, "RegServer", "");
  AppendHeader(text, "PruneOnBoot", "no");
  AppendHeader(text, "Path", "");
  AppendHeader(text, "Endpoint", phone);
  AppendHeader(text, "ViaPort", port);
  AppendHeader(text, "AuthenticateQualify", "no");
  AppendHeader(text, "Uri", contact.uri);
  AppendHeader(text, "QualifyFrequency", contact.qualified ? "2" : "0");
  AppendHeader(text, "UserAgent", "unipresence-pbxsim");
  AppendHeader(text, "ExpirationTime", std::to_string(now / 1'000'000 + 120));
  AppendHeader(text, "OutboundProxy", "");
  AppendHeader(text, "Status", ContactWord(contact));
  AppendHeader(text, "RoundtripUsec", contact.qualified && contact.reachable ? "373" : "N/A");
}

}  // namespace

std::optional<DeviceState> AmiSession::Shown(EndpointId phone) const {
  const std::optional<DeviceState> heard = output_.Heard(phone);
  return heard.has_value() ? heard : pbx_.phones().Reported(phone);
}

void AmiSession::DeviceStateList(const Action& action) {
  using Custom = std::vector<std::pair<std::string, DeviceState>>;
  auto custom = std::make_shared<Custom>();
  pbx_.hints().ForEachCustom([&custom](std::string_view name, DeviceState state) {
    custom->emplace_back(fmt::format("Custom:{}", name), state);
  });
  List(action, "Device State Changes will follow", "DeviceStateChange", "DeviceStateListComplete",
       [this, custom](std::size_t index, std::string& headers) {
         // Before FullyBooted nothing is in the cache yet.
         if (!pbx_.booted()) return false;
         const std::size_t phones = pbx_.directory().endpoint_count();
         if (index >= phones + custom->size()) return false;
         if (index >= phones) {
           const auto& [name, state] = (*custom)[index - phones];
           AppendHeader(headers, "Device", name);
           AppendHeader(headers, "State", ToString(state));
           return true;
         }
         const auto phone = static_cast<EndpointId>(index);
         if (const auto state = Shown(phone); state.has_value()) {
           AppendHeader(headers, "Device", "PJSIP/" + pbx_.directory().EndpointName(phone));
           AppendHeader(headers, "State", ToString(*state));
         }
         return true;
       });
}

void AmiSession::ExtensionStateList(const Action& action) {
  List(action, "Extension Statuses will follow", "ExtensionStatus", "ExtensionStateListComplete",
       [this](std::size_t index, std::string& headers) {
         if (index >= pbx_.directory().user_count()) return false;
         AppendHint(headers, pbx_.hints().HintOf(static_cast<UserIndex>(index)));
         return true;
       });
}

void AmiSession::ExtensionState(const Action& action) {
  const auto user = pbx_.directory().FindNumber(action.Get("Context"), action.Get("Exten"));
  std::string headers = Header("Message", "Extension Status");
  if (user.has_value()) {
    AppendHint(headers, pbx_.hints().HintOf(*user));
  } else {
    AppendHeader(headers, "Exten", action.Get("Exten"));
    AppendHeader(headers, "Context", action.Get("Context"));
    AppendHeader(headers, "Hint", "");
    AppendHeader(headers, "Status", "-1");
    AppendHeader(headers, "StatusText", "Unknown");
  }
  Respond(action, "Success", headers);
}

void AmiSession::ShowEndpoints(const Action& action) {
  List(action, "A listing of Endpoints follows, presented as EndpointList events", "EndpointList",
       "EndpointListComplete", [this](std::size_t index, std::string& headers) {
         if (index >= pbx_.directory().endpoint_count()) return false;
         const auto phone = static_cast<EndpointId>(index);
         const std::string name = pbx_.directory().EndpointName(phone);
         std::string contacts;
         for (const Contact& contact : pbx_.phones().ContactsOf(phone)) {
           contacts += fmt::format("{}/{},", name, contact.uri);
         }
         AppendHeader(headers, "ObjectType", "endpoint");
         AppendHeader(headers, "ObjectName", name);
         AppendHeader(headers, "Transport", "");
         AppendHeader(headers, "Aor", name);
         AppendHeader(headers, "Auths", name);
         AppendHeader(headers, "OutboundAuths", "");
         AppendHeader(headers, "Contacts", contacts);
         AppendHeader(headers, "DeviceState",
                      Words(Shown(phone).value_or(DeviceState::kUnavailable)));
         AppendHeader(headers, "ActiveChannels", std::to_string(pbx_.phones().ChannelCount(phone)));
         return true;
       });
}

void AmiSession::ShowContacts(const Action& action) {
  if (!pbx_.phones().AnyContact()) {
    // One stray line end follows, as in Asterisk.
    Fail(action, "No Contacts found");
    output_.Write("\r\n");
    return;
  }
  struct Cursor {
    EndpointId phone = 0;
    std::vector<Contact> left;
  };
  List(action, "A listing of Contacts follows, presented as ContactList events", "ContactList",
       "ContactListComplete",
       [this, cursor = std::make_shared<Cursor>()](std::size_t /*index*/, std::string& headers) {
         if (cursor->left.empty()) {
           if (cursor->phone >= pbx_.directory().endpoint_count()) return false;
           cursor->left = pbx_.phones().ContactsOf(cursor->phone++);
         }
         if (cursor->left.empty()) return true;
         AppendContact(headers, pbx_.directory().EndpointName(cursor->phone - 1),
                       cursor->left.front(), pbx_.clock().WallNow());
         cursor->left.erase(cursor->left.begin());
         return true;
       });
}

void AmiSession::ShowChannels(const Action& action) {
  auto rows = std::make_shared<std::vector<std::string>>();
  for (const auto& [id, channel] : pbx_.calls().channels()) {
    const Bridge* bridge = pbx_.calls().BridgeOf(channel);
    const std::int64_t seconds = SecondsOf(channel);
    std::string& text = rows->emplace_back();
    AppendChannel(text, "", channel);
    AppendHeader(text, "Application", channel.application);
    AppendHeader(text, "ApplicationData", channel.data);
    AppendHeader(
        text, "Duration",
        fmt::format("{:02d}:{:02d}:{:02d}", seconds / 3600, seconds / 60 % 60, seconds % 60));
    AppendHeader(text, "BridgeId", bridge == nullptr ? std::string() : bridge->uuid);
  }
  List(action, "Channels will follow", "CoreShowChannel", "CoreShowChannelsComplete",
       [rows](std::size_t index, std::string& headers) {
         if (index >= rows->size()) return false;
         headers = (*rows)[index];
         return true;
       });
}

void AmiSession::Status(const Action& action) {
  // Unlike other lists its rows have a Privilege, and their ActionID comes last.
  Respond(action, "Success",
          Header("EventList", "start") + Header("Message", "Channel status will follow"));
  std::string id;
  if (!action.id().empty()) AppendHeader(id, "ActionID", action.id());
  std::string text;
  for (const auto& [number, channel] : pbx_.calls().channels()) {
    const Bridge* bridge = pbx_.calls().BridgeOf(channel);
    const Party& other = channel.connected;
    text += Header("Event", "Status") + Header("Privilege", "Call");
    AppendChannel(text, "", channel);
    AppendHeader(text, "Type", "PJSIP");
    AppendHeader(text, "DNID", channel.dnid);
    AppendHeader(text, "EffectiveConnectedLineNum", OrUnknown(other.number));
    AppendHeader(text, "EffectiveConnectedLineName", OrUnknown(other.name));
    AppendHeader(text, "TimeToHangup", "0");
    AppendHeader(text, "BridgeID", bridge == nullptr ? std::string() : bridge->uuid);
    AppendHeader(text, "Application", channel.application);
    AppendHeader(text, "Data", channel.data);
    AppendHeader(text, "Nativeformats", "(ulaw)");
    AppendHeader(text, "Readformat", "ulaw");
    AppendHeader(text, "Readtrans", "");
    AppendHeader(text, "Writeformat", "ulaw");
    AppendHeader(text, "Writetrans", "");
    AppendHeader(text, "Callgroup", "0");
    AppendHeader(text, "Pickupgroup", "0");
    AppendHeader(text, "Seconds", std::to_string(SecondsOf(channel)));
    text += id + "\r\n";
  }
  const std::string count = std::to_string(pbx_.calls().channels().size());
  text += Header("Event", "StatusComplete") + id + Header("EventList", "Complete");
  text += Header("ListItems", count) + Header("Items", count) + "\r\n";
  output_.Write(text);
}

std::int64_t AmiSession::SecondsOf(const Channel& channel) const {
  return std::chrono::duration_cast<std::chrono::seconds>(pbx_.clock().Now() - channel.since)
      .count();
}

void AmiSession::MailboxCount(const Action& action) {
  const std::string name(action.Get("Mailbox"));
  if (name.empty()) return Fail(action, "Mailbox not specified");
  const Mailbox mailbox = pbx_.MailboxOf(name);
  Respond(action, "Success",
          Header("Message", "Mailbox Message Count") + Header("Mailbox", name) +
              Header("UrgMessages", "0") +
              Header("NewMessages", std::to_string(mailbox.new_messages)) +
              Header("OldMessages", std::to_string(mailbox.old_messages)));
}

void AmiSession::MailboxStatus(const Action& action) {
  const std::string name(action.Get("Mailbox"));
  if (name.empty()) return Fail(action, "Mailbox not specified");
  Respond(action, "Success",
          Header("Message", "Mailbox Status") + Header("Mailbox", name) +
              Header("Waiting", pbx_.MailboxOf(name).new_messages > 0 ? "1" : "0"));
}

}  // namespace unipresence::simulation
