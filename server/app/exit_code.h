#ifndef UNIPRESENCE_SERVER_APP_EXIT_CODE_H_
#define UNIPRESENCE_SERVER_APP_EXIT_CODE_H_

// How unipresenced ends, by the numbers of sysexits.h: distinct, so that a supervisor can tell a
// mistake of the administrator, after which a restart helps nobody, from trouble that may pass.
// kExitCodeHelp is what --help says of them; deploy/systemd goes by them.

#include <string_view>

#include "absl/status/status.h"

namespace unipresence {

inline constexpr int kExitOk = 0;
inline constexpr int kExitUsage = 64;          // EX_USAGE
inline constexpr int kExitStore = 65;          // EX_DATAERR
inline constexpr int kExitStart = 69;          // EX_UNAVAILABLE
inline constexpr int kExitInternal = 70;       // EX_SOFTWARE
inline constexpr int kExitConfiguration = 78;  // EX_CONFIG
inline constexpr int kExitInterrupted = 130;   // as shells tell SIGINT

inline constexpr std::string_view kExitCodeHelp =
    "Exit codes:\n"
    "   0  stopped by SIGTERM or SIGINT, or what was asked for is done\n"
    "  64  the command line is wrong\n"
    "  65  the store is damaged, of a newer version or another program's, or lacks the user\n"
    "  69  cannot start now: an address or the store is in use or cannot be opened; may pass\n"
    "  70  a defect of the program\n"
    "  78  the configuration or the users file is wrong or cannot be read\n"
    " 130  interrupted while a password was asked for; nothing was changed\n"
    "Signals: SIGTERM and SIGINT stop it in order; SIGHUP reloads configuration, secrets and "
    "users.";

// Of a start that failed with this.
int ExitCodeOf(const absl::Status& status);

}  // namespace unipresence

#endif  // UNIPRESENCE_SERVER_APP_EXIT_CODE_H_
