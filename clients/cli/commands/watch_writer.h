#ifndef UNIPRESENCE_CLIENTS_CLI_COMMANDS_WATCH_WRITER_H_
#define UNIPRESENCE_CLIENTS_CLI_COMMANDS_WATCH_WRITER_H_

// What `watch` prints, by whichever way it follows: NDJSON, or a live table with remarks.
//
// A row of the table is written if something that it shows changed; of two rows that differ in time
// and cause only, the second is noise. JSON has every change.

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "clients/cli/command_context.h"
#include "clients/cli/commands/directory.h"
#include "clients/cli/table.h"
#include "unipresence/v1/presence.pb.h"

namespace unipresence::cli {

class WatchWriter {
 public:
  // `directory` (may be null: no names) must outlive it. `all_changes`: write also rows that look
  // like the row before.
  WatchWriter(CommandContext& context, Directory* directory, bool all_changes);

  void Update(const v1::PresenceUpdate& update);
  void Mailbox(const v1::Mailbox& mailbox);
  // What was written is complete and current.
  void Current();
  // What was written is void; all values follow.
  void Reset();
  // Nothing comes until the next Current: `event` is DISCONNECTED, or a word of a follower.
  void Interrupted(std::string_view event, std::string_view why);

 private:
  // How a row tells times beneath that header.
  TimeView times() const;
  Person PersonOf(const std::string& user, v1::CauseKind cause);
  // Remembers what this row shows of the user. False if that was shown before.
  bool Remember(const std::string& user, const std::vector<Cell>& row);

  CommandContext& context_;
  Directory* const directory_;
  const bool all_changes_;
  const std::string zone_;                                           // that the header tells
  std::unordered_map<std::string, std::vector<std::string>> shown_;  // values by user
  bool began_ = false;
  std::unique_ptr<Table> table_;  // null with -o json
};

}  // namespace unipresence::cli

#endif  // UNIPRESENCE_CLIENTS_CLI_COMMANDS_WATCH_WRITER_H_
