#include <fmt/format.h>

#include "aggregator/pbx/configuration.h"

namespace unipresence::pbx {
namespace {

// Calls `visit(section, its template, line)` for each section with an empty line and for each of
// its lines, as they are rendered: one blank around what separates, no continued lines.
template <typename Visitor>
void ForEachLine(std::string_view file, Visitor visit) {
  std::string_view section;
  std::string_view from;
  while (!file.empty()) {
    const std::string_view line = file.substr(0, file.find('\n'));
    file.remove_prefix(std::min(file.size(), line.size() + 1));
    if (line.empty() || line.front() == ';') continue;
    if (line.front() != '[') {
      visit(section, from, line);
      continue;
    }
    const std::size_t close = line.find(']');
    section = line.substr(1, close == std::string_view::npos ? close : close - 1);
    from = {};
    if (close != std::string_view::npos && close + 2 < line.size() && line[close + 1] == '(') {
      from = line.substr(close + 2, line.find(')', close) - close - 2);
    }
    visit(section, from, std::string_view());
  }
}

void ReadPjsip(std::string_view file, ExpectedConfiguration& former) {
  const std::string mark = fmt::format("set_var = {}=", kMarkVariable);
  ForEachLine(file, [&](std::string_view section, std::string_view from, std::string_view line) {
    const bool is_endpoint =
        std::any_of(kLineKinds.begin(), kLineKinds.end(),
                    [from](LineKind kind) { return from == TemplateOf(kind); });
    if (line.empty() && is_endpoint) former.names.endpoints.emplace_back(section);
    if (line.starts_with(mark)) {
      former.marks.pjsip = line.substr(mark.size());
      former.marks.endpoint = section;
    }
  });
}

void ReadDialplan(std::string_view file, ExpectedConfiguration& former) {
  ForEachLine(file, [&](std::string_view section, std::string_view, std::string_view line) {
    constexpr std::string_view kExten = "exten => ";
    if (section == kMarkContext && line.starts_with(kExten)) {
      former.marks.dialplan = line.substr(kExten.size(), line.find(',') - kExten.size());
    }
    const std::size_t hint = line.find(",hint,");
    if (!section.starts_with(kUsersContext) || !line.starts_with(kExten) ||
        hint == std::string_view::npos) {
      return;
    }
    former.names.hints.push_back(
        {std::string(section), std::string(line.substr(kExten.size(), hint - kExten.size()))});
  });
}

void ReadVoicemail(std::string_view file, ExpectedConfiguration& former) {
  ForEachLine(file, [&](std::string_view section, std::string_view, std::string_view line) {
    const std::size_t arrow = line.find(" => ");
    if (arrow == std::string_view::npos) return;
    if (section == kMarkContext) {
      former.marks.voicemail = line.substr(0, arrow);
      return;
    }
    former.names.mailboxes.push_back(fmt::format("{}@{}", line.substr(0, arrow), section));
  });
}

}  // namespace

FormerConfiguration ReadFormer(std::span<const FileState> files) {
  FormerConfiguration former;
  for (const FileState& file : files) {
    const std::string_view content = file.content ? *file.content : std::string_view();
    const bool whole = file.content && (content.empty() || content.back() == '\n');
    if (file.path.starts_with("pjsip")) {
      former.pjsip_whole = whole;
      ReadPjsip(content, former.expected);
    } else if (file.path.starts_with("extensions")) {
      former.dialplan_whole = whole;
      ReadDialplan(content, former.expected);
    } else {
      former.voicemail_whole = whole;
      ReadVoicemail(content, former.expected);
    }
  }
  return former;
}

}  // namespace unipresence::pbx
