#ifndef UNIPRESENCE_SERVER_SERVICE_CALL_H_
#define UNIPRESENCE_SERVER_SERVICE_CALL_H_

// How a unary rpc runs: who calls is found out, whether he may is decided by what the .proto says
// of the rpc (method.h), then the handler runs on the pipeline thread, and the answer goes out by
// the `reply` thread.
//
//   grpc::ServerUnaryReactor* GetDeviceSelection(grpc::CallbackServerContext* context,
//                                                const v1::GetDeviceSelectionRequest* request,
//                                                v1::DeviceSelection* response) override {
//     return RunUnary(shared_, context, request, response,
//                     [this](UnaryCall<...> call) { ... std::move(call.reply).Ok(); });
//   }
//
// A Reply is the obligation to answer. It can be moved from thread to thread; if it is dropped
// (queue full, server stopping) the client is told so. So no call hangs.

#include <grpcpp/impl/rpc_service_method.h>
#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "aggregator/base/task_thread.h"
#include "aggregator/pipeline/executor.h"
#include "server/account/session_keeper.h"
#include "server/service/method.h"
#include "server/service/service_probe.h"
#include "server/storage/store.h"

namespace unipresence {

// What all services share. Members are thread-safe, except `sessions`, which is the pipeline's.
struct ServiceContext {
  Executor& executor;
  Store& store;
  const Clock& clock;
  SessionKeeper& sessions;
  TaskThread& replies;
  ServiceProbe& probe;
  const std::atomic<bool>& stopping;
};

// The token of the call as a key. UNAUTHENTICATED: TOKEN_MISSING, TOKEN_INVALID.
absl::StatusOr<SessionKey> KeyOf(const grpc::CallbackServerContext& context);

// May `caller` make this call about `user` (empty: his own, or none)?
// PERMISSION_DENIED: ROLE_REQUIRED, NOT_OWN_USER.
absl::Status Authorize(const Method& method, const Caller& caller, std::string_view user);

// INVALID_ARGUMENT: FIELD_INVALID: the bytes of a request are no message of this type.
absl::Status Malformed(const google::protobuf::Descriptor& request);

// The answer to a call that ended so, counted.
grpc::Status AnswerOf(const ServiceContext& shared, const Method& method,
                      const absl::Status& status);

// The obligation to answer a unary rpc. Move-only; thread-safe in the way of unique_ptr.
class ReplyBase {
 public:
  ReplyBase(const ServiceContext& shared, const Method& method, grpc::ServerUnaryReactor* reactor)
      : shared_(&shared), method_(&method), reactor_(reactor) {}
  ReplyBase(ReplyBase&& other) noexcept
      : shared_(other.shared_),
        method_(other.method_),
        reactor_(std::exchange(other.reactor_, nullptr)) {}
  ReplyBase& operator=(ReplyBase&&) = delete;
  ~ReplyBase();

  // The call failed.
  void Fail(const absl::Status& status) && { Finish(status); }

 protected:
  void Finish(const absl::Status& status);

 private:
  const ServiceContext* shared_;
  const Method* method_;
  grpc::ServerUnaryReactor* reactor_;  // null once answered or moved from
};

template <typename Response>
class Reply : public ReplyBase {
 public:
  Reply(const ServiceContext& shared, const Method& method, grpc::ServerUnaryReactor* reactor,
        Response* response)
      : ReplyBase(shared, method, reactor), response_(response) {}

  // To be filled before Ok.
  Response& response() { return *response_; }
  void Ok() && { Finish(absl::OkStatus()); }

