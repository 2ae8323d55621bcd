#ifndef UNIPRESENCE_CLIENTS_CPP_CLIENT_H_
#define UNIPRESENCE_CLIENTS_CPP_CLIENT_H_

// A thin layer over the generated gRPC stubs: the channel, the token, a deadline for every call,
// and errors as absl::Status with the server's ErrorDetail.
//
//   client::Client client({.address = "127.0.0.1:50051"});
//   client.SetToken(token);
//   auto stub = v1::PresenceService::NewStub(client.channel());
//   v1::GetPresenceRequest request;
//   absl::StatusOr<v1::Presence> presence =
//       client.Call(*stub, &v1::PresenceService::Stub::GetPresence, request);
//
// For streams: Prepare a context, read by a MessageReader (message_text.h), and give the final
// status to FromGrpc.
//
// Thread-safe, except SetToken.

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "clients/cpp/message_text.h"
#include "unipresence/v1/error_reason.pb.h"

namespace unipresence::client {

struct ClientOptions {
  // "HOST:PORT", "[::1]:50051", or "unix:///run/unipresence/grpc.sock".
  std::string address = "127.0.0.1:50051";
  // Of each call that is made by Call.
  std::chrono::milliseconds timeout{10'000};
  // Null: without encryption. Only for loopback, Unix sockets, and behind a proxy of your own.
  std::shared_ptr<grpc::ChannelCredentials> credentials = nullptr;
};

// Code and sentence of the server; its ErrorDetail is kept (DetailOf), and its reason and values
// are added to the sentence: "there is no user 'bob' (USER_NOT_FOUND, user=bob)". OK for OK.
absl::Status FromGrpc(const grpc::Status& status);

// What the server said for programs. Reason UNSPECIFIED if it said nothing, as when the connection
// failed.
v1::ErrorDetail DetailOf(const absl::Status& status);

class Client {
 public:
  // Connects with the first call, and again whenever the connection breaks.
  explicit Client(ClientOptions options);

  const std::shared_ptr<grpc::Channel>& channel() const { return channel_; }
  const std::string& address() const { return options_.address; }

  // The token of a session, for all calls from now on; empty: none.
  void SetToken(std::string token) { token_ = std::move(token); }

  // The token and the default deadline, for unary calls.
  void Prepare(grpc::ClientContext& context) const;
  // The token alone, for streams without an end.
  void PrepareStream(grpc::ClientContext& context) const;

  // One unary call. Errors: those of the rpc, DEADLINE_EXCEEDED after the timeout, UNAVAILABLE if
  // the server cannot be reached (the message names the address), INVALID_ARGUMENT for a request
  // with a string that is not UTF-8, which is not sent, DATA_LOSS for a response that cannot be
  // read.
  template <typename Stub, typename Request, typename Response>
  absl::StatusOr<Response> Call(Stub& stub,
                                grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&,
                                                             Response*),
                                const Request& request) const {
    if (absl::Status valid = CheckText(request); !valid.ok()) return valid;
    grpc::ClientContext context;
    Prepare(context);
    Response response;
    Mark(response);
    const grpc::Status status = (stub.*method)(&context, request, &response);
    // gRPC calls it UNIMPLEMENTED as well.
    if (!status.ok() && !IsMarked(response)) return UnreadableError();
    if (!status.ok()) return Explain(status);
    return response;
  }

 private:
  absl::Status Explain(const grpc::Status& status) const;

  const ClientOptions options_;
  std::shared_ptr<grpc::Channel> channel_;
  std::string token_;
};

}  // namespace unipresence::client

#endif  // UNIPRESENCE_CLIENTS_CPP_CLIENT_H_
