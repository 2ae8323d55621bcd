#ifndef UNIPRESENCE_CLIENTS_CLI_TIME_VIEW_H_
#define UNIPRESENCE_CLIENTS_CLI_TIME_VIEW_H_

// Times as people read them: of their own zone, short for today, and told beside one "now". The
// zone is said once, where the times stand, and beside a time at which it had another name. Pure.

#include <google/protobuf/duration.pb.h>
#include <google/protobuf/timestamp.pb.h>

#include <string>
#include <string_view>

#include "absl/time/time.h"

namespace unipresence::cli {

struct TimeView {
  absl::TimeZone zone = absl::UTCTimeZone();
  absl::Time now = absl::UnixEpoch();
  // The zone's name that the reader was told where the times stand; empty: that of now.
  std::string told_zone = {};
};

// "10:42" today, "29 Nov 10:42" in this year, else "29 Nov 2025 10:42"; "29 Sep 10:42 CEST" where
// it is CET now.
std::string ShortTime(const google::protobuf::Timestamp& time, const TimeView& view);
// The same with seconds: "10:42:05".
std::string TimeWithSeconds(const google::protobuf::Timestamp& time, const TimeView& view);
// The same with milliseconds, to tell events in one second apart: "10:42:05.123".
std::string TimeWithMillis(const google::protobuf::Timestamp& time, const TimeView& view);

// "10:42:05" today; of an older time the day is enough: "29 Nov".
std::string TimeOrDay(const google::protobuf::Timestamp& time, const TimeView& view);

// What the zone is called now: "CET", "UTC"; "+03" for zones without a name.
std::string ZoneName(const TimeView& view);
// "SINCE (CET)": the name of a column of times.
std::string TimeColumn(std::string_view name, const TimeView& view);
// "10:42 CET", for a time that stands alone, in the zone's name at that time; empty if there is
// none.
std::string TimeAlone(bool has, const google::protobuf::Timestamp& time, const TimeView& view);

// How long ago it was, in the largest unit: "6 min", "5 s", "3 h", "2 d". Never less than 0 s.
std::string Ago(const google::protobuf::Timestamp& time, const TimeView& view);

}  // namespace unipresence::cli

#endif  // UNIPRESENCE_CLIENTS_CLI_TIME_VIEW_H_
