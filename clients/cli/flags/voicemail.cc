// The command line of `voicemail`.

#include "clients/cli/command_tree.h"

namespace unipresence::cli {

void CommandTree::AddVoicemail() {
  auto& options = Keep<VoicemailOptions>();
  CLI::App& voicemail = Command(
      root_, "voicemail", "Show how many voicemail messages wait", [&options] { return options; },
      "With -o json: user, mailbox, new_message_count, old_message_count, pbx, stale (the link to\n"
      "the PBX is down: the last known counts), update_time.\n\n"
      "Examples:\n  unipresence voicemail\n  unipresence voicemail alice -o json\n"
      "  unipresence watch --mailboxes");
  AddUser(voicemail, options.user, "The user (administrators; default: yourself)",
          /*alone=*/true);
  NameEnvironment(voicemail, "UNIPRESENCE_");
}

}  // namespace unipresence::cli
