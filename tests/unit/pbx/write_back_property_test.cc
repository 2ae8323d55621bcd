// Random lives: users that change, come and go, phones that change settings, actions without
// answers, links that are cut, crashes that take what Asterisk wrote last. In the end Asterisk
// holds what the server decides, and nothing else.

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "aggregator/pbx/astdb_layout.h"
#include "tests/unit/pbx/naive_ast_db.h"

namespace unipresence::pbx {
namespace {

using Why = WriteBack::Why;

constexpr std::size_t kNumbers = 5;

// What the server knows of one number.
struct Person {
  bool removed = false;
  std::string user;
  std::string device = "PJSIP/desk";
  bool do_not_disturb = false;
  std::string busy{};
  int ring_seconds = 30;
  PresenceState state = PresenceState::kAvailable;
};

class Life {
 public:
  enum class Kind { kCalm, kWithCuts, kRough };
  // A calm one has lost actions. With cuts and crashes, a phone's change can be lost: if it comes
  // between the last look at the note and its deletion, and its event with the link. A rough one
  // has what only a check can find: others who write, and events that get lost.
  Life(std::uint64_t seed, Kind kind) : random_(seed), kind_(kind) {
    for (Person& person : people_) person.user = NewUser();
  }

  void Step() {
    switch (Roll(12)) {
      case 0:
      case 1:
        return Change();
      case 2:
        return ChangeByPhone();
      case 3:
        if (kind_ == Kind::kRough && Roll(4) == 0) Tamper();
        return;
      case 4:
        return Adopt();
      case 5:
        if (Roll(3) == 0) round_left_ = kNumbers;
        return;
      case 6:
        if (kind_ != Kind::kCalm && Roll(4) == 0) Cut();
        return;
      case 7:
        if (asterisk_.waiting() > 0 && Roll(4) == 0) Lose();
        return;
      case 8:
        return write_back_.OnTick(Offered());
      default:
        for (std::size_t answers = Roll(40); answers > 0; --answers) {
          Drain();
          if (asterisk_.waiting() > 0) Obey();
        }
    }
  }

  void Settle() {
    Rest();
    if (kind_ != Kind::kRough && write_back_.probe().given_up.value() == 0) return;
    round_left_ = kNumbers;
    again_ = true;
    Rest();
  }

  void Rest() {
    for (int i = 0; i < 100'000; ++i) {
      Drain();
      if (asterisk_.waiting() > 0) Obey();
      while (adoptions() > 0) Adopt();
      write_back_.OnTick(Offered());
      if (AtRest()) break;
    }
    EXPECT_TRUE(AtRest());
  }

  void ExpectEqual() {
    std::map<std::string, std::string> expected;
    for (std::size_t i = 0; i < kNumbers; ++i) {
      if (people_[i].removed) continue;
      ItemValues values;
      FillItems(RoutingOf(i), values);
      for (std::size_t item = 0; item < kToldItemCount; ++item) {
        const auto key = static_cast<Item>(item);
        const std::string path =
            key == Item::kState ? std::string(kStateFamily) + "/" + StateNameOf("default", Exten(i))
                                : FamilyOf("default", Exten(i)) + "/" + std::string(KeyOf(key));
        expected[path] = values[item];
      }
    }
    EXPECT_EQ(asterisk_.values, expected);
  }

  // No change made from a phone was lost: nothing but phones changes do-not-disturb here.
  void ExpectPhonesHeard() {
    if (kind_ != Kind::kCalm) return;
    for (std::size_t i = 0; i < kNumbers; ++i) {
      if (!phone_choice_[i]) continue;
      EXPECT_EQ(people_[i].do_not_disturb, *phone_choice_[i]) << Exten(i);
    }
  }

  int max_in_flight() const { return max_in_flight_; }

 private:
  std::string NewUser() { return "u" + std::to_string(++users_); }
  static std::string Exten(std::size_t number) { return std::to_string(1000 + number); }

