// Commands about the PBX as a whole, its life, its links and load. The second part of control.h.

#include <chrono>
#include <utility>

#include "absl/status/status.h"
#include "aggregator/base/status_macros.h"
#include "aggregator/base/strings.h"
#include "fmt/format.h"
#include "tests/simulation/control.h"

namespace unipresence::simulation {
namespace {

using Json = nlohmann::json;

absl::StatusOr<std::vector<DeviceState>> StatesOf(const Json& request) {
  std::vector<DeviceState> states;
  for (const std::string& token :
       request.value("states", std::vector<std::string>{"INUSE", "NOT_INUSE"})) {
    const std::optional<DeviceState> state = ParseDeviceState(token);
    if (!state.has_value()) return absl::InvalidArgumentError("no device state " + token);
    if (!states.empty() && states.back() == *state) {
      return absl::InvalidArgumentError("two neighbours in \"states\" are the same: no change");
    }
    states.push_back(*state);
  }
  if (states.size() < 2 || states.front() == states.back()) {
    return absl::InvalidArgumentError("\"states\" must go round through two or more states");
  }
  return states;
}

std::chrono::milliseconds Milliseconds(const Json& request, const char* field,
                                       std::chrono::milliseconds fallback) {
  return std::chrono::milliseconds(request.value(field, fallback.count()));
}

Json LoadReply(std::uint64_t events, double seconds) {
  return {{"ok", true},
          {"events", events},
          {"seconds", seconds},
          {"events_per_second", seconds > 0 ? static_cast<double>(events) / seconds : 0.0}};
}

}  // namespace

// --- AstDB, hints, mailboxes ---

absl::StatusOr<Json> Control::DbGet(const Json& request) {
  const auto value = pbx_.database().Get(request.at("family").get<std::string>(),
                                         request.at("key").get<std::string>());
  return Json{{"value", value.has_value() ? Json(*value) : Json()}};
}

absl::StatusOr<Json> Control::DbPut(const Json& request) {
  pbx_.database().Put(request.at("family").get<std::string>(), request.at("key").get<std::string>(),
                      request.at("value").get<std::string>());
  return Json::object();
}

absl::StatusOr<Json> Control::DbTree(const Json& request) {
  Json entries = Json::object();
  for (const auto& [path, value] : pbx_.database().Tree(request.value("family", ""), "")) {
    entries[path] = value;
  }
  return Json{{"entries", std::move(entries)}};
}

absl::StatusOr<Json> Control::Custom(const Json& request) {
  const std::string name = request.at("name").get<std::string>();
  if (request.contains("state")) {
    const std::string token = request.at("state").get<std::string>();
    if (!pbx_.hints().SetCustom(name, token)) {
      return absl::InvalidArgumentError(fmt::format("Custom:{} cannot be {}", name, token));
    }
  }
  return Json{{"state", ToString(pbx_.hints().Custom(name))}};
}

absl::StatusOr<Json> Control::SetMailbox(const Json& request) {
  pbx_.SetMailbox(request.at("mailbox").get<std::string>(),
                  {request.at("new").get<int>(), request.value("old", 0)});
  return Json::object();
}

absl::StatusOr<Json> Control::Reload(const Json& request) {
  pbx_.Reload(request.value("module", ""));
  return Json::object();
}

absl::StatusOr<Json> Control::Status(const Json& /*request*/) {
  Json channels = Json::array();
  for (const auto& [id, channel] : pbx_.calls().channels()) channels.push_back(Describe(id));
  return Json{{"running", lifecycle_.running()},
              {"booted", pbx_.booted()},
              {"users", pbx_.directory().user_count()},
              {"devices", pbx_.directory().endpoint_count()},
              {"connections", server_.connection_count()},
              {"authenticated", server_.authenticated_count()},
              {"accepted", server_.accepted_count()},
              {"database_entries", pbx_.database().size()},
              {"channels", std::move(channels)}};
}

absl::StatusOr<Json> Control::Quit(const Json& /*request*/) {
  quit_();
  return Json::object();
}

// --- links and life ---

absl::StatusOr<Json> Control::Cut(const Json& request) {
  server_.CutAfter(request.at("after").get<std::size_t>());
  return Json::object();
}

absl::StatusOr<Json> Control::Accept(const Json& request) {
  const std::string how = request.at("how").get<std::string>();
  if (how != "normally" && how != "and_closing") {
    return absl::InvalidArgumentError("\"how\" is normally or and_closing, not " + how);
  }
  server_.SetAccepting(how == "normally" ? Accepting::kNormally : Accepting::kAndClosing);
  return Json::object();
}

absl::StatusOr<Json> Control::GoOn(const Json& /*request*/) {
  if (const auto timer = refusing_.lock(); timer != nullptr) {
    timer->cancel();
    return Json::object();
  }
  UNIPRESENCE_RETURN_IF_ERROR(lifecycle_.GoOn());
  return Json::object();
}

absl::Status Control::RefuseConnections(const Json& request, Reply reply) {
  if (!lifecycle_.running()) return absl::UnavailableError("the PBX is restarting");
  server_.SetAccepting(Accepting::kNot);
  auto timer = std::make_shared<asio::steady_timer>(io_);
  refusing_ = timer;
  timer->expires_after(std::chrono::milliseconds(request.at("ms").get<int>()));
  timer->async_wait([this, timer, reply = std::move(reply)](asio::error_code /*error*/) {
    const absl::Status status = server_.Open();
    reply({{"ok", status.ok()}, {"error", std::string(FromAbsl(status.message()))}});
  });
  return absl::OkStatus();
}

absl::Status Control::Restart(const Json& request, Reply reply) {
  Lifecycle::Restart restart;
  restart.clean = request.value("clean", true);
  restart.stopping = Milliseconds(request, "stopping_ms", restart.stopping);
  restart.down = Milliseconds(request, "down_ms", restart.down);
  restart.booting = Milliseconds(request, "booting_ms", restart.booting);
  return lifecycle_.Begin(restart, [reply = std::move(reply)](const absl::Status& status) {
    reply({{"ok", status.ok()}, {"error", std::string(FromAbsl(status.message()))}});
  });
}

absl::Status Control::Kill(const Json& request, Reply reply) {
  Json unclean = request;
  unclean["clean"] = false;
  return Restart(unclean, std::move(reply));
}

// --- load ---

absl::Status Control::StartStorm(const Json& request, Reply reply) {
  if (!lifecycle_.running()) return absl::UnavailableError("the PBX is restarting");
  if (server_.storm() != nullptr) {
    return absl::FailedPreconditionError("a storm is running; wait for its end");
  }
  UNIPRESENCE_ASSIGN_OR_RETURN(std::vector<EndpointId> devices, DevicesOf(request));
  UNIPRESENCE_ASSIGN_OR_RETURN(std::vector<DeviceState> states, StatesOf(request));
  const auto events = request.at("events").get<std::uint64_t>();
  if (events == 0) return absl::InvalidArgumentError("\"events\" must be at least 1");
  auto storm = std::make_unique<Storm>(pbx_, std::move(devices), events, std::move(states),
                                       request.value("seed", std::uint64_t{1}));
  return server_.Start(std::move(storm), [events, reply = std::move(reply)](double seconds) {
    reply(LoadReply(events, seconds));
  });
}

absl::Status Control::StartRate(const Json& request, Reply reply) {
  if (!lifecycle_.running()) return absl::UnavailableError("the PBX is restarting");
  UNIPRESENCE_ASSIGN_OR_RETURN(std::vector<EndpointId> devices, DevicesOf(request));
  UNIPRESENCE_ASSIGN_OR_RETURN(const std::vector<DeviceState> states, StatesOf(request));
  const double per_second = request.at("per_second").get<double>();
  const double seconds = request.at("seconds").get<double>();
  const auto events = static_cast<std::uint64_t>(per_second * seconds);
  if (per_second <= 0 || events == 0) {
    return absl::InvalidArgumentError("per_second times seconds must make at least one event");
  }
  return rate_.Start(
      std::move(devices), events, per_second, states[0], states[1],
      [events, reply = std::move(reply)](double took) { reply(LoadReply(events, took)); });
}

}  // namespace unipresence::simulation
