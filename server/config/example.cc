#include "server/config/example.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <string>
#include <string_view>

#include "server/config/keys.h"
#include "server/config/pbx_section.h"
#include "server/config/settings.h"
#include "server/config/users_file.h"

namespace unipresence::config {
namespace {

constexpr std::size_t kWidth = 79;

// As comment lines, wrapped between words.
std::string Comment(std::string_view text, std::size_t indent) {
  const std::string margin = std::string(indent, ' ') + "#";
  std::string lines;
  std::string line = margin;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    if (line.size() + 1 + end > kWidth && line != margin) {
      lines += line + "\n";
      line = margin;
    }
    line += fmt::format(" {}", text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines + line + "\n";
}

// A map of these keys; each that is a map or a list itself is written by `nested`, if it can.
template <typename Nested>
std::string Map(std::span<const Key> keys, std::size_t indent, Nested nested) {
  const std::string margin(indent, ' ');
  std::string yaml;
  for (const Key& key : keys) {
    const std::string_view use = key.use == Key::Use::kNeeded    ? "needed: "
                                 : key.use == Key::Use::kInstead ? "instead: "
                                                                 : "";
    yaml += Comment(fmt::format("{}{}", use, key.help), indent);
    const std::string inner = nested(key.name);
    if (!inner.empty()) {
      yaml += fmt::format("{}{}:\n{}", margin, key.name, inner);
    } else {
      yaml += fmt::format("{}{}{}: {}\n", margin, key.use == Key::Use::kInstead ? "# " : "",
                          key.name, key.example);
    }
  }
  return yaml;
}

std::string Map(std::span<const Key> keys, std::size_t indent) {
  return Map(keys, indent, [](std::string_view) { return std::string(); });
}

// The same as an item of a list.
std::string Item(std::string map, std::size_t indent) {
  map[indent - 2] = '-';
  return map;
}

}  // namespace

std::string ExampleConfig() {
  std::string yaml =
      "# The configuration of unipresenced: every key, with its default if it has one.\n"
      "# A flag (--grpc.listen VALUE) beats a variable (UNIPRESENCED_GRPC_LISTEN),\n"
      "# which beats this file. `unipresenced --config FILE --check-config` checks it.\n"
      "\n# The Asterisks to listen to: one, or more.\npbx:\n";
  const auto pbx = Map(PbxKeys(), 4, [](std::string_view key) {
    return key == "tls" ? Map(TlsKeys(), 6) : std::string();
  });
  yaml += Item(pbx, 4);
  std::string_view open;  // section
  for (const Setting& setting : AllSettings()) {
    const std::size_t dot = setting.path.find('.');
    const bool top = dot == std::string_view::npos;
    const std::string_view section = top ? std::string_view() : setting.path.substr(0, dot);
    if (top || section != open) yaml += '\n';
    if (!top && section != open) yaml += fmt::format("{}:\n", section);
    open = section;
    const std::size_t indent = top ? 0 : 2;
    yaml += Comment(setting.help, indent);
    yaml += fmt::format("{}{}: {}\n", std::string(indent, ' '),
                        top ? setting.path : setting.path.substr(dot + 1), setting.show(Config{}));
  }
  return yaml;
}

std::string ExampleUsers() {
  const auto nested = [](std::string_view key) {
    if (key == "voicemail") return Map(VoicemailKeys(), 4);
    if (key == "lines") {
      return Item(Map(LineKeys(), 6), 6) +
             "    - {kind: webrtc, pbx: main, device: PJSIP/alice_w}\n";
    }
    return std::string();
  };
  return "# The users of unipresenced (users_file): every key, for one user.\n\n" +
         Item(Map(UserKeys(), 2, nested), 2);
}

}  // namespace unipresence::config
