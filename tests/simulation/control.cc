#include "tests/simulation/control.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "absl/status/status.h"
#include "aggregator/base/status_macros.h"
#include "aggregator/base/strings.h"
#include "fmt/format.h"

namespace unipresence::simulation {
namespace {

using Json = nlohmann::json;

Json ErrorReply(const absl::Status& status) {
  return {{"ok", false}, {"error", std::string(FromAbsl(status.message()))}};
}

absl::StatusOr<Json> Done(absl::Status status) {
  UNIPRESENCE_RETURN_IF_ERROR(std::move(status));
  return Json::object();
}

// A field that must be there; throws a Json exception of its own if it has another type.
absl::StatusOr<std::string> Needed(const Json& request, const char* field) {
  if (!request.contains(field)) {
    return absl::InvalidArgumentError(fmt::format("the command needs a field \"{}\"", field));
  }
  return request.at(field).get<std::string>();
}

bool IsCalled(const Channel& channel) {
  return channel.dialler != kNoChannel || channel.originated;
}

bool Talks(const Channel& channel) { return channel.bridge != kNoBridge; }

}  // namespace

std::string_view CommandsHelp() {
  return R"(Phones ("device" is "alice" or "PJSIP/alice"):
  register {device, uri?}   unregister {device, uri?}   reachable {device, reachable}
  state {device, state}     reports a raw device state     busy_at {device, calls}
Calls ("channel" is a name or an id; or "device", then its youngest channel that fits is meant):
  dial {device, number, ring?: true}   with ring false the far side rings at `ring`
  ring, answer, hold, unhold, hangup {device | channel}   refuse {device | channel, cause?: 21}
  transfer {device | channel, number}  attended_transfer {device}   joins its two calls
  pickup {device, number}              originate {device, number}   as an AMI Originate
PBX:
  db_get {family, key}   db_put {family, key, value}   db_tree {family?}
  custom {name, state?}  a Custom: device state, set or read
  mailbox {mailbox, new, old}   reload {module?}   status   quit
Life and links:
  restart {stopping_ms?: 1000, down_ms?: 300, booting_ms?: 130}   Hangups, Shutdown, EOF
  kill {down_ms?: 300, booting_ms?: 130}                          EOF only, AstDB loses its last second
  cut {after: N}   ends every connection N bytes further on; 0: now
  accept {how: normally | and_closing}   refuse_connections {ms}
  go_on   ends the time that refuse_connections, or a phase of restart or kill, was to last
Load:
  storm {events, devices?: all, first?: 0, states?: [INUSE, NOT_INUSE], seed?: 1}   at full speed
  rate {per_second, seconds, devices?, first?, states?}              evenly, timestamped when sent
Any command may carry a "tag", which comes back in its reply.)";
}

Control::Control(asio::io_context& io, SimulatedPbx& pbx, AmiServer& server,
                 std::function<void()> quit)
    : io_(io),
      pbx_(pbx),
      server_(server),
      quit_(std::move(quit)),
      lifecycle_(io, pbx, server),
      rate_(io, pbx) {}

const std::map<std::string, Control::Handler, std::less<>>& Control::Handlers() {
  static const std::map<std::string, Handler, std::less<>> kHandlers = {
      {"register", &Control::Register},
      {"unregister", &Control::Unregister},
      {"reachable", &Control::Reachable},
      {"dial", &Control::Dial},
      {"ring", &Control::Ring},
      {"answer", &Control::Answer},
      {"refuse", &Control::Refuse},
      {"hold", &Control::Hold},
      {"unhold", &Control::Unhold},
      {"hangup", &Control::Hangup},
      {"transfer", &Control::Transfer},
      {"attended_transfer", &Control::AttendedTransfer},
      {"pickup", &Control::Pickup},
      {"originate", &Control::Originate},
      {"state", &Control::State},
      {"busy_at", &Control::BusyAt},
      {"custom", &Control::Custom},
      {"mailbox", &Control::SetMailbox},
      {"db_get", &Control::DbGet},
      {"db_put", &Control::DbPut},
      {"db_tree", &Control::DbTree},
      {"reload", &Control::Reload},
      {"cut", &Control::Cut},
      {"accept", &Control::Accept},
      {"go_on", &Control::GoOn},
      {"status", &Control::Status},
      {"quit", &Control::Quit},
  };
  return kHandlers;
}

const std::map<std::string, Control::LongHandler, std::less<>>& Control::LongHandlers() {
  static const std::map<std::string, LongHandler, std::less<>> kHandlers = {
      {"storm", &Control::StartStorm},
      {"rate", &Control::StartRate},
      {"restart", &Control::Restart},
      {"kill", &Control::Kill},
      {"refuse_connections", &Control::RefuseConnections},
  };
  return kHandlers;
}

