#ifndef UNIPRESENCE_SERVER_SERVICE_UNANSWERED_STREAM_H_
#define UNIPRESENCE_SERVER_SERVICE_UNANSWERED_STREAM_H_

// Streaming rpcs that this server does not offer: they end at once with UNIMPLEMENTED and a
// sentence.

#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>

#include <string>
#include <string_view>

#include "server/service/call.h"

namespace unipresence {

// `Base` is a ServerWriteReactor<Response> or a ServerReadReactor<Request>.
template <typename Base>
class UnansweredStream final : public Base {
 public:
  explicit UnansweredStream(grpc::Status status) { this->Finish(std::move(status)); }
  void OnDone() override { delete this; }
};

// UNAUTHENTICATED without a token; whether its session lives does not matter for this answer.
template <typename Base>
Base* NotYetStream(const ServiceContext& shared, Method method,
                   const grpc::CallbackServerContext& context, std::string_view what) {
  absl::Status status = KeyOf(context).status();
  if (status.ok()) status = absl::UnimplementedError(absl::string_view(what.data(), what.size()));
  grpc::Status answer = AnswerOf(shared, method, status);
  return new UnansweredStream<Base>(std::move(answer));
}

}  // namespace unipresence

#endif  // UNIPRESENCE_SERVER_SERVICE_UNANSWERED_STREAM_H_
