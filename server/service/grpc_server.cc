#include "server/service/grpc_server.h"

#include <fmt/format.h>
#include <google/protobuf/stubs/logging.h>
#include <grpc/support/log.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server_builder.h>
#include <spdlog/spdlog.h>

#include <atomic>
#include <utility>

namespace unipresence {
namespace {

constexpr char kReadiness[] = "readiness";
constexpr char kApi[] = "unipresence.v1";

// Lines of gRPC's own log in one second; what is beyond is dropped.
constexpr int kLogLinesPerSecond = 5;
// Clients may ping this often to keep their connection through middleboxes.
constexpr int kClientPingMillis = 1000;

// False when this second has had its lines.
bool MayLog() {
  static std::atomic<std::int64_t> second{0};
  static std::atomic<int> lines{0};
  const std::int64_t now = std::chrono::duration_cast<std::chrono::seconds>(
                               std::chrono::steady_clock::now().time_since_epoch())
                               .count();
  if (second.exchange(now) != now) lines = 0;
  return ++lines <= kLogLinesPerSecond;
}

void LogOfGrpc(gpr_log_func_args* args) {
  if (MayLog()) spdlog::debug("gRPC: {}", args->message);
}

void LogOfProtobuf(google::protobuf::LogLevel, const char*, int, const std::string& message) {
  if (MayLog()) spdlog::debug("Protobuf: {}", message);
}

void SetChannelArguments(const GrpcServer::Options& options, grpc::ServerBuilder& builder) {
  const auto millis = [](std::chrono::milliseconds time) { return static_cast<int>(time.count()); };
  builder.SetMaxReceiveMessageSize(options.max_receive_bytes);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, millis(options.keepalive_time));
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, millis(options.keepalive_timeout));
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
                             kClientPingMillis);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, options.max_streams_per_connection);
  // Otherwise a second server on the same port would silently take half of the clients.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
}

}  // namespace

absl::StatusOr<std::unique_ptr<GrpcServer>> GrpcServer::Start(Options options, Services& services) {
  if (options.listen.empty()) {
    return absl::InvalidArgumentError("no address to listen on for gRPC; set grpc.listen");
  }
  grpc::EnableDefaultHealthCheckService(true);
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  auto server = std::unique_ptr<GrpcServer>(new GrpcServer(services));
  server->ports_.assign(options.listen.size(), 0);
  grpc::ServerBuilder builder;
  SetChannelArguments(options, builder);
  for (std::size_t i = 0; i < options.listen.size(); ++i) {
    builder.AddListeningPort(options.listen[i], grpc::InsecureServerCredentials(),
                             &server->ports_[i]);
  }
  services.RegisterOn(builder);
  server->server_ = builder.BuildAndStart();
  if (server->server_ == nullptr) {
    return absl::UnavailableError(
        fmt::format("cannot listen for gRPC on {}; is the address in use, or not one of this "
                    "machine?",
                    fmt::join(options.listen, ", ")));
  }
  for (std::size_t i = 0; i < options.listen.size(); ++i) {
    if (options.listen[i].starts_with("unix:")) server->ports_[i] = 0;
  }
  server->SetServing(false, true);
  return server;
}

GrpcServer::~GrpcServer() { Stop(); }

void GrpcServer::SetServing(bool ready, bool store_writable) {
  services_.SetReadiness(ready, store_writable);
  grpc::HealthCheckServiceInterface* health = server_->GetHealthCheckService();
  health->SetServingStatus(kReadiness, ready);
  health->SetServingStatus(kApi, ready);
}

void GrpcServer::Stop(std::chrono::milliseconds grace) {
  if (server_ == nullptr) return;
  services_.BeginStop();
  server_->Shutdown(std::chrono::system_clock::now() + grace);
  server_->Wait();
  server_.reset();
}

void InstallLogHandlers() {
  gpr_set_log_verbosity(GPR_LOG_SEVERITY_ERROR);
  gpr_set_log_function(LogOfGrpc);
  google::protobuf::SetLogHandler(LogOfProtobuf);
}

}  // namespace unipresence
