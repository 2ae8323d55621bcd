// The command line of `users add`.

#include "clients/cli/command_tree.h"
#include "clients/cli/help_texts.h"

namespace unipresence::cli {

void CommandTree::AddUsersAdd(CLI::App& users) {
  auto& options = Keep<UsersAddOptions>();
  CLI::App& add = Command(
      users, "add", "Add one user, or those of a file", [&options] { return options; },
      kUsersAddFooter);
  CLI::Option* id = add.add_option("USER", options.id, "The id of the user");
  CLI::Option* file = WithFile(
      add.add_option("--file", options.file, "A YAML list of users, instead of USER and flags"));
  AddUserFlags(add, options.flags);
  // Said here and not by `excludes`, which would fill the help with lists of flags.
  add.callback([&add, id, file] {
    if (file->count() + id->count() != 1) {
      throw CLI::ValidationError("give the id of one USER, or --file FILE");
    }
    for (const CLI::Option* option : add.get_options()) {
      const bool of_user = option != id && option != file && !option->check_lname("skip-existing");
      if (of_user && file->count() > 0 && option->count() > 0) {
        throw CLI::ValidationError(option->get_name() + " cannot be given together with --file");
      }
    }
  });
  add.add_flag("--skip-existing", options.skip_existing,
               "Leave users that exist already as they are");
  NameEnvironment(add, "UNIPRESENCE_NEW_");
}

}  // namespace unipresence::cli
