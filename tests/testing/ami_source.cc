#include "tests/testing/ami_source.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <numeric>
#include <random>

namespace unipresence::testing {
namespace {

constexpr std::size_t kChunk = 1 << 18;
constexpr std::string_view kEnd = "\r\n\r\n";

void Check(bool ok, const char* what) {
  if (ok) return;
  std::perror(what);
  std::abort();
}

std::int64_t Now() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

std::string Changes(std::size_t users, std::string_view state, std::vector<std::size_t>& offsets) {
  std::vector<std::size_t> order(users);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::shuffle(order.begin(), order.end(), std::mt19937_64(7));
  std::string bytes;
  for (const std::size_t i : order) {
    offsets.push_back(bytes.size());
    bytes += fmt::format(
        "Event: DeviceStateChange\r\nPrivilege: call,all\r\nTimestamp: 1795374897.403753\r\n"
        "Device: PJSIP/u{}\r\nState: {}\r\n\r\n",
        i, state);
  }
  offsets.push_back(bytes.size());
  return bytes;
}

// What follows the ActionID in the rows of the two lists, for both lines of each user.
template <typename Row>
AmiSource::Rows MakeRows(std::size_t users, Row row) {
  AmiSource::Rows rows;
  for (std::size_t i = 0; i < users; ++i) {
    for (const std::string_view suffix : {"", "_w"}) {
      row(rows.bytes, fmt::format("u{}{}", i, suffix));
      rows.offsets.push_back(rows.bytes.size());
    }
  }
  return rows;
}

std::string_view Header(std::string_view message, std::string_view name) {
  const std::size_t at = message.find(name);
  if (at == std::string_view::npos) return {};
  const std::string_view rest = message.substr(at + name.size());
  return rest.substr(0, rest.find("\r\n"));
}

}  // namespace

AmiSource::AmiSource(std::size_t users)
    : users_(users),
      busy_(Changes(users, "INUSE", busy_offsets_)),
      idle_(Changes(users, "NOT_INUSE", idle_offsets_)),
      endpoints_(MakeRows(
          users,
          [](std::string& out, const std::string& name) {
            out += fmt::format(
                "\r\nObjectType: endpoint\r\nObjectName: {0}\r\nTransport: \r\n"
                "Aor: {0}\r\nAuths: {0}\r\nOutboundAuths: \r\nContacts: {0}/sip:{0}@192.0.2.1,\r\n"
                "DeviceState: Not in use\r\nActiveChannels: \r\n\r\n",
                name);
          })),
      device_states_(MakeRows(users, [](std::string& out, const std::string& name) {
        out += fmt::format("\r\nDevice: PJSIP/{}\r\nState: NOT_INUSE\r\n\r\n", name);
      })) {
  listener_ = socket(AF_INET, SOCK_STREAM, 0);
  Check(listener_ >= 0, "socket");
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  Check(bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0, "bind");
  Check(listen(listener_, 4) == 0, "listen");
  socklen_t size = sizeof(address);
  Check(getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) == 0, "getsockname");
  port_ = ntohs(address.sin_port);
}

AmiSource::~AmiSource() {
  Drop();
  close(listener_);
}

double AmiSource::bytes_per_change() const {
  return static_cast<double>(busy_.size() + idle_.size()) / 2.0 / static_cast<double>(users_);
}

