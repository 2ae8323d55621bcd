// wait.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "aggregator/base/status_macros.h"
#include "clients/cli/commands/commands.h"
#include "clients/cli/commands/watch_loop.h"
#include "clients/cli/failure.h"
#include "clients/cli/format_json.h"
#include "clients/cli/format_presence.h"
#include "clients/cli/words.h"
#include "unipresence/v1/presence.grpc.pb.h"

namespace unipresence::cli {
namespace {

class Waiter {
 public:
  using Response = v1::WatchPresencesResponse;

  Waiter(const WaitOptions& options, std::string user, CommandContext& context)
      : states_(options.states), context_(context) {
    request_.add_users(std::move(user));
  }

  std::unique_ptr<grpc::ClientReader<Response>> Open(grpc::ClientContext& rpc) {
    const auto stub = v1::PresenceService::NewStub(context_.client().channel());
    return stub->WatchPresences(&rpc, request_);
  }

  void Apply(const Response& response) {
    for (const v1::PresenceUpdate& update : response.updates()) {
      removed_ = update.has_removed();
      if (!removed_) last_ = update.presence();
      // A stale state is the last known one and may be another by now.
      reached_ = !removed_ && !last_.stale() &&
                 std::find(states_.begin(), states_.end(), last_.state()) != states_.end();
      // The first one that fits is the answer, whatever follows it.
      if (reached_ || removed_) return context_.interrupt().Raise();
    }
  }

  void Interrupted(std::string_view why) { context_.Remark(fmt::format("{}; trying again", why)); }

  bool reached() const { return reached_; }
  bool removed() const { return removed_; }
  const v1::Presence& last() const { return last_; }

 private:
  const std::vector<v1::PresenceState> states_;
  CommandContext& context_;
  v1::WatchPresencesRequest request_;
  v1::Presence last_;
  bool reached_ = false;
  bool removed_ = false;
};

// Interrupts the command after some time, unless it ends before.
class Limit {
 public:
  Limit(std::chrono::milliseconds time, Interrupt& interrupt)
      : thread_([this, time, &interrupt](std::stop_token stop) {
          std::unique_lock lock(mutex_);
          changed_.wait_for(lock, stop, time, [] { return false; });
          if (!stop.stop_requested()) interrupt.Raise();
        }) {}

 private:
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::jthread thread_;  // the last member: it uses the others
};

std::string WordsOf(const std::vector<v1::PresenceState>& states) {
  std::vector<std::string_view> words;
  for (const v1::PresenceState state : states) words.push_back(Word(state));
  return fmt::format("{}", fmt::join(words, " or "));
}

}  // namespace

absl::Status RunCommand(const WaitOptions& options, CommandContext& context) {
  UNIPRESENCE_RETURN_IF_ERROR(context.Connect());
  // Also tells a name that does not exist, for which a stream would wait.
  v1::GetPresenceRequest request;
  request.set_user(options.user);
  UNIPRESENCE_ASSIGN_OR_RETURN(const v1::Presence now,
                               context.Call(&v1::PresenceService::Stub::GetPresence, request));
  Waiter waiter(options, now.user(), context);
  std::unique_ptr<Limit> limit;
  if (options.timeout) limit = std::make_unique<Limit>(*options.timeout, context.interrupt());
  UNIPRESENCE_RETURN_IF_ERROR(KeepWatching(waiter, context, /*reconnect=*/true));
  const v1::Presence& last = waiter.last();
  if (waiter.reached()) {
    context.Print(PresenceJson(last),
                  fmt::format("{} is {}", Shown(last.user()), Word(last.state())));
    return absl::OkStatus();
  }
  if (waiter.removed()) {
    return absl::NotFoundError(fmt::format("the user '{}' was deleted", now.user()));
  }
  return NotReachedError(
      fmt::format("{} is {}{} and was not {} in time", now.user(),
                  Shown(Word(last.user().empty() ? now.state() : last.state())),
                  last.stale() || (last.user().empty() && now.stale()) ? " (stale)" : "",
                  WordsOf(options.states)));
}

}  // namespace unipresence::cli
