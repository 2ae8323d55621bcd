// AMI bytes on a socket to updates at ZeroMQ subscribers, through the real pipeline, beside raw
// libzmq PUB/SUB that sends as many messages of the same size. Alternating runs, medians, spreads
// and ratios; a table on stdout and JSON by --json FILE. Nothing is asserted: machines differ and
// are noisy.

#include <fmt/format.h>
#include <malloc.h>
#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "aggregator/pipeline/pipeline.h"
#include "tests/bench/subscribers.h"
#include "tests/testing/ami_source.h"

namespace unipresence::bench {
namespace {

using testing::AmiSource;

std::int64_t Now() { return Clock::System().Now().time_since_epoch().count(); }

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values.empty() ? 0 : values[values.size() / 2];
}

double Percentile(std::vector<double>& values, double p) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  return values[static_cast<std::size_t>(p * static_cast<double>(values.size() - 1))];
}

// --- Decoding just enough of a frame to know which updates it holds ---

bool Varint(std::string_view& bytes, std::uint64_t& value) {
  value = 0;
  for (int shift = 0; !bytes.empty() && shift < 64; shift += 7) {
    const auto byte = static_cast<unsigned char>(bytes.front());
    bytes.remove_prefix(1);
    value |= std::uint64_t{byte & 0x7FU} << shift;
    if (byte < 0x80) return true;
  }
  return false;
}

// Fields of StreamFrame: epoch = 1 (fixed64), first_sequence = 2, updates = 3, heartbeat = 4.
Span DecodeStreamFrame(std::string_view message) {
  message.remove_prefix(std::min(message.size(), message.find('\0') + 1));
  std::uint64_t first = 0;
  std::uint64_t count = 0;
  for (std::uint64_t tag = 0; Varint(message, tag);) {
    std::uint64_t value = 0;
    if ((tag & 7) == 1) {
      message.remove_prefix(8);
      continue;
    }
    Varint(message, value);
    if (tag >> 3 == 2) first = value;
    if ((tag & 7) == 2) {
      if (tag >> 3 == 3) ++count;
      message.remove_prefix(value);
    }
  }
  return count == 0 ? Span{} : Span{first, first + count - 1};  // a heartbeat has none
}

// --- The pipeline under test ---

struct Site {
  Site(std::size_t users, bool log) : source(users), pipeline(Options(source), Clock::System()) {
    const std::size_t before = mallinfo2().uordblks + mallinfo2().hblkhd;
    const absl::Status status = pipeline.Start([&](Core& core) {
      for (std::size_t i = 0; i < users; ++i) {
        User user;
        user.id = "user" + std::to_string(i);
        const std::string device = "PJSIP/u" + std::to_string(i);
        user.lines = {{LineKind::kDeskphone, "main", device},
                      {LineKind::kWebrtc, "main", device + "_w"}};
        if (absl::Status added = core.engine.AddUser(user, {}); !added.ok()) return added;
      }
      bytes_per_user = static_cast<double>(mallinfo2().uordblks + mallinfo2().hblkhd - before) /
                       static_cast<double>(users);
      return absl::OkStatus();
    });
    if (!status.ok()) {
      fmt::print(stderr, "{}\n", status.ToString());
      std::exit(1);
    }
    source.Accept();
    WaitUntilSynced();
    if (log) fmt::print(stderr, "pipeline with {} users is synced\n", users);
  }

  static PipelineOptions Options(const AmiSource& source) {
    PipelineOptions options;
    ami::PbxConfig pbx;
    pbx.name = "main";
    pbx.host = "127.0.0.1";
    pbx.port = source.port();
    pbx.username = "bench";
    pbx.secret = "bench";
    pbx.times.ping_after = std::chrono::hours(1);        // the source writes only
    options.pbxs = {{.ami = pbx, .write_back = false}};  // the source answers lists only
    options.reconcile_interval = std::chrono::hours(24);
    options.publish.send_queue_frames = 0;  // lossless, as the reference is
    return options;
  }

  // The newest sequence, once no sweep is under way.
  std::uint64_t WaitUntilSynced() {
    for (;;) {
      std::atomic<std::uint64_t> sequence{0};
      std::atomic<int> state{0};
      pipeline.Post([&](Core& core) {
        sequence = core.engine.sequence();
        state = core.engine.pbxs().AllSynced() && !core.engine.HasWork() ? 1 : 2;
      });
      while (state == 0) std::this_thread::yield();
      if (state == 1) return sequence;
      std::this_thread::sleep_for(std::chrono::microseconds(200));
    }
  }

  AmiSource source;
  Pipeline pipeline;
  double bytes_per_user = 0;
};

