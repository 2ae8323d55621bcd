#ifndef UNIPRESENCE_AGGREGATOR_ENGINE_ROUTING_TABLE_H_
#define UNIPRESENCE_AGGREGATOR_ENGINE_ROUTING_TABLE_H_

// What PBXs are told of each user beside the presence: number, forwardings, ring time, voicemail
// box. Thread: the pipeline's.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "aggregator/engine/chunked_vector.h"
#include "aggregator/engine/inline_name.h"
#include "aggregator/engine/user_table.h"
#include "aggregator/model/forwarding.h"
#include "aggregator/model/routing.h"
#include "aggregator/model/user.h"

namespace unipresence {

class RoutingTable {
 public:
  RoutingTable() : by_number_(0, NumberHash{*this}, NumberEqual{*this}) {}
  ~RoutingTable();
  RoutingTable(const RoutingTable&) = delete;
  RoutingTable& operator=(const RoutingTable&) = delete;

  // Takes what it keeps of the user. Indices are those of the UserTable, used from 0 on.
  void Set(UserIndex index, const User& user);
  void SetForwardings(UserIndex index, const Forwardings& forwardings);
  void Remove(UserIndex index);

  const Forwardings& forwardings(UserIndex index) const;
  std::string_view context(UserIndex index) const { return names_[records_[index].context]; }
  std::string_view exten(UserIndex index) const { return records_[index].exten.view(); }

  // Who has the number; kNoUser if nobody has.
  UserIndex Find(std::string_view context, std::string_view exten) const;

  // Fills in what it keeps; the views are valid until the user or the table changes.
  void Fill(UserIndex index, Routing& routing) const;

 private:
  using NameIndex = std::uint32_t;

  struct Record {
    InlineName exten;
    InlineName mailbox;
    LineType line_type{};
    std::uint16_t ring_seconds = 0;
    NameIndex context = 0;
    NameIndex mailbox_context = 0;
  };

  struct Number {
    NameIndex context;
    std::string_view exten;

    friend bool operator==(const Number&, const Number&) = default;
  };
  struct NumberHash {
    using is_transparent = void;
    const RoutingTable& table;
    std::size_t operator()(const Number& number) const {
      return HashName(number.context, number.exten);
    }
    std::size_t operator()(UserIndex index) const { return (*this)(table.NumberOf(index)); }
  };
  struct NumberEqual {
    using is_transparent = void;
    const RoutingTable& table;
    bool operator()(UserIndex a, UserIndex b) const { return (*this)(table.NumberOf(a), b); }
    bool operator()(const Number& a, UserIndex b) const { return a == table.NumberOf(b); }
    bool operator()(UserIndex a, const Number& b) const { return (*this)(b, a); }
  };

  Number NumberOf(UserIndex index) const {
    return {records_[index].context, records_[index].exten.view()};
  }
  // Before the number changes, or goes.
  void ForgetNumber(UserIndex index);
  NameIndex Intern(std::string_view name);

  ChunkedVector<Record> records_;  // by UserIndex
  // Few users forward, so only those that ever did have an entry.
  absl::flat_hash_map<UserIndex, Forwardings> forwardings_;
  // Contexts: as many as the dialplans have, so they are never forgotten.
  std::vector<std::string> names_ = {std::string()};
  absl::flat_hash_map<std::string, NameIndex> name_indices_;
  absl::flat_hash_set<UserIndex, NumberHash, NumberEqual> by_number_;
};

}  // namespace unipresence

#endif  // UNIPRESENCE_AGGREGATOR_ENGINE_ROUTING_TABLE_H_
