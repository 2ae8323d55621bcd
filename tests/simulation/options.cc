#include "tests/simulation/options.h"

#include <charconv>
#include <string_view>
#include <utility>

#include "CLI/CLI.hpp"
#include "absl/status/status.h"
#include "aggregator/base/strings.h"
#include "fmt/format.h"
#include "tests/simulation/control.h"

namespace unipresence::simulation {
namespace {

std::vector<std::string> Split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  std::size_t at = 0;
  while ((at = text.find(separator)) != std::string_view::npos) {
    parts.emplace_back(text.substr(0, at));
    text.remove_prefix(at + 1);
  }
  parts.emplace_back(text);
  return parts;
}

// Puts what a parser made of an option's text into `target`; the parser's words are the error.
template <typename T, typename Parse, typename Target>
CLI::callback_t Into(Target& target, Parse parse) {
  return [&target, parse](const CLI::results_t& texts) {
    for (const std::string& text : texts) {
      absl::StatusOr<T> value = parse(text);
      if (!value.ok()) {
        throw CLI::ValidationError(std::string(FromAbsl(value.status().message())));
      }
      if constexpr (std::is_same_v<Target, std::vector<T>>) {
        target.push_back(*std::move(value));
      } else {
        target = *std::move(value);
      }
    }
    return true;
  };
}

}  // namespace

absl::StatusOr<Address> ParseAddress(const std::string& text) {
  const std::size_t colon = text.rfind(':');
  Address address;
  if (colon != std::string::npos) {
    address.host = text.substr(0, colon);
    const char* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data() + colon + 1, end, address.port);
    if (error == std::errc() && stop == end && !address.host.empty()) return address;
  }
  return absl::InvalidArgumentError(
      fmt::format("\"{}\" is not HOST:PORT, as 127.0.0.1:5038", text));
}

absl::StatusOr<ManagerUser> ParseManager(const std::string& text) {
  const std::vector<std::string> parts = Split(text, ':');
  if (parts.size() == 2 || parts.size() == 4) {
    const std::optional<Rights> read = ParseRights(parts.size() == 4 ? parts[2] : "all");
    const std::optional<Rights> write = ParseRights(parts.size() == 4 ? parts[3] : "all");
    if (read.has_value() && write.has_value())
      return ManagerUser{parts[0], parts[1], *read, *write};
  }
  return absl::InvalidArgumentError(fmt::format(
      "\"{}\" is not NAME:SECRET or NAME:SECRET:READ:WRITE with rights as in manager.conf", text));
}

std::optional<int> ParseCommandLine(int argc, char** argv, Options& options) {
  CLI::App app(
      "A simulated Asterisk that speaks AMI: users with a deskphone and a web line, calls, lists, "
      "AstDB, restarts, and device state changes at full speed.\n"
      "Prints one JSON line with the addresses it listens on, then serves until SIGINT or "
      "SIGTERM.");
  app.footer("Commands of the control port, one JSON object a line, {\"command\": ...}:\n" +
             std::string(CommandsHelp()));
  app.add_option("--listen", Into<Address>(options.listen, ParseAddress),
                 "AMI address, port 0 for any free one (default 127.0.0.1:5038)");
  app.add_option("--control", Into<Address>(options.control, ParseAddress),
                 "address of the control port (default: none)");
  app.add_option("--users", options.users, "generate user0 to userN-1, numbers 1000 and up")
      ->capture_default_str();
  app.add_option("--users-file", options.users_file,
                 "take the users from a users file of unipresenced instead");
  app.add_option(
      "--users-file-out", options.users_file_out,
      "write the users as a users file; from 1000 on all have the password \"password\"");
  app.add_option("--pbx-name", options.pbx_name, "name of this PBX in users files")
      ->capture_default_str();
  app.add_option("--manager", Into<ManagerUser>(options.managers, ParseManager),
                 "AMI user NAME:SECRET[:READ:WRITE], repeatable (default unipresence:unipresence)");
  app.add_flag("--registered,!--unregistered", options.registered,
               "whether all phones are registered at the start (default: they are)");
  app.add_flag("--asterisk-16", options.asterisk_16, "greet as Asterisk 16 does, not 22");
  app.add_option("--seed", options.seed,
                 "of everything random; 0 sends the events of an instant in a fixed order")
      ->capture_default_str();
  app.add_option(
      "--write-timeout-ms",
      [&options](const CLI::results_t& texts) {
        int value = 0;
        if (!CLI::detail::lexical_cast(texts[0], value) || value <= 0) return false;
        options.write_timeout = std::chrono::milliseconds(value);
        return true;
      },
      "a client that reads nothing for so long is cut off (default 5000)");
  app.add_flag("--demo", options.demo, "let the users call each other at random");
  app.add_option(
      "--pace-ms",
      [&options](const CLI::results_t& texts) {
        int value = 0;
        if (!CLI::detail::lexical_cast(texts[0], value) || value <= 0) return false;
        options.pace = std::chrono::milliseconds(value);
        return true;
      },
      "time between two things that happen in the demo (default 700)");
  app.add_flag("-v,--verbose", options.verbose, "say on stderr what happens in the demo");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error);
  }
  if (options.managers.empty()) options.managers.push_back({"unipresence", "unipresence"});
  return std::nullopt;
}

}  // namespace unipresence::simulation
