#include "server/app/user_difference.h"

#include <fmt/format.h>

namespace unipresence {
namespace {

class Differences {
 public:
  template <typename T>
  void Note(std::string_view field, const T& before, const T& after) {
    if (before != after) list.push_back(fmt::format("{}: '{}' -> '{}'", field, before, after));
  }
  void NoteSecret(std::string_view field, const std::string& before, const std::string& after) {
    if (before != after) list.push_back(fmt::format("{}: another one", field));
  }

  std::vector<std::string> list;
};

std::string Words(const std::vector<Line>& lines) {
  std::vector<std::string> words;
  for (const Line& line : lines) {
    words.push_back(fmt::format("{} {} {}", ToString(line.kind), line.pbx, line.device));
  }
  return fmt::format("{}", fmt::join(words, ", "));
}

void CompareAccounts(const std::vector<Line>& before, const std::vector<Line>& after,
                     Differences& out) {
  for (const Line& line : after) {
    for (const Line& known : before) {
      if (known.kind != line.kind) continue;
      const std::string field = fmt::format("lines {}", ToString(line.kind));
      out.Note(field + " sip_username", known.sip_username, line.sip_username);
      out.NoteSecret(field + " sip_secret", known.sip_secret, line.sip_secret);
    }
  }
}

void CompareBoxes(const std::optional<Voicemail>& before, const std::optional<Voicemail>& after,
                  Differences& out) {
  const Voicemail none{.context = ""};
  const Voicemail& a = before ? *before : none;
  const Voicemail& b = after ? *after : none;
  out.Note("voicemail.number", a.number, b.number);
  out.Note("voicemail.context", a.context, b.context);
  out.Note("voicemail.name", a.name, b.name);
  out.NoteSecret("voicemail.password", a.password, b.password);
  out.Note("voicemail.email", a.email, b.email);
}

}  // namespace

std::vector<std::string> DifferencesOf(const User& before, const User& after) {
  Differences out;
  if (before == after) return {};
  out.Note("display_name", before.display_name, after.display_name);
  out.Note("exten", before.exten, after.exten);
  out.Note("context", before.context, after.context);
  out.Note("line_type", ToString(before.line_type), ToString(after.line_type));
  out.Note("username", before.username, after.username);
  out.Note("role", ToString(before.role), ToString(after.role));
  out.Note("lines", Words(before.lines), Words(after.lines));
  CompareAccounts(before.lines, after.lines, out);
  out.Note("ring_seconds", before.ring_seconds, after.ring_seconds);
  CompareBoxes(before.voicemail, after.voicemail, out);
  return std::move(out.list);
}

}  // namespace unipresence
