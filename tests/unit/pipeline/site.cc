#include "tests/unit/pipeline/site.h"

#include <gtest/gtest.h>

#include <utility>

#include "unipresence/v1/replication.pb.h"

namespace unipresence {
namespace {

TurnOptions Options(PbxOptions pbx, zmq::context_t& context) {
  TurnOptions options;
  options.pbxs = {std::move(pbx)};
  options.publish.publish_address = "inproc://publish";
  options.publish.snapshot_address = "inproc://snapshot";
  options.publish.context = &context;
  options.engine.epoch = Site::kEpoch;
  return options;
}

}  // namespace

PbxOptions Site::DefaultPbx() {
  PbxOptions options;
  options.ami.name = "main";
  options.ami.host = "127.0.0.1";
  options.ami.username = "unipresence";
  options.ami.secret = "secret";
  options.ami.auth = ami::AuthMethod::kPlain;
  options.ami.times.ping_after = std::chrono::hours(1);
  options.ami.times.backoff_first = options.ami.times.backoff_cap = std::chrono::microseconds(100);
  return options;
}

Site::Site(const std::vector<std::string>& followed, PbxOptions pbx)
    : turn_(Options(std::move(pbx), context_), clock_, *this),
      next_tick_(clock_.Now()),
      follower_(context_, zmq::socket_type::sub),
      requester_(context_, zmq::socket_type::dealer) {
  follower_.set(zmq::sockopt::rcvhwm, 0);
  follower_.connect("inproc://publish");
  std::vector<std::string> topics = {std::string("all\0", 4), std::string("heartbeat\0", 10)};
  for (const std::string& user : followed) topics.push_back("user/" + user + std::string(1, '\0'));
  for (const std::string& topic : topics) {
    follower_.set(zmq::sockopt::subscribe, zmq::const_buffer(topic.data(), topic.size()));
  }
  requester_.connect("inproc://snapshot");
}

std::unique_ptr<ami::SessionDriver> Site::MakeDriver(ami::PbxConfig config,
                                                     ami::SessionHandler& handler) {
  auto driver = std::make_unique<testing::VirtualDriver>(std::move(config), handler, clock_);
  driver_ = driver.get();
  return driver;
}

void Site::Open(const std::function<void(Core&)>& load, Turn::Hooks hooks) {
  const absl::Status status = turn_.Open(std::move(hooks), [&](Core& core) {
    load(core);
    return absl::OkStatus();
  });
  ASSERT_TRUE(status.ok()) << status;
  turn_.OnPublisherEvent();  // the followers are there
  PassesUntil(clock_.Now());
}

void Site::Connect() {
  driver_->Wakes();
  if (!driver_->connecting()) Passes(std::chrono::milliseconds(1));
  driver_->Wakes();
  ASSERT_TRUE(driver_->connecting());
  driver_->Connects();
  Says(testing::ScriptedAsterisk::kBanner);
}

void Site::AnswerAll() {
  while (const std::optional<std::string> action = driver_->TakeAction()) {
    const std::size_t id = action->find("ActionID: ");
    actions += action->substr(0, id) + action->substr(action->find('\n', id) + 1);
    if (!on_action || on_action(*action)) driver_->Says(asterisk_.Answer(*action));
  }
}

void Site::Settle() {
  do {
    AnswerAll();
    if (std::exchange(slice_, false)) turn_.RunSlice();
  } while (slice_);
  Collect();
}

void Site::Collect() {
  zmq::message_t frame;
  while (follower_.recv(frame, zmq::recv_flags::dontwait)) {
    const std::string_view bytes(static_cast<const char*>(frame.data()), frame.size());
    if (on_frame) {
      on_frame(bytes);
    } else {
      frames.append(std::to_string(bytes.size())).append(":").append(bytes);
    }
  }
}

void Site::Says(std::string_view bytes) {
  driver_->Says(bytes);
  Settle();
}

void Site::PassesUntil(MonotonicTime time) {
  for (; next_tick_ <= time; next_tick_ += Turn::kTick) {
    clock_.Advance(next_tick_ - clock_.Now());
    driver_->Wakes();
    turn_.OnTick();
    Settle();
  }
  clock_.Advance(time - clock_.Now());
}

void Site::Cut() {
  driver_->Closes();
  Settle();
}

void Site::Run(const std::function<void(Core&)>& command) {
  Command commands[] = {[&](Core& core) { command(core); }};
  turn_.RunCommands(commands);
  Settle();
}

std::vector<std::string> Site::Snapshot() {
  std::vector<std::string> pages;
  v1::SnapshotRequest request;
  do {
    requester_.send(zmq::buffer(request.SerializeAsString()), zmq::send_flags::dontwait);
    turn_.OnPublisherEvent();
    Settle();
    zmq::message_t page;
    EXPECT_TRUE(requester_.recv(page, zmq::recv_flags::dontwait));
    v1::SnapshotReply reply;
    EXPECT_TRUE(reply.ParseFromString(page.to_string()));
    pages.push_back(page.to_string());
    request.set_page_token(reply.next_page_token());
  } while (!request.page_token().empty());
  return pages;
}

}  // namespace unipresence
