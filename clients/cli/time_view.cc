#include "clients/cli/time_view.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>

#include "aggregator/base/strings.h"

namespace unipresence::cli {
namespace {

absl::Time ToTime(const google::protobuf::Timestamp& time) {
  return absl::FromUnixSeconds(time.seconds()) + absl::Nanoseconds(time.nanos());
}

std::string Told(const google::protobuf::Timestamp& time, const TimeView& view,
                 std::string_view clock) {
  const absl::Time point = ToTime(time);
  const absl::CivilSecond then = absl::ToCivilSecond(point, view.zone);
  const absl::CivilSecond now = absl::ToCivilSecond(view.now, view.zone);
  std::string date;
  if (absl::CivilDay(then) != absl::CivilDay(now)) date = fmt::format("{} %b ", then.day());
  if (then.year() != now.year()) date += "%Y ";
  return absl::FormatTime(ToAbsl(date.append(clock)), point, view.zone);
}

std::string ZoneAt(absl::Time point, const TimeView& view) {
  return absl::FormatTime(ToAbsl("%Z"), point, view.zone);
}

// With the zone, where it is another one than that of today: "29 Oct 10:42 CEST".
std::string ToldWithZone(const google::protobuf::Timestamp& time, const TimeView& view,
                         std::string_view clock) {
  const std::string zone = ZoneAt(ToTime(time), view);
  const bool is_told = zone == (view.told_zone.empty() ? ZoneName(view) : view.told_zone);
  std::string text = Told(time, view, clock);
  return is_told ? text : fmt::format("{} {}", text, zone);
}

}  // namespace

std::string ShortTime(const google::protobuf::Timestamp& time, const TimeView& view) {
  return ToldWithZone(time, view, "%H:%M");
}

std::string TimeWithSeconds(const google::protobuf::Timestamp& time, const TimeView& view) {
  return ToldWithZone(time, view, "%H:%M:%S");
}

std::string TimeWithMillis(const google::protobuf::Timestamp& time, const TimeView& view) {
  return ToldWithZone(time, view, "%H:%M:%E3S");
}

std::string TimeOrDay(const google::protobuf::Timestamp& time, const TimeView& view) {
  const absl::TimeZone zone = view.zone;
  const bool today = absl::ToCivilDay(ToTime(time), zone) == absl::ToCivilDay(view.now, zone);
  if (today) return TimeWithSeconds(time, view);
  std::string day = Told(time, view, "");
  day.pop_back();
  return day;
}

std::string ZoneName(const TimeView& view) { return ZoneAt(view.now, view); }

std::string TimeColumn(std::string_view name, const TimeView& view) {
  return fmt::format("{} ({})", name, ZoneName(view));
}

std::string TimeAlone(bool has, const google::protobuf::Timestamp& time, const TimeView& view) {
  return has ? fmt::format("{} {}", Told(time, view, "%H:%M"), ZoneAt(ToTime(time), view))
             : std::string();
}

std::string Ago(const google::protobuf::Timestamp& time, const TimeView& view) {
  const std::int64_t seconds =
      std::max<std::int64_t>(0, absl::ToInt64Seconds(view.now - ToTime(time)));
  if (seconds < 60) return fmt::format("{} s", seconds);
  if (seconds < 3'600) return fmt::format("{} min", seconds / 60);
  if (seconds < 86'400) return fmt::format("{} h", seconds / 3'600);
  return fmt::format("{} d", seconds / 86'400);
}

}  // namespace unipresence::cli
