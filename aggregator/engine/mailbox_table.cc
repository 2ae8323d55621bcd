#include "aggregator/engine/mailbox_table.h"

#include <utility>

#include "aggregator/base/strings.h"

namespace unipresence {

MailboxTable::~MailboxTable() {
  for (std::size_t i = 0; i < records_.size(); ++i) records_[i].name.Reset();
}

MailboxRecord& MailboxTable::Attach(UserIndex user, PbxIndex pbx, std::string_view name) {
  while (records_.size() <= user) records_.emplace_back();
  if (boxes_.size() <= pbx) boxes_.resize(std::size_t{pbx} + 1);
  MailboxRecord& record = records_[user];
  record.name.Set(name);
  record.pbx = pbx;
  const auto [box, is_new] = boxes_[pbx].try_emplace(ToAbsl(name), user);
  if (!is_new) {
    const MailboxRecord& other = records_[box->second];
    record.known = other.known;
    record.counts = other.counts;
    record.link = other.link;
    record.update_time = other.update_time;
    record.next_of_box = std::exchange(box->second, user);
  }
  return record;
}

void MailboxTable::Detach(UserIndex user) {
  MailboxRecord* const record = Find(user);
  if (record == nullptr) return;
  const auto box = boxes_[record->pbx].find(ToAbsl(record->name.view()));
  UserIndex* link = &box->second;
  while (*link != user) link = &records_[*link].next_of_box;
  *link = record->next_of_box;
  if (box->second == kNoUser) boxes_[record->pbx].erase(box);
  record->name.Reset();
  *record = MailboxRecord{};
}

MailboxRecord* MailboxTable::Find(UserIndex user) {
  if (user >= records_.size() || records_[user].name.view().empty()) return nullptr;
  return &records_[user];
}

const MailboxRecord* MailboxTable::Find(UserIndex user) const {
  if (user >= records_.size() || records_[user].name.view().empty()) return nullptr;
  return &records_[user];
}

UserIndex MailboxTable::FirstOf(PbxIndex pbx, std::string_view name) const {
  if (pbx >= boxes_.size()) return kNoUser;
  const auto box = boxes_[pbx].find(ToAbsl(name));
  return box == boxes_[pbx].end() ? kNoUser : box->second;
}

}  // namespace unipresence
