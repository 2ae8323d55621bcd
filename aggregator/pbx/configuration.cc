#include "aggregator/pbx/configuration.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <iterator>
#include <map>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "aggregator/base/strings.h"

#include "aggregator/base/status_macros.h"

namespace unipresence::pbx {
namespace {

constexpr std::string_view kExtensionsPath = "extensions_unipresence_users.conf";
constexpr std::string_view kPjsipPath = "pjsip_unipresence_users.conf";
constexpr std::string_view kVoicemailPath = "voicemail_unipresence_users.conf";

constexpr std::string_view kHeader =
    "; Written by unipresenced from its users. Changes made here are lost: use `unipresence "
    "users`.\n"
    "; #include this file in {}.\n";

constexpr std::string_view kTechnology = "PJSIP/";
// Of the files in deploy/asterisk: no section of a user may take such a name.
constexpr std::string_view kOwnPrefix = "unipresence-";
constexpr std::size_t kMaxContext = 79;  // AST_MAX_CONTEXT without the closing NUL

// Extensions that Asterisk jumps to by itself (pbx.c).
constexpr std::array<std::string_view, 11> kSpecialExtensions = {
    "a", "e", "fax", "h", "i", "o", "s", "t", "T", "failed", "talk"};

absl::Status Refused(const User& user, std::string_view field, std::string_view value,
                     std::string_view remedy) {
  return absl::InvalidArgumentError(
      fmt::format("user '{}': {} '{}' cannot be written into Asterisk's configuration: {}", user.id,
                  field, value, remedy));
}

bool IsNameCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '_' || c == '@' || c == '-' || c == '+';
}

// A name within a line or of a section.
absl::Status CheckName(const User& user, std::string_view field, std::string_view value,
                       std::string_view also_allowed = "") {
  if (!value.empty() && std::all_of(value.begin(), value.end(), [&](char c) {
        return IsNameCharacter(c) || also_allowed.find(c) != std::string_view::npos;
      })) {
    return absl::OkStatus();
  }
  return Refused(user, field, value,
                 fmt::format("use the characters A-Z a-z 0-9 . _ @ - + {}", also_allowed));
}

// The rest of a line.
absl::Status CheckText(const User& user, std::string_view field, std::string_view value) {
  if (std::all_of(value.begin(), value.end(),
                  [](char c) { return static_cast<unsigned char>(c) >= 0x20 && c != 0x7f; })) {
    return absl::OkStatus();
  }
  return Refused(user, field, "", "leave out control characters");
}

absl::Status CheckSecret(const User& user, const Line& line) {
  if (std::all_of(line.sip_secret.begin(), line.sip_secret.end(),
                  [](char c) { return c > 0x20 && c < 0x7f && c != ';'; })) {
    return absl::OkStatus();
  }
  return Refused(user, fmt::format("the sip_secret of {}", line.device), "***",
                 "use printable ASCII characters without blanks and ;");
}

// A semicolon begins a comment unless it stands behind a backslash (main/config.c).
std::string Escaped(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (c == ';') escaped += '\\';
    escaped += c;
  }
  return escaped;
}

// As ast_callerid_parse reads it: within quotes a backslash keeps its successor.
std::string CallerId(const User& user) {
  const std::string& name = user.display_name.empty() ? user.id : user.display_name;
  std::string quoted;
  for (const char c : name) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return Escaped(fmt::format("\"{}\" <{}>", quoted, user.exten));
}

std::string BoxName(const Voicemail& box) { return fmt::format("{}@{}", box.number, box.context); }

// Null if the user has none on that PBX.
const Voicemail* BoxOn(const User& user, std::string_view pbx) {
  const auto first =
      std::min_element(user.lines.begin(), user.lines.end(),
                       [](const Line& left, const Line& right) { return left.kind < right.kind; });
  if (!user.voicemail || first == user.lines.end() || first->pbx != pbx) return nullptr;
  return &*user.voicemail;
}

// FNV-1a: the same on every machine and in every version, for the files are compared.
std::string MarkOf(std::string_view file) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : file) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  // The letter keeps it from being a number that somebody could dial.
  return fmt::format("r{:016x}", hash);
}

