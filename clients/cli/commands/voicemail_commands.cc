// voicemail.

#include <fmt/format.h>

#include <string_view>

#include "aggregator/base/status_macros.h"
#include "clients/cli/commands/commands.h"
#include "clients/cli/format_json.h"
#include "clients/cli/format_presence.h"
#include "clients/cli/words.h"
#include "unipresence/v1/voicemail.grpc.pb.h"

namespace unipresence::cli {
namespace {

std::string_view Remark(const v1::Mailbox& mailbox) {
  if (!mailbox.stale()) return "";
  if (!mailbox.has_update_time()) return " (not read yet)";
  return " (the last known; why: unipresence pbx status)";
}

}  // namespace

absl::Status RunCommand(const VoicemailOptions& options, CommandContext& context) {
  UNIPRESENCE_RETURN_IF_ERROR(context.Connect());
  v1::GetMailboxRequest request;
  request.set_user(options.user);
  UNIPRESENCE_ASSIGN_OR_RETURN(const v1::Mailbox mailbox,
                               context.Call(&v1::VoicemailService::Stub::GetMailbox, request));
  context.Print(MailboxJson(mailbox), fmt::format("{}: {}{}", Shown(mailbox.user()),
                                                  MailboxText(mailbox), Remark(mailbox)));
  return absl::OkStatus();
}

}  // namespace unipresence::cli
