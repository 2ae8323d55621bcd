#include "tests/unit/pbx/pbx_driver.h"

#include "absl/status/status.h"
#include "aggregator/ami/session_handler.h"
#include "fmt/format.h"

namespace unipresence::pbx {
namespace {

const Lists::Rows& RowsOf(const Lists& lists, std::string_view action) {
  static const Lists::Rows kNone = std::vector<std::string>{};
  if (action == "PJSIPShowEndpoints") return lists.endpoints;
  if (action == "DeviceStateList") return lists.device_states;
  if (action == "PJSIPShowContacts") return lists.contacts;
  if (action == "CoreShowChannels") return lists.channels;
  if (action == "Status") return lists.statuses;
  return kNone;
}

}  // namespace

std::string Text(const Headers& headers) {
  std::string text;
  for (const auto& [name, value] : headers) text += fmt::format("{}: {}\r\n", name, value);
  return text;
}

std::string FlagsOf(const DeviceFacts& facts) {
  std::string flags;
  const auto add = [&flags](bool set, std::string_view name) {
    if (!set) return;
    if (!flags.empty()) flags += ' ';
    flags += name;
  };
  add(facts.emitting, "emitting");
  add(facts.in_call, "in_call");
  add(facts.holding, "holding");
  add(facts.held, "held");
  return flags;
}

void DeviceFactTable::Take(std::span<const DeviceChange> changes) {
  for (const DeviceChange& change : changes) {
    DeviceFacts& facts = facts_[std::string(change.device)];
    switch (change.kind) {
      case DeviceChange::Kind::kState:
        facts.state = change.state;
        break;
      case DeviceChange::Kind::kContact:
        facts.reachable = change.reachable;
        break;
      case DeviceChange::Kind::kCalls:
        facts.emitting = change.emitting;
        facts.in_call = change.in_call;
        facts.holding = change.holding;
        facts.held = change.held;
        facts.direction_unknown = change.direction_unknown;
        break;
    }
  }
}

DeviceFacts DeviceFactTable::Facts(const std::string& device) const {
  const auto found = facts_.find(device);
  return found == facts_.end() ? DeviceFacts{} : found->second;
}

void PbxDriver::Event(const std::string& text) {
  tracker_.OnEvent(ami::Message(text), ami::kLiveEvent);
  EndRead();
}

void PbxDriver::EndRead() {
  if (observer_) observer_(tracker_.changes());
  facts_.Take(tracker_.changes());
  for (const DeviceChange& change : tracker_.changes()) {
    log_.push_back({change, std::string(change.device)});
    log_.back().change.device = {};
  }
  tracker_.ClearChanges();
}

ResyncOutcome PbxDriver::Resync(ResyncKind kind, const Lists& lists) {
  return Resync(kind, lists, [](std::string_view) {});
}

ResyncOutcome PbxDriver::Resync(ResyncKind kind, const Lists& lists,
                                absl::FunctionRef<void(std::string_view)> before) {
  tracker_.StartResync(kind);
  while (const auto action = tracker_.NextAction()) {
    const ami::ActionToken token = ++last_token_;
    tracker_.ActionSent(token);
    before(action->list ? action->name : std::string_view());
    Answer(*action, token, RowsOf(lists, action->name));
    EndRead();
  }
  return tracker_.TakeOutcome().value_or(ResyncOutcome{kind, 0, {{"", "no outcome"}}, {}, {}});
}

void PbxDriver::Answer(const ListAction& action, ami::ActionToken token, const Lists::Rows& rows) {
  ami::ActionReply reply;
  if (!rows) {
    reply.text = "Permission denied";
    tracker_.OnReply(reply);
    return;
  }
  for (const std::string& row : *rows) {
    // The session takes rows with a Privilege for live events.
    const ami::Message message(row);
    tracker_.OnEvent(message, message.Has("Privilege") ? ami::kLiveEvent : token);
  }
  if (action.name == "PJSIPShowContacts" && rows->empty()) {
    reply.text = "No Contacts found\n";
    tracker_.OnReply(reply);
    return;
  }
  const std::string closing =
      action.list ? Text({{"Event", "Complete"}, {"ListItems", std::to_string(rows->size())}})
                  : Text({{"Response", "Success"}, {"Ping", "Pong"}});
  reply.success = true;
  reply.message = ami::Message(closing);
  tracker_.OnReply(reply);
}

std::string PbxDriver::Calls(const std::string& device) const {
  std::string calls;
  for (const CallView& call : tracker_.Calls(device)) {
    if (!calls.empty()) calls += " + ";
    calls += fmt::format("{} {}{}{}", ToString(call.direction), ToString(call.phase),
                         call.holding ? " hold" : "", call.held ? " held" : "");
  }
  return calls;
}

}  // namespace unipresence::pbx
