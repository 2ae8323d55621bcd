#include "clients/cli/completion.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <functional>
#include <map>
#include <set>

#include "absl/status/status.h"
#include "aggregator/base/status_macros.h"

namespace unipresence::cli {
namespace {

// The commands and flags, flattened into what the scripts look up.
struct Tables {
  struct Place {
    std::string path;  // " users add"; empty for the root
    const CommandSpec* command = nullptr;
    std::vector<const FlagSpec*> flags;  // its own and those of the commands above
  };
  std::vector<Place> places;
  std::map<std::string, ValueSpec> valued_flags;  // by name
};

bool SameValue(const ValueSpec& a, const ValueSpec& b) {
  return a.is_file == b.is_file && a.choices == b.choices;
}

absl::Status Collect(const CommandSpec& command, const std::string& path,
                     std::vector<const FlagSpec*> flags, std::map<std::string, bool>& takes_value,
                     Tables& tables) {
  for (const FlagSpec& flag : command.flags) {
    // A command's own flag stands for one of that name above it.
    std::erase_if(flags, [&](const FlagSpec* above) { return above->names == flag.names; });
    flags.push_back(&flag);
    for (const std::string& name : flag.names) {
      const auto [known, is_new] = takes_value.emplace(name, flag.takes_value);
      const auto value = tables.valued_flags.find(name);
      if (!is_new && (known->second != flag.takes_value ||
                      (flag.takes_value && !SameValue(value->second, flag.value)))) {
        return absl::InvalidArgumentError(
            fmt::format("flag {} of command '{}' takes other values elsewhere", name, path));
      }
      if (flag.takes_value) tables.valued_flags[name] = flag.value;
    }
  }
  tables.places.push_back({path, &command, flags});
  for (const CommandSpec& child : command.commands) {
    UNIPRESENCE_RETURN_IF_ERROR(
        Collect(child, path + " " + child.name, flags, takes_value, tables));
  }
  return absl::OkStatus();
}

// A word in single quotes, for bash and zsh.
std::string Quoted(std::string_view text) {
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

// The same for fish, where a backslash escapes within single quotes.
std::string FishQuoted(std::string_view text) {
  std::string quoted = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + "'";
}

// The names of flags whose value fulfils the condition, as an alternative of a `case`.
std::string FlagPattern(const Tables& tables, const std::function<bool(const ValueSpec&)>& which) {
  std::vector<std::string> names;
  for (const auto& [name, value] : tables.valued_flags) {
    if (which(value)) names.push_back(name);
  }
  return fmt::format("{}", fmt::join(names, "|"));
}

bool IsFree(const ValueSpec& value) { return !value.is_file && value.choices.empty(); }

// The loop that finds the command that stands before the cursor: `at` = " users add". The same in
// bash and zsh, but for where the words are.
std::string PathLoop(const Tables& tables, std::string_view first, std::string_view cursor,
                     std::string_view words) {
  std::vector<std::string> paths;
  for (const Tables::Place& place : tables.places) {
    if (!place.path.empty()) paths.push_back(Quoted(place.path));
  }
  return fmt::format(
      "  for ((i = {}; i < {}; ++i)); do\n"
      "    word=\"${{{}[i]}}\"\n"
      "    case \"$word\" in\n"
      "      {}) ((++i)) ;;\n"
      "      -*) ;;\n"
      "      *) case \"$at $word\" in\n"
      "           {}) at=\"$at $word\" ;;\n"
      "         esac ;;\n"
      "    esac\n"
      "  done\n",
      first, cursor, words, FlagPattern(tables, [](const ValueSpec&) { return true; }),
      fmt::join(paths, "|"));
}

std::string Bash(const Tables& tables, const std::string& program) {
  std::string script = fmt::format(
      "# bash completion for {0}: source <({0} completion bash)\n"
      "_{0}() {{\n"
      "  local current=\"${{COMP_WORDS[COMP_CWORD]}}\" at= i word words= flags=\n"
      "  COMPREPLY=()\n",
      program);
  script += PathLoop(tables, "1", "COMP_CWORD", "COMP_WORDS");
  script += "  case \"${COMP_WORDS[COMP_CWORD-1]}\" in\n";
  for (const auto& [name, value] : tables.valued_flags) {
    if (value.choices.empty()) continue;
    script += fmt::format("    {}) words={} ;;\n", name,
                          Quoted(fmt::format("{}", fmt::join(value.choices, " "))));
  }
  script += fmt::format(
      "    {}) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- \"$current\"); return "
      ";;\n",
      FlagPattern(tables, [](const ValueSpec& value) { return value.is_file; }));
  script += fmt::format("    {}) return ;;\n", FlagPattern(tables, IsFree));
  script += "    *) case \"$at\" in\n";
  for (const Tables::Place& place : tables.places) {
    std::vector<std::string> words = place.command->argument.choices;
    for (const CommandSpec& child : place.command->commands) words.push_back(child.name);
    std::vector<std::string> flags;
    for (const FlagSpec* flag : place.flags) {
      flags.insert(flags.end(), flag->names.begin(), flag->names.end());
    }
    script += fmt::format("         {}) words={} flags={} ;;\n", Quoted(place.path),
                          Quoted(fmt::format("{}", fmt::join(words, " "))),
                          Quoted(fmt::format("{}", fmt::join(flags, " "))));
  }
  script += fmt::format(
      "       esac\n"
      "       if [[ $current == -* || -z $words ]]; then words=$flags; fi ;;\n"
      "  esac\n"
      "  mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$current\")\n"
      "}}\n"
      "complete -F _{0} {0}\n",
      program);
  return script;
}

// An entry of zsh's _describe: name and description, parted by a colon.
std::string ZshEntry(std::string_view name, std::string_view description) {
  std::string entry;
  for (const char c : name) {
    if (c == ':') entry += '\\';
    entry += c;
  }
  return Quoted(fmt::format("{}:{}", entry, description));
}

std::string Zsh(const Tables& tables, const std::string& program) {
  std::string script = fmt::format(
      "#compdef {0}\n"
      "# zsh completion for {0}: {0} completion zsh > \"${{fpath[1]}}/_{0}\"\n"
      "_{0}() {{\n"
      "  local at= i word\n"
      "  local -a commands flags\n",
      program);
  script += PathLoop(tables, "2", "CURRENT", "words");
  script += "  case \"${words[CURRENT-1]}\" in\n";
  for (const auto& [name, value] : tables.valued_flags) {
    if (value.choices.empty()) continue;
    script +=
        fmt::format("    {}) compadd -- {}; return ;;\n", name, fmt::join(value.choices, " "));
  }
  script += fmt::format("    {}) _files; return ;;\n",
                        FlagPattern(tables, [](const ValueSpec& v) { return v.is_file; }));
  script += fmt::format("    {}) return ;;\n", FlagPattern(tables, IsFree));
  script += "  esac\n  case \"$at\" in\n";
  for (const Tables::Place& place : tables.places) {
    std::vector<std::string> commands;
    for (const std::string& choice : place.command->argument.choices) {
      commands.push_back(Quoted(choice));
    }
    for (const CommandSpec& child : place.command->commands) {
      commands.push_back(ZshEntry(child.name, child.description));
    }
    std::vector<std::string> flags;
    for (const FlagSpec* flag : place.flags) {
      for (const std::string& name : flag->names) {
        flags.push_back(ZshEntry(name, flag->description));
      }
    }
    script += fmt::format("    {})\n      commands=({})\n      flags=({}) ;;\n", Quoted(place.path),
                          fmt::join(commands, " "), fmt::join(flags, "\n             "));
  }
  script += fmt::format(
      "  esac\n"
      "  [[ \"$PREFIX\" == -* ]] || _describe command commands\n"
      "  [[ \"$PREFIX\" != -* && ${{#commands}} -gt 0 ]] || _describe flag flags\n"
      "}}\n"
      "if [[ \"${{funcstack[1]}}\" == _{0} ]]; then _{0} \"$@\"; else compdef _{0} {0}; fi\n",
      program);
  return script;
}

// One `complete` line of fish; `where` is a condition or empty.
std::string FishFlag(const std::string& program, const std::string& where, const FlagSpec& flag) {
  std::string line = fmt::format("complete -c {}{}", program, where);
  for (const std::string& name : flag.names) {
    line += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
  }
  if (flag.takes_value) {
    line += flag.value.is_file ? " -r -F" : " -x";
    if (!flag.value.choices.empty()) {
      line += " -a " + FishQuoted(fmt::format("{}", fmt::join(flag.value.choices, " ")));
    }
  }
  return line + " -d " + FishQuoted(flag.description) + "\n";
}

std::string Fish(const Tables& tables, const std::string& program) {
  std::vector<std::string> valued;
  for (const auto& [name, value] : tables.valued_flags) valued.push_back(name);
  std::vector<std::string> paths;
  for (const Tables::Place& place : tables.places) {
    if (!place.path.empty()) paths.push_back(FishQuoted(place.path));
  }
  std::string script = fmt::format(
      "# fish completion for {0}: {0} completion fish > ~/.config/fish/completions/{0}.fish\n"
      "function __{0}_at\n"
      "  set -l at ''\n"
      "  set -l skip 0\n"
      "  for word in (commandline -opc)[2..-1]\n"
      "    if test $skip -eq 1\n"
      "      set skip 0\n"
      "      continue\n"
      "    end\n"
      "    switch $word\n"
      "      case {1}\n"
      "        set skip 1\n"
      "      case '-*'\n"
      "      case '*'\n"
      "        if contains -- \"$at $word\" {2}\n"
      "          set at \"$at $word\"\n"
      "        end\n"
      "    end\n"
      "  end\n"
      "  test \"$at\" = \"$argv[1]\"\n"
      "end\n"
      "complete -c {0} -f\n",
      program, fmt::join(valued, " "), fmt::join(paths, " "));
  for (const Tables::Place& place : tables.places) {
    const std::string where =
        fmt::format(" -n {}", FishQuoted(fmt::format("__{}_at '{}'", program, place.path)));
    for (const std::string& choice : place.command->argument.choices) {
      script += fmt::format("complete -c {}{} -a {}\n", program, where, choice);
    }
    for (const CommandSpec& child : place.command->commands) {
      script += fmt::format("complete -c {}{} -a {} -d {}\n", program, where, child.name,
                            FishQuoted(child.description));
    }
    for (const FlagSpec* flag : place.flags) script += FishFlag(program, where, *flag);
  }
  return script;
}

}  // namespace

absl::StatusOr<std::string> CompletionScript(std::string_view shell, const CommandSpec& root) {
  Tables tables;
  std::map<std::string, bool> takes_value;
  UNIPRESENCE_RETURN_IF_ERROR(Collect(root, "", {}, takes_value, tables));
  if (shell == "bash") return Bash(tables, root.name);
  if (shell == "zsh") return Zsh(tables, root.name);
  if (shell == "fish") return Fish(tables, root.name);
  return absl::InvalidArgumentError(
      fmt::format("no completion for shell '{}': there is bash, zsh and fish", shell));
}

}  // namespace unipresence::cli
