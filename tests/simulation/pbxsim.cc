#include "tests/simulation/pbxsim.h"

#include <cstdio>
#include <utility>

#include "aggregator/base/status_macros.h"
#include "fmt/format.h"
#include "nlohmann/json.hpp"

namespace unipresence::simulation {
namespace {

AmiServer::Options ServerOptions(const Options& options) {
  AmiServer::Options server;
  server.host = options.listen.host;
  server.port = options.listen.port;
  server.version = options.asterisk_16 ? "5.0.4" : "11.0.0";
  server.users = options.managers;
  server.write_timeout = options.write_timeout;
  server.seed = options.seed;
  return server;
}

}  // namespace

PbxSim::PbxSim(asio::io_context& io, const Options& options, Directory directory)
    : options_(options),
      server_(io, ServerOptions(options)),
      pbx_(std::move(directory), Clock::System(), server_, options.seed),
      control_(io, pbx_, server_, [&io] { asio::post(io, [&io] { io.stop(); }); }),
      control_server_(io, control_),
      demo_(pbx_, options.seed),
      demo_timer_(io) {
  server_.SetPbx(pbx_);
  pbx_.database().set_commit_interval(options.commit_interval);
}

absl::StatusOr<std::unique_ptr<PbxSim>> PbxSim::Create(asio::io_context& io,
                                                       const Options& options) {
  Directory directory = Directory::Generated(options.users);
  if (!options.users_file.empty()) {
    UNIPRESENCE_ASSIGN_OR_RETURN(directory,
                                 Directory::FromUsersFile(options.users_file, options.pbx_name));
  }
  if (!options.users_file_out.empty()) {
    UNIPRESENCE_RETURN_IF_ERROR(
        WriteUsersFile(directory, options.pbx_name, options.users_file_out));
  }
  std::unique_ptr<PbxSim> sim(new PbxSim(io, options, std::move(directory)));
  if (options.registered) {
    for (EndpointId phone = 0; phone < sim->pbx_.directory().endpoint_count(); ++phone) {
      sim->pbx_.phones().RegisterSilently(phone);
    }
  }
  UNIPRESENCE_RETURN_IF_ERROR(sim->server_.Open());
  if (options.control.has_value()) {
    UNIPRESENCE_RETURN_IF_ERROR(
        sim->control_server_.Open(options.control->host, options.control->port));
  }
  if (options.demo) sim->StepDemo();
  return sim;
}

std::string PbxSim::Announcement() const {
  nlohmann::json line = {{"ami", fmt::format("{}:{}", options_.listen.host, server_.port())},
                         {"users", pbx_.directory().user_count()}};
  if (options_.control.has_value()) {
    line["control"] = fmt::format("{}:{}", options_.control->host, control_server_.port());
  }
  return line.dump();
}

void PbxSim::StepDemo() {
  if (control_.running()) {
    const std::string what = demo_.Step();
    if (options_.verbose && !what.empty()) fmt::print(stderr, "{}\n", what);
  }
  demo_timer_.expires_after(options_.pace);
  demo_timer_.async_wait([this](asio::error_code error) {
    if (!error) StepDemo();
  });
}

}  // namespace unipresence::simulation
