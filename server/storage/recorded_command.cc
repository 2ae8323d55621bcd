#include "server/storage/recorded_command.h"

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "aggregator/base/status_macros.h"

namespace unipresence {
namespace {

class ChangeLog {
 public:
  void Note(std::string_view user, UserAction action) {
    Outdate();
    entries_.push_back({std::string(user), action, part_, nullptr});
  }
  // It changes nothing of the user, who may have been read before.
  void NoteBegun(const StoredSession& session) {
    entries_.push_back({session.user, {}, part_, std::make_unique<StoredSession>(session)});
  }
  absl::Status NoteIfOk(const absl::Status& status, std::string_view user, UserAction action) {
    if (status.ok()) Note(user, action);
    return status;
  }

  // The command has read the user. One who reports what was stored reads it last, so that it need
  // not be read again.
  void OnRead(const StoredUser& user) {
    if (!entries_.empty() && entries_.back().user == user.user.id) newest_ = user;
  }

  // What was read may have changed.
  void Outdate() { newest_.reset(); }

  // Of an error nothing is left.
  absl::Status Undoable(Transaction& transaction, absl::FunctionRef<absl::Status()> body) {
    const std::size_t before = entries_.size();
    absl::Status status = transaction.InPart(body);
    if (!status.ok()) {
      Outdate();
      entries_.erase(entries_.begin() + static_cast<std::ptrdiff_t>(before), entries_.end());
    }
    return status;
  }
  absl::Status InPart(Transaction& transaction, absl::FunctionRef<absl::Status()> body) {
    const std::size_t outer = std::exchange(part_, ++parts_);
    absl::Status status = Undoable(transaction, body);
    part_ = outer;
    return status;
  }

  absl::StatusOr<std::vector<ChangedUser>> Changed(const UserReader& users) {
    std::vector<ChangedUser> changed;
    std::unordered_map<std::string_view, std::size_t> places;
    std::size_t part = 0;
    for (Entry& entry : entries_) {
      const auto [place, first] = places.try_emplace(entry.user, changed.size());
      if (first) {
        const bool with_previous = !changed.empty() && part == entry.part;
        changed.push_back({.id = entry.user,
                           .action = {},
                           .begun = {},
                           .now = {},
                           .with_previous = with_previous});
        part = entry.part;
      }
      ChangedUser& user = changed[place->second];
      user.action.Add(entry.action);
      if (entry.action.sessions_ended || entry.action.deleted) user.begun.clear();
      if (entry.begun) user.begun.push_back(std::move(*entry.begun));
    }
    for (ChangedUser& user : changed) {
      if (!user.action.changes_user()) continue;
      if (newest_ && newest_->user.id == user.id) {
        user.now = std::exchange(newest_, std::nullopt);
        continue;
      }
      absl::StatusOr<StoredUser> now = users.Get(user.id);
      if (now.ok()) {
        user.now = *std::move(now);
      } else if (!absl::IsNotFound(now.status())) {
        return now.status();
      }
    }
    return changed;
  }

 private:
  struct Entry {
    std::string user;
    UserAction action;
    std::size_t part;
    std::unique_ptr<StoredSession> begun;  // of few entries, and there may be a million
  };

  std::vector<Entry> entries_;
  std::size_t part_ = 0;  // the command itself is part 0
  std::size_t parts_ = 0;
  // The user who was changed last, as read afterwards.
  std::optional<StoredUser> newest_;
};

class RecordedUsers final : public UserStore {
 public:
  RecordedUsers(Transaction& transaction, ChangeLog& log)
      : transaction_(transaction), users_(transaction.users), log_(log) {}

  absl::Status Create(const NewUser& user) override {
    return log_.NoteIfOk(users_.Create(user), user.user.id, {.written = true});
  }
  absl::Status Update(const User& user) override {
    return log_.NoteIfOk(users_.Update(user), user.id, {.written = true});
  }
  absl::Status SetPasswordHash(std::string_view id, std::string_view password_hash) override {
    log_.Outdate();
    return users_.SetPasswordHash(id, password_hash);
  }
  absl::Status Delete(std::string_view id) override {
    return log_.NoteIfOk(users_.Delete(id), id, {.deleted = true});
  }
  // One by one, to see who was added.
  absl::StatusOr<SeedReport> Seed(std::span<const NewUser> users) override {
    SeedReport report;
    UNIPRESENCE_RETURN_IF_ERROR(log_.Undoable(transaction_, [&]() -> absl::Status {
      for (const NewUser& user : users) {
        UNIPRESENCE_ASSIGN_OR_RETURN(SeedReport one, users_.Seed({&user, 1}));
        if (one.added > 0) log_.Note(user.user.id, {.written = true});
        report.added += one.added;
        report.left_alone += one.left_alone;
        for (absl::Status& refused : one.refused) report.refused.push_back(std::move(refused));
      }
      return absl::OkStatus();
    }));
    return report;
  }