// Updates a second from the first byte written to the last update at the last subscriber.
double PipelineThroughput(std::size_t users, std::size_t subscribers, std::size_t changes,
                          double& bytes_per_update, double& delivered) {
  Site site(users, false);
  Subscribers all(site.pipeline.publisher().publish_endpoint(), {"all\0", 4}, subscribers,
                  DecodeStreamFrame);
  all.WaitUntilHeard();
  const std::uint64_t first = site.WaitUntilSynced() + 1;
  const std::uint64_t bytes_before = site.pipeline.publisher().probe().bytes.value();
  all.Expect(first, first + changes - 1, false);
  const std::int64_t begin = Now();
  site.source.Blast(changes);
  const std::int64_t end = all.WaitForLast();
  bytes_per_update =
      static_cast<double>(site.pipeline.publisher().probe().bytes.value() - bytes_before) /
      static_cast<double>(changes);
  delivered = static_cast<double>(all.received()) / static_cast<double>(changes * subscribers);
  return static_cast<double>(changes) / (static_cast<double>(end - begin) * 1e-9);
}

// --- The reference ---

struct RawPublisher {
  explicit RawPublisher(std::size_t message_bytes) : socket(context, zmq::socket_type::xpub) {
    socket.set(zmq::sockopt::sndhwm, 0);
    socket.set(zmq::sockopt::linger, 0);
    socket.set(zmq::sockopt::xpub_verbose, 1);
    socket.bind("tcp://127.0.0.1:*");
    payload.assign(std::max<std::size_t>(message_bytes, 16), 'x');
    payload[0] = 'a';
  }
  std::string endpoint() { return socket.get(zmq::sockopt::last_endpoint); }
  void Send(std::uint64_t sequence) {
    zmq::message_t message(payload.data(), payload.size());
    std::memcpy(message.data<char>() + 1, &sequence, sizeof(sequence));
    socket.send(message, zmq::send_flags::none);
  }
  // Lets `count` subscribers in; each hears sequence 0.
  void Welcome(std::size_t count, const std::function<void()>& until) {
    zmq::message_t subscription;
    for (std::size_t i = 0; i < count; ++i) (void)socket.recv(subscription);
    Send(0);
    until();
  }
  zmq::context_t context{1};
  zmq::socket_t socket;
  std::string payload;
};

Span DecodeRaw(std::string_view message) {
  std::uint64_t sequence = 0;
  std::memcpy(&sequence, message.data() + 1, sizeof(sequence));
  return sequence == 0 ? Span{} : Span{sequence, sequence};
}

double RawThroughput(std::size_t message_bytes, std::size_t subscribers, std::size_t messages) {
  RawPublisher raw(message_bytes);
  Subscribers all(raw.endpoint(), "a", subscribers, DecodeRaw);
  raw.Welcome(subscribers, [&] { all.WaitUntilHeard(); });
  all.Expect(1, messages, false);
  const std::int64_t begin = Now();
  for (std::uint64_t i = 1; i <= messages; ++i) raw.Send(i);
  const std::int64_t end = all.WaitForLast();
  return static_cast<double>(messages) / (static_cast<double>(end - begin) * 1e-9);
}

// --- Latency ---

struct Latency {
  double p50 = 0;
  double p99 = 0;
};

Latency Of(const std::vector<std::int64_t>& sent, const std::vector<std::int64_t>& arrivals) {
  std::vector<double> micros;
  for (std::size_t i = 0; i < sent.size() && i < arrivals.size(); ++i) {
    if (arrivals[i] != 0) micros.push_back(static_cast<double>(arrivals[i] - sent[i]) * 1e-3);
  }
  return {Percentile(micros, 0.5), Percentile(micros, 0.99)};
}