void Control::ExecuteLine(std::string_view line, const std::function<void(std::string)>& reply) {
  const Json request = Json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (!request.is_object()) {
    reply(ErrorReply(absl::InvalidArgumentError("not a JSON object")).dump());
    return;
  }
  Execute(request, [reply](const Json& answer) { reply(answer.dump()); });
}

void Control::Execute(const Json& request, Reply reply) {
  if (request.contains("tag")) {
    reply = [reply = std::move(reply), tag = request.at("tag")](Json answer) {
      answer["tag"] = tag;
      reply(std::move(answer));
    };
  }
  try {
    const std::string command = request.value("command", "");
    if (const auto found = LongHandlers().find(command); found != LongHandlers().end()) {
      absl::Status status = (this->*found->second)(request, reply);
      if (!status.ok()) reply(ErrorReply(status));
      return;
    }
    const auto found = Handlers().find(command);
    if (found == Handlers().end()) {
      return reply(ErrorReply(absl::InvalidArgumentError(
          fmt::format("no command \"{}\"; --help lists them", command))));
    }
    if (!lifecycle_.running() && command != "status" && command != "quit" && command != "go_on") {
      return reply(ErrorReply(absl::UnavailableError("the PBX is restarting")));
    }
    absl::StatusOr<Json> answer = (this->*found->second)(request);
    if (!answer.ok()) return reply(ErrorReply(answer.status()));
    (*answer)["ok"] = true;
    reply(*std::move(answer));
  } catch (const Json::exception& error) {
    reply(ErrorReply(absl::InvalidArgumentError(error.what())));
  }
}

// --- what commands are about ---

absl::StatusOr<EndpointId> Control::PhoneOf(const Json& request) const {
  UNIPRESENCE_ASSIGN_OR_RETURN(const std::string device, Needed(request, "device"));
  const std::optional<EndpointId> phone = pbx_.directory().FindEndpoint(device);
  if (!phone.has_value()) return absl::NotFoundError(fmt::format("no device {}", device));
  return *phone;
}

absl::StatusOr<ChannelId> Control::ChannelOf(
    const Json& request, const std::function<bool(const Channel&)>& fits) const {
  if (request.contains("channel")) {
    const Json& wanted = request.at("channel");
    const Channel* channel = wanted.is_number()
                                 ? pbx_.calls().Find(wanted.get<ChannelId>())
                                 : pbx_.calls().FindByName(wanted.get<std::string>());
    if (channel == nullptr) return absl::NotFoundError("no channel " + wanted.dump());
    return channel->id;
  }
  UNIPRESENCE_ASSIGN_OR_RETURN(const EndpointId phone, PhoneOf(request));
  const std::vector<ChannelId> channels = pbx_.calls().ChannelsOf(phone);
  for (auto id = channels.rbegin(); id != channels.rend(); ++id) {
    if (fits(*pbx_.calls().Find(*id))) return *id;
  }
  return absl::FailedPreconditionError(
      fmt::format("{} has no channel that could do this", request.at("device").get<std::string>()));
}

absl::StatusOr<std::vector<EndpointId>> Control::DevicesOf(const Json& request) const {
  const std::size_t all = pbx_.directory().endpoint_count();
  const std::size_t first = request.value("first", std::size_t{0});
  const std::size_t count = request.value("devices", all - std::min(all, first));
  if (count == 0 || first + count > all) {
    return absl::OutOfRangeError(
        fmt::format("devices {} to {} were asked for, there are {}", first, first + count, all));
  }
  std::vector<EndpointId> devices(count);
  for (std::size_t i = 0; i < count; ++i) devices[i] = static_cast<EndpointId>(first + i);
  return devices;
}

Json Control::Describe(ChannelId channel) const {
  Json json = {{"id", channel}};
  const Channel* living = pbx_.calls().Find(channel);
  if (living != nullptr) {
    json["channel"] = living->name;
    json["state"] = ToString(living->state);
  }
  return json;
}

// --- phones ---

absl::StatusOr<Json> Control::Register(const Json& request) {
  UNIPRESENCE_ASSIGN_OR_RETURN(const EndpointId phone, PhoneOf(request));
  pbx_.phones().Register(phone, request.value("uri", ""));
  return Json::object();
}

absl::StatusOr<Json> Control::Unregister(const Json& request) {
  UNIPRESENCE_ASSIGN_OR_RETURN(const EndpointId phone, PhoneOf(request));
  return Done(pbx_.phones().Unregister(phone, request.value("uri", "")));
}

absl::StatusOr<Json> Control::Reachable(const Json& request) {
  UNIPRESENCE_ASSIGN_OR_RETURN(const EndpointId phone, PhoneOf(request));
  return Done(pbx_.phones().SetReachable(phone, request.at("reachable").get<bool>()));
}

