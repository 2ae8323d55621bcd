#include "aggregator/pbx/contact_table.h"

#include <algorithm>
#include <string>

#include "absl/hash/hash.h"
#include "aggregator/base/strings.h"

namespace unipresence::pbx {
namespace {

std::uint64_t Hash(std::string_view text) { return absl::Hash<absl::string_view>()(ToAbsl(text)); }

// Asterisk stores contacts with "^3B" for ";", and some of its versions list them so.
std::uint64_t HashUri(std::string_view uri) {
  constexpr std::string_view kEscaped = "^3B";
  std::size_t found = uri.find(kEscaped);
  if (found == std::string_view::npos) return Hash(uri);
  std::string plain;
  std::size_t begin = 0;
  for (; found != std::string_view::npos; found = uri.find(kEscaped, begin)) {
    plain.append(uri.substr(begin, found - begin)).push_back(';');
    begin = found + kEscaped.size();
  }
  plain.append(uri.substr(begin));
  return Hash(plain);
}

constexpr std::size_t kFirstSlots = 64;

}  // namespace

ContactTable::ContactTable(std::size_t max_contacts, TrackerProbe& probe)
    : slots_(kFirstSlots), max_contacts_(max_contacts), probe_(probe) {}

ContactTable::Change ContactTable::Set(std::string_view endpoint, std::string_view uri,
                                       ContactStatus status) {
  const std::uint64_t key = Hash(endpoint);
  const std::uint64_t contact = HashUri(uri) & ~kFlags;
  bool before = false;
  bool others = false;
  std::size_t count = 0;
  std::size_t own = slots_.size();
  for (std::size_t i = Home(key); slots_[i].contact != 0; i = Next(i)) {
    if (slots_[i].endpoint != key) continue;
    ++count;
    const bool callable = (slots_[i].contact & kCallable) != 0;
    before = before || callable;
    if ((slots_[i].contact & ~kFlags) == contact) {
      own = i;
    } else {
      others = others || callable;
    }
  }
  if (status == ContactStatus::kRemoved) {
    if (own != slots_.size()) Erase(own);
  } else {
    const std::uint64_t value = contact | kUsed | (Callable(status) ? kCallable : 0) | generation_;
    if (own != slots_.size()) {
      slots_[own].contact = value;
    } else if (size_ >= max_contacts_ || count >= kMaxEndpointContacts) {
      probe_.rejected_contacts.Add();
      return Change::kNone;
    } else {
      Insert({key, value});
    }
  }
  const bool after = others || Callable(status);
  if (before == after) return Change::kNone;
  return after ? Change::kReachable : Change::kUnreachable;
}

bool ContactTable::Reachable(std::string_view endpoint) const {
  const std::uint64_t key = Hash(endpoint);
  for (std::size_t i = Home(key); slots_[i].contact != 0; i = Next(i)) {
    if (slots_[i].endpoint == key && (slots_[i].contact & kCallable) != 0) return true;
  }
  return false;
}

void ContactTable::BeginList() { generation_ = (generation_ + kGenerationStep) & kGeneration; }

std::size_t ContactTable::EndList() {
  // From behind an empty slot, so that no probe sequence is entered in its middle.
  std::size_t start = 0;
  while (slots_[start].contact != 0) ++start;
  const std::size_t before = size_;
  for (std::size_t i = Next(start); i != start; i = Next(i)) {
    while (slots_[i].contact != 0 && (slots_[i].contact & kGeneration) != generation_) Erase(i);
  }
  return before - size_;
}

void ContactTable::Clear() {
  std::fill(slots_.begin(), slots_.end(), Slot{});
  size_ = 0;
}

void ContactTable::Insert(Slot slot) {
  if ((size_ + 1) * 4 > slots_.size() * 3) Grow();
  std::size_t i = Home(slot.endpoint);
  while (slots_[i].contact != 0) i = Next(i);
  slots_[i] = slot;
  ++size_;
}

void ContactTable::Erase(std::size_t i) {
  // Slots behind move up if that brings them nearer to their home, so that no gap cuts a sequence.
  for (std::size_t j = Next(i); slots_[j].contact != 0; j = Next(j)) {
    const std::size_t mask = slots_.size() - 1;
    const std::size_t from_home = (j - Home(slots_[j].endpoint)) & mask;
    const std::size_t from_gap = (j - i) & mask;
    if (from_home < from_gap) continue;
    slots_[i] = slots_[j];
    i = j;
  }
  slots_[i] = Slot{};
  --size_;
}

void ContactTable::Grow() {
  std::vector<Slot> old(slots_.size() * 2);
  old.swap(slots_);
  size_ = 0;
  for (const Slot& slot : old) {
    if (slot.contact != 0) Insert(slot);
  }
}

}  // namespace unipresence::pbx
