#ifndef UNIPRESENCE_SERVER_SERVICE_CALL_H_
#define UNIPRESENCE_SERVER_SERVICE_CALL_H_

// How a unary rpc runs: who calls is found out, whether he may is decided by the table of method.h,
// then the handler runs on the pipeline thread, and the answer goes out by the `reply` thread.
//
//   grpc::ServerUnaryReactor* GetDeviceSelection(grpc::CallbackServerContext* context,
//                                                const v1::GetDeviceSelectionRequest* request,
//                                                v1::DeviceSelection* response) override {
//     return RunUnary(shared_, Method::kGetDeviceSelection, context, request, response,
//                     [this](UnaryCall<...> call) { ... std::move(call.reply).Ok(); });
//   }
//
// A Reply is the obligation to answer. It can be moved from thread to thread; if it is dropped
// (queue full, server stopping) the client is told so. So no call hangs.

#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>

#include <atomic>
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
absl::Status Authorize(Method method, const Caller& caller, std::string_view user);

// The answer to a call that ended so, counted.
grpc::Status AnswerOf(const ServiceContext& shared, Method method, const absl::Status& status);

// The obligation to answer a unary rpc. Move-only; thread-safe in the way of unique_ptr.
class ReplyBase {
 public:
  ReplyBase(const ServiceContext& shared, Method method, grpc::ServerUnaryReactor* reactor)
      : shared_(&shared), method_(method), reactor_(reactor) {}
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
  Method method_;
  grpc::ServerUnaryReactor* reactor_;  // null once answered or moved from
};

template <typename Response>
class Reply : public ReplyBase {
 public:
  Reply(const ServiceContext& shared, Method method, grpc::ServerUnaryReactor* reactor,
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
// may make this call.
template <typename Request, typename Response, typename Handler>
grpc::ServerUnaryReactor* RunUnary(const ServiceContext& shared, Method method,
                                   grpc::CallbackServerContext* context, const Request* request,
                                   Response* response, Handler handler) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  Reply<Response> reply(shared, method, reactor, response);
  absl::StatusOr<SessionKey> key = KeyOf(*context);
  if (!key.ok()) {
    std::move(reply).Fail(key.status());
    return reactor;
  }
  shared.executor.Post([&shared, method, request, key = *key, reply = std::move(reply),
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

// Answers OK once Asterisk routes calls as the engine says now (PbxControl::WhenTold).
template <typename Response>
void OkWhenTold(Core& core, std::string_view user, Reply<Response> reply) {
  core.pbx_control->WhenTold(user, [reply = std::move(reply)]() mutable { std::move(reply).Ok(); });
}

// For rpcs that nothing answers yet. `what` names what will.
template <typename Request, typename Response>
grpc::ServerUnaryReactor* NotYet(const ServiceContext& shared, Method method,
                                 grpc::CallbackServerContext* context, const Request* request,
                                 Response* response, std::string_view what) {
  return RunUnary(
      shared, method, context, request, response, [what](UnaryCall<Request, Response> call) {
        std::move(call.reply)
            .Fail(absl::UnimplementedError(absl::string_view(what.data(), what.size())));
      });
}

// The same of streaming rpcs. `Base` is a ServerWriteReactor<Response> or a
// ServerReadReactor<Request>. UNAUTHENTICATED without a token; whether its session lives does not
// matter for this answer.
template <typename Base>
Base* NotYetStream(const ServiceContext& shared, Method method,
                   const grpc::CallbackServerContext& context, std::string_view what) {
  class Unanswered final : public Base {
   public:
    explicit Unanswered(grpc::Status status) { this->Finish(std::move(status)); }
    void OnDone() override { delete this; }
  };
  absl::Status status = KeyOf(context).status();
  if (status.ok()) status = absl::UnimplementedError(absl::string_view(what.data(), what.size()));
  return new Unanswered(AnswerOf(shared, method, status));
}

}  // namespace unipresence

#endif  // UNIPRESENCE_SERVER_SERVICE_CALL_H_
