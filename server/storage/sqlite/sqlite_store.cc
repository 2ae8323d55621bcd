#include "server/storage/sqlite/sqlite_store.h"

#include <utility>

#include "aggregator/base/status_macros.h"
#include "server/storage/sqlite/sqlite_mend.h"
#include "server/storage/sqlite/sqlite_migrations.h"

namespace unipresence {

// The ports of a command on the connection that writes.
class SqliteStore::Ports final : public Transaction {
 public:
  explicit Ports(SqliteStore& store)
      : Transaction(store.users_, store.settings_, store.sessions_, store.users_file_),
        store_(store) {}

  absl::Status InPart(absl::FunctionRef<absl::Status()> body) override {
    return store_.database_->InTransaction(body);
  }

  absl::Status CheckWritable() override {
    return store_.database_->Prepare("UPDATE write_check SET time = ?")
        .Bind(1, store_.options_.clock->WallNow())
        .Run();
  }

 private:
  SqliteStore& store_;
};

SqliteStore::SqliteStore(StoreOptions options, std::unique_ptr<StoreLock> lock,
                         std::unique_ptr<SqliteDatabase> database)
    : options_(std::move(options)),
      lock_(std::move(lock)),
      database_(std::move(database)),
      readers_(options_, *database_),
      users_(*database_, *options_.clock),
      settings_(*database_, *options_.clock),
      sessions_(*database_),
      users_file_(*database_),
      threads_(
          options_,
          [this](absl::FunctionRef<absl::Status(Transaction&)> body) {
            Ports ports(*this);
            return ports.InPart([&] { return body(ports); });
          },
          [this](absl::FunctionRef<absl::Status(const Snapshot&)> body) {
            return readers_.Read(body);
          }) {}

SqliteStore::~SqliteStore() = default;

absl::StatusOr<std::unique_ptr<SqliteStore>> SqliteStore::Open(StoreOptions options) {
  UNIPRESENCE_ASSIGN_OR_RETURN(std::unique_ptr<StoreLock> lock, StoreLock::Take(options.path));
  UNIPRESENCE_ASSIGN_OR_RETURN(std::unique_ptr<SqliteDatabase> database,
                               SqliteDatabase::Open({options.path, options.busy_timeout}));
  UNIPRESENCE_ASSIGN_OR_RETURN(const std::int64_t bytes, database->Bytes());
  if (options.before_check) options.before_check(database->is_new() ? 0 : bytes);
  UNIPRESENCE_RETURN_IF_ERROR(database->CheckIntegrity());
  UNIPRESENCE_RETURN_IF_ERROR(MigrateSqlite(*database, SqliteMigrations(), *options.clock));
  UNIPRESENCE_RETURN_IF_ERROR(CheckSqliteSchema(*database));
  UNIPRESENCE_ASSIGN_OR_RETURN(const std::vector<MendedUser> mended,
                               MendTexts(*database, *options.clock));
  if (options.on_mended) {
    for (const MendedUser& user : mended) options.on_mended(user);
  }
  auto store = std::unique_ptr<SqliteStore>(
      new SqliteStore(std::move(options), std::move(lock), std::move(database)));
  // That reads work shows now and not later.
  UNIPRESENCE_RETURN_IF_ERROR(store->ReadHere([](const Snapshot&) { return absl::OkStatus(); }));
  return store;
}

absl::Status SqliteStore::SubmitChange(Work work, ChangeDone done) {
  return threads_.SubmitChange(std::move(work), std::move(done));
}

absl::Status SqliteStore::SubmitRead(ReadWork work, Done done) {
  return threads_.SubmitRead(std::move(work), std::move(done));
}

absl::Status SqliteStore::ReadHere(absl::FunctionRef<absl::Status(const Snapshot&)> work) {
  return readers_.Read(work);
}

void SqliteStore::Stop() { threads_.Stop(); }

}  // namespace unipresence