Latency PipelineLatency(std::size_t users, std::size_t rate, std::size_t changes) {
  Site site(users, false);
  Subscribers all(site.pipeline.publisher().publish_endpoint(), {"all\0", 4}, 1, DecodeStreamFrame);
  all.WaitUntilHeard();
  const std::uint64_t first = site.WaitUntilSynced() + 1;
  all.Expect(first, first + changes - 1, true);
  std::vector<std::int64_t> sent;
  site.source.Pace(changes, 1'000'000'000 / static_cast<std::int64_t>(rate), sent);
  all.WaitForLast();
  return Of(sent, all.arrivals());
}

Latency RawLatency(std::size_t message_bytes, std::size_t rate, std::size_t messages) {
  RawPublisher raw(message_bytes);
  Subscribers all(raw.endpoint(), "a", 1, DecodeRaw);
  raw.Welcome(1, [&] { all.WaitUntilHeard(); });
  all.Expect(1, messages, true);
  std::vector<std::int64_t> sent;
  const auto interval = 1'000'000'000 / static_cast<std::int64_t>(rate);
  std::int64_t due = Now();
  for (std::uint64_t i = 1; i <= messages; ++i, due += interval) {
    for (std::int64_t now = Now(); now < due; now = Now()) {
      if (due - now > 200'000) {
        std::this_thread::sleep_for(std::chrono::nanoseconds(due - now - 150'000));
      } else {
        std::this_thread::yield();
      }
    }
    sent.push_back(Now());
    raw.Send(i);
  }
  all.WaitForLast();
  return Of(sent, all.arrivals());
}

// --- Report ---

struct Row {
  std::string name;
  std::string unit;
  std::vector<double> ours;
  std::vector<double> reference;
};

std::string Spread(const std::vector<double>& values) {
  if (values.empty()) return "-";
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  return fmt::format("{:.4g}..{:.4g}", *low, *high);
}

void Print(const std::vector<Row>& rows, const std::string& json_file) {
  nlohmann::ordered_json json = nlohmann::ordered_json::array();
  fmt::print("{:<44} {:>8} {:>11} {:>23} {:>11} {:>23} {:>7}\n", "what", "unit", "ours", "spread",
             "reference", "spread", "ratio");
  for (const Row& row : rows) {
    const double ours = Median(row.ours);
    const double reference = Median(row.reference);
    fmt::print("{:<44} {:>8} {:>11.4g} {:>23} {:>11.4g} {:>23} {:>7.3f}\n", row.name, row.unit,
               ours, Spread(row.ours), reference, Spread(row.reference),
               reference == 0 ? 0 : ours / reference);
    json.push_back({{"what", row.name},
                    {"unit", row.unit},
                    {"ours", row.ours},
                    {"reference", row.reference},
                    {"median", ours},
                    {"reference_median", reference},
                    {"ratio", reference == 0 ? 0 : ours / reference}});
  }
  if (!json_file.empty()) std::ofstream(json_file) << json.dump(2) << "\n";
}

}  // namespace
}  // namespace unipresence::bench

int main(int argc, char** argv) {
  using namespace unipresence::bench;
  CLI::App app{"From AMI bytes to ZeroMQ subscribers, beside raw libzmq"};
  std::size_t runs = 5;
  std::vector<std::size_t> users = {10'000, 100'000, 1'000'000};
  std::size_t changes = 2'000'000;
  std::size_t many_users = 1'000'000;
  std::vector<std::size_t> subscribers = {10, 100};
  std::string json;
  app.add_option("--runs", runs, "Alternating runs of each pair")->capture_default_str();
  app.add_option("--users", users,
                 "Users of the throughput runs with one subscriber; the first also of the others")
      ->capture_default_str();
  app.add_option("--changes", changes, "Device state changes of a throughput run")
      ->capture_default_str();
  app.add_option("--subscribers", subscribers, "Further numbers of subscribers")
      ->capture_default_str();
  app.add_option("--many-users", many_users, "Users of the memory and resync runs, 0 = none")
      ->capture_default_str();
  app.add_option("--json", json, "Write the figures to this file");
  CLI11_PARSE(app, argc, argv);
  spdlog::set_level(spdlog::level::warn);

  std::vector<Row> rows;
  std::vector<std::pair<std::size_t, std::size_t>> throughputs;  // users, subscribers
  for (const std::size_t count : users) throughputs.emplace_back(count, 1);
  for (const std::size_t count : subscribers) throughputs.emplace_back(users.front(), count);
  for (const auto& [user_count, count] : throughputs) {
    const std::string of =
        fmt::format("{} users, {} subscriber{}", user_count, count, count == 1 ? "" : "s");
    Row row{"updates, " + of, "1/s", {}, {}};
    Row share{"delivered, " + of, "", {}, {}};
    const std::size_t n = std::max<std::size_t>(changes / count, 50'000);
    for (std::size_t run = 0; run < runs; ++run) {
      double bytes = 0;
      double delivered = 0;
      row.ours.push_back(PipelineThroughput(user_count, count, n, bytes, delivered));
      row.reference.push_back(RawThroughput(static_cast<std::size_t>(bytes), count, n));
      share.ours.push_back(delivered);
      fmt::print(stderr, "{}, run {}: {:.3g}/s of {:.0f} bytes, raw {:.3g}/s\n", of, run + 1,
                 row.ours.back(), bytes, row.reference.back());
    }
    rows.push_back(row);
    rows.push_back(share);
  }
  for (const std::size_t rate : {std::size_t{1'000}, std::size_t{10'000}}) {
    Row p50{fmt::format("latency p50 at {}/s", rate), "us", {}, {}};
    Row p99{fmt::format("latency p99 at {}/s", rate), "us", {}, {}};
    for (std::size_t run = 0; run < runs; ++run) {
      const Latency ours = PipelineLatency(users.front(), rate, rate * 2);
      const Latency raw = RawLatency(160, rate, rate * 2);
      p50.ours.push_back(ours.p50);
      p99.ours.push_back(ours.p99);
      p50.reference.push_back(raw.p50);
      p99.reference.push_back(raw.p99);
    }
    rows.push_back(p50);
    rows.push_back(p99);
  }
  if (many_users > 0) {
    Site site(many_users, true);
    rows.push_back(
        {fmt::format("memory of a user of {}", many_users), "bytes", {site.bytes_per_user}, {}});
    Row resync{fmt::format("resync of {} users", many_users), "s", {}, {}};
    for (std::size_t run = 0; run < runs; ++run) {
      site.source.Drop();
      const std::int64_t begin = Now();
      site.source.Accept();
      site.WaitUntilSynced();
      resync.ours.push_back(static_cast<double>(Now() - begin) * 1e-9);
    }
    rows.push_back(resync);
  }
  Print(rows, json);
  return 0;
}