 private:
  Response* response_;
};

// What a handler gets. `request` lives until the reply is given.
template <typename Request, typename Response>
struct UnaryCall {
  Core& core;
  const Caller& caller;
  const Request& request;
  Reply<Response> reply;
};

// The user that a request is about, of those that have such a field; empty: the caller's own.
template <typename Request>
std::string_view UserOf(const Request& request) {
  if constexpr (requires {
                  { request.user() } -> std::same_as<const std::string&>;
                }) {
    return request.user();
  } else if constexpr (requires { request.forwarding().user(); }) {
    return request.forwarding().user();
  } else {
    return {};
  }
}

// Runs `handler(UnaryCall<Request, Response>)` on the pipeline thread once the caller is known and
// may make this call: that of the rpc which takes a Request.
template <typename Request, typename Response, typename Handler>
grpc::ServerUnaryReactor* RunUnary(const ServiceContext& shared,
                                   grpc::CallbackServerContext* context, const Request* request,
                                   Response* response, Handler handler) {
  const Method& method = MethodOf<Request>();
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  Reply<Response> reply(shared, method, reactor, response);
  absl::StatusOr<SessionKey> key = KeyOf(*context);
  if (!key.ok()) {
    std::move(reply).Fail(key.status());
    return reactor;
  }
  shared.executor.Post([&shared, &method, request, key = *key, reply = std::move(reply),
                        handler = std::move(handler)](Core& core) mutable {
    const absl::StatusOr<Caller> caller = shared.sessions.Authenticate(core, key);
    if (!caller.ok()) return std::move(reply).Fail(caller.status());
    if (absl::Status allowed = Authorize(method, *caller, UserOf(*request)); !allowed.ok()) {
      return std::move(reply).Fail(allowed);
    }
    handler(UnaryCall<Request, Response>{core, *caller, *request, std::move(reply)});
  });
  return reactor;
}

// Answers OK once Asterisk routes calls as the engine says now (PbxControl::WhenWritten).
template <typename Response>
void OkWhenWritten(Core& core, std::string_view user, Reply<Response> reply) {
  core.pbx_control->WhenWritten(user,
                                [reply = std::move(reply)]() mutable { std::move(reply).Ok(); });
}

// For rpcs that nothing answers yet. `what` names what will.
template <typename Request, typename Response>
grpc::ServerUnaryReactor* NotYet(const ServiceContext& shared, grpc::CallbackServerContext* context,
                                 const Request* request, Response* response,
                                 std::string_view what) {
  return RunUnary(shared, context, request, response, [what](UnaryCall<Request, Response> call) {
    std::move(call.reply)
        .Fail(absl::UnimplementedError(absl::string_view(what.data(), what.size())));
  });
}

// A stream that ends at once. `Base` is a ServerWriteReactor<Response> or a
// ServerReadReactor<Request>; it deletes itself.
template <typename Base>
class EndedStream final : public Base {
 public:
  explicit EndedStream(grpc::Status status) { this->Finish(std::move(status)); }
  void OnDone() override { delete this; }
};

// NotYet for streaming rpcs; `Base` as for EndedStream. UNAUTHENTICATED without a token; whether
// its session lives does not matter for this answer.
template <typename Base>
Base* NotYetStream(const ServiceContext& shared, const Method& method,
                   const grpc::CallbackServerContext& context, std::string_view what) {
  absl::Status status = KeyOf(context).status();
  if (status.ok()) status = absl::UnimplementedError(absl::string_view(what.data(), what.size()));
  return new EndedStream<Base>(AnswerOf(shared, method, status));
}

// gRPC's own handlers answer bytes that are no message of the rpc's request UNIMPLEMENTED with an
// empty sentence, before anything of ours is called. So each is put into this one, which has gRPC
// call a refusal instead. It is made in the way of the generated code, of grpc::internal.
//
// `GrpcHandler` is the CallbackUnaryHandler or the CallbackServerStreamingHandler of the rpc.
template <typename GrpcHandler>
class RefusingHandler final : public grpc::internal::MethodHandler {
 public:
  template <typename Serve, typename Refuse>
  RefusingHandler(Serve serve, Refuse refuse)
      : serve_(std::move(serve)), refuse_(std::move(refuse)) {}

  void* Deserialize(grpc_call* call, grpc_byte_buffer* bytes, grpc::Status* status,
                    void** data) override {
    return serve_.Deserialize(call, bytes, status, data);
  }

  void RunHandler(const HandlerParameter& call) override {
    if (call.status.ok()) return serve_.RunHandler(call);
    refuse_.RunHandler(HandlerParameter(call.call, call.server_context, call.request,
                                        grpc::Status::OK, call.internal_data, call.call_requester));
  }

 private:
  GrpcHandler serve_;
  GrpcHandler refuse_;
};

// What the services derive from: a generated service that answers INVALID_ARGUMENT to such bytes.
//
//   class VoicemailService final : public ServiceBase<v1::VoicemailService::CallbackService> {
//    public:
//     explicit VoicemailService(const ServiceContext& shared) : shared_(shared) {
//       Handle(shared, &VoicemailService::GetMailbox);
//     }
template <typename Generated>
class ServiceBase : public Generated {
 protected:
  // To be called once, in the constructor, with the handler of each rpc that takes one message; the
  // types of the handler say which rpc it is.
  template <typename... Handlers>
  void Handle(const ServiceContext& shared, Handlers... handlers) {
    (HandleOne(shared, handlers), ...);
  }

 private:
  template <typename Service, typename Request, typename Response>
  void HandleOne(const ServiceContext& shared,
                 grpc::ServerUnaryReactor* (Service::*handler)(grpc::CallbackServerContext*,
                                                               const Request*, Response*)) {
    using GrpcHandler = grpc::internal::CallbackUnaryHandler<Request, Response>;
    Set<Request>(new RefusingHandler<GrpcHandler>(
        std::bind_front(handler, static_cast<Service*>(this)),
        [&shared](grpc::CallbackServerContext* context, const Request*, Response*) {
          grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
          reactor->Finish(Refusal<Request>(shared));
          return reactor;
        }));
  }

  template <typename Service, typename Request, typename Response>
  void HandleOne(const ServiceContext& shared,
                 grpc::ServerWriteReactor<Response>* (Service::*handler)(
                     grpc::CallbackServerContext*, const Request*)) {
    using GrpcHandler = grpc::internal::CallbackServerStreamingHandler<Request, Response>;
    using Reactor = grpc::ServerWriteReactor<Response>;
    Set<Request>(new RefusingHandler<GrpcHandler>(
        std::bind_front(handler, static_cast<Service*>(this)),
        [&shared](grpc::CallbackServerContext*, const Request*) -> Reactor* {
          return new EndedStream<Reactor>(Refusal<Request>(shared));
        }));
  }

  template <typename Request>
  static grpc::Status Refusal(const ServiceContext& shared) {
    return AnswerOf(shared, MethodOf<Request>(), Malformed(*Request::descriptor()));
  }

  template <typename Request>
  void Set(grpc::internal::MethodHandler* handler) {
    this->MarkMethodCallback(MethodOf<Request>().descriptor->index(), handler);
  }
};

}  // namespace unipresence

#endif  // UNIPRESENCE_SERVER_SERVICE_CALL_H_
