// select, dnd.

#include <fmt/format.h>

#include <string>
#include <string_view>

#include "aggregator/base/status_macros.h"
#include "clients/cli/commands/commands.h"
#include "clients/cli/format_json.h"
#include "clients/cli/format_table.h"
#include "clients/cli/words.h"
#include "unipresence/v1/device_selection.grpc.pb.h"
#include "unipresence/v1/forwarding.grpc.pb.h"

namespace unipresence::cli {
namespace {

absl::StatusOr<v1::DeviceSelection> ReadOrSelect(const SelectOptions& options,
                                                 CommandContext& context) {
  using Stub = v1::DeviceSelectionService::Stub;
  if (options.device == v1::LINE_KIND_UNSPECIFIED) {
    v1::GetDeviceSelectionRequest request;
    request.set_user(options.user);
    return context.Call(&Stub::GetDeviceSelection, request);
  }
  v1::SelectDeviceRequest request;
  request.set_user(options.user);
  request.set_device(options.device);
  return context.Call(&Stub::SelectDevice, request);
}

absl::StatusOr<v1::Forwarding> ReadOrSwitch(const DoNotDisturbOptions& options,
                                            CommandContext& context) {
  using Stub = v1::ForwardingService::Stub;
  if (!options.on) {
    v1::GetForwardingRequest request;
    request.set_user(options.user);
    return context.Call(&Stub::GetForwarding, request);
  }
  v1::SetDoNotDisturbRequest request;
  request.set_user(options.user);
  request.set_do_not_disturb(*options.on);
  return context.Call(&Stub::SetDoNotDisturb, request);
}

}  // namespace

absl::Status RunCommand(const SelectOptions& options, CommandContext& context) {
  UNIPRESENCE_RETURN_IF_ERROR(context.Connect());
  UNIPRESENCE_ASSIGN_OR_RETURN(const v1::DeviceSelection selection, ReadOrSelect(options, context));
  // A selected WebRTC line that cannot be reached, or a user who is not logged in.
  const bool differs = selection.selected_device() != selection.device_in_use();
  context.Print(
      SelectionJson(selection),
      fmt::format("{}: {} is selected; calls ring on {}{}", Shown(selection.user()),
                  Shown(Word(selection.selected_device())), Shown(Word(selection.device_in_use())),
                  differs ? " (why: unipresence explain)" : ""));
  return absl::OkStatus();
}

absl::Status RunCommand(const DoNotDisturbOptions& options, CommandContext& context) {
  UNIPRESENCE_RETURN_IF_ERROR(context.Connect());
  UNIPRESENCE_ASSIGN_OR_RETURN(const v1::Forwarding forwarding, ReadOrSwitch(options, context));
  context.Print(DoNotDisturbJson(forwarding),
                fmt::format("{}: do-not-disturb is {}", Shown(forwarding.user()),
                            forwarding.do_not_disturb() ? "on" : "off"));
  return absl::OkStatus();
}

}  // namespace unipresence::cli
