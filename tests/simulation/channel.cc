#include "tests/simulation/channel.h"

#include "fmt/format.h"

namespace unipresence::simulation {
namespace {

void AppendPrefixed(std::string& text, std::string_view prefix, std::string_view name,
                    std::string_view value) {
  text.append(prefix);
  AppendHeader(text, name, value);
}

}  // namespace

std::string_view OrUnknown(const std::string& text) {
  return text.empty() ? std::string_view("<unknown>") : std::string_view(text);
}

std::string_view ToString(ChannelState state) {
  switch (state) {
    case ChannelState::kDown:
      return "Down";
    case ChannelState::kRing:
      return "Ring";
    case ChannelState::kRinging:
      return "Ringing";
    case ChannelState::kUp:
      return "Up";
  }
  return "";
}

void AppendChannel(std::string& text, std::string_view prefix, const Channel& channel) {
  AppendPrefixed(text, prefix, "Channel", channel.name);
  AppendPrefixed(text, prefix, "ChannelState", std::to_string(static_cast<int>(channel.state)));
  AppendPrefixed(text, prefix, "ChannelStateDesc", ToString(channel.state));
  AppendPrefixed(text, prefix, "CallerIDNum", OrUnknown(channel.caller.number));
  AppendPrefixed(text, prefix, "CallerIDName", OrUnknown(channel.caller.name));
  AppendPrefixed(text, prefix, "ConnectedLineNum", OrUnknown(channel.connected.number));
  AppendPrefixed(text, prefix, "ConnectedLineName", OrUnknown(channel.connected.name));
  AppendPrefixed(text, prefix, "Language", "en");
  AppendPrefixed(text, prefix, "AccountCode", "");
  AppendPrefixed(text, prefix, "Context", channel.context);
  AppendPrefixed(text, prefix, "Exten", channel.exten);
  AppendPrefixed(text, prefix, "Priority", "1");
  AppendPrefixed(text, prefix, "Uniqueid", channel.uniqueid);
  AppendPrefixed(text, prefix, "Linkedid", channel.linkedid);
}

void AppendBridge(std::string& text, std::string_view prefix, const Bridge& bridge) {
  AppendPrefixed(text, prefix, "BridgeUniqueid", bridge.uuid);
  AppendPrefixed(text, prefix, "BridgeType", "basic");
  AppendPrefixed(text, prefix, "BridgeTechnology", "simple_bridge");
  AppendPrefixed(text, prefix, "BridgeCreator", "<unknown>");
  AppendPrefixed(text, prefix, "BridgeName", "<unknown>");
  AppendPrefixed(text, prefix, "BridgeNumChannels", std::to_string(bridge.channels.size()));
  AppendPrefixed(text, prefix, "BridgeVideoSourceMode", "none");
}

std::string_view CauseText(int cause) {
  switch (cause) {
    case 16:
      return "Normal Clearing";
    case 17:
      return "User busy";
    case 19:
      return "User alerting, no answer";
    case 20:
      return "Subscriber absent";
    case 21:
      return "Call Rejected";
    case 26:
      return "Answered elsewhere";
    case 127:
      return "Interworking, unspecified";
    default:  // any other number of Q.850
      return "Unknown";
  }
}

}  // namespace unipresence::simulation
