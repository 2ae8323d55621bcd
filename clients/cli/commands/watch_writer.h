#ifndef UNIPRESENCE_CLIENTS_CLI_COMMANDS_WATCH_WRITER_H_
#define UNIPRESENCE_CLIENTS_CLI_COMMANDS_WATCH_WRITER_H_

// What `watch` prints, by whichever way it follows: NDJSON, or a live table with remarks.

#include <memory>
#include <string>
#include <string_view>

#include "clients/cli/command_context.h"
#include "clients/cli/table.h"
#include "unipresence/v1/presence.pb.h"

namespace unipresence::cli {

class WatchWriter {
 public:
  explicit WatchWriter(CommandContext& context);

  void Update(const v1::PresenceUpdate& update);
  void Mailbox(const v1::Mailbox& mailbox);
  // What was written is complete and current.
  void Current();
  // What was written is void; all values follow.
  void Reset();
  // Nothing comes until the next Current: `event` is DISCONNECTED, or a word of a follower.
  void Interrupted(std::string_view event, std::string_view why);

 private:
  CommandContext& context_;
  std::unique_ptr<Table> table_;  // null with -o json
};

}  // namespace unipresence::cli

#endif  // UNIPRESENCE_CLIENTS_CLI_COMMANDS_WATCH_WRITER_H_
