#ifndef UNIPRESENCE_CLIENTS_CLI_SESSION_HOLDER_H_
#define UNIPRESENCE_CLIENTS_CLI_SESSION_HOLDER_H_

// Keeps a session alive by HoldSession: a message each third of its time-to-live, and a new stream
// with the same token when one breaks.

#include <functional>

#include "absl/status/status.h"
#include "clients/cli/interrupt.h"
#include "clients/cpp/client.h"
#include "unipresence/v1/session.pb.h"

namespace unipresence::cli {

class SessionHolder {
 public:
  struct Events {
    // The server answered on a new stream: the session is held (again).
    std::function<void(const v1::Session&)> held;
    // The stream broke; it is tried again. Once until `held` is called again.
    std::function<void(const absl::Status&)> lost;
  };

  // `client` carries the session's token. Both references must outlive it.
  SessionHolder(client::Client& client, const v1::Session& session, Interrupt& interrupt,
                Events events);

  // Blocks until `interrupt` is raised (OK; the session still lives) or the session cannot be held
  // any longer: UNAUTHENTICATED when it ended, or an error that trying again does not mend.
  absl::Status Run();

 private:
  // One stream, until it ends. Sets `was_held` if the server answered on it.
  absl::Status HoldOnce(bool& was_held);

  client::Client& client_;
  Interrupt& interrupt_;
  const Events events_;
  const std::chrono::nanoseconds time_to_live_;
};

}  // namespace unipresence::cli

#endif  // UNIPRESENCE_CLIENTS_CLI_SESSION_HOLDER_H_
