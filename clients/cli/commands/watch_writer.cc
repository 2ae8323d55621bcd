#include "clients/cli/commands/watch_writer.h"

#include <fmt/format.h>

#include "clients/cli/format_json.h"
#include "clients/cli/format_table.h"

namespace unipresence::cli {

WatchWriter::WatchWriter(CommandContext& context) : context_(context) {
  if (context.json()) return;
  table_ = std::make_unique<Table>(context.out(), UpdateHeader(), UpdateWidths());
  table_->Flush();
}

void WatchWriter::Update(const v1::PresenceUpdate& update) {
  if (table_ != nullptr) {
    table_->Row(UpdateRow(update));
  } else {
    context_.out().Line(UpdateJson(update));
  }
}

void WatchWriter::Mailbox(const v1::Mailbox& mailbox) {
  if (table_ != nullptr) {
    table_->Row(MailboxRow(mailbox));
  } else {
    context_.out().Line(MailboxJson(mailbox, "MAILBOX"));
  }
}

void WatchWriter::Current() {
  context_.Print(MarkerJson("CURRENT"),
                 Painted("-- current; changes follow --", Colour::kDim, context_.out().colours()));
}

void WatchWriter::Reset() {
  context_.Print(MarkerJson("RESET"), Painted("-- from the beginning: all values follow --",
                                              Colour::kDim, context_.out().colours()));
}

void WatchWriter::Interrupted(std::string_view event, std::string_view why) {
  if (context_.json()) {
    context_.out().Line(MarkerJson(event, why));
  } else {
    context_.Remark(fmt::format("{}; trying again", why));
  }
}

}  // namespace unipresence::cli
