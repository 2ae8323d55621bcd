#ifndef UNIPRESENCE_SERVER_SERVICE_GRPC_SERVER_H_
#define UNIPRESENCE_SERVER_SERVICE_GRPC_SERVER_H_

// The listening gRPC server around Services: addresses, keep-alive, health, ordered end.
//
// A client that vanished without a word (power, network) is noticed by HTTP/2 pings within
// `keepalive_time` + `keepalive_timeout`; its streams then end like cancelled ones.
//
// grpc.health.v1: the service "" is SERVING while the server runs (liveness); "readiness" and
// "unipresence.v1" are SERVING while SetServing(true, ...) holds.
//
// Thread-safe.

#include <grpcpp/server.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "server/service/services.h"

namespace unipresence {

class GrpcServer {
 public:
  struct Options {
    // "127.0.0.1:50051", "[::1]:0" for any free port, "unix:/run/unipresence/grpc.sock". gRPC 1.51
    // has known denial-of-service faults: give other than loopback or Unix sockets to trusted
    // networks only.
    std::vector<std::string> listen;
    std::chrono::milliseconds keepalive_time{2000};
    std::chrono::milliseconds keepalive_timeout{3000};
    int max_receive_bytes = 4 << 20;  // a request
    int max_streams_per_connection = 1000;
  };

  // INVALID_ARGUMENT: no address. UNAVAILABLE names the address that cannot be listened on.
  // `services` must outlive the server.
  static absl::StatusOr<std::unique_ptr<GrpcServer>> Start(Options options, Services& services);

  // Stops.
  ~GrpcServer();
  GrpcServer(const GrpcServer&) = delete;
  GrpcServer& operator=(const GrpcServer&) = delete;

  // The port of each address of Options::listen, in order; 0 for Unix sockets.
  const std::vector<int>& ports() const { return ports_; }

  // Ready: users loaded, all PBXs synced, store writable. Not ready until called.
  void SetServing(bool ready, bool store_writable);

  // Ends the streams, lets calls in work finish for `grace`, then cancels them. Blocks until no
  // call is left. The pipeline and the store thread must still run.
  void Stop(std::chrono::milliseconds grace = std::chrono::milliseconds(1000));

 private:
  GrpcServer(Services& services) : services_(services) {}

  Services& services_;
  std::unique_ptr<grpc::Server> server_;
  std::vector<int> ports_;
};

// Routes the logs of gRPC and of Protobuf to spdlog as debug lines, at most a few a second: both
// call errors what one client did wrong, and a client that sends garbage must not fill the disk.
// Once, before the first server.
void InstallLogHandlers();

}  // namespace unipresence

#endif  // UNIPRESENCE_SERVER_SERVICE_GRPC_SERVER_H_