absl::StatusOr<Json> Control::State(const Json& request) {
  UNIPRESENCE_ASSIGN_OR_RETURN(const EndpointId phone, PhoneOf(request));
  UNIPRESENCE_ASSIGN_OR_RETURN(const std::string token, Needed(request, "state"));
  const std::optional<DeviceState> state = ParseDeviceState(token);
  if (!state.has_value()) return absl::InvalidArgumentError("no device state " + token);
  pbx_.phones().Report(phone, *state);
  return Json::object();
}

absl::StatusOr<Json> Control::BusyAt(const Json& request) {
  UNIPRESENCE_ASSIGN_OR_RETURN(const EndpointId phone, PhoneOf(request));
  pbx_.phones().SetBusyAt(phone, request.at("calls").get<unsigned>());
  return Json::object();
}

// --- calls ---

absl::StatusOr<Json> Control::Dial(const Json& request) {
  UNIPRESENCE_ASSIGN_OR_RETURN(const EndpointId phone, PhoneOf(request));
  UNIPRESENCE_ASSIGN_OR_RETURN(const std::string number, Needed(request, "number"));
  UNIPRESENCE_ASSIGN_OR_RETURN(const ChannelId channel,
                               pbx_.calls().Dial(phone, number, request.value("ring", true)));
  return Describe(channel);
}

absl::StatusOr<Json> Control::Ring(const Json& request) {
  UNIPRESENCE_ASSIGN_OR_RETURN(const ChannelId leg, ChannelOf(request, IsCalled));
  return Done(pbx_.calls().Ring(leg));
}

absl::StatusOr<Json> Control::Answer(const Json& request) {
  UNIPRESENCE_ASSIGN_OR_RETURN(const ChannelId leg, ChannelOf(request, IsCalled));
  return Done(pbx_.calls().Answer(leg));
}

absl::StatusOr<Json> Control::Refuse(const Json& request) {
  UNIPRESENCE_ASSIGN_OR_RETURN(const ChannelId leg, ChannelOf(request, IsCalled));
  return Done(pbx_.calls().Refuse(leg, request.value("cause", 21)));
}

absl::StatusOr<Json> Control::Hold(const Json& request) {
  UNIPRESENCE_ASSIGN_OR_RETURN(const ChannelId channel, ChannelOf(request, [](const Channel& one) {
                                 return Talks(one) && !one.holding;
                               }));
  return Done(pbx_.calls().Hold(channel));
}

absl::StatusOr<Json> Control::Unhold(const Json& request) {
  UNIPRESENCE_ASSIGN_OR_RETURN(const ChannelId channel,
                               ChannelOf(request, [](const Channel& one) { return one.holding; }));
  return Done(pbx_.calls().Unhold(channel));
}

absl::StatusOr<Json> Control::Hangup(const Json& request) {
  UNIPRESENCE_ASSIGN_OR_RETURN(const ChannelId channel,
                               ChannelOf(request, [](const Channel&) { return true; }));
  return Done(pbx_.calls().Hangup(channel));
}

absl::StatusOr<Json> Control::Transfer(const Json& request) {
  UNIPRESENCE_ASSIGN_OR_RETURN(const ChannelId channel, ChannelOf(request, Talks));
  UNIPRESENCE_ASSIGN_OR_RETURN(const std::string number, Needed(request, "number"));
  return Done(pbx_.calls().BlindTransfer(channel, number, request.value("ring", true)));
}

absl::StatusOr<Json> Control::AttendedTransfer(const Json& request) {
  UNIPRESENCE_ASSIGN_OR_RETURN(const ChannelId second, ChannelOf(request, Talks));
  UNIPRESENCE_ASSIGN_OR_RETURN(
      const ChannelId first,
      ChannelOf(request, [second](const Channel& one) { return Talks(one) && one.id != second; }));
  return Done(pbx_.calls().AttendedTransfer(first, second));
}

absl::StatusOr<Json> Control::Pickup(const Json& request) {
  UNIPRESENCE_ASSIGN_OR_RETURN(const EndpointId phone, PhoneOf(request));
  UNIPRESENCE_ASSIGN_OR_RETURN(const std::string number, Needed(request, "number"));
  UNIPRESENCE_ASSIGN_OR_RETURN(const ChannelId channel, pbx_.calls().Pickup(phone, number));
  return Describe(channel);
}

absl::StatusOr<Json> Control::Originate(const Json& request) {
  UNIPRESENCE_ASSIGN_OR_RETURN(const EndpointId phone, PhoneOf(request));
  UNIPRESENCE_ASSIGN_OR_RETURN(const std::string number, Needed(request, "number"));
  UNIPRESENCE_ASSIGN_OR_RETURN(
      const ChannelId channel,
      pbx_.calls().Originate({"PJSIP/" + pbx_.directory().EndpointName(phone),
                              pbx_.directory().User(pbx_.directory().OwnerOf(phone)).context,
                              number, request.value("action_id", "")}));
  return Describe(channel);
}

}  // namespace unipresence::simulation