  std::size_t Roll(std::size_t sides) { return random_() % sides; }
  std::size_t adoptions() {
    while (auto adoption = write_back_.TakeAdoption()) adoptions_.push_back(*adoption);
    return adoptions_.size();
  }
  bool Offered() const { return removed_.empty() && queue_.empty() && round_left_ == 0; }
  bool AtRest() {
    return Offered() && reported_.empty() && write_back_.idle() && asterisk_.waiting() == 0 &&
           adoptions() == 0;
  }

  Routing RoutingOf(std::size_t number) const {
    const Person& person = people_[number];
    extens_[number] = Exten(number);
    Routing routing;
    routing.context = "default";
    routing.exten = extens_[number];
    routing.removed = person.removed;
    if (person.removed) return routing;
    routing.user = person.user;
    routing.device_in_use = person.device;
    routing.devices[LineKind::kDeskphone] = "PJSIP/desk";
    routing.devices[LineKind::kWebrtc] = "PJSIP/web";
    routing.line_type = LineType::kUniqueAccount;
    routing.state = person.state;
    routing.do_not_disturb = person.do_not_disturb;
    routing.forwards[1] = person.busy;
    routing.ring_seconds = static_cast<std::uint16_t>(person.ring_seconds);
    return routing;
  }

  void Push(std::size_t number) {
    if (std::find(queue_.begin(), queue_.end(), number) == queue_.end()) queue_.push_back(number);
  }

  void Change() {
    const std::size_t number = Roll(kNumbers);
    Person& person = people_[number];
    switch (Roll(8)) {
      case 0:
        if (person.removed) {
          person = Person{.user = NewUser()};
        } else {
          person.removed = true;
          removed_.push_back(number);
        }
        phone_choice_[number].reset();
        break;
      case 1:
        person.busy = person.busy.empty() ? "200" + std::to_string(Roll(3)) : "";
        break;
      case 2:
        person.ring_seconds = 20 + static_cast<int>(Roll(3));
        break;
      case 3:
      case 4:
        person.state = static_cast<PresenceState>(Roll(8));
        break;
      default:
        person.device = person.device == "PJSIP/desk" ? "PJSIP/web" : "PJSIP/desk";
    }
    Push(number);
  }

  // As the dialplan does it: the effective key, the note, then the event, which may get lost.
  void ChangeByPhone() {
    const std::size_t number = Roll(kNumbers);
    const std::string family = FamilyOf("default", Exten(number));
    const auto user = asterisk_.values.find(family + "/user");
    // A number that changes hands has no phone of its own for the moment.
    if (people_[number].removed || user == asterisk_.values.end() ||
        user->second != people_[number].user) {
      return;
    }
    const bool on = Roll(2) == 0;
    asterisk_.values[family + "/dnd"] = on ? "1" : "0";
    asterisk_.values[family + "/phone_changes"] +=
        std::string("do_not_disturb=") + (on ? "1" : "0") + "&";
    phone_choice_[number] = on;
    if (kind_ == Kind::kRough && Roll(4) == 0) return;
    reported_.push_back({number, {people_[number].user, PhoneDoNotDisturb{on}}});
  }

  void Tamper() {
    if (asterisk_.values.empty()) return;
    auto at = asterisk_.values.begin();
    std::advance(at, static_cast<std::ptrdiff_t>(Roll(asterisk_.values.size())));
    // The phone's notes are nobody's to tamper with, nor are numbers that are nobody's.
    if (at->first.ends_with("phone_changes")) return;
    at->second = "nonsense";
  }

