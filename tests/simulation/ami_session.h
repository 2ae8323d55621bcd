#ifndef UNIPRESENCE_TESTS_SIMULATION_AMI_SESSION_H_
#define UNIPRESENCE_TESTS_SIMULATION_AMI_SESSION_H_

// One AMI client of the simulated PBX, without its socket: bytes in, bytes and wishes out.
//
// Texts of responses and errors are Asterisk 22's, taken from a real one
// (tests/simulation/recorded/actions.ami).

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "aggregator/base/clock.h"
#include "aggregator/model/device_state.h"
#include "tests/simulation/action_reader.h"
#include "tests/simulation/rights.h"
#include "tests/simulation/simulated_pbx.h"

namespace unipresence::simulation {

// A section of manager.conf.
struct ManagerUser {
  std::string name;
  std::string secret;
  Rights read = kAllRights;
  Rights write = kAllRights;
};

// As the Key header of an MD5 login holds it.
std::string Md5Hex(std::string_view text);

// Appends the next rows of a list; false once nothing is left.
using RowProducer = std::function<bool(std::string& out)>;

// Where the session's bytes go.
class AmiOutput {
 public:
  virtual ~AmiOutput() = default;

  virtual void Write(std::string_view bytes) = 0;

  // Rows behind what was written; they are asked for as the client reads. Live events wait until
  // the last row, further writes too.
  virtual void Stream(RowProducer rows) = 0;

  // Writes the last words after the delay, then closes.
  virtual void CloseAfter(Duration delay, std::string last_words) = 0;

  // The state of a phone as this client has heard it, where it differs from what the PBX reports:
  // it is behind in a storm. Nullopt otherwise.
  virtual std::optional<DeviceState> Heard(EndpointId phone) const = 0;
};

// Not thread-safe. PBX, users and output must outlive it.
class AmiSession {
 public:
  AmiSession(SimulatedPbx& pbx, const std::vector<ManagerUser>& users, AmiOutput& output,
             std::uint64_t seed);

  // The greeting line of a new connection.
  void Greet(std::string_view version);

  void Consume(std::string_view bytes);

  bool authenticated() const { return user_ != nullptr; }

  // Whether an event of these classes is to be sent to this client.
  bool Wants(Rights classes) const {
    return user_ != nullptr && (user_->read & mask_ & classes) != 0;
  }

 private:
  // An action: its name, what one needs to be allowed it (0: nothing), and the handler.
  struct Entry {
    std::string_view name;
    Rights needs = 0;
    void (AmiSession::*handle)(const Action&) = nullptr;
  };
  static const std::vector<Entry>& Actions();

  void Handle(const Action& action);
  void Respond(const Action& action, std::string_view response, std::string_view headers);
  void RespondMessage(const Action& action, std::string_view response, std::string_view message);
  void Fail(const Action& action, std::string_view message);
  void Succeed(const Action& action, std::string_view message);
  // The head of a list, rows one by one until `row` returns false, and the closing event. `row`
  // appends the headers of row number `index`; nothing if that index has no row.
  void List(const Action& action, std::string_view message, std::string_view event,
            std::string_view complete,
            std::function<bool(std::size_t index, std::string& headers)> row);

  // ami_session.cc
  void Login(const Action& action);
  void Challenge(const Action& action);
  void Logoff(const Action& action);
  void Ping(const Action& action);
  void Events(const Action& action);
  bool PasswordFits(const Action& action, const ManagerUser& user) const;

  // ami_actions.cc
  void DbPut(const Action& action);
  void DbGet(const Action& action);
  void DbGetTree(const Action& action);
  void DbDel(const Action& action);
  void DbDelTree(const Action& action);
  void SetVariable(const Action& action);
  void GetVariable(const Action& action);
  void Originate(const Action& action);
  void Hangup(const Action& action);
  void Redirect(const Action& action);
  void BlindTransfer(const Action& action);
  void Reload(const Action& action);
  void UserEvent(const Action& action);
  void CoreStatus(const Action& action);
  void CoreSettings(const Action& action);

  // ami_lists.cc
  void DeviceStateList(const Action& action);
  void ExtensionStateList(const Action& action);
  void ShowEndpoints(const Action& action);
  void ShowContacts(const Action& action);
  void ShowChannels(const Action& action);
  void Status(const Action& action);
  void MailboxCount(const Action& action);
  void MailboxStatus(const Action& action);
  void ExtensionState(const Action& action);
  std::optional<DeviceState> Shown(EndpointId phone) const;
  std::int64_t SecondsOf(const Channel& channel) const;

  SimulatedPbx& pbx_;
  const std::vector<ManagerUser>& users_;
  AmiOutput& output_;
  Random random_;
  ActionReader reader_;
  const ManagerUser* user_ = nullptr;
  Rights mask_ = kAllRights;
  std::string challenge_;
};

}  // namespace unipresence::simulation

#endif  // UNIPRESENCE_TESTS_SIMULATION_AMI_SESSION_H_
