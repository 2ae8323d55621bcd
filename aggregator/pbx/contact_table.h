#ifndef UNIPRESENCE_AGGREGATOR_PBX_CONTACT_TABLE_H_
#define UNIPRESENCE_AGGREGATOR_PBX_CONTACT_TABLE_H_

// The registered contacts of every endpoint, as sets: on a move the new contact comes before the
// old one's Removed, so the last word on one contact is not the last word on the endpoint.
//
// Made for millions of endpoints: a contact is one slot of 16 bytes with two hashes, of the
// endpoint and of the URI; the slots of an endpoint lie in one probe sequence of an open-addressing
// table. Names are not kept. Two of n endpoints share their 64-bit hash with a probability of about
// n^2 / 4e19.
//
// An endpoint has kMaxEndpointContacts at most, so that no probe sequence is long. One more is not
// taken in: whether the endpoint can be called follows from those that are, until a place is free
// and a list or an event names it again.
//
// Thread: the pipeline's.

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "aggregator/pbx/pbx_probe.h"
#include "aggregator/pbx/spelling.h"

namespace unipresence::pbx {

class ContactTable {
 public:
  // More than any max_contacts of an AOR in use.
  static constexpr std::size_t kMaxEndpointContacts = 100;

  // Contacts beyond the bounds are counted in `probe`, which must outlive the table.
  ContactTable(std::size_t max_contacts, TrackerProbe& probe);

  // What an endpoint's set of callable contacts became.
  enum class Change : std::uint8_t { kNone, kReachable, kUnreachable };

  // A contact of the endpoint has this status now; kRemoved takes it away. The change is what this
  // made of the whole set: it became non-empty, or empty.
  Change Set(std::string_view endpoint, std::string_view uri, ContactStatus status);

  // Whether a contact of the endpoint can be called.
  bool Reachable(std::string_view endpoint) const;

  // Between BeginList and EndList every contact that exists is Set, by rows or by events; EndList
  // takes away the others and returns how many they were. Without EndList nothing is taken away.
  void BeginList();
  std::size_t EndList();

  // Forgets everything; keeps the memory.
  void Clear();

  std::size_t size() const { return size_; }
  std::size_t memory_bytes() const { return slots_.capacity() * sizeof(Slot); }

 private:
  // `contact` is the hash of the URI with these in its lowest bits; 0 is an empty slot.
  static constexpr std::uint64_t kUsed = 1;
  static constexpr std::uint64_t kCallable = 2;
  static constexpr std::uint64_t kGeneration = 7 << 2;  // of the list it was last Set in
  static constexpr std::uint64_t kGenerationStep = 1 << 2;
  static constexpr std::uint64_t kFlags = kUsed | kCallable | kGeneration;
  struct Slot {
    std::uint64_t endpoint = 0;
    std::uint64_t contact = 0;
  };

  std::size_t Next(std::size_t i) const { return (i + 1) & (slots_.size() - 1); }
  std::size_t Home(std::uint64_t endpoint) const { return endpoint & (slots_.size() - 1); }
  void Insert(Slot slot);
  void Erase(std::size_t i);
  void Grow();

  std::vector<Slot> slots_;  // a power of two, at most 3/4 full
  std::size_t size_ = 0;
  std::size_t max_contacts_;
  std::uint64_t generation_ = 0;
  TrackerProbe& probe_;
};

}  // namespace unipresence::pbx

#endif  // UNIPRESENCE_AGGREGATOR_PBX_CONTACT_TABLE_H_
