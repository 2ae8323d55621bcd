#include "aggregator/publish/publisher.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include "tests/testing/zmq_peer.h"

namespace unipresence::publish {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::SizeIs;
using ::unipresence::testing::FakePresenceTable;

std::string Name(int i) { return "user" + std::to_string(i); }

class PublisherTest : public ::unipresence::testing::PublisherFixture {
 protected:
  void Set(const std::string& user, PresenceState state) {
    table_.Set(user, state);
    publisher_->Flush();
  }

  std::uint64_t encoded() const { return publisher_->probe().updates_encoded.value(); }
};

// --- The stream --------------------------------------------------------------------------------

TEST_F(PublisherTest, EachNewSubscriberGetsAHeartbeatAtOnce) {
  Start();
  Set("alice", PresenceState::kAvailable);
  zmq::socket_t first = Subscribe({kStreamTopic});
  const v1::StreamFrame frame = ReceiveStream(first);
  EXPECT_EQ(frame.epoch(), 42u);
  EXPECT_EQ(frame.heartbeat().sequence(), 1u);
  EXPECT_EQ(frame.heartbeat().interval().seconds(), 1);
  EXPECT_EQ(frame.heartbeat().refresh_period().seconds(), 30);
  EXPECT_EQ(frame.heartbeat().server_time().seconds(), clock_.WallNow() / 1'000'000);

  zmq::socket_t second = Subscribe({kStreamTopic});
  EXPECT_TRUE(ReceiveStream(second).has_heartbeat());
  EXPECT_TRUE(ReceiveStream(first).has_heartbeat());

  zmq::socket_t some = Subscribe({kHeartbeatTopic});
  EXPECT_TRUE(ReceiveStream(some, kHeartbeatTopic).has_heartbeat());
}

TEST_F(PublisherTest, TheUpdatesOfOneFlushAreOneFrame) {
  Start();
  zmq::socket_t sub = Subscribe({kStreamTopic});
  ReceiveStream(sub);
  table_.Set("alice", PresenceState::kAvailable);
  table_.Set("bob", PresenceState::kBusy);
  table_.Remove("bob");
  publisher_->Flush();
  Set("alice", PresenceState::kRinging);

  const v1::StreamFrame three = ReceiveStream(sub);
  EXPECT_EQ(three.epoch(), 42u);
  EXPECT_EQ(three.first_sequence(), 1u);
  ASSERT_THAT(three.updates(), SizeIs(3));
  EXPECT_EQ(three.updates(1).presence().user(), "bob");
  EXPECT_EQ(three.updates(1).sequence(), 2u);
  EXPECT_EQ(three.updates(2).removed().user(), "bob");
  EXPECT_EQ(three.updates(2).removed().revision(), 2u);
  EXPECT_FALSE(three.has_heartbeat());
  const v1::StreamFrame one = ReceiveStream(sub);
  EXPECT_EQ(one.first_sequence(), 4u);
  ASSERT_THAT(one.updates(), SizeIs(1));
  EXPECT_EQ(one.updates(0).presence().state(), v1::PRESENCE_STATE_RINGING);
  EXPECT_EQ(publisher_->probe().stream_frames.value(), 2u);
}

TEST_F(PublisherTest, LargeFlushesAreSplit) {
  Start({.max_frame_bytes = 4096});
  zmq::socket_t sub = Subscribe({kStreamTopic});
  ReceiveStream(sub);
  for (int i = 0; i < 1000; ++i) table_.Set(Name(i), PresenceState::kAvailable);
  publisher_->Flush();
  std::uint64_t next = 1;
  while (next <= 1000) {
    const v1::StreamFrame frame = ReceiveStream(sub);
    EXPECT_EQ(frame.first_sequence(), next);
    EXPECT_LE(frame.ByteSizeLong(), 4096u);
    EXPECT_GT(frame.updates_size(), 10);
    next += static_cast<std::uint64_t>(frame.updates_size());
  }
  EXPECT_EQ(next, 1001u);
}

TEST_F(PublisherTest, AHeartbeatDoesNotOvertakeTheUpdatesItCounts) {
  Start();
  zmq::socket_t first = Subscribe({kStreamTopic});
  ReceiveStream(first);
  zmq::socket_t second = Subscribe({kStreamTopic});
  ReceiveStream(second);
  ReceiveStream(first);
  Set("alice", PresenceState::kAvailable);
  publisher_->OnTimer(clock_.Now());
  EXPECT_EQ(ReceiveStream(first).first_sequence(), 1u);
  EXPECT_EQ(ReceiveStream(first).heartbeat().sequence(), 1u);
}

TEST_F(PublisherTest, HeartbeatsComeWithTheirInterval) {
  Start();
  zmq::socket_t sub = Subscribe({kStreamTopic});
  ReceiveStream(sub);
  publisher_->OnTimer(clock_.Now());  // the first is due at the start
  EXPECT_EQ(ReceiveStream(sub).heartbeat().sequence(), 0u);
  const std::uint64_t before = publisher_->probe().heartbeats.value();
  for (int i = 0; i < 100; ++i) {
    clock_.Advance(100ms);
    if (clock_.Now() >= publisher_->next_timer()) publisher_->OnTimer(clock_.Now());
  }
  EXPECT_EQ(publisher_->probe().heartbeats.value() - before, 10u);
}

TEST_F(PublisherTest, UpdatesThatNobodySawAreCountedIn) {
  for (int i = 0; i < 3; ++i) table_.Set(Name(i), PresenceState::kAvailable);
  Start();
  for (int i = 3; i < 5; ++i) Set(Name(i), PresenceState::kAvailable);
  zmq::socket_t sub = Subscribe({kStreamTopic});
  EXPECT_EQ(ReceiveStream(sub).heartbeat().sequence(), 5u);
  Set(Name(5), PresenceState::kAvailable);
  EXPECT_EQ(ReceiveStream(sub).first_sequence(), 6u);
}

// --- Batches -----------------------------------------------------------------------------------

class RecordingBatchSink final : public BatchSink {
 public:
  void OnBatch(std::shared_ptr<const Batch> batch) override { batches.push_back(std::move(batch)); }
  void OnMailboxes(std::shared_ptr<const Batch> batch) override {
    mailboxes.push_back(std::move(batch));
  }
  std::vector<std::shared_ptr<const Batch>> batches;
  std::vector<std::shared_ptr<const Batch>> mailboxes;
};

TEST_F(PublisherTest, BatchesAreMadeWhileWanted) {
  Start();
  RecordingBatchSink sink;
  publisher_->SetBatchSink(sink);
  Set("alice", PresenceState::kAvailable);
  EXPECT_EQ(encoded(), 0u);
  publisher_->SetBatchWanted(true);
  table_.Set("alice", PresenceState::kBusy);
  table_.Set("bob", PresenceState::kRinging);
  table_.Remove("alice");
  publisher_->Flush();
  publisher_->Flush();
  publisher_->SetBatchWanted(false);
  Set("alice", PresenceState::kAvailable);
  EXPECT_EQ(encoded(), 3u);

  ASSERT_THAT(sink.batches, SizeIs(1));
  const Batch& batch = *sink.batches[0];
  EXPECT_EQ(batch.epoch(), 42u);
  ASSERT_EQ(batch.size(), 3u);
  EXPECT_EQ(batch.first_sequence(), 2u);
  EXPECT_EQ(batch.last_sequence(), 4u);
  const char* users[] = {"alice", "bob", "alice"};
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(batch.user(i), users[i]);
    EXPECT_EQ(batch.removed(i), i == 2);
    v1::PresenceUpdate update;
    ASSERT_TRUE(update.ParseFromString(std::string(batch.update(i))));
    EXPECT_EQ(update.sequence(), batch.sequence(i));
    EXPECT_EQ(update.has_removed(), i == 2);
    if (i < 2) {
      EXPECT_EQ(update.presence().revision(), batch.revision(i));
    }
  }
}

