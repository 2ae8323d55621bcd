// Engine's voicemail boxes.

#include <fmt/format.h>

#include <algorithm>

#include "aggregator/engine/engine.h"

namespace unipresence {

void Engine::SetMailbox(UserIndex index, const User& user) {
  MailboxRecord* record = mailboxes_.Find(index);
  if (!user.voicemail || user.lines.empty()) {
    if (record != nullptr) RemoveMailbox(index);
    return;
  }
  const auto line =
      std::min_element(user.lines.begin(), user.lines.end(),
                       [](const Line& left, const Line& right) { return left.kind < right.kind; });
  const PbxIndex pbx = pbxs_.Intern(line->pbx);
  const std::string name = fmt::format("{}@{}", user.voicemail->number, user.voicemail->context);
  if (record != nullptr && record->pbx == pbx && record->name.view() == name) return;
  mailboxes_.Detach(index);
  record = &mailboxes_.Attach(index, pbx, name);
  if (!record->known) pbxs_.RequestListing(pbx);
  PublishMailbox(index, *record);
}

void Engine::RemoveMailbox(UserIndex index) {
  if (mailboxes_.Find(index) == nullptr) return;
  mailboxes_.Detach(index);
  sink_.OnMailbox({.user = users_[index].id.view(),
                   .mailbox = {},
                   .pbx = {},
                   .counts = {},
                   .update_time = now_,
                   .stale = false,
                   .sequence = ++mailbox_sequence_});
  published_ = true;
}

void Engine::ApplyMailboxes(PbxIndex pbx, std::span<const MailboxChange> changes) {
  UNIPRESENCE_CHECK_THREAD(thread_checker_);
  if (changes.empty()) return;
  now_ = clock_.WallNow();
  for (const MailboxChange& change : changes) {
    const UserIndex first = mailboxes_.FirstOf(pbx, change.mailbox);
    if (first == kNoUser) continue;
    const MailboxRecord& before = *mailboxes_.Find(first);
    const bool changed = !before.known || before.counts != change.counts;
    if (changed && before.known && change.cause == CauseKind::kReconcile) {
      pbxs_.CountCorrection(pbx);
    }
    for (UserIndex user = first; user != kNoUser; user = mailboxes_.Find(user)->next_of_box) {
      MailboxRecord& record = *mailboxes_.Find(user);
      record.known = true;
      record.counts = change.counts;
      record.link = LinkNumber(pbx);
      if (changed) record.update_time = now_;
      if (changed || record.stale != MailboxStaleNow(record)) PublishMailbox(user, record);
    }
  }
  FlushIfPublished();
}

std::uint32_t Engine::LinkNumber(PbxIndex pbx) const {
  return static_cast<std::uint32_t>(pbxs_[pbx].reconnects);
}

bool Engine::MailboxStaleNow(const MailboxRecord& record) const {
  return !record.known || record.link != LinkNumber(record.pbx) || !pbxs_.synced(record.pbx);
}

void Engine::RefreshMailbox(UserIndex user) {
  MailboxRecord* const record = mailboxes_.Find(user);
  if (record != nullptr && record->stale != MailboxStaleNow(*record)) PublishMailbox(user, *record);
}

void Engine::PublishMailbox(UserIndex user, MailboxRecord& record) {
  record.stale = MailboxStaleNow(record);
  record.sequence = ++mailbox_sequence_;
  sink_.OnMailbox(MailboxOf(user, record));
  published_ = true;
}

Mailbox Engine::MailboxOf(UserIndex user, const MailboxRecord& record) const {
  return {.user = users_[user].id.view(),
          .mailbox = record.name.view(),
          .pbx = pbxs_[record.pbx].name,
          .counts = record.counts,
          .update_time = record.update_time,
          .stale = record.stale,
          .sequence = record.sequence};
}

bool Engine::ReadMailbox(std::string_view user, MailboxVisitor visit) const {
  const UserIndex index = users_.Find(user);
  const MailboxRecord* const record = index == kNoUser ? nullptr : mailboxes_.Find(index);
  if (record == nullptr) return false;
  visit(MailboxOf(index, *record));
  return true;
}

std::uint64_t Engine::ReadMailboxes(PbxIndex pbx, std::uint64_t cursor, std::size_t limit,
                                    MailboxVisitor visit) const {
  if (mailboxes_.empty(pbx)) return 0;
  const std::uint64_t end = std::min<std::uint64_t>(users_.slots(), cursor + limit);
  for (; cursor < end; ++cursor) {
    const auto user = static_cast<UserIndex>(cursor);
    const MailboxRecord* const record = mailboxes_.Find(user);
    if (record == nullptr || record->pbx != pbx) continue;
    if (mailboxes_.FirstOf(pbx, record->name.view()) != user) continue;
    visit(MailboxOf(user, *record));
  }
  return cursor < users_.slots() ? cursor : 0;
}

}  // namespace unipresence
