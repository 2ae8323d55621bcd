#include "server/service/watch_feed.h"

#include <algorithm>
#include <array>
#include <utility>

#include "aggregator/base/status_macros.h"
#include "aggregator/publish/codec.h"
#include "aggregator/publish/wire.h"
#include "server/service/call.h"

namespace unipresence {
namespace {

namespace wire = publish::wire;

constexpr std::uint32_t kUpdatesField = 1;  // of WatchPresencesResponse

// Encodes initial values one after the other.
class SliceWriter {
 public:
  explicit SliceWriter(const SliceRequest& request, InitialSlice& slice)
      : request_(request), slice_(slice) {}

  void Add(const PresenceSource::Entry& entry) {
    if (request_.unless_up_to > 0 && entry.sequence <= request_.unless_up_to) return;
    publish::AppendRefresh(entry.presence, entry.sequence, encoded_);
    Frame();
    if (entry.sequence > request_.newer_than) {
      slice_.newer.emplace_back(entry.presence.user, entry.sequence);
    }
  }
  void AddUnknown(std::string_view user, std::uint64_t sequence) {
    if (request_.unless_up_to > 0) return;
    publish::AppendRefreshOfUnknown(user, sequence, encoded_);
    Frame();
  }

 private:
  void Frame() {
    std::array<char, 1 + wire::kMaxVarint> head;
    const char* end = wire::PutLengthField<kUpdatesField>(head.data(), encoded_.size());
    slice_.wire.append(head.data(), static_cast<std::size_t>(end - head.data()));
    slice_.wire.append(encoded_.view());
    encoded_.clear();
    ++slice_.updates;
  }

  const SliceRequest& request_;
  InitialSlice& slice_;
  publish::ByteBuffer encoded_;
};

}  // namespace

absl::StatusOr<WatchFeed::Opened> WatchFeed::Open(Core& core, const SessionKey& key) {
  UNIPRESENCE_ASSIGN_OR_RETURN(Caller caller, sessions_.Authenticate(core, key));
  UNIPRESENCE_RETURN_IF_ERROR(Authorize(Method::kWatchPresences, caller, {}));
  UNIPRESENCE_RETURN_IF_ERROR(
      sessions_.OpenStream(core, caller, options_.max_streams_per_session, /*hold=*/true));
  ++streams_;
  const bool started = !std::exchange(wanted_, true);
  if (started) want_batches_(true);
  return Opened{.caller = std::move(caller),
                .registration = {.epoch = core.engine.epoch(),
                                 .sequence = core.engine.sequence(),
                                 .removal_sequence = core.engine.removal_sequence()},
                .started = started};
}

void WatchFeed::Close(Core& core, const Caller& caller) {
  sessions_.CloseStream(core, caller, /*hold=*/true);
  --streams_;
  idle_since_ = core.clock.Now();
}

bool WatchFeed::StopIfIdle(Core& core) {
  if (!wanted_ || streams_ > 0 || core.clock.Now() - idle_since_ < options_.linger) return false;
  wanted_ = false;
  want_batches_(false);
  return true;
}

InitialSlice WatchFeed::ReadSlice(const Core& core, const WatchedUsers& users,
                                  const SliceRequest& request) const {
  const PresenceSource& source = core.engine;
  InitialSlice slice;
  slice.attempt = request.attempt;
  slice.sequence = source.sequence();
  SliceWriter writer(request, slice);
  const auto add = [&](const PresenceSource::Entry& entry) { writer.Add(entry); };
  if (users == nullptr) {
    slice.next_cursor = source.Read(request.cursor, options_.slice_users, add);
    return slice;
  }
  const std::size_t end =
      std::min<std::size_t>(request.cursor + options_.slice_users, users->size());
  for (std::size_t i = request.cursor; i < end; ++i) {
    const std::string& user = (*users)[i];
    if (!source.Read(user, add)) writer.AddUnknown(user, slice.sequence);
  }
  slice.next_cursor = end < users->size() ? end : 0;
  return slice;
}

}  // namespace unipresence