TEST_F(PublisherTest, MailboxesAreEncodedWhileTheyAreWanted) {
  Start();
  RecordingBatchSink sink;
  publisher_->SetBatchSink(sink);
  const auto tell = [&](std::uint64_t sequence) {
    publisher_->OnMailbox({.user = "alice",
                           .mailbox = "1001@default",
                           .pbx = "main",
                           .counts = {2, 1},
                           .update_time = 1'700'000'000'250'000,
                           .stale = true,
                           .sequence = sequence});
    publisher_->Flush();
  };
  publisher_->SetBatchWanted(true);
  tell(5);
  EXPECT_TRUE(sink.mailboxes.empty());
  publisher_->SetMailboxesWanted(true);
  tell(6);
  publisher_->SetMailboxesWanted(false);
  tell(7);
  EXPECT_TRUE(sink.batches.empty()) << "mailboxes are no presences";
  ASSERT_EQ(sink.mailboxes.size(), 1u);
  EXPECT_EQ(sink.mailboxes[0]->first_sequence(), 6u);
  EXPECT_EQ(sink.mailboxes[0]->user(0), "alice");
  v1::Mailbox mailbox;
  ASSERT_TRUE(mailbox.ParseFromString(std::string(sink.mailboxes[0]->update(0))));
  EXPECT_EQ(mailbox.user(), "alice");
  EXPECT_EQ(mailbox.mailbox(), "1001@default");
  EXPECT_EQ(mailbox.pbx(), "main");
  EXPECT_EQ(mailbox.new_message_count(), 2u);
  EXPECT_EQ(mailbox.old_message_count(), 1u);
  EXPECT_TRUE(mailbox.stale());
  EXPECT_EQ(mailbox.update_time().seconds(), 1'700'000'000);
  EXPECT_EQ(mailbox.update_time().nanos(), 250'000'000);
}

TEST_F(PublisherTest, AnEndlessFlushMakesSeveralBatches) {
  Start();
  RecordingBatchSink sink;
  publisher_->SetBatchSink(sink);
  publisher_->SetBatchWanted(true);
  for (int i = 0; i < 25'000; ++i) table_.Set("alice", PresenceState::kBusy);
  publisher_->Flush();
  ASSERT_THAT(sink.batches, SizeIs(3));
  EXPECT_EQ(sink.batches[1]->first_sequence(), sink.batches[0]->last_sequence() + 1);
  EXPECT_EQ(sink.batches[2]->last_sequence(), 25'000u);
}

// --- Snapshots ---------------------------------------------------------------------------------

TEST_F(PublisherTest, SnapshotsOfEveryoneAndOfSome) {
  Start();
  for (int i = 0; i < 3000; ++i) Set(Name(i), PresenceState::kAvailable);
  zmq::socket_t dealer = Connect(zmq::socket_type::dealer, publisher_->snapshot_endpoint());
  EXPECT_EQ(Pull(dealer), table_.values());
  EXPECT_GE(publisher_->probe().snapshot_pages.value(), 2u);
  EXPECT_EQ(publisher_->probe().snapshot_users.value(), 3000u);

  v1::SnapshotRequest some;
  some.set_request_id(9);
  some.add_users("user7");
  some.add_users("nobody");
  const v1::SnapshotReply reply = Ask(dealer, some);
  ASSERT_THAT(reply.presences(), SizeIs(1));
  EXPECT_EQ(reply.presences(0).user(), "user7");
  EXPECT_THAT(reply.unknown_users(), ::testing::ElementsAre("nobody"));
}

TEST_F(PublisherTest, SnapshotsOfManyAtOnceAreSliced) {
  Start();
  for (int i = 0; i < 3000; ++i) Set(Name(i), PresenceState::kAvailable);
  std::vector<zmq::socket_t> dealers;
  for (int i = 0; i < 20; ++i) {
    dealers.push_back(Connect(zmq::socket_type::dealer, publisher_->snapshot_endpoint()));
    dealers.back().send(zmq::buffer(v1::SnapshotRequest().SerializeAsString()),
                        zmq::send_flags::dontwait);
  }
  RunUntil([&] { return publisher_->probe().snapshot_requests.value() >= 1; });
  while (publisher_->probe().snapshot_pages.value() < 20) {
    const std::uint64_t before = publisher_->probe().snapshot_users.value();
    RunUntil([] { return true; });
    EXPECT_LE(publisher_->probe().snapshot_users.value() - before, 3000u);
  }
  for (zmq::socket_t& dealer : dealers) {
    v1::SnapshotReply reply;
    EXPECT_TRUE(reply.ParseFromString(Receive(dealer)));
    EXPECT_GT(reply.presences_size(), 1000);
  }
}

// --- Addresses ---------------------------------------------------------------------------------

TEST_F(PublisherTest, WorksOverEachTransport) {
  const std::string directory = ::testing::TempDir();
  const std::string unique = std::to_string(::getpid());
  const std::pair<std::string, std::string> rows[] = {
      {"tcp://127.0.0.1:*", "tcp://127.0.0.1:*"},
      {"ipc://" + directory + "publish." + unique, "ipc://" + directory + "snapshot." + unique},
      {"inproc://publish", "inproc://snapshot"},
  };
  for (const auto& [publish, snapshot] : rows) {
    SCOPED_TRACE(publish);
    publisher_.reset();
    Start({.publish_address = publish, .snapshot_address = snapshot, .context = &context_});
    EXPECT_THAT(publisher_->publish_endpoint(), ::testing::Not(HasSubstr("*")));
    zmq::socket_t sub = Subscribe({kStreamTopic});
    ReceiveStream(sub);
    Set("alice", PresenceState::kAvailable);
    EXPECT_EQ(ReceiveStream(sub).updates(0).presence().user(), "alice");
    zmq::socket_t dealer = Connect(zmq::socket_type::dealer, publisher_->snapshot_endpoint());
    EXPECT_EQ(Pull(dealer), table_.values());
  }
}

TEST_F(PublisherTest, WorksOverIpv6) {
  Publisher probe({.publish_address = "tcp://[::1]:*"}, clock_);
  if (!probe.Bind(table_).ok()) GTEST_SKIP() << "this machine has no IPv6";
  Start({.publish_address = "tcp://[::1]:*"});
  zmq::socket_t sub(context_, zmq::socket_type::sub);
  sub.set(zmq::sockopt::ipv6, true);
  sub.set(zmq::sockopt::linger, 0);
  sub.set(zmq::sockopt::subscribe, kStreamTopic);
  sub.connect(publisher_->publish_endpoint());
  EXPECT_TRUE(ReceiveStream(sub).has_heartbeat());
}

TEST_F(PublisherTest, BadAddressesAreNamed) {
  Start();
  const struct {
    const char* name;
    PublisherOptions options;
    absl::StatusCode code;
    std::string named;
  } rows[] = {
      {"no address at all",
       {.publish_address = "nonsense"},
       absl::StatusCode::kInvalidArgument,
       "'nonsense'"},
      {"an unknown transport",
       {.snapshot_address = "carrier-pigeon://x"},
       absl::StatusCode::kInvalidArgument,
       "'carrier-pigeon://x'"},
      {"in use",
       {.publish_address = publisher_->publish_endpoint()},
       absl::StatusCode::kUnavailable,
       publisher_->publish_endpoint()},
      {"not of this machine",
       {.snapshot_address = "tcp://192.0.2.1:5558"},
       absl::StatusCode::kUnavailable,
       "192.0.2.1"},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.name);
    Publisher publisher(row.options, clock_);
    const absl::Status status = publisher.Bind(table_);
    EXPECT_EQ(status.code(), row.code) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr(row.named));
    EXPECT_FALSE(publisher.HandleEvents());
    EXPECT_EQ(publisher.publish_fd(), -1);
  }
  EXPECT_EQ(publisher_->Bind(table_).code(), absl::StatusCode::kFailedPrecondition);
}

// --- Slow readers ------------------------------------------------------------------------------

TEST_F(PublisherTest, AReaderThatStandsStillLosesFramesAndHurtsNobody) {
  constexpr int kFrames = 2000;
  Start({.send_queue_frames = 50});
  zmq::socket_t stuck(context_, zmq::socket_type::sub);
  stuck.set(zmq::sockopt::linger, 0);
  stuck.set(zmq::sockopt::rcvhwm, 10);
  stuck.set(zmq::sockopt::rcvbuf, 4096);
  stuck.set(zmq::sockopt::subscribe, kStreamTopic);
  stuck.connect(publisher_->publish_endpoint());
  ReceiveStream(stuck);
  zmq::socket_t quick = Subscribe({kStreamTopic});
  ReceiveStream(quick);
  std::uint64_t next = 1;
  for (int i = 0; i < kFrames; ++i) {
    for (int j = 0; j < 100; ++j) table_.Set(Name(j), PresenceState::kBusy);
    publisher_->Flush();
    const v1::StreamFrame frame = ReceiveStream(quick);  // would time out if it were held up
    ASSERT_EQ(frame.first_sequence(), next);
    next += static_cast<std::uint64_t>(frame.updates_size());
  }
  EXPECT_EQ(publisher_->probe().send_failures.value(), 0u);
  // The stuck one wakes up: an old beginning, then a gap that it can see.
  std::uint64_t expected = 1;
  bool gap = false;
  const auto read = [&] {
    zmq::message_t message;
    if (!stuck.recv(message, zmq::recv_flags::dontwait)) return false;
    v1::StreamFrame frame;
    EXPECT_TRUE(frame.ParseFromString(message.to_string().substr(kStreamTopic.size())));
    if (frame.has_heartbeat()) return true;  // the one for the second subscriber
    gap = frame.first_sequence() != expected;
    expected = frame.first_sequence() + static_cast<std::uint64_t>(frame.updates_size());
    return true;
  };
  RunUntil(
      [&] {
        while (!gap && read()) {
        }
        // Its queue may still be taken for full: what shows the gap comes again and again.
        Set("alice", PresenceState::kAvailable);
        return gap || expected > next;
      },
      stuck.get(zmq::sockopt::fd));
  EXPECT_TRUE(gap);
}

}  // namespace
}  // namespace unipresence::publish
