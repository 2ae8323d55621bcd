#include "aggregator/pbx/write_back.h"

#include <algorithm>

#include "absl/hash/hash.h"
#include "aggregator/pbx/phone_settings.h"

namespace unipresence::pbx {
namespace {

std::uint64_t NumberKey(const std::string& family) { return absl::HashOf(family); }

std::size_t IndexOf(Item item) { return static_cast<std::size_t>(item); }

// Whether a setting may be adopted later, by what its adoption ended with.
bool IsPassing(absl::StatusCode code) {
  switch (code) {
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kResourceExhausted:
    case absl::StatusCode::kAborted:
    case absl::StatusCode::kCancelled:
    case absl::StatusCode::kDeadlineExceeded:
    case absl::StatusCode::kInternal:
    case absl::StatusCode::kDataLoss:
      return true;
    default:
      return false;
  }
}

}  // namespace

WriteBack::WriteBack(Options options) : options_(options) {
  slots_.resize(options_.max_in_flight);
  for (std::size_t i = slots_.size(); i > 0; --i) free_slots_.push_back(i - 1);
}

// --- What is to be said ----------------------------------------------------------------------

void WriteBack::Queue(const Routing& routing, Why why, std::optional<PhoneSetting> heard) {
  const std::string family = FamilyOf(routing.context, routing.exten);
  if (routing.removed) {
    if (removed_.size() >= options_.max_removed) removed_.erase(removed_.begin());
    removed_[family] = {.context = std::string(routing.context),
                        .exten = std::string(routing.exten)};
  }
  if (database_denied_) {
    probe_.refused.Add();
    ++finished_;
    return;
  }
  if (routing.removed) return Remove(family, routing.context, routing.exten);
  removed_.erase(family);
  FillItems(routing, scratch_);

  const auto active = jobs_.find(family);
  const auto record = records_.find(NumberKey(family));
  const bool unknown = record == records_.end();
  const bool again = why == Why::kAgain || heard;
  if (active == jobs_.end() && !unknown && !again && record->second == HashGroups(scratch_)) {
    ++finished_;  // before it began
    return;
  }

  const bool is_new = active == jobs_.end();
  Job& job = JobOf(family, routing.context, routing.exten);
  const bool looks_again = std::exchange(job.keeps_changes, false);
  const bool returns = std::exchange(job.removed, false);
  job.user = std::string(routing.user);
  if (heard) job.heard.push_back(*std::move(heard));
  const Record known = unknown ? Record{} : record->second;
  const Record wanted = HashGroups(scratch_);
  for (std::size_t i = 0; i < kToldItemCount; ++i) {
    const auto item = static_cast<Item>(i);
    const bool differs =
        is_new ? known[GroupOf(item)] != wanted[GroupOf(item)] : job.values[i] != scratch_[i];
    job.values[i] = scratch_[i];
    if (returns || differs) Want(job, item, Step::kWrite);
  }
  job.counts |= why == Why::kAgain || (why == Why::kUnchecked && is_new);
  if (again || looks_again || (unknown && is_new)) WantChecked(job);
  Advance(job);
}

void WriteBack::Remove(const std::string& family, std::string_view context,
                       std::string_view exten) {
  records_.erase(NumberKey(family));
  Job& job = JobOf(family, context, exten);
  if (job.removed) return;
  job.removed = true;
  job.counts = false;
  job.keeps_changes = false;
  job.user.clear();
  job.heard.clear();
  tickets_.erase(std::exchange(job.ticket, 0));
  job.phase = Phase::kAssert;
  for (std::size_t i = 0; i < kItemCount; ++i) Want(job, static_cast<Item>(i), Step::kWrite);
  Advance(job);
}

void WriteBack::OnTick(bool all_offered) {
  for (auto at = removed_.begin(); at != removed_.end();) {
    const bool durable = at->second.is_done && ++at->second.age >= options_.ticks_until_durable;
    if (durable) {
      removed_.erase(at++);
    } else {
      ++at;
    }
  }
  if (all_offered && !database_denied_) RedoRemovals();
}

void WriteBack::RedoRemovals() {
  for (auto& [family, removed] : removed_) {
    if (jobs_.size() >= options_.max_jobs) return;
    if (!std::exchange(removed.is_due, false)) continue;
    Remove(family, removed.context, removed.exten);
  }
}

WriteBack::Job& WriteBack::JobOf(const std::string& family, std::string_view context,
                                 std::string_view exten) {
  std::unique_ptr<Job>& job = jobs_[family];
  if (!job) {
    job = std::make_unique<Job>();
    job->context = std::string(context);
    job->exten = std::string(exten);
  }
  return *job;
}

// The item is to be brought to its newest value, from that step on.
void WriteBack::Want(Job& job, Item item, Step step) {
  ItemState& state = job.items[IndexOf(item)];
  switch (state.step) {
    case Step::kErase:
    case Step::kVerify:
    case Step::kAwait:
      state.outdated = true;
      return;
    case Step::kRead:  // it will be compared with the newest value
      return;
    case Step::kSettled:
    case Step::kFailed:
    case Step::kWrite:
      state = {.step = step};
      return;
  }
}

// Everything is to be looked at, the changes made from the phone first.
void WriteBack::WantChecked(Job& job) {
  switch (job.phase) {
    case Phase::kAssert:
    case Phase::kDropChanges:
      job.phase = Phase::kAskChanges;
      break;
    case Phase::kAskChanges:
    case Phase::kAwaitChanges:
    case Phase::kAdopt:      // they are read again when all are adopted
    case Phase::kAwaitDrop:  // and if more was heard meanwhile
      break;
  }
  for (std::size_t i = 0; i < kToldItemCount; ++i) {
    ItemState& state = job.items[i];
    // What is to be written, or read after a write, will be looked at anyway.
    const bool idle = state.step == Step::kSettled || state.step == Step::kFailed;
    if (idle || (state.step == Step::kWrite && state.attempts == 0)) state = {.step = Step::kRead};
  }
}

void WriteBack::Enqueue(Job& job) {
  if (std::exchange(job.queued, true)) return;
  sendable_.push_back(&job);
}

void WriteBack::Advance(Job& job) {
  switch (job.phase) {
    case Phase::kAwaitChanges:
    case Phase::kAdopt:
    case Phase::kAwaitDrop:
      return;
    case Phase::kAskChanges:
    case Phase::kDropChanges:
      return Enqueue(job);
    case Phase::kAssert:
      break;
  }
  bool waits = job.in_flight > 0;
  for (const ItemState& item : job.items) {
    switch (item.step) {
      case Step::kRead:
      case Step::kWrite:
      case Step::kErase:
      case Step::kVerify:
        return Enqueue(job);
      case Step::kAwait:
        waits = true;
        break;
      case Step::kSettled:
      case Step::kFailed:
        break;
    }
  }
  if (!waits && !job.queued) Finish(job);
}

bool WriteBack::writing(std::string_view context, std::string_view exten) const {
  return jobs_.contains(FamilyOf(context, exten));
}

void WriteBack::Finish(Job& job) {
  ++finished_;
  const std::string family = FamilyOf(job.context, job.exten);
  if (job.keeps_changes) {
    records_.erase(NumberKey(family));
  } else if (job.removed) {
    const auto removed = removed_.find(family);
    if (removed != removed_.end()) {
      removed->second.is_done =
          std::none_of(job.items.begin(), job.items.end(),
                       [](const ItemState& item) { return item.step == Step::kFailed; });
    }
  } else {
    Record record = HashGroups(job.values);
    for (std::size_t i = 0; i < kToldItemCount; ++i) {
      if (job.items[i].step == Step::kFailed) record[GroupOf(static_cast<Item>(i))] = 0;
    }
    records_[NumberKey(family)] = record;
  }
  jobs_.erase(family);
}

bool WriteBack::checking() const {
  return std::any_of(jobs_.begin(), jobs_.end(),
                     [](const auto& job) { return job.second->counts; });
}

void WriteBack::LinkLost() {
  for (auto& [family, removed] : removed_) {
    removed.is_due = true;
    removed.is_done = false;
    removed.age = 0;
  }
  jobs_.clear();
  sendable_.clear();
  offered_.reset();
  adoptions_.clear();
  tickets_.clear();
  records_ = RecordMap();
  free_slots_.clear();
  for (std::size_t i = slots_.size(); i > 0; --i) {
    slots_[i - 1] = Slot{};
    free_slots_.push_back(i - 1);
  }
  database_denied_ = false;
  state_denied_ = false;
  complaints_.clear();
  complained_.clear();
}

std::optional<std::string> WriteBack::TakeComplaint() {
  if (complaints_.empty()) return std::nullopt;
  std::string complaint = std::move(complaints_.front());
  complaints_.pop_front();
  return complaint;
}

std::vector<PhoneSetting> WriteBack::TakeReported() {
  std::vector<PhoneSetting> heard;
  for (Adoption& adoption : adoptions_) heard.push_back(std::move(adoption.setting));
  adoptions_.clear();
  for (auto& [family, job] : jobs_) {
    heard.insert(heard.end(), job->heard.begin(), job->heard.end());
    job->heard.clear();
  }
  // The table of jobs is in no order, and what is done must be the same each time.
  std::ranges::stable_sort(heard, {}, &PhoneSetting::user);
  return heard;
}

// --- Changes made from phones ----------------------------------------------------------------

void WriteBack::OnChangesRead(Job& job, const std::string& text) {
  // What was appended since the last look is new; if it was replaced, all of it is.
  const bool grown = !job.adopted.empty() && text.starts_with(job.adopted);
  PhoneChanges changes =
      ParsePhoneChanges(job.user, std::string_view(text).substr(grown ? job.adopted.size() : 0));
  probe_.malformed_phone_settings.Add(changes.malformed);
  // What was heard is in the text, unless that was deleted while the phone added to it: then it is
  // older than what is in the text now.
  const PhoneChanges all = ParsePhoneChanges(job.user, text);
  std::erase_if(job.heard, [&](const PhoneSetting& heard) {
    return std::find(all.settings.begin(), all.settings.end(), heard) != all.settings.end();
  });
  changes.settings.insert(changes.settings.begin(), job.heard.begin(), job.heard.end());
  job.heard.clear();
  job.adopted = text;
  if (changes.settings.empty()) {
    job.phase = text.empty() ? Phase::kAssert : Phase::kDropChanges;
    return;
  }
  job.phase = Phase::kAdopt;
  job.adopting = changes.settings.size();
  job.keeps_changes = false;
  job.ticket = next_ticket_++;
  tickets_[job.ticket] = FamilyOf(job.context, job.exten);
  probe_.phone_settings.Add(changes.settings.size());
  for (PhoneSetting& setting : changes.settings) {
    adoptions_.push_back({job.ticket, std::move(setting)});
  }
}

std::optional<WriteBack::Adoption> WriteBack::TakeAdoption() {
  if (adoptions_.empty()) return std::nullopt;
  Adoption adoption = std::move(adoptions_.front());
  adoptions_.pop_front();
  return adoption;
}

std::optional<std::string> WriteBack::OnAdopted(std::uint64_t ticket, const absl::Status& status) {
  const auto at = tickets_.find(ticket);
  if (at == tickets_.end()) return std::nullopt;  // the link was lost meanwhile, or the number
  Job& job = *jobs_.at(at->second);
  if (!status.ok()) {
    if (IsPassing(status.code())) {
      job.keeps_changes = true;
      // Whatever is offered meanwhile: the note is not to be dropped before all of it is durable.
      job.adopted.clear();
    } else {
      probe_.rejected_phone_settings.Add();
    }
  }
  if (--job.adopting > 0) return std::nullopt;
  tickets_.erase(at);
  job.ticket = 0;
  job.phase = job.keeps_changes ? Phase::kAssert : Phase::kAskChanges;
  Enqueue(job);
  if (job.keeps_changes) return std::nullopt;
  return job.user;
}

}  // namespace unipresence::pbx
