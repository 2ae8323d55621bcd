#include "clients/cli/session_holder.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>

#include "clients/cli/backoff.h"
#include "clients/cli/stream_watchdog.h"
#include "clients/cli/words.h"
#include "unipresence/v1/session.grpc.pb.h"

namespace unipresence::cli {
namespace {

using Stream = grpc::ClientReaderWriter<v1::HoldSessionRequest, v1::HoldSessionResponse>;

// A server that says nothing of its time-to-live has the default of product and proto: 20 s.
std::chrono::nanoseconds TimeToLive(const v1::Session& session) {
  const double seconds = ToSeconds(session.time_to_live());
  return std::chrono::nanoseconds(static_cast<std::int64_t>((seconds > 0 ? seconds : 20) * 1e9));
}

// Would another attempt with the same token end the same way?
bool IsFinal(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kUnauthenticated:
    case absl::StatusCode::kPermissionDenied:
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kUnimplemented:
    case absl::StatusCode::kDataLoss:  // a message that cannot be read
      return true;
    default:
      return false;
  }
}

// Sends a sign of life now and then, until the stream ends or it is asked to stop.
void SendSignsOfLife(std::stop_token stop, Stream& stream, std::chrono::nanoseconds interval) {
  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock lock(mutex);
  while (!stop.stop_requested() && stream.Write(v1::HoldSessionRequest())) {
    never.wait_for(lock, stop, interval, [] { return false; });
  }
}

}  // namespace

SessionHolder::SessionHolder(client::Client& client, const v1::Session& session,
                             Interrupt& interrupt, Events events)
    : client_(client),
      interrupt_(interrupt),
      events_(std::move(events)),
      time_to_live_(TimeToLive(session)) {}

absl::Status SessionHolder::Run() {
  // Several attempts must fit into a time-to-live.
  const auto cap = std::chrono::duration_cast<std::chrono::milliseconds>(time_to_live_ / 6);
  Backoff backoff(std::clamp<std::chrono::milliseconds>(cap, std::chrono::milliseconds(1),
                                                        std::chrono::seconds(10)));
  bool told_lost = false;
  while (!interrupt_.raised()) {
    bool was_held = false;
    const absl::Status status = HoldOnce(was_held);
    if (interrupt_.raised()) break;
    if (IsFinal(status)) return status;
    if (was_held) {
      backoff.Reset();
      told_lost = false;
    }
    if (!std::exchange(told_lost, true)) {
      events_.lost(status.ok() ? absl::UnavailableError("the server ended the stream") : status);
    }
    interrupt_.WaitFor(backoff.Next());
  }
  return absl::OkStatus();
}

absl::Status SessionHolder::HoldOnce(bool& was_held) {
  grpc::ClientContext context;
  client_.PrepareStream(context);
  // gRPC 1.51 drives a connection only while a call waits for it: calls that fail at once while the
  // server is away would keep it from being made.
  context.set_wait_for_ready(true);
  const Interrupt::Scope scope(interrupt_, context);
  const auto stub = v1::SessionService::NewStub(client_.channel());
  const std::unique_ptr<Stream> stream = stub->HoldSession(&context);
  StreamWatchdog watchdog(context, time_to_live_);
  std::jthread sender([this, &stream](std::stop_token stop) {
    SendSignsOfLife(std::move(stop), *stream, time_to_live_ / 3);
  });
  v1::HoldSessionResponse response;
  client::MessageReader reader(*stream);
  while (reader.Read(response)) {
    watchdog.Kick();
    if (!std::exchange(was_held, true)) events_.held(response.session());
  }
  if (reader.unreadable()) context.TryCancel();
  // Finish must not run beside a Write.
  sender.request_stop();
  sender.join();
  absl::Status status = client::FromGrpc(stream->Finish());
  if (reader.unreadable()) return client::UnreadableError();
  if (watchdog.barked()) {
    return absl::UnavailableError("no answer from the server for one time-to-live");
  }
  return status;
}

}  // namespace unipresence::cli
