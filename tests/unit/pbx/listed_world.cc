#include "tests/unit/pbx/listed_world.h"

#include "fmt/format.h"

namespace unipresence::pbx {
namespace {

// As PJSIPShowEndpoints writes the states.
std::string Words(const std::string& token) {
  static const std::map<std::string, std::string> kWords = {
      {"UNKNOWN", "Unknown"},
      {"NOT_INUSE", "Not in use"},
      {"INUSE", "In use"},
      {"BUSY", "Busy"},
      {"INVALID", "Invalid"},
      {"RINGING", "Ringing"},
      {"UNAVAILABLE", "Unavailable"},
      {"ONHOLD", "On Hold"},
      {"RINGINUSE", "Ring+Inuse"},
  };
  return kWords.at(token);
}

}  // namespace

void ListedWorld::OnEvent(const ami::Message& event) {
  const std::string_view name = event.Event();
  const auto get = [&event](std::string_view header) { return std::string(event.Get(header)); };
  if (name == "DeviceStateChange") devices_[get("Device")] = get("State");
  if (name == "ContactStatus") {
    const std::pair key(get("EndpointName"), get("URI"));
    contacts_[key] = get("ContactStatus");
    if (contacts_[key] == "Removed") contacts_.erase(key);
  }
  const std::string id = get("Uniqueid");
  if (name == "Newchannel") {
    const bool dials = get("ChannelState") == "4";
    const bool leads = id == get("Linkedid");
    channels_[id] = {.name = get("Channel"),
                     .state = {},
                     .linkedid = {},
                     .application = dials   ? "Dial"
                                    : leads ? "AppDial2"
                                            : "AppDial",
                     .dialled = dials ? get("Exten") : "",
                     .bridge = {}};
  }
  if (name == "BlindTransfer") channels_[get("TransfereeUniqueid")].application = "Dial";
  const auto channel = channels_.find(id);
  if (channel == channels_.end()) return;
  if (event.Has("Linkedid")) channel->second.linkedid = get("Linkedid");
  if (name == "Newchannel" || name == "Newstate") channel->second.state = get("ChannelState");
  if (name == "Newstate" && channel->second.state == "6" &&
      channel->second.application == "AppDial2") {
    channel->second.application = "Dial";  // the call that was originated goes on in the dialplan
  }
  if (name == "Pickup") channel->second.application = "AppDial";
  if (name == "BridgeEnter") channel->second.bridge = get("BridgeUniqueid");
  if (name == "BridgeLeave" && channel->second.bridge == get("BridgeUniqueid")) {
    channel->second.bridge.clear();
  }
  if (name == "Hangup") channels_.erase(channel);
}

Lists ListedWorld::MakeLists() const {
  Lists lists;
  std::map<std::string, std::string> uris;
  for (const auto& [key, status] : contacts_) {
    uris[key.first] += fmt::format("{}/{},", key.first, key.second);
    lists.contacts->push_back(Text({{"Event", "ContactList"},
                                    {"ActionID", "1"},
                                    {"ObjectName", key.first + ";@0123"},
                                    {"Endpoint", key.first},
                                    {"Uri", key.second},
                                    {"Status", status}}));
  }
  for (const auto& [device, token] : devices_) {
    lists.device_states->push_back(Text(
        {{"Event", "DeviceStateChange"}, {"ActionID", "1"}, {"Device", device}, {"State", token}}));
    if (!device.starts_with("PJSIP/")) continue;
    const std::string endpoint = device.substr(6);
    lists.endpoints->push_back(Text({{"Event", "EndpointList"},
                                     {"ActionID", "1"},
                                     {"ObjectName", endpoint},
                                     {"Contacts", uris[endpoint]},
                                     {"DeviceState", Words(token)}}));
  }
  for (const auto& [id, channel] : channels_) {
    const Headers common = {{"Channel", channel.name},
                            {"ChannelState", channel.state},
                            {"Uniqueid", id},
                            {"Linkedid", channel.linkedid},
                            {"Application", channel.application}};
    Headers row = {{"Event", "CoreShowChannel"}, {"ActionID", "1"}};
    row.insert(row.end(), common.begin(), common.end());
    row.emplace_back("BridgeId", channel.bridge);
    lists.channels->push_back(Text(row));
    Headers status = {{"Event", "Status"}, {"Privilege", "Call"}};
    status.insert(status.end(), common.begin(), common.end());
    status.emplace_back("DNID", channel.dialled);
    status.emplace_back("ActionID", "1");
    lists.statuses->push_back(Text(status));
  }
  return lists;
}

std::string ListedWorld::StateOf(const std::string& device) const {
  const auto found = devices_.find(device);
  return found == devices_.end() ? std::string() : found->second;
}

}  // namespace unipresence::pbx
