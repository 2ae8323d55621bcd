#include "server/storage/sqlite/sqlite_settings.h"

#include "aggregator/base/status_macros.h"
#include "server/storage/refusals.h"
#include "server/storage/sqlite/sqlite_rows.h"

namespace unipresence {

absl::Status SqliteSettings::SetSelectedDevice(std::string_view user, LineKind device) {
  UNIPRESENCE_ASSIGN_OR_RETURN(const std::int64_t number, UserNumberOf(database_, user));
  {
    SqliteStatement line =
        database_.Prepare("SELECT 1 FROM lines WHERE user_number = ? AND kind = ?");
    UNIPRESENCE_ASSIGN_OR_RETURN(const bool has,
                                 line.Bind(1, number).Bind(2, ToString(device)).Step());
    if (!has) return NoLineToSelect(user, device);
  }
  return database_
      .Prepare(
          "INSERT INTO settings (user_number, selected_device, select_time) VALUES (?1, ?2, ?3)"
          " ON CONFLICT (user_number) DO UPDATE SET selected_device = ?2, select_time = ?3"
          " WHERE selected_device IS NOT ?2")
      .Bind(1, number)
      .Bind(2, ToString(device))
      .Bind(3, clock_.WallNow())
      .Run();
}

absl::StatusOr<std::int64_t> SqliteSettings::SettingsRowOf(std::string_view user) {
  UNIPRESENCE_ASSIGN_OR_RETURN(const std::int64_t number, UserNumberOf(database_, user));
  UNIPRESENCE_RETURN_IF_ERROR(
      database_.Prepare("INSERT OR IGNORE INTO settings (user_number) VALUES (?)")
          .Bind(1, number)
          .Run());
  return number;
}

absl::Status SqliteSettings::SetDoNotDisturb(std::string_view user, bool do_not_disturb) {
  UNIPRESENCE_ASSIGN_OR_RETURN(const std::int64_t number, SettingsRowOf(user));
  return database_
      .Prepare(
          "UPDATE settings SET do_not_disturb = ?2, forwarding_time = ?3,"
          " forwarding_version = forwarding_version + 1"
          " WHERE user_number = ?1 AND do_not_disturb IS NOT ?2")
      .Bind(1, number)
      .Bind(2, std::int64_t{do_not_disturb})
      .Bind(3, clock_.WallNow())
      .Run();
}

absl::Status SqliteSettings::SetForwardings(std::string_view user, const Forwardings& forwardings) {
  UNIPRESENCE_RETURN_IF_ERROR(ValidateForwardings(forwardings));
  UNIPRESENCE_ASSIGN_OR_RETURN(const std::int64_t number, SettingsRowOf(user));
  SqliteStatement update = database_.Prepare(
      "UPDATE settings SET unconditional_destination = ?3, unconditional_enabled = ?4,"
      " busy_destination = ?5, busy_enabled = ?6, no_answer_destination = ?7,"
      " no_answer_enabled = ?8, forwarding_time = ?2, forwarding_version = forwarding_version + 1"
      " WHERE user_number = ?1 AND (unconditional_destination, unconditional_enabled,"
      " busy_destination, busy_enabled, no_answer_destination, no_answer_enabled)"
      " IS NOT (?3, ?4, ?5, ?6, ?7, ?8)");
  update.Bind(1, number).Bind(2, clock_.WallNow());
  int index = 3;
  for (ForwardingCondition condition : kForwardingConditions) {
    update.Bind(index++, forwardings[condition].destination);
    update.Bind(index++, std::int64_t{forwardings[condition].enabled});
  }
  return update.Run();
}

}  // namespace unipresence
