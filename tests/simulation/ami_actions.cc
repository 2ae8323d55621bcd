// The actions that read and change one thing: AstDB, variables, calls. The second part of
// ami_session.h.

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>

#include "fmt/format.h"
#include "tests/simulation/ami_session.h"

namespace unipresence::simulation {
namespace {

constexpr std::string_view kAsteriskVersion = "22.10.1";

// What stands in "FUNCTION(...)"; nullopt if the variable is something else.
std::optional<std::string_view> Argument(std::string_view variable, std::string_view function) {
  if (variable.size() < function.size() + 2 || variable.substr(0, function.size()) != function ||
      variable[function.size()] != '(' || variable.back() != ')') {
    return std::nullopt;
  }
  return variable.substr(function.size() + 1, variable.size() - function.size() - 2);
}

// DIALPLAN_EXISTS(context,number,priority): this dialplan has the users' numbers, and a trunk that
// takes what begins with 2 or +; all of one priority.
std::string_view DialplanExists(const Directory& directory, std::string_view place) {
  const std::size_t comma = place.find(',');
  if (comma == std::string_view::npos) return "0";
  const std::string_view context = place.substr(0, comma);
  const std::string_view rest = place.substr(comma + 1);
  const std::size_t second = std::min(rest.find(','), rest.size());
  const std::string_view priority = rest.substr(std::min(second + 1, rest.size()));
  const std::string_view number = rest.substr(0, second);
  const bool exists = (priority.empty() || priority == "1") &&
                      (number.starts_with('2') || number.starts_with('+') ||
                       directory.FindNumber(context, number).has_value());
  return exists ? "1" : "0";
}

// The name behind "Custom:", if the device is one.
std::optional<std::string_view> CustomName(std::string_view device) {
  constexpr std::string_view kCustom = "Custom:";
  if (device.substr(0, kCustom.size()) != kCustom) return std::nullopt;
  return device.substr(kCustom.size());
}

}  // namespace

// --- AstDB ---

void AmiSession::DbPut(const Action& action) {
  if (action.Get("Family").empty()) return Fail(action, "No family specified");
  if (action.Get("Key").empty()) return Fail(action, "No key specified");
  pbx_.database().Put(action.Get("Family"), action.Get("Key"), action.Get("Val"));
  Succeed(action, "Updated database successfully");
}

void AmiSession::DbGet(const Action& action) {
  if (action.Get("Family").empty()) return Fail(action, "No family specified.");
  if (action.Get("Key").empty()) return Fail(action, "No key specified.");
  const auto value = pbx_.database().Get(action.Get("Family"), action.Get("Key"));
  if (!value.has_value()) return Fail(action, "Database entry not found");
  Respond(action, "Success",
          Header("EventList", "start") + Header("Message", "Result will follow"));
  std::string id;
  if (!action.id().empty()) AppendHeader(id, "ActionID", action.id());
  std::string text = Header("Event", "DBGetResponse");
  AppendHeader(text, "Family", action.Get("Family"));
  AppendHeader(text, "Key", action.Get("Key"));
  AppendHeader(text, "Val", *value);
  text += id + "\r\n" + Header("Event", "DBGetComplete") + id;
  text += Header("EventList", "Complete") + Header("ListItems", "1") + "\r\n";
  output_.Write(text);
}

void AmiSession::DbGetTree(const Action& action) {
  const auto entries = pbx_.database().Tree(action.Get("Family"), action.Get("Key"));
  if (entries.empty()) return Fail(action, "Database entry not found");
  Respond(action, "Success",
          Header("EventList", "start") + Header("Message", "Result will follow"));
  std::string id;
  if (!action.id().empty()) AppendHeader(id, "ActionID", action.id());
  std::string text;
  for (const auto& [path, value] : entries) {
    text += Header("Event", "DBGetTreeResponse") + Header("Key", path) + Header("Val", value);
    text += id + "\r\n";
  }
  text += Header("Event", "DBGetTreeComplete") + id + Header("EventList", "Complete");
  text += Header("ListItems", std::to_string(entries.size())) + "\r\n";
  output_.Write(text);
}

void AmiSession::DbDel(const Action& action) {
  if (action.Get("Family").empty()) return Fail(action, "No family specified.");
  if (action.Get("Key").empty()) return Fail(action, "No key specified.");
  if (!pbx_.database().Delete(action.Get("Family"), action.Get("Key"))) {
    return Fail(action, "Database entry could not be deleted");
  }
  Succeed(action, "Key deleted successfully");
}

void AmiSession::DbDelTree(const Action& action) {
  if (action.Get("Family").empty()) return Fail(action, "No family specified.");
  if (pbx_.database().DeleteTree(action.Get("Family"), action.Get("Key")) == 0) {
    return Fail(action, "Database entry not found");
  }
  Succeed(action, "Key tree deleted successfully");
}

// --- variables ---

void AmiSession::SetVariable(const Action& action) {
  const std::string_view variable = action.Get("Variable");
  if (variable.empty()) return Fail(action, "No variable specified");
  const std::string_view channel = action.Get("Channel");
  if (!channel.empty() && pbx_.calls().FindByName(channel) == nullptr) {
    return Fail(action, "No such channel");
  }
  const std::string_view value = action.Get("Value");
  if (const auto device = Argument(variable, "DEVICE_STATE"); device.has_value()) {
    const std::optional<std::string_view> name = CustomName(*device);
    if (!name.has_value() ||
        ParseDeviceState(value).value_or(DeviceState::kUnknown) == DeviceState::kUnknown) {
      return Fail(action, "Variable not set");
    }
    Succeed(action, "Variable Set");
    pbx_.hints().SetCustom(*name, value);
    return;
  }
  pbx_.SetGlobal(variable, value);
  Succeed(action, "Variable Set");
}

void AmiSession::GetVariable(const Action& action) {
  const std::string_view variable = action.Get("Variable");
  if (variable.empty()) return Fail(action, "No variable specified");
  const std::string_view channel = action.Get("Channel");
  if (!channel.empty() && pbx_.calls().FindByName(channel) == nullptr) {
    return Fail(action, "No such channel");
  }
  std::string value;
  if (const auto device = Argument(variable, "DEVICE_STATE"); device.has_value()) {
    if (const auto name = CustomName(*device); name.has_value()) {
      value = ToString(pbx_.hints().Custom(*name));
    } else {
      const std::optional<EndpointId> phone = pbx_.directory().FindEndpoint(*device);
      value = ToString(phone.has_value() ? Shown(*phone).value_or(DeviceState::kUnavailable)
                                         : DeviceState::kInvalid);
    }
  } else if (const auto place = Argument(variable, "DIALPLAN_EXISTS"); place.has_value()) {
    value = DialplanExists(pbx_.directory(), *place);
  } else {
    value = pbx_.Global(variable);
  }
  Respond(action, "Success", Header("Variable", variable) + Header("Value", value));
}

// --- calls ---

void AmiSession::Originate(const Action& action) {
  const std::string_view channel = action.Get("Channel");
  if (channel.empty()) return Fail(action, "Channel not specified");
  if (channel.find('/') == std::string_view::npos) return Fail(action, "Invalid channel");
  const std::string_view exten = action.Get("Exten");
  const std::string_view context = action.Get("Context");
  if (!exten.empty() && !pbx_.directory().FindNumber(context, exten).has_value()) {
    return Fail(action, "Extension does not exist.");
  }
  Succeed(action, "Originate successfully queued");
  // A failure tells itself by an OriginateResponse.
  static_cast<void>(
      pbx_.calls().Originate({std::string(channel), std::string(context), std::string(exten),
                              std::string(action.id()), std::string(action.Get("ChannelId"))}));
}

void AmiSession::Hangup(const Action& action) {
  if (action.Get("Channel").empty()) return Fail(action, "No channel specified");
  const Channel* channel = pbx_.calls().FindByName(action.Get("Channel"));
  if (channel == nullptr) return Fail(action, "No such channel");
  Succeed(action, "Channel Hungup");
  static_cast<void>(pbx_.calls().Hangup(channel->id));
}

void AmiSession::Redirect(const Action& action) {
  const std::string_view name = action.Get("Channel");
  if (name.empty()) return Fail(action, "Channel not specified");
  const Channel* channel = pbx_.calls().FindByName(name);
  if (channel == nullptr) return Fail(action, fmt::format("Channel does not exist: {}", name));
  // The channel goes to the number, and whoever talked with it is out: a blind transfer by that
  // one.
  const ChannelId peer = pbx_.calls().PeerOf(channel->id);
  if (!pbx_.calls().BlindTransfer(peer, action.Get("Exten")).ok()) {
    return Fail(action, "Redirect failed");
  }
  Succeed(action, "Redirect successful");
}

void AmiSession::BlindTransfer(const Action& action) {
  if (action.Get("Channel").empty()) return Fail(action, "No channel specified");
  if (action.Get("Exten").empty()) return Fail(action, "No extension specified");
  const Channel* channel = pbx_.calls().FindByName(action.Get("Channel"));
  if (channel == nullptr) return Fail(action, "Channel specified does not exist");
  if (!pbx_.calls().BlindTransfer(channel->id, action.Get("Exten")).ok()) {
    return Fail(action, "Transfer invalid");
  }
  Succeed(action, "Transfer succeeded");
}

// --- the process ---

void AmiSession::Reload(const Action& action) {
  const std::string_view module = action.Get("Module");
  if (!module.empty() && module.substr(0, 4) != "res_" && module.substr(0, 4) != "app_" &&
      module.substr(0, 5) != "chan_" && module.substr(0, 4) != "pbx_") {
    return Fail(action, "No such module");
  }
  Succeed(action, "Module Reloaded");
  pbx_.Reload(module);
}

void AmiSession::UserEvent(const Action& action) {
  Succeed(action, "Event Sent");
  // Asterisk passes on what the client wrote, the ActionID included.
  std::string headers;
  for (const auto& [name, value] : action.headers()) {
    if (EqualIgnoringCase(name, "Action") || EqualIgnoringCase(name, "UserEvent")) continue;
    AppendHeader(headers, name, value);
  }
  pbx_.SendUserEvent(action.Get("UserEvent"), headers);
}

void AmiSession::CoreStatus(const Action& action) {
  Respond(action, "Success",
          Header("CoreCurrentCalls", std::to_string(pbx_.calls().channels().size() / 2)));
}

void AmiSession::CoreSettings(const Action& action) {
  Respond(action, "Success",
          Header("AMIversion", "11.0.0") + Header("AsteriskVersion", kAsteriskVersion));
}

}  // namespace unipresence::simulation
