#include "clients/cpp/client.h"

#include <fmt/format.h>
#include <google/protobuf/any.pb.h>

#include <map>
#include <string_view>
#include <utility>

#include "absl/strings/cord.h"
#include "aggregator/base/strings.h"

namespace unipresence::client {
namespace {

constexpr std::string_view kDetailUrl = "type.googleapis.com/unipresence.v1.ErrorDetail";
constexpr std::string_view kReasonPrefix = "ERROR_REASON_";

v1::ErrorDetail ParseDetail(const std::string& details) {
  v1::ErrorDetail detail;
  v1::ErrorStatus status;
  if (!status.ParseFromString(details)) return detail;
  for (const google::protobuf::Any& any : status.details()) {
    if (any.type_url() == kDetailUrl && detail.ParseFromString(any.value())) return detail;
  }
  detail.Clear();
  return detail;
}

// "(USER_NOT_FOUND, user=bob)"; empty without a reason that this build knows.
std::string Describe(const v1::ErrorDetail& detail) {
  std::string_view reason = v1::ErrorReason_Name(detail.reason());
  if (detail.reason() == v1::ERROR_REASON_UNSPECIFIED || reason.empty()) return {};
  reason.remove_prefix(kReasonPrefix.size());
  std::string text = fmt::format(" ({}", reason);
  // Sorted: the same error has the same text.
  const std::map<std::string, std::string> values(detail.metadata().begin(),
                                                  detail.metadata().end());
  for (const auto& [key, value] : values) text += fmt::format(", {}={}", key, value);
  return text + ")";
}

grpc::ChannelArguments ChannelSettings() {
  grpc::ChannelArguments settings;
  // By default gRPC waits longer and longer between attempts to connect, up to two minutes: a
  // session would be over long before. What runs on has a back-off of its own.
  settings.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  settings.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 2'000);
  // A presence server is reached directly; a proxy meant for the web would refuse its port.
  settings.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  return settings;
}

}  // namespace

absl::Status FromGrpc(const grpc::Status& status) {
  if (status.ok()) return absl::OkStatus();
  const v1::ErrorDetail detail = ParseDetail(status.error_details());
  absl::Status result(static_cast<absl::StatusCode>(status.error_code()),
                      ToAbsl(status.error_message() + Describe(detail)));
  if (detail.reason() != v1::ERROR_REASON_UNSPECIFIED) {
    result.SetPayload(ToAbsl(kDetailUrl), absl::Cord(detail.SerializeAsString()));
  }
  return result;
}

v1::ErrorDetail DetailOf(const absl::Status& status) {
  v1::ErrorDetail detail;
  const absl::optional<absl::Cord> payload = status.GetPayload(ToAbsl(kDetailUrl));
  if (payload && !detail.ParseFromString(std::string(*payload))) detail.Clear();
  return detail;
}

Client::Client(ClientOptions options) : options_(std::move(options)) {
  channel_ = grpc::CreateCustomChannel(
      options_.address,
      options_.credentials != nullptr ? options_.credentials : grpc::InsecureChannelCredentials(),
      ChannelSettings());
}

void Client::Prepare(grpc::ClientContext& context) const {
  PrepareStream(context);
  context.set_deadline(std::chrono::system_clock::now() + options_.timeout);
}

void Client::PrepareStream(grpc::ClientContext& context) const {
  if (!token_.empty()) context.AddMetadata("authorization", "Bearer " + token_);
}

absl::Status Client::Explain(const grpc::Status& status) const {
  absl::Status result = FromGrpc(status);
  // Without a detail it did not come from the server: say which one was not reached.
  if (result.code() != absl::StatusCode::kUnavailable ||
      DetailOf(result).reason() != v1::ERROR_REASON_UNSPECIFIED) {
    return result;
  }
  return absl::UnavailableError(
      fmt::format("cannot reach the server at {}: {}; is it running, and is the address right?",
                  options_.address, status.error_message()));
}

}  // namespace unipresence::client
