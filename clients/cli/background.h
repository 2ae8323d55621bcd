#ifndef UNIPRESENCE_CLIENTS_CLI_BACKGROUND_H_
#define UNIPRESENCE_CLIENTS_CLI_BACKGROUND_H_

// `login --background`: a process of its own that keeps the session alive, while the command that
// was typed returns once the session is held.
//
//   Background background;
//   if (background.in_parent()) return background.WaitForChild(output);
//   Output output(background.output_fd());
//   ... in the child, once the session is held: background.Release();
//
// Fork before any thread is started.

#include <sys/types.h>

#include "clients/cli/output.h"

namespace unipresence::cli {

class Background {
 public:
  // Forks. Both processes go on from here; if there is no process to be had, `failed()`.
  Background();
  ~Background();
  Background(const Background&) = delete;
  Background& operator=(const Background&) = delete;

  bool failed() const { return child_ < 0; }
  bool in_parent() const { return child_ > 0; }

  // Parent: passes on what the child prints until it is released or ends. Returns 0 if released,
  // else the child's exit code.
  int WaitForChild(Output& output);

  // Child: where its results go until it is released.
  int output_fd() const { return pipe_[1]; }
  // Child: leaves the terminal, and lets the parent return. Nothing is printed any more.
  void Release();

 private:
  int pipe_[2] = {-1, -1};
  pid_t child_ = -1;
};

}  // namespace unipresence::cli

#endif  // UNIPRESENCE_CLIENTS_CLI_BACKGROUND_H_