  absl::StatusOr<StoredUser> Get(std::string_view id) const override {
    absl::StatusOr<StoredUser> user = users_.Get(id);
    if (user.ok()) log_.OnRead(*user);
    return user;
  }
  absl::StatusOr<StoredUser> GetByUsername(std::string_view username) const override {
    return users_.GetByUsername(username);
  }
  absl::StatusOr<UserPage> List(const UserFilter& filter,
                                const UserPageRequest& page) const override {
    return users_.List(filter, page);
  }
  absl::Status ForEach(const UserFilter& filter,
                       absl::FunctionRef<void(const StoredUser&)> visit) const override {
    return users_.ForEach(filter, visit);
  }
  absl::StatusOr<std::uint64_t> Count(std::optional<Role> role) const override {
    return users_.Count(role);
  }
  absl::StatusOr<std::uint64_t> CountLogins(Role role) const override {
    return users_.CountLogins(role);
  }
  absl::StatusOr<std::vector<std::string>> Unseeded(
      std::span<const std::string> ids) const override {
    return users_.Unseeded(ids);
  }

 private:
  Transaction& transaction_;
  UserStore& users_;
  ChangeLog& log_;
};

class RecordedSettings final : public SettingsStore {
 public:
  RecordedSettings(SettingsStore& settings, ChangeLog& log) : settings_(settings), log_(log) {}

  absl::Status SetSelectedDevice(std::string_view user, LineKind device) override {
    return log_.NoteIfOk(settings_.SetSelectedDevice(user, device), user, {.selected = true});
  }
  absl::Status SetDoNotDisturb(std::string_view user, bool do_not_disturb) override {
    return log_.NoteIfOk(settings_.SetDoNotDisturb(user, do_not_disturb), user,
                         {.forwarded = true});
  }
  absl::Status SetForwardings(std::string_view user, const Forwardings& forwardings) override {
    return log_.NoteIfOk(settings_.SetForwardings(user, forwardings), user, {.forwarded = true});
  }

 private:
  SettingsStore& settings_;
  ChangeLog& log_;
};

class RecordedSessions final : public SessionStore {
 public:
  RecordedSessions(SessionStore& sessions, ChangeLog& log) : sessions_(sessions), log_(log) {}

  absl::Status Save(const StoredSession& session) override {
    absl::Status saved = sessions_.Save(session);
    if (saved.ok()) log_.NoteBegun(session);
    return saved;
  }
  absl::Status Delete(std::string_view id) override { return sessions_.Delete(id); }
  absl::StatusOr<std::size_t> DeleteEach(std::span<const std::string> ids) override {
    return sessions_.DeleteEach(ids);
  }
  absl::StatusOr<std::size_t> DeleteOfUser(std::string_view user) override {
    absl::StatusOr<std::size_t> deleted = sessions_.DeleteOfUser(user);
    if (deleted.ok()) log_.Note(user, {.sessions_ended = true});
    return deleted;
  }
  absl::StatusOr<std::vector<StoredSession>> List() const override { return sessions_.List(); }

 private:
  SessionStore& sessions_;
  ChangeLog& log_;
};

class RecordedTransaction final : public Transaction {
 public:
  RecordedTransaction(Transaction& transaction, ChangeLog& log, UserStore& user_store,
                      SettingsStore& settings_store, SessionStore& session_store)
      : Transaction(user_store, settings_store, session_store, transaction.users_file),
        transaction_(transaction),
        log_(log) {}

  absl::Status InPart(absl::FunctionRef<absl::Status()> body) override {
    return log_.InPart(transaction_, body);
  }
  absl::Status CheckWritable() override { return transaction_.CheckWritable(); }

 private:
  Transaction& transaction_;
  ChangeLog& log_;
};

}  // namespace

absl::Status RunRecorded(Transaction& transaction,
                         absl::FunctionRef<absl::Status(Transaction&)> command,
                         std::vector<ChangedUser>& changed) {
  ChangeLog log;
  RecordedUsers users(transaction, log);
  RecordedSettings settings(transaction.settings, log);
  RecordedSessions sessions(transaction.sessions, log);
  RecordedTransaction recorded(transaction, log, users, settings, sessions);
  UNIPRESENCE_RETURN_IF_ERROR(command(recorded));
  UNIPRESENCE_ASSIGN_OR_RETURN(changed, log.Changed(transaction.users));
  return absl::OkStatus();
}

}  // namespace unipresence