constexpr std::string_view kMarkComment =
    "\n; By this the server sees that Asterisk has this file.\n";

using Sections = std::map<std::string, std::string>;  // lines by name

// What one user brings.
class UserRenderer {
 public:
  explicit UserRenderer(std::string_view pbx) : pbx_(pbx) {}

  // INVALID_ARGUMENT: the user cannot be rendered; what was made so far is of no use.
  absl::Status Add(const User& user) {
    UNIPRESENCE_RETURN_IF_ERROR(AddEntry(user));
    for (const Line& line : user.lines) {
      if (line.pbx != pbx_ || line.sip_username.empty() || line.sip_secret.empty()) continue;
      UNIPRESENCE_RETURN_IF_ERROR(AddLine(user, line));
    }
    if (const Voicemail* box = BoxOn(user, pbx_)) UNIPRESENCE_RETURN_IF_ERROR(AddBox(user, *box));
    return absl::OkStatus();
  }

  const ConfiguredNames& names() const { return names_; }
  const std::string& pjsip() const { return pjsip_; }
  const Sections& contexts() const { return contexts_; }
  const Sections& boxes() const { return boxes_; }

 private:
  absl::Status AddEntry(const User& user) {
    UNIPRESENCE_RETURN_IF_ERROR(CheckName(user, "context", user.context));
    UNIPRESENCE_RETURN_IF_ERROR(CheckName(user, "exten", user.exten, "*#"));
    if (kUsersContext.size() + user.context.size() > kMaxContext) {
      return Refused(user, "context", user.context,
                     fmt::format("use at most {} characters", kMaxContext - kUsersContext.size()));
    }
    if (user.exten.front() == '_') {
      return Refused(user, "exten", user.exten, "a leading _ makes it a pattern of many numbers");
    }
    if (std::find(kSpecialExtensions.begin(), kSpecialExtensions.end(), user.exten) !=
        kSpecialExtensions.end()) {
      return Refused(user, "exten", user.exten, "Asterisk jumps there by itself");
    }
    std::string& section = contexts_[std::string(kUsersContext) + user.context];
    names_.hints.push_back({std::string(kUsersContext) + user.context, user.exten});
    section += fmt::format("; {}\n", user.id);
    section +=
        fmt::format("exten => {0},hint,Custom:unipresence-{1}-{0}\n", user.exten, user.context);
    section += fmt::format("exten => {0},1,Gosub(unipresence-user,{0},1({1}))\n", user.exten,
                           user.context);
    return absl::OkStatus();
  }

  absl::Status AddLine(const User& user, const Line& line) {
    if (!line.device.starts_with(kTechnology)) {
      return Refused(user, "the device", line.device,
                     "only PJSIP/NAME has a SIP account; clear its sip_username");
    }
    const std::string name = line.device.substr(kTechnology.size());
    UNIPRESENCE_RETURN_IF_ERROR(CheckName(user, "the device", name));
    if (name.starts_with(kOwnPrefix)) {
      return Refused(user, "the device", line.device, "names of that kind are our templates'");
    }
    if (line.sip_username != name) {
      return Refused(
          user, fmt::format("the sip_username of {}", line.device), line.sip_username,
          fmt::format("Asterisk knows a phone by the name of its device; use '{}'", name));
    }
    UNIPRESENCE_RETURN_IF_ERROR(CheckSecret(user, line));
    UNIPRESENCE_RETURN_IF_ERROR(CheckText(user, "display_name", user.display_name));
    names_.endpoints.push_back(name);
    const std::string_view kind = TemplateOf(line.kind);
    auto out = std::back_inserter(pjsip_);
    fmt::format_to(out, "\n; {}: {}\n[{}]({}-aor)\n", user.id, ToString(line.kind), name, kind);
    fmt::format_to(out, "[{0}](unipresence-auth)\nusername = {0}\npassword = {1}\n", name,
                   line.sip_secret);
    fmt::format_to(out, "[{0}]({1})\naors = {0}\nauth = {0}\n", name, kind);
    fmt::format_to(out, "context = {}\ncallerid = {}\n", user.context, CallerId(user));
    if (const Voicemail* box = BoxOn(user, pbx_)) {
      fmt::format_to(out, "mailboxes = {}\n", BoxName(*box));
    }
    fmt::format_to(out, "set_var = UNIPRESENCE_CONTEXT={0}\nset_var = UNIPRESENCE_NUMBER={1}\n",
                   user.context, user.exten);
    fmt::format_to(out, "set_var = TRANSFER_CONTEXT={}\n", user.context);
    return absl::OkStatus();
  }

