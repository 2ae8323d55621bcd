// The actions of WriteBack and what becomes of them.

#include <algorithm>

#include "aggregator/ami/printable.h"
#include "aggregator/base/strings.h"
#include "aggregator/pbx/manager_rights.h"
#include "aggregator/pbx/write_back.h"
#include "fmt/format.h"

namespace unipresence::pbx {
namespace {

constexpr std::string_view kNotFound = "Database entry not found";

std::size_t IndexOf(Item item) { return static_cast<std::size_t>(item); }

}  // namespace

// --- Sending ---------------------------------------------------------------------------------

bool WriteBack::Denied(Item item, Step step) const {
  return database_denied_ || (state_denied_ && item == Item::kState && step == Step::kWrite);
}

// What the job has to send next; nullopt if it waits for answers, or for nothing.
std::optional<Item> WriteBack::NextItem(Job& job) {
  switch (job.phase) {
    case Phase::kAskChanges:
    case Phase::kDropChanges:
      if (!database_denied_) return Item::kPhoneChanges;
      job.phase = Phase::kAssert;
      break;
    case Phase::kAwaitChanges:
    case Phase::kAdopt:
    case Phase::kAwaitDrop:
      return std::nullopt;
    case Phase::kAssert:
      break;
  }
  for (std::size_t i = 0; i < kItemCount; ++i) {
    ItemState& state = job.items[i];
    if (state.step == Step::kSettled || state.step == Step::kFailed || state.step == Step::kAwait) {
      continue;
    }
    if (!job.keeps_changes && !Denied(static_cast<Item>(i), state.step)) {
      return static_cast<Item>(i);
    }
    state = {.step = Step::kFailed};
  }
  return std::nullopt;
}

std::optional<WriteBack::Outgoing> WriteBack::NextAction() {
  if (free_slots_.empty()) return std::nullopt;
  while (!sendable_.empty()) {
    Job& job = *sendable_.front();
    const std::optional<Item> item = NextItem(job);
    if (!item) {
      sendable_.pop_front();
      job.queued = false;
      Advance(job);
      continue;
    }
    offered_ = {&job, *item};
    const bool asserts = job.phase == Phase::kAssert;
    const Step step = asserts                           ? job.items[IndexOf(*item)].step
                      : job.phase == Phase::kAskChanges ? Step::kRead
                                                        : Step::kWrite;
    if (step == Step::kRead || step == Step::kVerify) {
      return Outgoing{ReadAction(job, *item), ami::ActionKind::kList, free_slots_.back()};
    }
    return Outgoing{WriteAction(job, *item, step), ami::ActionKind::kSingle, free_slots_.back()};
  }
  return std::nullopt;
}

ami::ActionBuilder WriteBack::ReadAction(const Job& job, Item item) const {
  ami::ActionBuilder action("DBGet");
  if (item == Item::kState) {
    action.Header("Family", kStateFamily).Header("Key", StateNameOf(job.context, job.exten));
  } else {
    action.Header("Family", FamilyOf(job.context, job.exten)).Header("Key", KeyOf(item));
  }
  return action;
}

ami::ActionBuilder WriteBack::WriteAction(const Job& job, Item item, Step step) const {
  const bool deletes = job.removed || item == Item::kPhoneChanges;
  if (item == Item::kState) {
    const std::string name = StateNameOf(job.context, job.exten);
    if (step == Step::kErase) {
      ami::ActionBuilder action("DBDel");
      action.Header("Family", kStateFamily).Header("Key", name);
      return action;
    }
    ami::ActionBuilder action("Setvar");
    action.Header("Variable", fmt::format("DEVICE_STATE(Custom:{})", name))
        .Header("Value", deletes ? "UNAVAILABLE" : job.values[IndexOf(item)]);
    return action;
  }
  ami::ActionBuilder action(deletes ? "DBDel" : "DBPut");
  action.Header("Family", FamilyOf(job.context, job.exten)).Header("Key", KeyOf(item));
  if (!deletes) action.Header("Val", job.values[IndexOf(item)]);
  return action;
}

void WriteBack::Sent(ami::ActionToken token) {
  Job& job = *offered_->first;
  const Item item = offered_->second;
  offered_.reset();
  const std::size_t index = free_slots_.back();
  free_slots_.pop_back();
  Slot& slot = slots_[index];
  slot = {.job = &job, .token = token, .item = item};
  ++job.in_flight;
  slot.is_of_phase = job.phase != Phase::kAssert;
  if (job.phase == Phase::kAskChanges) {
    slot.is_read = true;
    job.phase = Phase::kAwaitChanges;
    return;
  }
  if (job.phase == Phase::kDropChanges) {
    job.phase = Phase::kAwaitDrop;
    return;
  }
  ItemState& state = job.items[IndexOf(item)];
  switch (state.step) {
    case Step::kRead:
    case Step::kVerify:
      slot.is_read = true;
      state.is_check = state.step == Step::kRead;
      state.step = Step::kAwait;
      return;
    case Step::kWrite:
      state.step = item == Item::kState && job.removed ? Step::kErase : Step::kVerify;
      return;
    case Step::kErase:
      state.step = Step::kVerify;
      return;
    case Step::kSettled:
    case Step::kFailed:
    case Step::kAwait:
      return;
  }
}

void WriteBack::NotSent(const absl::Status& status) {
  Job& job = *offered_->first;
  const Item item = offered_->second;
  offered_.reset();
  Refuse(KeyOf(item), FromAbsl(status.message()));
  job.phase = Phase::kAssert;
  job.items[IndexOf(item)] = {.step = Step::kFailed};
  Enqueue(job);
}

// --- Answers ---------------------------------------------------------------------------------

bool WriteBack::OnRow(ami::ActionToken token, const ami::Message& row) {
  for (Slot& slot : slots_) {
    if (slot.job == nullptr || slot.token != token) continue;
    if (row.Event() == "DBGetResponse") slot.found = std::string(row.Get("Val"));
    return true;
  }
  return false;
}

void WriteBack::OnReply(std::size_t index, const absl::StatusOr<ami::ActionReply>& reply) {
  if (slots_[index].job == nullptr) return;
  if (absl::IsUnavailable(reply.status())) return;
  const Slot slot = std::exchange(slots_[index], Slot{});
  free_slots_.push_back(index);
  Job& job = *slot.job;
  --job.in_flight;
  if (slot.is_read) {
    OnRead(slot, reply);
  } else {
    OnWritten(slot, reply);
  }
  Advance(job);
}

void WriteBack::OnWritten(const Slot& slot, const absl::StatusOr<ami::ActionReply>& reply) {
  Job& job = *slot.job;
  const Item item = slot.item;
  const bool deletes = job.removed || item == Item::kPhoneChanges;
  // Without an answer the reading back decides. What is to be deleted may not be there.
  if (reply.ok() && reply->success) {
    probe_.written.Add();
  } else if (reply.ok() && (!deletes || reply->text == kPermissionDenied)) {
    const std::string_view action = item == Item::kState ? "Setvar" : deletes ? "DBDel" : "DBPut";
    Refuse(action, reply->text);
    if (!slot.is_of_phase) job.items[IndexOf(item)].refused = true;
  }
  if (slot.is_of_phase && job.phase == Phase::kAwaitDrop) {
    if (!reply.ok()) {
      // Perhaps it is there still, and would be adopted again over what was set since.
      job.phase = Phase::kAskChanges;
      return;
    }
    job.adopted.clear();
    job.phase = job.heard.empty() ? Phase::kAssert : Phase::kAskChanges;
  }
}

void WriteBack::OnRead(const Slot& slot, const absl::StatusOr<ami::ActionReply>& reply) {
  Job& job = *slot.job;
  const bool answered = reply.ok() && (reply->success || reply->text == kNotFound);
  if (!reply.ok()) {
    probe_.retried.Add();
  } else if (!answered) {
    Refuse("DBGet", reply->text);
  }
  if (!slot.is_of_phase) {
    job.items[IndexOf(slot.item)].refused |= reply.ok() && !answered;
    OnItemRead(job, slot.item, answered, slot.found);
    return;
  }
  if (job.phase != Phase::kAwaitChanges) return;  // the number was removed, or given back
  if (!reply.ok()) {
    job.phase = Phase::kAskChanges;
  } else {
    OnChangesRead(job, slot.found.value_or(""));
  }
}

void WriteBack::OnItemRead(Job& job, Item item, bool answered,
                           const std::optional<std::string>& found) {
  ItemState& state = job.items[IndexOf(item)];
  const bool is_check = state.is_check;
  if (state.outdated) {
    state = {.step = Step::kWrite};
    return;
  }
  if (state.refused) {
    state = {.step = Step::kFailed};
    return;
  }
  const bool deletes = job.removed || item == Item::kPhoneChanges;
  const bool right = answered && (deletes ? !found : found == job.values[IndexOf(item)]);
  if (right) {
    probe_.verified.Add();
    state = {};
    return;
  }
  if (answered && is_check) {
    if (job.counts) probe_.rewritten.Add();
    state = {.step = Step::kWrite};
    return;
  }
  const auto attempts = static_cast<std::uint8_t>(state.attempts + 1);
  if (attempts >= options_.attempts) {
    probe_.given_up.Add();
    state = {.step = Step::kFailed};
    return;
  }
  if (answered) probe_.retried.Add();
  state = {.step = is_check ? Step::kRead : Step::kWrite, .attempts = attempts};
}

void WriteBack::Refuse(std::string_view action, std::string_view text) {
  probe_.refused.Add();
  if (text == kPermissionDenied) {
    (action == "Setvar" ? state_denied_ : database_denied_) = true;
  }
  // A value in the text must not make each one a complaint of its own.
  constexpr std::size_t kMaxComplaints = 8;
  if (complained_.size() >= kMaxComplaints) return;
  std::string complaint = fmt::format("{}: {}", action, ami::Printable(text));
  if (complained_.insert(complaint).second) complaints_.push_back(std::move(complaint));
}

}  // namespace unipresence::pbx
