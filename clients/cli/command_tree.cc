#include "clients/cli/command_tree.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <memory>
#include <sstream>

#include "clients/cli/display_text.h"
#include "clients/cli/help_texts.h"
#include "clients/cli/nearest.h"
#include "clients/cli/words.h"

namespace unipresence::cli {
namespace {

std::string EnvironmentName(std::string_view prefix, std::string_view flag) {
  std::string name(prefix);
  for (const char c : flag) {
    name += c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  }
  return name;
}

// Nobody's terminal is narrower, and wider lines are harder to read.
constexpr std::size_t kHelpWidth = 80;

// Help in lines of kHelpWidth. An argument's name says what it is, without CLI11's type beside it.
class HelpFormatter : public CLI::Formatter {
 public:
  std::string make_option_desc(const CLI::Option* option) const override {
    return Narrow(option->get_description());
  }

  std::string make_option(const CLI::Option* option, bool is_positional) const override {
    if (!is_positional) return Formatter::make_option(option, is_positional);
    const bool many = option->get_items_expected_max() > 1;
    return Entry("  " + option->get_name(true, false) + (many ? " ..." : ""),
                 option->get_description());
  }

  std::string make_subcommand(const CLI::App* command) const override {
    return Entry("  " + command->get_name(), command->get_description());
  }

  // Paragraphs are wrapped; what is indented, such as examples, stays as it is.
  std::string make_footer(const CLI::App* command) const override {
    std::istringstream lines(command->get_footer());
    std::string text;
    std::string paragraph;
    const auto end_paragraph = [&] {
      if (paragraph.empty()) return;
      for (const std::string& line : Wrapped(paragraph, kHelpWidth)) text += line + "\n";
      paragraph.clear();
    };
    for (std::string line; std::getline(lines, line);) {
      if (line.empty() || line.starts_with(' ')) {
        end_paragraph();
        text += line + "\n";
      } else {
        paragraph += (paragraph.empty() ? "" : " ") + line;
      }
    }
    end_paragraph();
    return text.empty() ? text : "\n" + text;
  }

 private:
  std::string Narrow(const std::string& description) const {
    return fmt::format("{}", fmt::join(Wrapped(description, kHelpWidth - column_width_), "\n"));
  }
  std::string Entry(const std::string& name, const std::string& description) const {
    std::ostringstream entry;
    CLI::detail::format_help(entry, name, Narrow(description), column_width_);
    return entry.str();
  }
};

}  // namespace

bool IsMemberIgnoringCase(const std::vector<std::string>& words, std::string_view word) {
  const auto plain = [](char c) {
    return c == '-' ? '_' : std::tolower(static_cast<unsigned char>(c));
  };
  return std::any_of(words.begin(), words.end(), [&](const std::string& candidate) {
    return std::equal(candidate.begin(), candidate.end(), word.begin(), word.end(),
                      [&](char a, char b) { return plain(a) == plain(b); });
  });
}

CommandTree::CommandTree() {
  root_.formatter(std::make_shared<HelpFormatter>());
  root_.get_formatter()->column_width(30);
  root_.footer(kRootFooter + ExitCodeHelp());
  root_.require_subcommand(1);
  root_.set_version_flag("--version", "unipresence " UNIPRESENCE_VERSION);
  AddGlobalFlags();
  AddLogin();
  AddLogout();
  AddWhoami();
  AddSession();
  AddSelect();
  AddDnd();
  AddCalls();
  AddCall();
  AddHangup();
  AddTransfer();
  AddForward();
  AddGet();
  AddList();
  AddExplain();
  AddWatch();
  AddWait();
  AddVoicemail();
  AddUsers();
  AddPbx();
  AddServer();
  AddAsterisk();
  AddCompletion();
  AddVersion();
}

CLI::App& CommandTree::Group(const std::string& name, const std::string& description,
                             const std::string& footer) {
  CLI::App& group = *root_.add_subcommand(name, description);
  group.require_subcommand(1);
  group.fallthrough();
  group.footer(footer + "\n\nFlags of all commands: unipresence --help");
  // Makes CLI11 read the environment for this command only if it is the one that was given: a
  // variable meant for another command must not make this one fail.
  group.parse_complete_callback([] {});
  return group;
}

CLI::App& CommandTree::Command(CLI::App& parent, const std::string& name,
                               const std::string& description, Result result,
                               const std::string& footer) {
  CLI::App& command = *parent.add_subcommand(name, description);
  command.fallthrough();
  command.parse_complete_callback([] {});
  command.footer(footer + (footer.empty() ? "" : "\n\n") +
                 "Flags of all commands: unipresence --help");
  results_[&command] = std::move(result);
  return command;
}

CLI::Option* CommandTree::WithChoices(CLI::Option* option, std::vector<std::string> choices) {
  option->check(
      [choices](const std::string& word) {
        if (IsMemberIgnoringCase(choices, word)) return std::string();
        return fmt::format("'{}' is none of {}{}", word, fmt::join(choices, ", "),
                           DidYouMean(word, choices));
      },
      "");
  values_[option].choices = std::move(choices);
  return option;
}

CLI::Option* CommandTree::AddTime(CLI::App& command, const std::string& flag,
                                  std::optional<std::chrono::milliseconds>& time,
                                  const std::string& description) {
  CLI::Option* option = command.add_option_function<std::string>(
      flag, [&time](const std::string& word) { time = ParseTime(word); }, description);
  option->check(
      [](const std::string& word) {
        if (ParseTime(word)) return std::string();
        return fmt::format("'{}' is no time; give it as 30s, 5m, 1h or 500ms, up to 24h", word);
      },
      "");
  return option->type_name("TIME");
}

CLI::Option* CommandTree::WithFile(CLI::Option* option) {
  option->type_name("FILE");
  values_[option].is_file = true;
  return option;
}

void CommandTree::AddPassword(CLI::App& command, PasswordSource& password) {
  CLI::Option* file = WithFile(command.add_option("--password-file", password.file,
                                                  "File whose first line is the password"));
  command.add_flag("--password-stdin", password.from_stdin, "Read the password from stdin")
      ->excludes(file);
}

void CommandTree::NameEnvironment(CLI::App& command, std::string_view prefix) {
  for (CLI::Option* option : command.get_options()) {
    if (option == command.get_help_ptr() || option->get_lnames().empty()) continue;
    if (option->get_lnames().front() == "version") continue;
    option->envname(EnvironmentName(prefix, option->get_lnames().front()));
  }
}

void CommandTree::AddGlobalFlags() {
  root_
      .add_option("--server", global_.server,
                  fmt::format("The server's gRPC address, host:port or unix:PATH (default: where "
                              "you are logged in, else {})",
                              kDefaultServer))
      ->type_name("ADDRESS");
  WithFile(root_.add_option("--session-file", global_.session_file,
                            "Where the session is kept between commands (default: "
                            "$XDG_STATE_HOME/unipresence/session.json)"));
  WithChoices(root_
                  .add_option("-o,--output", output_,
                              "table: fits the terminal; wide: all columns; json: one object per "
                              "line")
                  ->type_name("FORMAT"),
              {"table", "wide", "json"});
  root_.add_flag("--utc", global_.utc, "Tell times in UTC, not in the local zone");
  AddTime(root_, "--timeout", timeout_,
          "How long to wait for each answer (default: 10s; asterisk apply: 60s)");
  NameEnvironment(root_, "UNIPRESENCE_");
}

}  // namespace unipresence::cli
