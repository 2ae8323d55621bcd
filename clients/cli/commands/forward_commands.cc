// forward get, set, clear.

#include <string>
#include <string_view>

#include "aggregator/base/status_macros.h"
#include "clients/cli/commands/commands.h"
#include "clients/cli/format_json.h"
#include "clients/cli/format_table.h"
#include "unipresence/v1/forwarding.grpc.pb.h"

namespace unipresence::cli {
namespace {

using Stub = v1::ForwardingService::Stub;

void Show(const v1::Forwarding& forwarding, CommandContext& context) {
  if (context.json()) {
    context.out().Line(ForwardingJson(forwarding));
  } else {
    WriteForwarding(forwarding, context.times(), context.out());
  }
}

// The field of a forwarding, as an update_mask names it.
std::string_view FieldOf(v1::ForwardingCondition condition) {
  switch (condition) {
    case v1::FORWARDING_CONDITION_BUSY:
      return "busy";
    case v1::FORWARDING_CONDITION_NO_ANSWER:
      return "no_answer";
    default:
      return "unconditional";
  }
}

v1::Forward& MutableForward(v1::ForwardingCondition condition, v1::Forwarding& forwarding) {
  switch (condition) {
    case v1::FORWARDING_CONDITION_BUSY:
      return *forwarding.mutable_busy();
    case v1::FORWARDING_CONDITION_NO_ANSWER:
      return *forwarding.mutable_no_answer();
    default:
      return *forwarding.mutable_unconditional();
  }
}

absl::Status Update(const v1::UpdateForwardingRequest& request, CommandContext& context) {
  UNIPRESENCE_ASSIGN_OR_RETURN(const v1::Forwarding forwarding,
                               context.Call(&Stub::UpdateForwarding, request));
  Show(forwarding, context);
  return absl::OkStatus();
}

}  // namespace

absl::Status RunCommand(const ForwardGetOptions& options, CommandContext& context) {
  UNIPRESENCE_RETURN_IF_ERROR(context.Connect());
  v1::GetForwardingRequest request;
  request.set_user(options.user);
  UNIPRESENCE_ASSIGN_OR_RETURN(const v1::Forwarding forwarding,
                               context.Call(&Stub::GetForwarding, request));
  Show(forwarding, context);
  return absl::OkStatus();
}

absl::Status RunCommand(const ForwardSetOptions& options, CommandContext& context) {
  UNIPRESENCE_RETURN_IF_ERROR(context.Connect());
  v1::UpdateForwardingRequest request;
  v1::Forwarding& forwarding = *request.mutable_forwarding();
  forwarding.set_user(options.user);
  v1::Forward& forward = MutableForward(options.condition, forwarding);
  forward.set_enabled(!options.off);
  const std::string field(FieldOf(options.condition));
  request.mutable_update_mask()->add_paths(field + ".enabled");
  if (!options.destination.empty()) {
    forward.set_destination(options.destination);
    request.mutable_update_mask()->add_paths(field + ".destination");
  }
  return Update(request, context);
}

absl::Status RunCommand(const ForwardClearOptions& options, CommandContext& context) {
  UNIPRESENCE_RETURN_IF_ERROR(context.Connect());
  v1::UpdateForwardingRequest request;
  request.mutable_forwarding()->set_user(options.user);
  for (const v1::ForwardingCondition condition :
       {v1::FORWARDING_CONDITION_UNCONDITIONAL, v1::FORWARDING_CONDITION_BUSY,
        v1::FORWARDING_CONDITION_NO_ANSWER}) {
    if (options.condition == v1::FORWARDING_CONDITION_UNSPECIFIED ||
        options.condition == condition) {
      request.mutable_update_mask()->add_paths(std::string(FieldOf(condition)));
    }
  }
  return Update(request, context);
}

}  // namespace unipresence::cli
