#include "aggregator/engine/user_table.h"

namespace unipresence {
namespace {

constexpr std::size_t kFirstSlots = 1024;
constexpr std::uint64_t kSeed = 0;

}  // namespace

UserTable::UserTable() : slots_(kFirstSlots) {}

UserTable::~UserTable() {
  for (std::size_t i = 0; i < records_.size(); ++i) records_[i].id.Reset();
}

std::size_t UserTable::FindSlot(std::uint64_t hash, std::string_view id) const {
  const std::size_t mask = slots_.size() - 1;
  const std::uint32_t tag = HashTag(hash);
  for (std::size_t i = hash & mask;; i = (i + 1) & mask) {
    const Slot& slot = slots_[i];
    if (slot.user == kNoUser) return slots_.size();
    if (slot.tag == tag && records_[slot.user].id.view() == id) return i;
  }
}

UserIndex UserTable::Find(std::string_view id) const {
  const std::size_t slot = FindSlot(HashName(kSeed, id), id);
  return slot == slots_.size() ? kNoUser : slots_[slot].user;
}

void UserTable::Insert(std::uint64_t hash, UserIndex user) {
  const std::size_t mask = slots_.size() - 1;
  std::size_t i = hash & mask;
  while (slots_[i].user != kNoUser) i = (i + 1) & mask;
  slots_[i] = {HashTag(hash), user};
}

void UserTable::Grow() {
  std::vector<Slot> doubled(slots_.size() * 2);
  slots_.swap(doubled);
  std::vector<Slot>().swap(doubled);
  for (UserIndex user = 0; user < records_.size(); ++user) {
    const std::string_view id = records_[user].id.view();
    if (!id.empty()) Insert(HashName(kSeed, id), user);
  }
}

UserIndex UserTable::Add(std::string_view id) {
  UserIndex user;
  if (free_users_.empty()) {
    records_.emplace_back();
    steps_.emplace_back();
    user = static_cast<UserIndex>(records_.size() - 1);
  } else {
    user = free_users_.back();
    free_users_.pop_back();
  }
  records_[user].id.Set(id);
  ++size_;
  if (size_ * 4 > slots_.size() * 3) {
    Grow();
  } else {
    Insert(HashName(kSeed, id), user);
  }
  return user;
}

void UserTable::Remove(UserIndex user) {
  UserRecord& record = records_[user];
  const std::size_t mask = slots_.size() - 1;
  std::size_t hole = FindSlot(HashName(kSeed, record.id.view()), record.id.view());
  // Shift back whatever probed past the hole.
  for (std::size_t i = (hole + 1) & mask; slots_[i].user != kNoUser; i = (i + 1) & mask) {
    const std::size_t home = HashName(kSeed, records_[slots_[i].user].id.view()) & mask;
    if (((i - home) & mask) >= ((i - hole) & mask)) {
      slots_[hole] = slots_[i];
      hole = i;
    }
  }
  slots_[hole] = Slot{};
  record.id.Reset();
  record = UserRecord{};
  steps_[user] = Steps{};
  free_users_.push_back(user);
  --size_;
}

LineIndex UserTable::AllocateLines(std::size_t count) {
  std::vector<LineIndex>& free_blocks = free_lines_[count];
  if (!free_blocks.empty()) {
    const LineIndex first = free_blocks.back();
    free_blocks.pop_back();
    return first;
  }
  const auto first = static_cast<LineIndex>(lines_.size());
  for (std::size_t i = 0; i < count; ++i) lines_.emplace_back();
  return first;
}

void UserTable::FreeLines(LineIndex first, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) lines_[first + i] = LineRecord{};
  free_lines_[count].push_back(first);
}

}  // namespace unipresence
