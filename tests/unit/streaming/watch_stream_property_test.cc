// Whatever happens, and however slowly it is read: what a receiver is told of a change joins what
// it was shown before, counts what it stands for, and leads to the same end.

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "server/streaming/watch_stream.h"
#include "unipresence/v1/presence.pb.h"

namespace unipresence {
namespace {

const int kMoreRuns = setenv("RC_PARAMS", "max_success=1000", 0);

constexpr std::uint64_t kEpoch = 7;
constexpr int kUsers = 6;
constexpr std::size_t kSliceUsers = 2;

int Any(int limit) { return *rc::gen::inRange(0, limit); }
std::string UserName(int number) { return "user" + std::to_string(number); }

// The engine: what is so, and every change that led to it.
class Truth {
 public:
  // A random change of a random user, or none.
  void Change(publish::Batch& batch) {
    const std::string user = UserName(Any(kUsers));
    User& now = users[user];
    v1::PresenceUpdate update;
    update.set_sequence(sequence + 1);
    const bool first = !now.exists;
    if (!first && Any(8) == 0) {
      now.exists = false;
      removal_sequence = sequence + 1;
      update.mutable_removed()->set_user(user);
      update.mutable_removed()->set_revision(++now.revision);
      update.mutable_cause()->set_kind(v1::CAUSE_KIND_USER_DELETED);
    } else {
      now.exists = true;
      v1::Presence& presence = *update.mutable_presence();
      presence.set_user(user);
      presence.set_state(static_cast<v1::PresenceState>(1 + Any(3)));
      // One that is created again goes on higher.
      now.revision = first ? sequence + 1 : now.revision + 1;
      presence.set_revision(now.revision);
      update.mutable_cause()->set_kind(first ? v1::CAUSE_KIND_USER_CREATED : v1::CAUSE_KIND_HANGUP);
    }
    // Names the change in what is shown later.
    update.mutable_cause()->set_device(std::to_string(sequence + 1));
    if (!first) update.set_previous_state(now.state);
    now.state = update.presence().state();
    now.presence = update.presence();
    now.sequence = ++sequence;
    batch.Add(user, sequence, now.revision, update.has_removed(), update.SerializeAsString());
    changes[user].push_back(update);
  }

  struct User {
    bool exists = false;
    std::uint64_t revision = 0;
    std::uint64_t sequence = 0;
    v1::PresenceState state = v1::PRESENCE_STATE_UNSPECIFIED;
    v1::Presence presence;
  };
  std::map<std::string, User> users;
  std::map<std::string, std::vector<v1::PresenceUpdate>> changes;
  std::uint64_t sequence = 0;
  std::uint64_t removal_sequence = 0;
};

// A client: what it was shown, over all its streams.
class Receiver {
 public:
  Receiver(const Truth& truth, WatchedUsers users) : truth_(truth), users_(std::move(users)) {}

  void Open(const WatchHistory& history) {
    stream_ = std::make_unique<WatchStream>(users_, token_);
    stream_->Begin(
        {.epoch = kEpoch, .sequence = truth_.sequence, .removal_sequence = truth_.removal_sequence},
        history);
    if (token_.empty()) shown_.clear();
    current_ = false;
    asked_.reset();
  }
  WatchStream& stream() { return *stream_; }

  void ReadSlice() {
    if (!asked_) asked_ = stream_->TakeSliceRequest();
    if (asked_) stream_->AddSlice(Slice(*std::exchange(asked_, std::nullopt)));
  }
  // False if there was nothing to read.
  bool Read(const WatchHistory& history, std::size_t max_bytes) {
    const auto response = stream_->Next(history, max_bytes);
    if (!response) return false;
    std::vector<grpc::Slice> slices;
    RC_ASSERT(response->bytes.Dump(&slices).ok());
    std::string bytes;
    for (const grpc::Slice& slice : slices) {
      bytes.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
    }
    v1::WatchPresencesResponse parsed;
    RC_ASSERT(parsed.ParseFromString(bytes));
    if (parsed.event() == v1::WATCH_EVENT_RESET) {
      shown_.clear();
      current_ = false;
    }
    std::size_t missed = 0;
    for (const v1::PresenceUpdate& update : parsed.updates()) {
      if (update.refresh()) {
        ShowRefresh(update);
      } else {
        Show(update);
        missed += std::max(1u, update.merged_changes()) - 1;
      }
    }
    RC_ASSERT(response->missed == missed);
    total_missed += missed;
    if (parsed.event() == v1::WATCH_EVENT_CURRENT) current_ = true;
    RC_ASSERT(!parsed.resume_token().empty());
    token_ = parsed.resume_token();
    return true;
  }
  bool current() const { return current_; }