  absl::Status AddBox(const User& user, const Voicemail& box) {
    UNIPRESENCE_RETURN_IF_ERROR(CheckName(user, "voicemail.context", box.context));
    UNIPRESENCE_RETURN_IF_ERROR(CheckName(user, "voicemail.number", box.number));
    if (box.context == "general" || box.context == "zonemessages" || box.context == kMarkContext) {
      return Refused(user, "voicemail.context", box.context,
                     "that section of voicemail.conf is not for users");
    }
    if (box.password.find_first_not_of("0123456789#") != std::string::npos) {
      return Refused(user, "voicemail.password", "***", "use the characters 0-9 #");
    }
    UNIPRESENCE_RETURN_IF_ERROR(CheckText(user, "voicemail.email", box.email));
    if (box.email.find_first_of(",|") != std::string::npos) {
      return Refused(user, "voicemail.email", box.email, "leave out , and |");
    }
    std::string name = !box.name.empty()            ? box.name
                       : !user.display_name.empty() ? user.display_name
                                                    : user.id;
    UNIPRESENCE_RETURN_IF_ERROR(CheckText(user, "voicemail.name", name));
    // A comma ends the field and nothing escapes it (apps/app_voicemail.c).
    std::replace_if(
        name.begin(), name.end(), [](char c) { return c == ',' || c == '|'; }, ' ');
    names_.mailboxes.push_back(BoxName(box));
    boxes_[box.context] += fmt::format("; {}\n{} => {},{},{}\n", user.id, box.number, box.password,
                                       Escaped(name), Escaped(box.email));
    return absl::OkStatus();
  }

  const std::string_view pbx_;
  std::string pjsip_;
  ConfiguredNames names_;
  Sections contexts_;
  Sections boxes_;
};

// The files of one PBX while they grow.
class Renderer {
 public:
  explicit Renderer(std::string_view pbx) : pbx_(pbx) {}

  void Add(const User& user) {
    UserRenderer one(pbx_);
    absl::Status status = one.Add(user);
    if (status.ok()) status = Claim(user, one.names());
    if (!status.ok()) {
      skipped_.push_back({user.id, std::string(status.message())});
      return;
    }
    pjsip_ += one.pjsip();
    for (const auto& [name, lines] : one.contexts()) contexts_[name] += lines;
    for (const auto& [name, lines] : one.boxes()) boxes_[name] += lines;
    const auto append = [](const auto& from, auto& to) {
      to.insert(to.end(), from.begin(), from.end());
    };
    append(one.names().endpoints, names_.endpoints);
    append(one.names().hints, names_.hints);
    append(one.names().mailboxes, names_.mailboxes);
  }