  void Drain() {
    for (int i = 0; i < 4; ++i) {
      asterisk_.Take();
      max_in_flight_ = std::max(max_in_flight_, static_cast<int>(write_back_.in_flight()));
      if (!removed_.empty() && write_back_.HasRoom()) {
        extens_[removed_.front()] = Exten(removed_.front());
        write_back_.Queue(
            {.context = "default", .exten = extens_[removed_.front()], .removed = true},
            Why::kChanged);
        removed_.pop_front();
      } else if (!reported_.empty() && write_back_.HasRoom()) {
        const auto [number, setting] = reported_.front();
        reported_.pop_front();
        if (people_[number].removed || people_[number].user != setting.user) continue;
        write_back_.Queue(RoutingOf(number), Why::kChanged, setting);
      } else if (!queue_.empty() && write_back_.HasRoom()) {
        const std::size_t number = queue_.front();
        queue_.pop_front();
        if (people_[number].removed) continue;
        write_back_.Queue(RoutingOf(number), Why::kChanged);
      } else if (queue_.empty() && round_left_ > 0 && write_back_.HasRoomForCheck()) {
        const std::size_t number = --round_left_;
        if (people_[number].removed) continue;
        write_back_.Queue(RoutingOf(number), again_ ? Why::kAgain : Why::kUnchecked);
      }
    }
  }

  void Obey() {
    undo_.push_back(asterisk_.values);
    if (undo_.size() > 20) undo_.pop_front();
    asterisk_.Answer();
  }

  void Lose() {
    if (Roll(2) == 0) return asterisk_.Lose();
    asterisk_.ObeyWithoutAnswer();
  }

  void Cut() {
    if (Roll(2) == 0) {
      // The process was killed: AstDB is as it was a moment ago.
      for (std::size_t back = Roll(20); back > 0 && !undo_.empty(); --back) {
        asterisk_.values = undo_.back();
        undo_.pop_back();
      }
    }
    asterisk_.Cut();
    reported_.clear();
    adoptions_.clear();
    round_left_ = kNumbers;
    again_ = false;
  }

  void Adopt() {
    if (adoptions() == 0) return;
    const WriteBack::Adoption adoption = adoptions_.front();
    adoptions_.pop_front();
    const auto person = std::find_if(people_.begin(), people_.end(), [&](const Person& candidate) {
      return !candidate.removed && candidate.user == adoption.setting.user;
    });
    if (person == people_.end()) {
      write_back_.OnAdopted(adoption.ticket, absl::NotFoundError("no such user"));
      return;
    }
    const auto number = static_cast<std::size_t>(person - people_.begin());
    person->do_not_disturb = std::get<PhoneDoNotDisturb>(adoption.setting.value).on;
    Push(number);  // as the engine does
    if (const auto user = write_back_.OnAdopted(adoption.ticket, absl::OkStatus())) {
      EXPECT_EQ(*user, person->user);
      write_back_.Queue(RoutingOf(number), Why::kChanged);
    }
  }

  std::mt19937_64 random_;
  const Kind kind_;
  WriteBack write_back_{{.max_in_flight = 16, .max_in_flight_for_checks = 8}};
  NaiveAstDb asterisk_{write_back_};
  std::array<Person, kNumbers> people_;
  mutable std::array<std::string, kNumbers> extens_;
  std::array<std::optional<bool>, kNumbers> phone_choice_;
  std::deque<std::size_t> removed_;  // before `queue_`, as the engine has it
  std::deque<std::size_t> queue_ = {0, 1, 2, 3, 4};
  std::deque<std::pair<std::size_t, PhoneSetting>> reported_;
  std::deque<WriteBack::Adoption> adoptions_;
  std::deque<std::map<std::string, std::string>> undo_;
  std::size_t round_left_ = kNumbers;
  bool again_ = false;
  int users_ = 0;
  int max_in_flight_ = 0;
};

TEST(WriteBackPropertyTest, InTheEndAsteriskHoldsWhatTheServerDecides) {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE(::testing::Message() << "seed " << seed);
    Life life(seed, static_cast<Life::Kind>(seed % 3));
    for (int i = 0; i < 400; ++i) life.Step();
    life.Settle();
    life.ExpectEqual();
    life.ExpectPhonesHeard();
    EXPECT_LE(life.max_in_flight(), 16);
    if (::testing::Test::HasFailure()) return;
  }
}

}  // namespace
}  // namespace unipresence::pbx