void AmiSource::Accept() {
  client_ = accept(listener_, nullptr, nullptr);
  Check(client_ >= 0, "accept");
  const int on = 1;
  setsockopt(client_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  in_.clear();
  listed_ = false;
  next_ = 0;
  WriteAll("Asterisk Call Manager/11.0.0\r\n");
  Serve();
}

void AmiSource::Drop() {
  if (client_ >= 0) close(client_);
  client_ = -1;
}

void AmiSource::Serve() {
  char chunk[4096];
  while (!listed_) {
    const ssize_t size = read(client_, chunk, sizeof(chunk));
    Check(size > 0, "read");
    in_.append(chunk, static_cast<std::size_t>(size));
    for (std::size_t end; (end = in_.find(kEnd)) != std::string::npos;) {
      const std::string message = in_.substr(0, end + 2);
      in_.erase(0, end + kEnd.size());
      Answer(Header(message, "Action: "), Header(message, "ActionID: "));
    }
  }
}

void AmiSource::WriteList(std::string_view id, std::string_view row_head, const Rows& rows,
                          std::string_view complete) {
  std::string out =
      fmt::format("Response: Success\r\nActionID: {}\r\nEventList: start\r\n\r\n", id);
  for (std::size_t i = 0; i + 1 < rows.offsets.size(); ++i) {
    out.append(row_head).append(id);
    out.append(rows.bytes, rows.offsets[i], rows.offsets[i + 1] - rows.offsets[i]);
    if (out.size() > kChunk) {
      WriteAll(out);
      out.clear();
    }
  }
  out += fmt::format("Event: {}\r\nActionID: {}\r\nEventList: Complete\r\nListItems: {}\r\n\r\n",
                     complete, id, rows.offsets.size() - 1);
  WriteAll(out);
}

void AmiSource::Answer(std::string_view action, std::string_view id) {
  if (action == "PJSIPShowEndpoints") {
    WriteList(id, "Event: EndpointList\r\nActionID: ", endpoints_, "EndpointListComplete");
  } else if (action == "DeviceStateList") {
    WriteList(id, "Event: DeviceStateChange\r\nActionID: ", device_states_,
              "DeviceStateListComplete");
  } else if (action == "CoreShowChannels") {
    WriteList(id, "", {}, "CoreShowChannelsComplete");
  } else if (action == "PJSIPShowContacts") {
    WriteAll(
        fmt::format("Response: Error\r\nActionID: {}\r\nMessage: No Contacts found\r\n\r\n", id));
  } else if (action == "Challenge") {
    WriteAll(fmt::format("Response: Success\r\nActionID: {}\r\nChallenge: 123\r\n\r\n", id));
  } else if (action == "Login") {
    WriteAll(
        fmt::format("Response: Success\r\nActionID: {}\r\nMessage: Authentication accepted\r\n\r\n"
                    "Event: FullyBooted\r\nPrivilege: system,all\r\nStatus: Fully Booted\r\n\r\n",
                    id));
  } else {
    WriteAll(fmt::format("Response: Success\r\nActionID: {}\r\nPing: Pong\r\n\r\n", id));
    listed_ = action == "Ping";
  }
}

void AmiSource::WriteAll(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = send(client_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    Check(written > 0, "send");
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
}

void AmiSource::Blast(std::size_t count) {
  while (count > 0) {
    const bool busy = (next_ / users_) % 2 == 0;
    const std::size_t first = next_ % users_;
    const std::size_t last = std::min(first + count, users_);
    const std::vector<std::size_t>& offsets = busy ? busy_offsets_ : idle_offsets_;
    const std::string& bytes = busy ? busy_ : idle_;
    WriteAll(std::string_view(bytes).substr(offsets[first], offsets[last] - offsets[first]));
    next_ += last - first;
    count -= last - first;
  }
}

void AmiSource::Pace(std::size_t count, std::int64_t interval_ns, std::vector<std::int64_t>& sent) {
  std::int64_t due = Now();
  for (std::size_t i = 0; i < count; ++i, due += interval_ns) {
    // Sleep through long waits, turn through the last of it: a timer is 50 us late.
    for (std::int64_t now = Now(); now < due; now = Now()) {
      if (due - now > 200'000) {
        std::this_thread::sleep_for(std::chrono::nanoseconds(due - now - 150'000));
      } else {
        std::this_thread::yield();
      }
    }
    sent.push_back(Now());
    Blast(1);
  }
}

}  // namespace unipresence::testing
