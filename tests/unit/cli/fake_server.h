#ifndef UNIPRESENCE_TESTS_UNIT_CLI_FAKE_SERVER_H_
#define UNIPRESENCE_TESTS_UNIT_CLI_FAKE_SERVER_H_

// A gRPC server in this process with users, sessions and presences, simple enough to be seen to be
// right: what the commands are tested against.
//
// Thread-safe.

#include <grpcpp/server.h>

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "unipresence/v1/administration.grpc.pb.h"
#include "unipresence/v1/call_control.grpc.pb.h"
#include "unipresence/v1/device_selection.grpc.pb.h"
#include "unipresence/v1/presence.grpc.pb.h"
#include "unipresence/v1/provisioning.grpc.pb.h"
#include "unipresence/v1/session.grpc.pb.h"
#include "unipresence/v1/voicemail.grpc.pb.h"

namespace unipresence::cli {

class FakeServer {
 public:
  FakeServer();
  ~FakeServer();
  FakeServer(const FakeServer&) = delete;
  FakeServer& operator=(const FakeServer&) = delete;

  // "unix:..." in `folder`, so that a restarted server has the same address.
  void Start(const std::string& folder);
  // Breaks all streams.
  void Stop();
  const std::string& address() const { return address_; }

  // What the server knows. Change it before the command runs.
  std::map<std::string, std::string> passwords;  // of usernames, which are the ids
  std::map<std::string, v1::Presence> presences;
  std::map<std::string, v1::Mailbox> mailboxes;
  std::map<std::string, v1::User> users;  // the directory
  std::size_t page_size = 1'000;          // at most, whatever is asked for
  std::size_t missing_named = 1'000;      // of the users that a batch misses
  std::chrono::milliseconds time_to_live{20'000};
  // Decides what CreateUser answers.
  std::function<grpc::Status(const v1::User&)> on_create_user;
  // Writes the responses of a stream of WatchPresences; the stream ends with what it returns.
  using WatchWriter = grpc::ServerWriter<v1::WatchPresencesResponse>;
  std::function<grpc::Status(const v1::WatchPresencesRequest&, WatchWriter&)> on_watch;

  // Live calls, and what answers each stream of WatchCalls.
  std::vector<v1::Call> calls;
  using CallWriter = grpc::ServerWriter<v1::WatchCallsResponse>;
  std::function<grpc::Status(const v1::WatchCallsRequest&, CallWriter&)> on_watch_calls;

  // Sessions by token.
  std::set<std::string> Tokens();
  // Ends all sessions, as if they had expired; streams that hold them end.
  void EndSessions();
  // Waits until so many signs of life came in all, over whatever stream.
  void WaitForSignsOfLife(int count);
  // Waits until a stream of HoldSession ended.
  int hold_streams() { return Locked(hold_streams_); }
  std::vector<v1::WatchPresencesRequest> watch_requests() { return Locked(watch_requests_); }
  std::vector<v1::User> created_users() { return Locked(created_users_); }
  // How often GetUser and ListUsers were called.
  int directory_reads() { return Locked(directory_reads_); }
  // The commands about calls, as short debug strings of their requests.
  std::vector<std::string> call_commands() { return Locked(call_commands_); }

 private:
  class Sessions;
  class Presences;
  class Provisioning;
  class Selection;
  class Voicemail;
  class Calls;

  template <typename Value>
  Value Locked(const Value& value) {
    const std::lock_guard lock(mutex_);
    return value;
  }
  // The user of the session whose token came with the call.
  grpc::Status Caller(const grpc::ServerContext& context, std::string& token);

  std::string address_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, v1::Session> sessions_;  // by token
  std::set<grpc::ServerContext*> holds_;
  int next_session_ = 0;
  int signs_of_life_ = 0;
  int hold_streams_ = 0;
  int directory_reads_ = 0;
  std::vector<v1::WatchPresencesRequest> watch_requests_;
  std::vector<v1::User> created_users_;
  std::vector<std::string> call_commands_;

  std::vector<std::unique_ptr<grpc::Service>> services_;
  std::unique_ptr<grpc::Server> server_;
};

// An error as the server sends it.
grpc::Status ServerError(grpc::StatusCode code, v1::ErrorReason reason, const std::string& message,
                         const std::map<std::string, std::string>& metadata = {});

}  // namespace unipresence::cli

#endif  // UNIPRESENCE_TESTS_UNIT_CLI_FAKE_SERVER_H_
