// Unary rpcs of a real unipresenced beside gRPC's own health check in the same process, which is a
// handler that does nothing: how long one call takes, and how many there are in a second with 64 on
// their way. The kinds of call alternate; medians, spreads and ratios to the health check. A table
// on stdout and JSON by --json FILE. Nothing is asserted: machines differ and are noisy.

#include <fcntl.h>
#include <fmt/format.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <fstream>
#include <functional>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "tests/testing/temp_folder.h"
#include "unipresence/v1/device_selection.pb.h"
#include "unipresence/v1/presence.pb.h"
#include "unipresence/v1/session.grpc.pb.h"

namespace unipresence::bench {
namespace {

using std::chrono::steady_clock;

constexpr char kPassword[] = "correct horse battery staple";

constexpr char kUsers[] = R"(- id: alice
  display_name: Alice
  exten: "1000"
  context: default
  line_type: unique_account
  username: alice
  password: correct horse battery staple
  role: administrator
  lines:
    - {kind: deskphone, pbx: main, device: PJSIP/alice}
    - {kind: webrtc, pbx: main, device: PJSIP/alice_w}
)";

// The PBX is one that cannot be reached: what Asterisk takes is not the server's.
constexpr char kConfig[] = R"(pbx:
  - {{name: main, host: 127.0.0.1, port: 1, username: u, secret: s}}
grpc: {{listen: "unix:{0}/grpc.sock"}}
zeromq: {{publish: "ipc://{0}/publish", snapshot: "ipc://{0}/snapshot"}}
metrics: {{listen: "127.0.0.1:0"}}
store: {{path: {0}/store.db}}
users_file: {0}/users.yaml
log: {{level: error}}
)";

pid_t server_process = 0;

[[noreturn]] void Fail(const std::string& why) {
  fmt::print(stderr, "{}\n", why);
  if (server_process > 0) kill(server_process, SIGKILL);
  _exit(1);
}

// A unipresenced in a folder of its own, until the end of this object; there is one.
class Server {
 public:
  explicit Server(const std::string& program) {
    std::ofstream(folder_.path() + "/users.yaml") << kUsers;
    const std::string config = folder_.path() + "/config.yaml";
    std::ofstream(config) << fmt::format(kConfig, folder_.path());
    std::vector<std::string> words = {program, "--config", config};
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    const int failed =
        posix_spawn(&server_process, program.c_str(), &actions, nullptr, arguments.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    if (failed != 0) Fail(fmt::format("{}: {}", program, strerror(failed)));
  }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  ~Server() {
    kill(server_process, SIGTERM);
    waitpid(server_process, nullptr, 0);
  }

  std::string address() const { return "unix:" + folder_.path() + "/grpc.sock"; }

 private:
  testing::TempFolder folder_;
};

// The token of a new session; the server may be starting still.
std::string LogIn(const std::shared_ptr<grpc::Channel>& channel) {
  v1::CreateSessionRequest request;
  request.set_username("alice");
  request.set_password(kPassword);
  request.set_kind(v1::SESSION_KIND_CLIENT);
  for (const auto end = steady_clock::now() + std::chrono::seconds(30);;) {
    grpc::ClientContext context;
    context.set_wait_for_ready(true);
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(10));
    v1::CreateSessionResponse response;
    const grpc::Status status =
        v1::SessionService::NewStub(channel)->CreateSession(&context, request, &response);
    if (status.ok()) return response.token();
    if (steady_clock::now() > end) Fail("no log-in: " + status.error_message());
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
}

grpc::ByteBuffer Encoded(const google::protobuf::Message& message) {
  const grpc::Slice slice(message.SerializeAsString());
  return {&slice, 1};
}

struct Kind {
  std::string name;
  std::string method;
  // The requests, in turn: a selection that is made already would be no change.
  std::vector<grpc::ByteBuffer> requests;
};

// One call that is made again and again.
struct Slot {
  std::unique_ptr<grpc::ClientContext> context;
  grpc::ByteBuffer response;
};

class Caller {
 public:
  Caller(const std::shared_ptr<grpc::Channel>& channel, std::string token)
      : stub_(channel), authorization_("Bearer " + std::move(token)) {}

  // Microseconds that each of `count` calls took, one at a time.
  std::vector<double> OneByOne(const Kind& kind, std::size_t count) {
    std::vector<double> took;
    took.reserve(count);
    Many(kind, count, 1, [&](steady_clock::duration duration) {
      took.push_back(std::chrono::duration<double, std::micro>(duration).count());
    });
    return took;
  }

  // Calls a second, `outstanding` of them on their way.
  double Throughput(const Kind& kind, std::size_t count, std::size_t outstanding) {
    const auto begin = steady_clock::now();
    Many(kind, count, outstanding, [](steady_clock::duration) {});
    return static_cast<double>(count) /
           std::chrono::duration<double>(steady_clock::now() - begin).count();
  }

