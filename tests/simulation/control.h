#ifndef UNIPRESENCE_TESTS_SIMULATION_CONTROL_H_
#define UNIPRESENCE_TESTS_SIMULATION_CONTROL_H_

// The commands of the control port: one JSON object in, one out.
//
//   {"command": "dial", "device": "alice", "number": "1001"}
//   {"ok": true, "channel": "PJSIP/alice-00000000", "id": 1}
//
// CommandsHelp() lists them all; `unipresence-pbxsim --help` prints it.

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "asio/io_context.hpp"
#include "nlohmann/json.hpp"
#include "tests/simulation/ami_server.h"
#include "tests/simulation/lifecycle.h"
#include "tests/simulation/rate.h"
#include "tests/simulation/simulated_pbx.h"

namespace unipresence::simulation {

// All commands with their fields, one a line.
std::string_view CommandsHelp();

// Thread: the one that runs the io_context.
class Control {
 public:
  using Json = nlohmann::json;
  using Reply = std::function<void(Json)>;

  Control(asio::io_context& io, SimulatedPbx& pbx, AmiServer& server, std::function<void()> quit);

  // Runs one command. The reply comes before this returns, except of storm, rate, restart, kill and
  // refuse_connections: theirs comes when it is over, and further commands may be given meanwhile.
  // Errors are {"ok": false, "error": "..."}. The request's "tag" comes back in the reply.
  void Execute(const Json& request, Reply reply);

  // Whether the PBX is up and not being restarted.
  bool running() const { return lifecycle_.running(); }

  // The same with one line of text.
  void ExecuteLine(std::string_view line, const std::function<void(std::string)>& reply);

 private:
  using Handler = absl::StatusOr<Json> (Control::*)(const Json&);
  using LongHandler = absl::Status (Control::*)(const Json&, Reply);

  static const std::map<std::string, Handler, std::less<>>& Handlers();
  static const std::map<std::string, LongHandler, std::less<>>& LongHandlers();

  absl::StatusOr<EndpointId> PhoneOf(const Json& request) const;
  // The channel a command is about: "channel" by name or id, or the youngest of "device" that fits.
  absl::StatusOr<ChannelId> ChannelOf(const Json& request,
                                      const std::function<bool(const Channel&)>& fits) const;
  absl::StatusOr<std::vector<EndpointId>> DevicesOf(const Json& request) const;
  Json Describe(ChannelId channel) const;

  absl::StatusOr<Json> Register(const Json& request);
  absl::StatusOr<Json> Unregister(const Json& request);
  absl::StatusOr<Json> Reachable(const Json& request);
  absl::StatusOr<Json> Dial(const Json& request);
  absl::StatusOr<Json> Ring(const Json& request);
  absl::StatusOr<Json> Answer(const Json& request);
  absl::StatusOr<Json> Refuse(const Json& request);
  absl::StatusOr<Json> Hold(const Json& request);
  absl::StatusOr<Json> Unhold(const Json& request);
  absl::StatusOr<Json> Hangup(const Json& request);
  absl::StatusOr<Json> Transfer(const Json& request);
  absl::StatusOr<Json> AttendedTransfer(const Json& request);
  absl::StatusOr<Json> Pickup(const Json& request);
  absl::StatusOr<Json> Originate(const Json& request);
  absl::StatusOr<Json> State(const Json& request);
  absl::StatusOr<Json> BusyAt(const Json& request);
  absl::StatusOr<Json> Custom(const Json& request);
  absl::StatusOr<Json> SetMailbox(const Json& request);
  absl::StatusOr<Json> DbGet(const Json& request);
  absl::StatusOr<Json> DbPut(const Json& request);
  absl::StatusOr<Json> DbTree(const Json& request);
  absl::StatusOr<Json> Reload(const Json& request);
  absl::StatusOr<Json> Cut(const Json& request);
  absl::StatusOr<Json> Accept(const Json& request);
  absl::StatusOr<Json> GoOn(const Json& request);
  absl::StatusOr<Json> Status(const Json& request);
  absl::StatusOr<Json> Quit(const Json& request);

  absl::Status StartStorm(const Json& request, Reply reply);
  absl::Status StartRate(const Json& request, Reply reply);
  absl::Status Restart(const Json& request, Reply reply);
  absl::Status Kill(const Json& request, Reply reply);
  absl::Status RefuseConnections(const Json& request, Reply reply);

  asio::io_context& io_;
  SimulatedPbx& pbx_;
  AmiServer& server_;
  std::function<void()> quit_;
  Lifecycle lifecycle_;
  Rate rate_;
  std::weak_ptr<asio::steady_timer> refusing_;  // while connections are refused
};

}  // namespace unipresence::simulation

#endif  // UNIPRESENCE_TESTS_SIMULATION_CONTROL_H_