  RenderedConfiguration Take() && {
    ConfigurationMarks marks;
    std::string extensions = fmt::format(kHeader, "extensions.conf");
    Append(contexts_, extensions);
    if (!names_.hints.empty()) {
      marks.dialplan = MarkOf(extensions);
      extensions +=
          fmt::format("{}[{}]\nexten => {},1,NoOp()\n", kMarkComment, kMarkContext, marks.dialplan);
    }
    std::string voicemail = fmt::format(kHeader, "voicemail.conf");
    Append(boxes_, voicemail);
    if (!names_.mailboxes.empty()) {
      marks.voicemail = MarkOf(voicemail);
      voicemail += fmt::format("{}[{}]\n{} => ,,\n", kMarkComment, kMarkContext, marks.voicemail);
    }
    std::string pjsip = fmt::format(kHeader, "pjsip.conf, behind pjsip_unipresence.conf") + pjsip_;
    if (!names_.endpoints.empty()) {
      const std::string mark = MarkOf(pjsip);
      marks.pjsip = std::string(kOwnPrefix) + mark;
      marks.endpoint = names_.endpoints.back();
      // The first line belongs to the section above, the last endpoint.
      pjsip += fmt::format(
          "set_var = {0}={1}\n{2}[{1}]\ntype = aor\n[{1}](unipresence-auth)\nusername = {1}\n"
          "password = {3}\n",
          kMarkVariable, marks.pjsip, kMarkComment, mark);
    }
    return {.files = {{std::string(kExtensionsPath), std::move(extensions)},
                      {std::string(kPjsipPath), std::move(pjsip)},
                      {std::string(kVoicemailPath), std::move(voicemail)}},
            .expected = {.names = std::move(names_), .marks = std::move(marks)},
            .skipped = std::move(skipped_)};
  }

 private:
  static void Append(const Sections& sections, std::string& file) {
    for (const auto& [name, lines] : sections) file += fmt::format("\n[{}]\n{}", name, lines);
  }

  // Takes the names for this user, all or none.
  absl::Status Claim(const User& user, const ConfiguredNames& names) {
    // Asterisk has device states and boxes without regard to case, numbers as they are.
    std::vector<std::pair<std::string, std::string>> claims;  // what it is, its key
    for (const std::string& name : names.endpoints) {
      claims.emplace_back("the device",
                          fmt::format("{}{}", kTechnology, absl::AsciiStrToLower(name)));
    }
    for (const ConfiguredNames::Extension& hint : names.hints) {
      claims.emplace_back("the number", fmt::format("{}@{}", hint.exten, user.context));
    }
    for (const std::string& box : names.mailboxes) {
      claims.emplace_back("the voicemail box", absl::AsciiStrToLower(box));
    }
    for (const auto& claim : claims) {
      const auto taken = owners_.find(claim);
      if (taken == owners_.end() || taken->second == user.id) continue;
      return Refused(user, claim.first, claim.second,
                     fmt::format("user '{}' has it too; change one of both", taken->second));
    }
    for (auto& claim : claims) owners_.emplace(std::move(claim), user.id);
    return absl::OkStatus();
  }

  const std::string_view pbx_;
  std::string pjsip_;
  ConfiguredNames names_;
  Sections contexts_;
  Sections boxes_;
  std::vector<SkippedUser> skipped_;
  std::map<std::pair<std::string, std::string>, std::string> owners_;  // user by claim
};

}  // namespace

std::string_view TemplateOf(LineKind kind) {
  switch (kind) {
    case LineKind::kDeskphone:
      return "unipresence-deskphone";
    case LineKind::kWebrtc:
      return "unipresence-web";
  }
  __builtin_unreachable();
}

RenderedConfiguration RenderConfiguration(std::string_view pbx, std::span<const User> users) {
  std::vector<const User*> sorted;
  for (const User& user : users) {
    if (std::any_of(user.lines.begin(), user.lines.end(),
                    [&](const Line& line) { return line.pbx == pbx; })) {
      sorted.push_back(&user);
    }
  }
  std::sort(sorted.begin(), sorted.end(),
            [](const User* left, const User* right) { return left->id < right->id; });
  Renderer renderer(pbx);
  for (const User* user : sorted) renderer.Add(*user);
  return std::move(renderer).Take();
}

std::string MaskSecret(std::string_view line) {
  constexpr std::string_view kPassword = "password = ";
  if (line.starts_with(kPassword)) return fmt::format("{}***", kPassword);
  const std::size_t arrow = line.find(" => ");
  const bool is_box =
      arrow != std::string_view::npos && arrow > 0 &&
      line.substr(0, arrow).find_first_not_of("0123456789") == std::string_view::npos;
  if (!is_box) return std::string(line);
  const std::size_t comma = std::min(line.find(',', arrow), line.size());
  return fmt::format("{} => ***{}", line.substr(0, arrow), line.substr(comma));
}

}  // namespace unipresence::pbx
