#include "aggregator/engine/mailboxes.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>

namespace unipresence {

void Mailboxes::Set(UserIndex index, const User& user) {
  MailboxRecord* record = table_.Find(index);
  if (!user.voicemail || user.lines.empty()) {
    if (record != nullptr) Remove(index);
    return;
  }
  const auto line =
      std::min_element(user.lines.begin(), user.lines.end(),
                       [](const Line& left, const Line& right) { return left.kind < right.kind; });
  const PbxIndex pbx = pbxs_.Intern(line->pbx);
  const std::string name = fmt::format("{}@{}", user.voicemail->number, user.voicemail->context);
  if (record != nullptr && record->pbx == pbx && record->name.view() == name) return;
  table_.Detach(index);
  record = &table_.Attach(index, pbx, name);
  if (!record->known) pbxs_.RequestListing(pbx);
  Publish(index, *record);
}

void Mailboxes::Remove(UserIndex index) {
  if (table_.Find(index) == nullptr) return;
  table_.Detach(index);
  sink_.Write(Mailbox{.user = users_[index].id.view(),
                      .mailbox = {},
                      .pbx = {},
                      .counts = {},
                      .update_time = sink_.now(),
                      .stale = false,
                      .sequence = ++sequence_});
}

void Mailboxes::Apply(PbxIndex pbx, std::span<const MailboxChange> changes) {
  UNIPRESENCE_CHECK_THREAD(thread_checker_);
  if (changes.empty()) return;
  sink_.Begin();
  for (const MailboxChange& change : changes) {
    const UserIndex first = table_.FirstOf(pbx, change.mailbox);
    if (first == kNoUser) continue;
    const MailboxRecord& before = *table_.Find(first);
    const bool changed = !before.known || before.counts != change.counts;
    if (changed && before.known && change.cause == CauseKind::kReconcile) {
      pbxs_.CountCorrection(pbx);
    }
    for (UserIndex user = first; user != kNoUser; user = table_.Find(user)->next_of_box) {
      MailboxRecord& record = *table_.Find(user);
      record.known = true;
      record.counts = change.counts;
      record.link = LinkNumber(pbx);
      if (changed) record.update_time = sink_.now();
      if (changed || record.stale != StaleNow(record)) Publish(user, record);
    }
  }
  sink_.End();
}

std::uint32_t Mailboxes::LinkNumber(PbxIndex pbx) const {
  return static_cast<std::uint32_t>(pbxs_[pbx].reconnects);
}

bool Mailboxes::StaleNow(const MailboxRecord& record) const {
  return !record.known || record.link != LinkNumber(record.pbx) || !pbxs_.synced(record.pbx);
}

void Mailboxes::Refresh(UserIndex index) {
  MailboxRecord* const record = table_.Find(index);
  if (record != nullptr && record->stale != StaleNow(*record)) Publish(index, *record);
}

void Mailboxes::Publish(UserIndex user, MailboxRecord& record) {
  record.stale = StaleNow(record);
  record.sequence = ++sequence_;
  sink_.Write(ValueOf(user, record));
}

Mailbox Mailboxes::ValueOf(UserIndex user, const MailboxRecord& record) const {
  return {.user = users_[user].id.view(),
          .mailbox = record.name.view(),
          .pbx = pbxs_[record.pbx].name,
          .counts = record.counts,
          .update_time = record.update_time,
          .stale = record.stale,
          .sequence = record.sequence};
}

bool Mailboxes::Read(std::string_view user, Visitor visit) const {
  const UserIndex index = users_.Find(user);
  const MailboxRecord* const record = index == kNoUser ? nullptr : table_.Find(index);
  if (record == nullptr) return false;
  visit(ValueOf(index, *record));
  return true;
}

std::uint64_t Mailboxes::Read(PbxIndex pbx, std::uint64_t cursor, std::size_t limit,
                              Visitor visit) const {
  if (table_.empty(pbx)) return 0;
  const std::uint64_t end = std::min<std::uint64_t>(users_.slots(), cursor + limit);
  for (; cursor < end; ++cursor) {
    const auto user = static_cast<UserIndex>(cursor);
    const MailboxRecord* const record = table_.Find(user);
    if (record == nullptr || record->pbx != pbx) continue;
    if (table_.FirstOf(pbx, record->name.view()) != user) continue;
    visit(ValueOf(user, *record));
  }
  return cursor < users_.slots() ? cursor : 0;
}

}  // namespace unipresence
