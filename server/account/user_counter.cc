#include "server/account/user_counter.h"

#include <algorithm>
#include <utility>

namespace unipresence {
namespace {

// Users that one command on the pipeline looks at: about 0.1 ms.
constexpr std::size_t kSlice = 256;

}  // namespace

void UserCounter::Count(Core& core, Done done) {
  if (has_result_ && core.clock.Now() - counted_ < kFresh) return std::move(done)(core, result_);
  waiting_.push_back(std::move(done));
  if (waiting_.size() > 1) return;
  cursor_ = 0;
  counting_ = {};
  Slice(core);
}

void UserCounter::Slice(Core& core) {
  cursor_ = core.presences.Read(
      cursor_, kSlice, [&](const PresenceSource::Entry& entry) { Add(core.pbxs, entry.presence); });
  if (cursor_ != 0) {
    if (!executor_.Post([this](Core& later) { Slice(later); })) waiting_.clear();
    return;
  }
  result_ = std::move(counting_);
  has_result_ = true;
  counted_ = core.clock.Now();
  for (Done& done : std::exchange(waiting_, {})) std::move(done)(core, result_);
}

void UserCounter::Add(const PbxTable& pbxs, const Presence& presence) {
  counting_.by_pbx.resize(pbxs.size());
  if (presence.stale) ++counting_.stale;
  std::size_t counted = pbxs.size();  // the PBX of the line before: both lines are mostly on one
  for (const LinePresence& line : presence.lines) {
    const auto pbx = std::find_if(pbxs.begin(), pbxs.end(), [&](const PbxStatus& candidate) {
      return candidate.name == line.pbx;
    });
    const auto index = static_cast<std::size_t>(pbx - pbxs.begin());
    if (index == pbxs.size() || index == counted) continue;
    counted = index;
    ++counting_.by_pbx[index].users;
    if (presence.stale) ++counting_.by_pbx[index].stale;
  }
}

}  // namespace unipresence
