#ifndef UNIPRESENCE_AGGREGATOR_ENGINE_USER_TABLE_H_
#define UNIPRESENCE_AGGREGATOR_ENGINE_USER_TABLE_H_

// Every user with his lines, his choice and what was last published of him. Thread: the pipeline's.
//
// Users keep their index until they are removed; a removed user's index is reused by a later one.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "aggregator/base/clock.h"
#include "aggregator/engine/chunked_vector.h"
#include "aggregator/engine/device_table.h"
#include "aggregator/engine/inline_name.h"
#include "aggregator/model/cause.h"
#include "aggregator/model/forwarding.h"
#include "aggregator/model/line.h"
#include "aggregator/model/presence.h"

namespace unipresence {

using UserIndex = std::uint32_t;

inline constexpr UserIndex kNoUser = ~UserIndex{0};
inline constexpr int kMaxLines = 4;  // slots of lines in a record; one for each kind
static_assert(kLineKindCount <= kMaxLines);

// A line of a user: a link in the chain of its device's lines.
struct LineRecord {
  DeviceIndex device = kNoDevice;
  UserIndex user = kNoUser;
  LineIndex next_of_device = kNoLine;
  LineKind kind{};
  // As last taken from the device, and published.
  DeviceState state = DeviceState::kUnknown;
  bool holding : 1 = false;
  bool held : 1 = false;
  bool emitting : 1 = false;
  // The user waits in the routing queue of this line's PBX.
  bool routing_waits : 1 = false;
};
static_assert(sizeof(LineRecord) == 16);

// One published change, for Explain.
struct StepRecord {
  WallTimeMicros time = 0;
  DeviceIndex device = kNoDevice;
  CauseKind cause = CauseKind::kServerStart;
  PresenceState state : 4 = PresenceState::kUnknown;
  Rule rule : 4 = Rule::kLoggedOut;
  DeviceState device_state : 7 = DeviceState::kUnknown;
  bool used : 1 = false;
};
static_assert(sizeof(StepRecord) == 16);
static_assert(static_cast<int>(kLastRule) < 16);

struct UserRecord {
  InlineName id;  // empty: no user here
  std::uint8_t line_count = 0;
  LineIndex first_line = kNoLine;  // `line_count` lines from here on
  // Choice and session.
  LineKind selected = kFirstSelection;
  bool logged_in : 1 = false;
  bool do_not_disturb : 1 = false;
  ForwardingConditions active_forwardings;
  // As last published.
  bool published : 1 = false;
  bool stale : 1 = false;
  bool emitting : 1 = false;
  bool published_logged_in : 1 = false;
  bool published_do_not_disturb : 1 = false;
  ForwardingConditions published_forwardings;
  LineKind published_selected = kFirstSelection;
  PresenceState state = PresenceState::kUnknown;
  LineKind device_in_use{};
  Rule rule = Rule::kLoggedOut;
  std::uint8_t next_step = 0;  // place in the ring of steps
  std::uint64_t revision = 0;
  std::uint64_t sequence = 0;  // of the newest update
  WallTimeMicros update_time = 0;
};
static_assert(sizeof(UserRecord) == 64);  // one cache line

class UserTable {
 public:
  static constexpr int kStepsKept = 5;
  using Steps = std::array<StepRecord, kStepsKept>;

  UserTable();
  ~UserTable();
  UserTable(const UserTable&) = delete;
  UserTable& operator=(const UserTable&) = delete;

  // kNoUser if there is none.
  UserIndex Find(std::string_view id) const;
  // A new user; the id must be new and at most 255 bytes.
  UserIndex Add(std::string_view id);
  void Remove(UserIndex user);

  UserRecord& operator[](UserIndex user) { return records_[user]; }
  const UserRecord& operator[](UserIndex user) const { return records_[user]; }
  LineRecord& line(LineIndex line) { return lines_[line]; }
  const LineRecord& line(LineIndex line) const { return lines_[line]; }
  Steps& steps(UserIndex user) { return steps_[user]; }
  const Steps& steps(UserIndex user) const { return steps_[user]; }

  // A block of `count` (1 to kMaxLines) neighbouring lines, and its return.
  LineIndex AllocateLines(std::size_t count);
  void FreeLines(LineIndex first, std::size_t count);

  std::size_t size() const { return size_; }             // live users
  std::size_t slots() const { return records_.size(); }  // indices in use or free

 private:
  struct Slot {
    std::uint32_t tag = 0;
    UserIndex user = kNoUser;  // kNoUser: empty; removal shifts back, so there are no tombstones
  };

  std::size_t FindSlot(std::uint64_t hash, std::string_view id) const;  // slots_.size() if none
  void Insert(std::uint64_t hash, UserIndex user);
  void Grow();

  ChunkedVector<UserRecord> records_;
  ChunkedVector<Steps> steps_;
  ChunkedVector<LineRecord> lines_;
  std::vector<Slot> slots_;
  std::vector<UserIndex> free_users_;
  std::array<std::vector<LineIndex>, kMaxLines + 1> free_lines_;  // by block size
  std::size_t size_ = 0;
};

}  // namespace unipresence

#endif  // UNIPRESENCE_AGGREGATOR_ENGINE_USER_TABLE_H_
