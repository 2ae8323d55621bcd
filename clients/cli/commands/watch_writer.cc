#include "clients/cli/commands/watch_writer.h"

#include <fmt/format.h>

#include <utility>
#include <vector>

#include "clients/cli/format_json.h"
#include "clients/cli/format_presence.h"

namespace unipresence::cli {
namespace {

// The present values come first: their widths are those of the table, unless they are very many.
constexpr std::size_t kHeldBack = 200;

}  // namespace

WatchWriter::WatchWriter(CommandContext& context, Directory* directory, bool all_changes)
    : context_(context),
      directory_(directory),
      all_changes_(all_changes),
      zone_(ZoneName(context.times())) {
  if (!context.json()) {
    table_ = std::make_unique<Table>(context.out(), UpdateColumns(context.times()), kHeldBack);
  }
}

TimeView WatchWriter::times() const {
  TimeView view = context_.times();
  view.told_zone = zone_;
  return view;
}

Person WatchWriter::PersonOf(const std::string& user, v1::CauseKind cause) {
  if (directory_ == nullptr) return {};
  // Name or number may be others now.
  if (cause == v1::CAUSE_KIND_USER_CREATED || cause == v1::CAUSE_KIND_USER_UPDATED) {
    directory_->Forget(user);
  }
  return directory_->Find(user);
}

bool WatchWriter::Remember(const std::string& user, const std::vector<Cell>& row) {
  std::vector<std::string> values;
  for (const std::size_t column : UpdateValueColumns()) {
    values.push_back(column < row.size() ? row[column].text : std::string());
  }
  const auto [known, is_new] = shown_.try_emplace(user, values);
  if (is_new) return true;
  const std::vector<std::string> before = std::exchange(known->second, std::move(values));
  for (std::size_t i = 0; i < before.size(); ++i) {
    if (before[i] != known->second[i] && table_->Shows(UpdateValueColumns()[i])) return true;
  }
  return false;
}

void WatchWriter::Update(const v1::PresenceUpdate& update) {
  if (table_ == nullptr) return context_.out().Line(UpdateJson(update));
  const std::string& user =
      update.has_removed() ? update.removed().user() : update.presence().user();
  std::vector<Cell> row = UpdateRow(update, PersonOf(user, update.cause().kind()), times());
  if (!Remember(user, row) && !all_changes_) return;
  if (directory_ != nullptr) {
    row = UpdateRow(update, directory_->FindFresh(user), times());
    Remember(user, row);
  }
  table_->Row(std::move(row));
}

void WatchWriter::Mailbox(const v1::Mailbox& mailbox) {
  if (table_ == nullptr) return context_.out().Line(MailboxJson(mailbox, "MAILBOX"));
  const Person person = directory_ == nullptr ? Person() : directory_->FindFresh(mailbox.user());
  table_->Row(MailboxRow(mailbox, person, times()));
}

void WatchWriter::Current() {
  began_ = true;
  if (table_ != nullptr) table_->Flush();
  context_.Print(MarkerJson("CURRENT"),
                 Painted("-- current; changes follow --", Colour::kDim, context_.out().colours()));
}

void WatchWriter::Reset() {
  shown_.clear();
  // Where it begins this goes without saying.
  if (table_ != nullptr && !std::exchange(began_, true)) return;
  if (directory_ != nullptr) directory_->Renew();
  context_.Print(MarkerJson("RESET"), Painted("-- from the beginning: all values follow --",
                                              Colour::kDim, context_.out().colours()));
}

void WatchWriter::Interrupted(std::string_view event, std::string_view why) {
  if (table_ != nullptr) table_->Flush();
  if (directory_ != nullptr) directory_->ForgetAll();
  if (context_.json()) {
    context_.out().Line(MarkerJson(event, why));
  } else {
    context_.Remark(fmt::format("{}; trying again", why));
  }
}

}  // namespace unipresence::cli