  void ExpectTruth() const {
    for (int i = 0; i < kUsers; ++i) {
      const std::string user = UserName(i);
      if (!Watches(user)) continue;
      const auto known = truth_.users.find(user);
      const bool exists = known != truth_.users.end() && known->second.exists;
      const auto shown = shown_.find(user);
      RC_ASSERT((shown != shown_.end() && shown->second.exists) == exists);
      if (exists) RC_ASSERT(shown->second.value == known->second.presence.SerializeAsString());
    }
  }

  std::size_t total_missed = 0;

 private:
  struct Shown {
    std::uint64_t sequence = 0;
    bool exists = false;
    v1::PresenceState state = v1::PRESENCE_STATE_UNSPECIFIED;
    std::string value;
  };

  bool Watches(const std::string& user) const {
    return !users_ || std::binary_search(users_->begin(), users_->end(), user);
  }

  // As WatchSource reads it.
  InitialSlice Slice(const SliceRequest& request) const {
    InitialSlice slice;
    slice.attempt = request.attempt;
    slice.sequence = truth_.sequence;
    std::vector<std::string> all;
    for (int i = 0; i < kUsers; ++i) all.push_back(UserName(i));
    const std::vector<std::string>& users = users_ ? *users_ : all;
    const std::size_t end = std::min(users.size(), request.cursor + kSliceUsers);
    v1::WatchPresencesResponse values;
    for (std::size_t i = request.cursor; i < end; ++i) {
      const auto known = truth_.users.find(users[i]);
      v1::PresenceUpdate update;
      update.set_refresh(true);
      if (known != truth_.users.end() && known->second.exists) {
        if (request.unless_up_to > 0 && known->second.sequence <= request.unless_up_to) continue;
        update.set_sequence(known->second.sequence);
        *update.mutable_presence() = known->second.presence;
      } else {
        if (!users_ || request.unless_up_to > 0) continue;
        update.set_sequence(truth_.sequence);
        update.mutable_removed()->set_user(users[i]);
      }
      if (update.sequence() > request.newer_than) {
        slice.newer.emplace_back(users[i], update.sequence());
      }
      *values.add_updates() = update;
    }
    slice.updates = static_cast<std::size_t>(values.updates_size());
    slice.wire = values.SerializeAsString();
    slice.next_cursor = end < users.size() ? end : 0;
    return slice;
  }

  void ShowRefresh(const v1::PresenceUpdate& update) {
    RC_ASSERT(update.merged_changes() == 0u);
    const std::string& user =
        update.has_removed() ? update.removed().user() : update.presence().user();
    const auto before = shown_.find(user);
    if (before != shown_.end()) RC_ASSERT(update.sequence() >= before->second.sequence);
    shown_[user] = {.sequence = update.sequence(),
                    .exists = update.has_presence(),
                    .state = update.presence().state(),
                    .value = update.presence().SerializeAsString()};
  }

  void Show(const v1::PresenceUpdate& update) {
    const std::string& user =
        update.has_removed() ? update.removed().user() : update.presence().user();
    RC_ASSERT(Watches(user));
    const std::vector<v1::PresenceUpdate>& all = truth_.changes.at(user);
    const auto by_sequence = [](const v1::PresenceUpdate& change, std::uint64_t sequence) {
      return change.sequence() < sequence;
    };
    const auto last = std::lower_bound(all.begin(), all.end(), update.sequence(), by_sequence);
    RC_ASSERT(last != all.end());
    RC_ASSERT(last->sequence() == update.sequence());
    RC_ASSERT(last->presence().SerializeAsString() == update.presence().SerializeAsString());
    const std::uint32_t count = std::max(1u, update.merged_changes());
    RC_ASSERT(static_cast<std::uint32_t>(last - all.begin()) + 1 >= count);
    const auto first = last + 1 - count;
    // The change that brought the state, or the last one.
    auto brought = last;
    while (brought != first && !Brings(*brought)) --brought;
    if (!Brings(*brought)) brought = last;
    RC_ASSERT(update.cause().device() == brought->cause().device());

    const auto before = shown_.find(user);
    if (before != shown_.end()) {
      // Of what was shown nothing comes again, and nothing is left out.
      RC_ASSERT(update.sequence() > before->second.sequence);
      const auto next =
          std::lower_bound(all.begin(), all.end(), before->second.sequence + 1, by_sequence);
      RC_ASSERT(static_cast<std::uint32_t>(last + 1 - next) == count);
      RC_ASSERT(update.previous_state() == before->second.state);
    } else {
      RC_ASSERT(update.previous_state() == first->previous_state());
      // Who is shown all has never seen a user only because there was none.
      if (current_) RC_ASSERT(first->previous_state() == v1::PRESENCE_STATE_UNSPECIFIED);
    }
    shown_[user] = {.sequence = update.sequence(),
                    .exists = update.has_presence(),
                    .state = update.presence().state(),
                    .value = update.presence().SerializeAsString()};
  }
  static bool Brings(const v1::PresenceUpdate& change) {
    return change.previous_state() == v1::PRESENCE_STATE_UNSPECIFIED ||
           change.previous_state() != change.presence().state();
  }