 private:
  void Many(const Kind& kind, std::size_t count, std::size_t outstanding,
            const std::function<void(steady_clock::duration)>& took) {
    next_ = done_ = 0;
    free_.clear();
    std::vector<Slot> slots(outstanding);
    std::function<void(Slot&)> call = [&](Slot& slot) {
      std::size_t number = 0;
      {
        const std::lock_guard lock(mutex_);
        if (next_ == count) return;
        number = next_++;
      }
      slot.context = std::make_unique<grpc::ClientContext>();
      slot.context->AddMetadata("authorization", authorization_);
      slot.response.Clear();
      const auto begin = steady_clock::now();
      stub_.UnaryCall(slot.context.get(), kind.method, {},
                      &kind.requests[number % kind.requests.size()], &slot.response,
                      [&, begin](const grpc::Status& status) {
                        if (!status.ok()) Fail(kind.name + ": " + status.error_message());
                        const auto end = steady_clock::now();
                        const std::lock_guard lock(mutex_);
                        took(end - begin);
                        ++done_;
                        free_.push_back(&slot);
                        ended_.notify_one();
                      });
    };
    for (Slot& slot : slots) call(slot);
    std::unique_lock lock(mutex_);
    while (done_ < count) {
      ended_.wait(lock, [&] { return !free_.empty(); });
      for (const std::vector<Slot*> again = std::exchange(free_, {}); Slot * slot : again) {
        lock.unlock();
        call(*slot);
        lock.lock();
      }
    }
  }

  grpc::GenericStub stub_;
  const std::string authorization_;
  std::mutex mutex_;
  std::condition_variable ended_;
  std::size_t next_ = 0;     // call to begin
  std::size_t done_ = 0;     // calls that have ended
  std::vector<Slot*> free_;  // whose call has ended
};

double Quantile(std::vector<double> values, double q) {
  std::sort(values.begin(), values.end());
  return values[static_cast<std::size_t>(q * static_cast<double>(values.size() - 1))];
}

struct Figures {
  std::vector<double> p50, p99, per_second;  // of each run
};

std::vector<Kind> Kinds() {
  v1::SelectDeviceRequest deskphone;
  deskphone.set_device(v1::LINE_KIND_DESKPHONE);
  v1::SelectDeviceRequest webrtc;
  webrtc.set_device(v1::LINE_KIND_WEBRTC);
  return {{"Health.Check", "/grpc.health.v1.Health/Check", {Encoded(v1::GetPresenceRequest())}},
          {"GetPresence",
           "/unipresence.v1.PresenceService/GetPresence",
           {Encoded(v1::GetPresenceRequest())}},
          {"SelectDevice",
           "/unipresence.v1.DeviceSelectionService/SelectDevice",
           {Encoded(deskphone), Encoded(webrtc)}}};
}

int Main(int argc, char** argv) {
  std::string program;
  std::size_t runs = 5;
  std::size_t calls = 4000;
  std::string json;
  std::string only;
  CLI::App app("Unary rpcs of unipresenced, beside gRPC's health check in the same process");
  app.add_option("unipresenced", program, "The server's program")->required();
  app.add_option("--runs", runs, "Runs of each kind, in turn")->capture_default_str();
  app.add_option("--calls", calls, "Calls of a run")->capture_default_str();
  app.add_option("--only", only, "One of the kinds, to profile the server");
  app.add_option("--json", json, "Write the figures to this file");
  CLI11_PARSE(app, argc, argv);

  const Server server(program);
  const auto channel = grpc::CreateChannel(server.address(), grpc::InsecureChannelCredentials());
  Caller caller(channel, LogIn(channel));
  std::vector<Kind> kinds = Kinds();
  if (!only.empty()) std::erase_if(kinds, [&](const Kind& kind) { return kind.name != only; });
  if (kinds.empty()) Fail(fmt::format("--only {}: no such kind", only));
  std::vector<Figures> figures(kinds.size());
  for (std::size_t run = 0; run <= runs; ++run) {
    for (std::size_t i = 0; i < kinds.size(); ++i) {
      const std::vector<double> took = caller.OneByOne(kinds[i], calls);
      const double per_second = caller.Throughput(kinds[i], 4 * calls, 64);
      if (run == 0) continue;  // to warm up
      figures[i].p50.push_back(Quantile(took, 0.5));
      figures[i].p99.push_back(Quantile(took, 0.99));
      figures[i].per_second.push_back(per_second);
    }
  }

  nlohmann::json out = nlohmann::json::array();
  const auto print = [&](const char* what, const char* unit, std::vector<double> Figures::*values) {
    for (std::size_t i = 0; i < kinds.size(); ++i) {
      const std::vector<double>& of = figures[i].*values;
      const double median = Quantile(of, 0.5);
      const double ratio = median / Quantile(figures[0].*values, 0.5);
      fmt::print("{:<34} {:>4} {:>9.4g}  {:>9.4g}..{:<9.4g} {:>6.3f}\n",
                 kinds[i].name + ", " + what, unit, median, Quantile(of, 0), Quantile(of, 1),
                 ratio);
      out.push_back({{"what", kinds[i].name + ", " + what},
                     {"unit", unit},
                     {"median", median},
                     {"ratio", ratio}});
    }
  };
  fmt::print("{:<34} {:>4} {:>9}  {:>9}..{:<9} {:>6}\n", "unary rpcs over a Unix socket", "unit",
             "median", "min", "max", "ratio");
  print("p50", "us", &Figures::p50);
  print("p99", "us", &Figures::p99);
  print("64 at a time", "1/s", &Figures::per_second);
  if (!json.empty()) std::ofstream(json) << out.dump(2) << "\n";
  return 0;
}

}  // namespace
}  // namespace unipresence::bench

int main(int argc, char** argv) { return unipresence::bench::Main(argc, argv); }
