#include "tests/unit/pipeline/site.h"

#include <gtest/gtest.h>

#include <thread>

#include "unipresence/v1/replication.pb.h"

namespace unipresence {
namespace {

publish::PublisherOptions Published(zmq::context_t& context) {
  publish::PublisherOptions options;
  options.publish_address = "inproc://publish";
  options.snapshot_address = "inproc://snapshot";
  options.context = &context;
  return options;
}

}  // namespace

Site::Site(const std::vector<std::string>& followed)
    : acceptor_(io_, {asio::ip::address_v4::loopback(), 0}),
      publisher_(Published(context_), clock_),
      engine_({.epoch = kEpoch}, clock_, publisher_),
      calls_(engine_, clock_, kEpoch),
      core_{engine_, sessions_, clock_, nullptr, &calls_},
      follower_(context_, zmq::socket_type::sub),
      requester_(context_, zmq::socket_type::dealer) {
  EXPECT_TRUE(publisher_.Bind(engine_).ok());
  follower_.set(zmq::sockopt::rcvhwm, 0);
  follower_.connect("inproc://publish");
  std::vector<std::string> topics = {std::string("all\0", 4), std::string("heartbeat\0", 10)};
  for (const std::string& user : followed) topics.push_back("user/" + user + std::string(1, '\0'));
  for (const std::string& topic : topics) {
    follower_.set(zmq::sockopt::subscribe, zmq::const_buffer(topic.data(), topic.size()));
  }
  requester_.connect("inproc://snapshot");
  PbxOptions options;
  options.ami.name = "main";
  options.ami.host = "127.0.0.1";
  options.ami.port = acceptor_.local_endpoint().port();
  options.ami.username = "unipresence";
  options.ami.secret = "secret";
  options.ami.auth = ami::AuthMethod::kPlain;
  options.ami.times.ping_after = std::chrono::hours(1);
  options.ami.times.backoff_first = options.ami.times.backoff_cap = std::chrono::microseconds(100);
  PbxLink::Hooks hooks;
  hooks.read_end = [this](MonotonicTime, std::size_t) { AfterTurn(); };
  hooks.calls_read = [this](PbxIndex pbx) { calls_.OnRead(pbx); };
  hooks.link_changed = [this](PbxIndex pbx) { calls_.OnLinkChanged(pbx); };
  link_ = std::make_unique<PbxLink>(io_, options, engine_, clock_, std::chrono::minutes(5),
                                    std::move(hooks));
  calls_.AddLink(link_->pbx(), link_->session(), link_->tracker());
  Accept();
}

Site::~Site() { link_->Stop(); }

void Site::Accept() {
  acceptor_.async_accept([this](const asio::error_code& error, asio::ip::tcp::socket socket) {
    if (error) return;
    socket.set_option(asio::ip::tcp::no_delay(true));
    peer_ = std::make_unique<asio::ip::tcp::socket>(std::move(socket));
    peer_->non_blocking(true);
    Accept();
  });
}

void Site::Pump(const std::function<bool()>& done) {
  while (!done()) {
    io_.restart();
    if (io_.poll() == 0) std::this_thread::yield();
  }
}

void Site::Deliver(std::string_view bytes) {
  peer_sent_ += bytes.size();
  asio::write(*peer_, asio::buffer(bytes.data(), bytes.size()));
  Pump([&] { return link_->ami_probe().bytes_received.value() == peer_sent_; });
}

void Site::AnswerAll() {
  const auto written = [this] {
    return link_->ami_probe().write_queue_bytes.load() == 0 &&
           link_->ami_probe().bytes_sent.value() == peer_received_;
  };
  while (true) {
    Pump([&] {
      char buffer[65536];
      asio::error_code error;
      const std::size_t size = peer_->read_some(asio::buffer(buffer), error);
      peer_received_ += size;
      received_.append(buffer, size);
      return size == 0 && written();
    });
    const std::size_t end = received_.find("\r\n\r\n");
    if (end == std::string::npos) return;
    const std::string action = received_.substr(0, end + 2);
    received_.erase(0, end + 4);
    const std::size_t id = action.find("ActionID: ");
    actions += action.substr(0, id) + action.substr(action.find('\n', id) + 1);
    Deliver(asterisk_.Answer(action));
  }
}

void Site::Settle() {
  do {
    if (peer_) AnswerAll();
    if (slice_) {
      slice_ = false;
      if (engine_.HasWork()) engine_.DoWork(1024);
      AfterTurn();
    }
  } while (slice_);
  Collect();
}

void Site::AfterTurn() {
  const bool more = publisher_.HandleEvents();
  const bool tells = link_->DrainRoutings();
  slice_ = slice_ || more || tells || engine_.HasWork();
}

void Site::Tick() {
  if (publisher_.next_timer() <= clock_.Now()) publisher_.OnTimer(clock_.Now());
  link_->OnTick();
  calls_.OnTick();
  AfterTurn();
  Settle();
}

void Site::Collect() {
  zmq::message_t frame;
  while (follower_.recv(frame, zmq::recv_flags::dontwait)) {
    frames += std::to_string(frame.size()) + ":" + frame.to_string();
  }
}

void Site::Start() {
  next_tick_ = clock_.Now();
  PassesUntil(clock_.Now());
  EXPECT_TRUE(link_->Start().ok());
  Pump([&] { return peer_ != nullptr && link_->session().state() == ami::SessionState::kBanner; });
  Says(testing::ScriptedAsterisk::kBanner);
  EXPECT_EQ(engine_.pbx(pbx()).link, LinkState::kSynced);
}

void Site::Says(std::string_view bytes) {
  Deliver(bytes);
  Settle();
}

void Site::PassesUntil(MonotonicTime time) {
  for (; next_tick_ <= time; next_tick_ += kTick) {
    clock_.Advance(next_tick_ - clock_.Now());
    Tick();
  }
  clock_.Advance(time - clock_.Now());
}

void Site::Cut() {
  peer_.reset();
  Pump([&] { return link_->session().state() == ami::SessionState::kBackoff; });
  Settle();
  received_.clear();
  peer_received_ = link_->ami_probe().bytes_sent.value();
  PassesUntil(clock_.Now() + std::chrono::milliseconds(1));
  Pump([&] { return peer_ != nullptr && link_->session().state() == ami::SessionState::kBanner; });
  Says(testing::ScriptedAsterisk::kBanner);
  EXPECT_EQ(engine_.pbx(pbx()).link, LinkState::kSynced);
}

void Site::Run(const std::function<void(Core&)>& command) {
  command(core_);
  AfterTurn();
  Settle();
}

std::string Site::Snapshot() {
  std::string pages;
  v1::SnapshotRequest request;
  do {
    requester_.send(zmq::buffer(request.SerializeAsString()), zmq::send_flags::dontwait);
    AfterTurn();
    Settle();
    zmq::message_t page;
    EXPECT_TRUE(requester_.recv(page, zmq::recv_flags::dontwait));
    pages += page.to_string();
    v1::SnapshotReply reply;
    EXPECT_TRUE(reply.ParseFromString(page.to_string()));
    request.set_page_token(reply.next_page_token());
  } while (!request.page_token().empty());
  return pages;
}

}  // namespace unipresence