  const Truth& truth_;
  const WatchedUsers users_;
  std::string token_;
  std::unique_ptr<WatchStream> stream_;
  std::optional<SliceRequest> asked_;
  std::map<std::string, Shown> shown_;
  bool current_ = false;
};

// The hub, driven by chance.
class Simulation {
 public:
  Simulation() : history_(static_cast<std::size_t>(1 + Any(20))) {
    history_.Reset(0);
    const auto some = std::make_shared<const std::vector<std::string>>(
        std::vector<std::string>{UserName(1), UserName(2), UserName(4)});
    for (const WatchedUsers& users : {WatchedUsers(), WatchedUsers(some), WatchedUsers()}) {
      receivers.push_back(std::make_unique<Receiver>(truth_, users));
      receivers.back()->Open(history_);
    }
  }

  void Publish() {
    auto batch = std::make_unique<publish::Batch>(kEpoch);
    for (int changes = 1 + Any(6); changes > 0; --changes) truth_.Change(*batch);
    waiting_.push_back(std::move(batch));
  }
  void TakeBatch() {
    if (waiting_.empty()) return;
    const publish::Batch& batch = *waiting_.front();
    RC_ASSERT(history_.Append(batch));
    for (const auto& receiver : receivers) {
      if (receiver->stream().everyone()) continue;
      const std::vector<std::string>& users = *receiver->stream().users();
      for (std::size_t i = 0; i < batch.size(); ++i) {
        const auto found = std::lower_bound(users.begin(), users.end(), batch.user(i));
        if (found == users.end() || *found != batch.user(i)) continue;
        receiver->stream().NoteChange(static_cast<std::size_t>(found - users.begin()),
                                      batch.sequence(i), history_);
      }
    }
    if (history_.log().full()) Trim();
    waiting_.pop_front();
  }
  void Trim() {
    const std::uint64_t begin = history_.log().TrimmedBegin();
    std::vector<std::uint64_t> places;
    bool behind = false;
    for (const auto& receiver : receivers) {
      WatchStream& stream = receiver->stream();
      if (!stream.FallsBehind(begin, history_)) continue;
      behind = true;
      if (stream.everyone() && stream.place() < begin) places.push_back(stream.place());
    }
    std::sort(places.begin(), places.end());
    places.erase(std::unique(places.begin(), places.end()), places.end());
    history_.Trim(places, behind);
  }
  // What waits for the log was too much.
  void LoseBatches() {
    if (waiting_.empty()) return;
    history_.Reset(waiting_.back()->last_sequence());
    waiting_.clear();
    for (const auto& receiver : receivers) receiver->stream().StartOver(history_);
  }
  Receiver& AnyReceiver() { return *receivers[static_cast<std::size_t>(Any(3))]; }

  void Step() {
    const int what = Any(100);
    if (what < 35) {
      Publish();
    } else if (what < 60) {
      TakeBatch();
    } else if (what < 75) {
      AnyReceiver().ReadSlice();
    } else if (what < 97) {
      AnyReceiver().Read(history_, static_cast<std::size_t>(1 + Any(300)));
    } else if (what < 99) {
      AnyReceiver().Open(history_);
    } else if (Any(4) == 0) {
      LoseBatches();
    }
  }
  // All is read.
  void Finish() {
    while (!waiting_.empty()) TakeBatch();
    for (const auto& receiver : receivers) {
      while (true) {
        receiver->ReadSlice();
        if (!receiver->Read(history_, 100) && !receiver->stream().wants_slice()) break;
      }
      RC_ASSERT(receiver->current());
      receiver->ExpectTruth();
    }
  }

  std::vector<std::unique_ptr<Receiver>> receivers;

 private:
  Truth truth_;
  WatchHistory history_;
  std::deque<std::unique_ptr<publish::Batch>> waiting_;
};

RC_GTEST_PROP(WatchStreamProperty, WhatIsShownJoinsWhatWasShown, ()) {
  Simulation simulation;
  const int steps = Any(600);
  for (int i = 0; i < steps; ++i) simulation.Step();
  simulation.Finish();
  std::size_t missed = 0;
  for (const auto& receiver : simulation.receivers) missed += receiver->total_missed;
  RC_CLASSIFY(missed > 0, "merged");
}

}  // namespace
}  // namespace unipresence
