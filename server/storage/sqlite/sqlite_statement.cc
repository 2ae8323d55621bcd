#include <utility>

#include "aggregator/base/status_macros.h"
#include "server/storage/sqlite/sqlite_database.h"

namespace unipresence {

SqliteStatement::SqliteStatement(SqliteStatement&& other) noexcept
    : database_(other.database_),
      statement_(std::exchange(other.statement_, nullptr)),
      error_(std::move(other.error_)) {}

SqliteStatement::~SqliteStatement() {
  if (statement_ == nullptr) return;
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
}

void SqliteStatement::Note(int code) {
  if (code != SQLITE_OK && error_.ok()) error_ = database_->Error(code);
}

SqliteStatement& SqliteStatement::Bind(int index, std::string_view text) {
  if (statement_ != nullptr) {
    // An empty view may have no data pointer, and SQLite takes that for NULL.
    const char* data = text.empty() ? "" : text.data();
    Note(sqlite3_bind_text64(statement_, index, data, text.size(), SQLITE_STATIC, SQLITE_UTF8));
  }
  return *this;
}

SqliteStatement& SqliteStatement::Bind(int index, std::int64_t value) {
  if (statement_ != nullptr) Note(sqlite3_bind_int64(statement_, index, value));
  return *this;
}

SqliteStatement& SqliteStatement::BindBlob(int index, std::span<const std::uint8_t> bytes) {
  if (statement_ != nullptr) {
    Note(sqlite3_bind_blob64(statement_, index, bytes.data(), bytes.size(), SQLITE_STATIC));
  }
  return *this;
}

absl::StatusOr<bool> SqliteStatement::Step() {
  if (!error_.ok()) return error_;
  UNIPRESENCE_RETURN_IF_ERROR(database_->CheckTransaction());
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  error_ = database_->Error(code);
  if (database_->depth_ > 0 && sqlite3_get_autocommit(database_->handle_) != 0) {
    database_->undone_ = error_;
  }
  return error_;
}

absl::Status SqliteStatement::Run() {
  while (true) {
    UNIPRESENCE_ASSIGN_OR_RETURN(const bool row, Step());
    if (!row) return absl::OkStatus();
  }
}

std::string_view SqliteStatement::Text(int column) const {
  const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
  if (text == nullptr) return {};
  return {text, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

std::int64_t SqliteStatement::Int(int column) const {
  return sqlite3_column_int64(statement_, column);
}

std::span<const std::uint8_t> SqliteStatement::Blob(int column) const {
  const auto* bytes = static_cast<const std::uint8_t*>(sqlite3_column_blob(statement_, column));
  if (bytes == nullptr) return {};
  return {bytes, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

bool SqliteStatement::IsNull(int column) const {
  return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}

}  // namespace unipresence
