#include "clients/cli/command_line.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string_view>
#include <utility>

#include "aggregator/base/arguments.h"
#include "aggregator/base/valid_text.h"
#include "clients/cli/command_tree.h"
#include "clients/cli/nearest.h"

namespace unipresence::cli {

EarlyExit CommandTree::UsageError(const std::string& message) {
  std::string path = "unipresence";
  for (const CLI::App* command = &root_; !command->get_subcommands().empty();) {
    command = command->get_subcommands().front();
    path += " " + command->get_name();
  }
  return {ExitCode::kUsage, fmt::format("{}: {}\n  see: {} --help\n", path, message, path)};
}

const CLI::App& CommandTree::Named() const {
  const CLI::App* command = &root_;
  while (!command->get_subcommands().empty()) command = command->get_subcommands().front();
  return *command;
}

std::string CommandTree::AboutUnknownWord() const {
  const std::vector<std::string> unknown = root_.remaining(/*recurse=*/true);
  if (unknown.empty()) return {};
  const CLI::App& named = Named();
  std::vector<std::string> words;
  // "--stat=BUSY"
  const std::string word = unknown.front().substr(0, unknown.front().find('='));
  if (word.starts_with('-')) {
    for (const CLI::App* command = &named; command != nullptr; command = command->get_parent()) {
      for (const CLI::Option* option : command->get_options()) {
        for (const std::string& name : option->get_lnames()) words.push_back("--" + name);
      }
    }
    return fmt::format("there is no flag '{}' here{}", word, DidYouMean(word, words));
  }
  for (const CLI::App* child : named.get_subcommands(nullptr)) words.push_back(child->get_name());
  if (words.empty()) return fmt::format("'{}' is one word too many", unknown.front());
  return fmt::format("there is no command '{}' here{}", unknown.front(),
                     DidYouMean(unknown.front(), words));
}

const CLI::Option* CommandTree::GivenButEmpty() const {
  for (const CLI::App* command = &Named(); command != nullptr; command = command->get_parent()) {
    for (const CLI::Option* option : command->get_options()) {
      if (may_be_empty_.contains(option)) continue;
      const std::vector<std::string>& values = option->results();
      if (std::find(values.begin(), values.end(), "") != values.end()) return option;
    }
  }
  return nullptr;
}

std::variant<Invocation, EarlyExit> CommandTree::Parse(std::span<const std::string> arguments) {
  try {
    // CLI11 takes the arguments from the back.
    std::vector<std::string> words = SeparateEmptyValues(arguments);
    std::reverse(words.begin(), words.end());
    root_.parse(std::move(words));
  } catch (const CLI::CallForHelp&) {
    return EarlyExit{ExitCode::kOk, root_.help()};
  } catch (const CLI::CallForVersion& version) {
    return EarlyExit{ExitCode::kOk, std::string(version.what()) + "\n"};
  } catch (const CLI::ParseError& error) {
    // A group without a command of it: what there is.
    const bool is_group = results_.find(&Named()) == results_.end();
    const int code = error.get_exit_code();
    const bool incomplete = code == static_cast<int>(CLI::ExitCodes::RequiredError) ||
                            code == static_cast<int>(CLI::ExitCodes::ExtrasError);
    const std::string unknown = incomplete ? AboutUnknownWord() : std::string();
    if (!unknown.empty()) return UsageError(unknown);
    if (is_group && incomplete) return EarlyExit{ExitCode::kUsage, root_.help()};
    return UsageError(error.what());
  }
  // What is left of `--user "$VARIABLE"` if that is not set must not mean yourself.
  if (const CLI::Option* const empty = GivenButEmpty()) {
    return UsageError(fmt::format("{} is empty; give a value, or leave it out",
                                  empty->get_name(/*positional=*/false, /*all_options=*/false)));
  }
  Invocation invocation;
  const CLI::App* command = &root_;
  while (!command->get_subcommands().empty()) {
    command = command->get_subcommands().front();
    invocation.name += (invocation.name.empty() ? "" : " ") + command->get_name();
  }
  global_.output = IsMemberIgnoringCase({"json"}, output_)   ? OutputFormat::kJson
                   : IsMemberIgnoringCase({"wide"}, output_) ? OutputFormat::kWide
                                                             : OutputFormat::kTable;
  const auto timeout = default_timeouts_.find(command);
  if (timeout != default_timeouts_.end()) global_.timeout = timeout->second;
  if (timeout_) global_.timeout = *timeout_;
  invocation.global = global_;
  invocation.command = results_.at(command)();
  return invocation;
}

CommandSpec CommandTree::Describe(const CLI::App& command) const {
  CommandSpec spec{.name = command.get_name(),
                   .description = command.get_description(),
                   .flags = {},
                   .argument = {},
                   .commands = {}};
  for (const CLI::Option* option : command.get_options()) {
    const auto known = values_.find(option);
    const ValueSpec value = known == values_.end() ? ValueSpec{} : known->second;
    // The root's --help serves all.
    if (option == command.get_help_ptr() && &command != &root_) continue;
    if (option->get_positional()) {
      if (!value.choices.empty()) spec.argument = value;
      if (option->get_lnames().empty()) continue;
    }
    FlagSpec flag{.names = {},
                  .description = option->get_description(),
                  .takes_value = option->get_items_expected_max() > 0,
                  .value = value};
    for (const std::string& name : option->get_snames()) flag.names.push_back("-" + name);
    for (const std::string& name : option->get_lnames()) flag.names.push_back("--" + name);
    spec.flags.push_back(std::move(flag));
  }
  for (const CLI::App* child : command.get_subcommands(nullptr)) {
    spec.commands.push_back(Describe(*child));
  }
  return spec;
}

std::variant<Invocation, EarlyExit> ParseCommandLine(std::span<const std::string> arguments) {
  for (const std::string& argument : arguments) {
    if (IsUtf8(argument)) continue;
    return EarlyExit{ExitCode::kUsage,
                     fmt::format("unipresence: '{}' is not UTF-8; nothing was sent\n"
                                 "  write it in UTF-8, and see that the terminal does",
                                 ValidText(argument, 200))};
  }
  return CommandTree().Parse(arguments);
}

CommandSpec DescribeCommands() { return CommandTree().Describe(); }

}  // namespace unipresence::cli
