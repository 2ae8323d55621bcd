#include "aggregator/pbx/resync.h"

#include <charconv>

#include "aggregator/ami/printable.h"
#include "aggregator/base/strings.h"
#include "aggregator/base/valid_text.h"
#include "aggregator/pbx/spelling.h"
#include "fmt/format.h"

namespace unipresence::pbx {
namespace {

constexpr std::size_t kMaxErrorText = 200;

std::string_view ActionName(Resync::Step step) {
  switch (step) {
    case Resync::Step::kEndpoints:
      return "PJSIPShowEndpoints";
    case Resync::Step::kDeviceStates:
      return "DeviceStateList";
    case Resync::Step::kContacts:
      return "PJSIPShowContacts";
    case Resync::Step::kChannels:
      return "CoreShowChannels";
    case Resync::Step::kDirections:
      return "Status";
    case Resync::Step::kBarrier:
      return "Ping";
    case Resync::Step::kIdle:
      return "";
  }
  __builtin_unreachable();
}

Resync::Step After(Resync::Step step) {
  switch (step) {
    case Resync::Step::kEndpoints:
      return Resync::Step::kDeviceStates;
    case Resync::Step::kDeviceStates:
      return Resync::Step::kContacts;
    case Resync::Step::kContacts:
      return Resync::Step::kChannels;
    case Resync::Step::kChannels:
      return Resync::Step::kDirections;
    case Resync::Step::kDirections:
      return Resync::Step::kBarrier;
    case Resync::Step::kBarrier:
    case Resync::Step::kIdle:
      return Resync::Step::kIdle;
  }
  __builtin_unreachable();
}

// A PBX without chan_pjsip has no endpoints and no contacts, and no list of them.
bool SaysThatThereIsNone(Resync::Step step, std::string_view text) {
  return (step == Resync::Step::kEndpoints || step == Resync::Step::kContacts) &&
         text.starts_with("Invalid/unknown command");
}

std::optional<std::uint64_t> ListItems(const ami::Message& closing) {
  const std::string_view text = closing.Get("ListItems");
  std::uint64_t items = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), items);
  if (error != std::errc()) return std::nullopt;
  return items;
}

}  // namespace

ami::ActionBuilder VersionAction() { return ami::ActionBuilder("CoreSettings"); }

std::string_view VersionIn(const ami::Message& answer) { return answer.Get("AsteriskVersion"); }

bool Resync::Start(ResyncKind kind) {
  if (running()) return false;
  step_ = Step::kEndpoints;
  kind_ = kind;
  token_ = 0;
  step_rows_ = 0;
  rows_ = 0;
  errors_.clear();
  whole_.clear();
  skipped_.clear();
  return true;
}

std::optional<ListAction> Resync::NextAction() const {
  if (!running() || token_ != 0) return std::nullopt;
  return ListAction{ActionName(step_), step_ != Step::kBarrier};
}

void Resync::Sent(ami::ActionToken token) {
  if (running() && token_ == 0) token_ = token;
}

bool Resync::TakeRow(ami::ActionToken token) {
  if (!running() || token != token_ || token == 0) return false;
  ++step_rows_;
  ++rows_;
  return true;
}

void Resync::SkipDirections() {
  if (step_ != Step::kDirections || token_ != 0) return;
  skipped_.push_back(ActionName(step_));
  step_ = Step::kBarrier;
}

std::optional<Resync::Done> Resync::OnReply(ami::ActionToken token,
                                            const absl::StatusOr<ami::ActionReply>& reply) {
  if (!running() || token != token_ || token == 0) return std::nullopt;
  Done done{step_, false};
  const std::size_t errors = errors_.size();
  if (!reply.ok()) {
    if (absl::IsUnavailable(reply.status())) {
      Abort();
      return std::nullopt;
    }
    std::string_view why = FromAbsl(reply.status().message());
    const std::string prefix = fmt::format("action {}: ", ActionName(step_));
    if (why.starts_with(prefix)) why.remove_prefix(prefix.size());
    Note(why);
  } else if (!reply->success) {
    const bool empty = step_ != Step::kBarrier && SaysNone(reply->text);
    done.complete = empty || SaysThatThereIsNone(step_, reply->text);
    if (!empty) Note(ami::Printable(reply->text));
  } else if (step_ != Step::kBarrier) {
    const auto items = ListItems(reply->message);
    done.complete = reply->skipped_rows == 0 && (!items || *items == step_rows_);
    if (reply->skipped_rows > 0) {
      Note(fmt::format("{} rows were beyond the limits of a message", reply->skipped_rows));
    } else if (!done.complete) {
      Note(fmt::format("{} of {} items came", step_rows_, *items));
    }
  }
  if (errors_.size() == errors) whole_.push_back(ActionName(step_));
  step_ = After(step_);
  token_ = 0;
  step_rows_ = 0;
  return done;
}

void Resync::Note(std::string_view why) {
  errors_.push_back({ActionName(step_),
                     why.empty() ? "refused without a reason" : ValidText(why, kMaxErrorText)});
}

}  // namespace unipresence::pbx
