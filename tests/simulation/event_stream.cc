#include "tests/simulation/event_stream.h"

#include <algorithm>
#include <utility>

#include "fmt/format.h"

namespace unipresence::simulation {
namespace {

// How many events of channels a device event may come too early, or too late.
constexpr int kEarliest = -2;
constexpr int kLatest = 4;

}  // namespace

void AppendHeader(std::string& text, std::string_view name, std::string_view value) {
  text.append(name).append(": ").append(value).append("\r\n");
}

std::string Header(std::string_view name, std::string_view value) {
  std::string text;
  AppendHeader(text, name, value);
  return text;
}

std::string TimestampText(WallTimeMicros time) {
  return fmt::format("{}.{:06d}", time / 1'000'000, time % 1'000'000);
}

void EventStream::Emit(Source source, Rights classes, std::string_view name,
                       std::string_view headers) {
  Pending event;
  event.source = source;
  event.classes = classes;
  event.text.reserve(headers.size() + 96);
  AppendHeader(event.text, "Event", name);
  AppendHeader(event.text, "Privilege", PrivilegeText(classes));
  AppendHeader(event.text, "Timestamp", TimestampText(clock_.WallNow()));
  event.text.append(headers).append("\r\n");
  if (depth_ == 0) {
    sink_.OnEvent(event.classes, event.text);
    return;
  }
  pending_.push_back(std::move(event));
}

void EventStream::Flush() {
  if (shuffle_) {
    int last = 0;
    for (std::size_t i = 0; i < pending_.size(); ++i) {
      const int own = static_cast<int>(i) * 2;
      if (pending_[i].source == Source::kChannels) {
        pending_[i].place = own;
        continue;
      }
      // An odd place lies between two channel events; device events keep their own order.
      const int away = kEarliest + static_cast<int>(random_.Below(kLatest - kEarliest + 1));
      last = std::max(last, own + 2 * away + 1);
      pending_[i].place = last;
    }
    std::stable_sort(pending_.begin(), pending_.end(),
                     [](const Pending& a, const Pending& b) { return a.place < b.place; });
  }
  // A sink that makes further things happen starts an instant of its own.
  std::vector<Pending> sent = std::exchange(pending_, {});
  for (const Pending& event : sent) sink_.OnEvent(event.classes, event.text);
  sent.clear();
  if (pending_.empty()) pending_ = std::move(sent);
}

}  // namespace unipresence::simulation
