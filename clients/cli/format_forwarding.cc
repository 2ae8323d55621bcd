#include <fmt/format.h>

#include <string>
#include <string_view>

#include "clients/cli/format_table.h"

namespace unipresence::cli {
namespace {

std::string Text(const v1::Forward& forward) {
  if (forward.destination().empty()) return "off";
  const std::string destination = Shown(forward.destination());
  return forward.enabled() ? "to " + destination : fmt::format("off (to {})", destination);
}

}  // namespace

void WriteForwarding(const v1::Forwarding& forwarding, const TimeView& view, Output& output) {
  const auto line = [&](std::string_view name, std::string_view value) {
    output.Line(fmt::format("{:<14}  {}", name, value));
  };
  line("user", Shown(forwarding.user()));
  line("unconditional", Text(forwarding.unconditional()));
  line("busy", Text(forwarding.busy()));
  line("no-answer", Text(forwarding.no_answer()));
  line("do-not-disturb", forwarding.do_not_disturb() ? "on" : "off");
  if (forwarding.has_update_time())
    line("changed", TimeAlone(true, forwarding.update_time(), view));
}

}  // namespace unipresence::cli
