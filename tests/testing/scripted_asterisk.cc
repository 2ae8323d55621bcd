#include "tests/testing/scripted_asterisk.h"

#include "aggregator/ami/message.h"
#include "fmt/format.h"

namespace unipresence::testing {
namespace {

std::string Success(std::string_view id, std::string_view headers) {
  return fmt::format("Response: Success\r\nActionID: {}\r\n{}\r\n", id, headers);
}

std::string Error(std::string_view id, std::string_view why) {
  return fmt::format("Response: Error\r\nActionID: {}\r\nMessage: {}\r\n\r\n", id, why);
}

bool IsList(std::string_view action) {
  return action == "PJSIPShowEndpoints" || action == "DeviceStateList" ||
         action == "PJSIPShowContacts" || action == "CoreShowChannels" || action == "Status";
}

std::string List(std::string_view id, std::string_view action, const ScriptedAsterisk::Rows& rows) {
  if (rows.empty() && action == "PJSIPShowContacts") return Error(id, "No Contacts found\n");
  std::string answer = Success(id, "EventList: start\r\nMessage: A listing follows\r\n");
  for (const std::string& row : rows) answer += fmt::format("{}ActionID: {}\r\n\r\n", row, id);
  return answer + fmt::format(
                      "Event: {}Complete\r\nActionID: {}\r\nEventList: Complete\r\n"
                      "ListItems: {}\r\n\r\n",
                      action, id, rows.size());
}

std::string PathOf(const ami::Message& action) {
  return fmt::format("{}/{}", action.Get("Family"), action.Get("Key"));
}

// AstDB's key of "DEVICE_STATE(Custom:name)".
std::string StatePathOf(std::string_view variable) {
  const std::size_t begin = variable.find(':') + 1;
  return fmt::format("CustomDevstate/{}", variable.substr(begin, variable.size() - 1 - begin));
}

}  // namespace

std::string ScriptedAsterisk::Answer(std::string_view action) {
  const ami::Message message(action);
  const std::string_view id = message.Get("ActionID");
  const auto at = denied.find(message.Get("Action"));
  return at == denied.end() ? Obey(message, id) : Error(id, at->second);
}

std::string ScriptedAsterisk::Obey(const ami::Message& action, std::string_view id) {
  const std::string_view name = action.Get("Action");
  if (IsList(name)) {
    const auto rows = lists.find(name);
    return List(id, name, rows == lists.end() ? Rows{} : rows->second);
  }
  if (name == "Login") {
    std::string answer = Success(id, "Message: Authentication accepted\r\n");
    return booted ? answer.append(kFullyBooted) : answer;
  }
  if (name == "CoreSettings") return Success(id, "AsteriskVersion: 22.10.1\r\n");
  if (name == "Ping") return Success(id, "Ping: Pong\r\n");
  if (name == "MailboxCount") {
    const std::string box(action.Get("Mailbox"));
    const auto [fresh, old] = mailboxes[box];
    return Success(id, fmt::format("Mailbox: {}\r\nUrgMessages: 0\r\nNewMessages: {}\r\n"
                                   "OldMessages: {}\r\n",
                                   box, fresh, old));
  }
  if (name == "DBGet") {
    const auto entry = database.find(PathOf(action));
    if (entry == database.end()) return Error(id, "Database entry not found");
    return Success(id, "EventList: start\r\nMessage: Result will follow\r\n") +
           fmt::format(
               "Event: DBGetResponse\r\nFamily: {}\r\nKey: {}\r\nVal: {}\r\nActionID: {}\r\n\r\n",
               action.Get("Family"), action.Get("Key"), entry->second, id) +
           fmt::format(
               "Event: DBGetComplete\r\nActionID: {}\r\nEventList: Complete\r\nListItems: "
               "1\r\n\r\n",
               id);
  }
  if (name == "DBPut") database[PathOf(action)] = std::string(action.Get("Val"));
  if (name == "DBDel" && database.erase(PathOf(action)) == 0) {
    return Error(id, "Database entry could not be deleted");
  }
  if (name == "Setvar") {
    database[StatePathOf(action.Get("Variable"))] = std::string(action.Get("Value"));
  }
  return Success(id, "Message: done\r\n");
}

}  // namespace unipresence::testing
