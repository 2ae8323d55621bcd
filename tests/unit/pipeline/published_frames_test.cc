// Recorded AMI streams in, published frames out: byte for byte what they were when
// tests/data/published/digests.txt was written.
//
// UNIPRESENCE_WRITE_DIGESTS=1 writes the file anew, for a change that is meant to be seen by
// followers.

#include <gtest/gtest.h>
#include <openssl/evp.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <map>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "aggregator/ami/framer.h"
#include "fmt/format.h"
#include "tests/testing/users.h"
#include "tests/unit/pbx/trace.h"
#include "tests/unit/pipeline/site.h"

namespace unipresence {
namespace {

constexpr char kDigests[] = UNIPRESENCE_SOURCE_DIR "/tests/data/published/digests.txt";
constexpr const char* kFolders[] = {pbx::kDataTraces, pbx::kAsteriskTraces,
                                    "tests/simulation/recorded"};

std::string Sha256(std::string_view bytes) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  EXPECT_EQ(EVP_Digest(bytes.data(), bytes.size(), digest, &size, EVP_sha256(), nullptr), 1);
  std::string hex;
  for (unsigned int i = 0; i < size; ++i) hex += fmt::format("{:02x}", digest[i]);
  return hex;
}

// What the recording client was told when it asked for lists: rows by action.
class RecordedLists {
 public:
  // True when the last list of a sequence has come: then `lists` are to be taken.
  bool Read(std::string_view bytes) {
    const std::span<char> room = framer_.Prepare(bytes.size());
    std::copy(bytes.begin(), bytes.end(), room.begin());
    framer_.Commit(bytes.size());
    bool complete = false;
    while (const ami::Message* message = framer_.Next()) complete = Take(*message) || complete;
    return complete;
  }
  std::map<std::string, testing::ScriptedAsterisk::Rows, std::less<>> Lists() {
    ends_ = 0;
    return std::exchange(lists_, {});
  }

 private:
  bool Take(const ami::Message& message) {
    if (!message.Has("ActionID")) return false;
    static const std::map<std::string, std::string, std::less<>> kActions = {
        {"EndpointList", "PJSIPShowEndpoints"},
        {"DeviceStateChange", "DeviceStateList"},
        {"ContactList", "PJSIPShowContacts"},
        {"CoreShowChannel", "CoreShowChannels"},
        {"Status", "Status"}};
    const std::string_view event = message.Event();
    if (const auto at = kActions.find(event); at != kActions.end()) {
      lists_[at->second].push_back(WithoutId(message.text()));
    }
    ends_ += event == "DeviceStateListComplete" || event == "CoreShowChannelsComplete" ||
             event == "ContactListComplete" ||
             message.Get("Message").starts_with("No Contacts found");
    return ends_ == 3;
  }
  static std::string WithoutId(std::string_view row) {
    const std::size_t begin = row.find("ActionID: ");
    const std::size_t end = row.find('\n', begin) + 1;
    return std::string(row.substr(0, begin)) + std::string(row.substr(end));
  }

  ami::Framer framer_;
  std::map<std::string, testing::ScriptedAsterisk::Rows, std::less<>> lists_;
  int ends_ = 0;
};

// The reads of a recording without times: a message each, ten a second.
std::vector<pbx::Trace::Chunk> ChunksOf(const pbx::Trace& trace) {
  if (!trace.chunks.empty()) return trace.chunks;
  std::vector<pbx::Trace::Chunk> chunks;
  std::size_t end = 0;
  while ((end = trace.bytes.find("\r\n\r\n", end)) != std::string::npos) {
    end += 4;
    chunks.push_back({0.1 * static_cast<double>(chunks.size()), end});
  }
  return chunks;
}

// Two are logged in, one is not. In the middle one of them selects another line and one does not
// want to be disturbed.
void Load(Core& core) {
  for (const auto& [id, exten] :
       {std::pair("alice", "1000"), std::pair("bob", "1001"), std::pair("carol", "1002")}) {
    ASSERT_TRUE(core.engine.AddUser(testing::UniqueAccount(id, exten), {}).ok());
  }
  ASSERT_TRUE(core.engine.SetLoggedIn("alice", true, CauseKind::kLogin).ok());
  ASSERT_TRUE(core.engine.SetLoggedIn("bob", true, CauseKind::kLogin).ok());
}
void Choose(Core& core) {
  ASSERT_TRUE(core.engine.SelectDevice("alice", LineKind::kDeskphone).ok());
  ASSERT_TRUE(core.engine.SetDoNotDisturb("bob", true).ok());
}

void Reconnect(Site& site) {
  site.Cut();
  site.Connect();
  EXPECT_EQ(site.engine().pbxs()[site.pbx()].link, LinkState::kSynced);
}

// "NAME FRAMES ACTIONS": digests of what followers were sent, a snapshot at the end of it, and of
// what Asterisk was told.
std::string Replay(const pbx::Trace& trace) {
  Site site({"alice", "carol"});
  site.Open(Load);
  site.Connect();
  RecordedLists recorded;
  const MonotonicTime start = site.clock().Now();
  const std::vector<pbx::Trace::Chunk> chunks = ChunksOf(trace);
  std::size_t begin = 0;
  for (std::size_t i = 0; i < chunks.size(); ++i) {
    const std::string_view bytes =
        std::string_view(trace.bytes).substr(begin, chunks[i].end - begin);
    begin = chunks[i].end;
    site.PassesUntil(std::max(site.clock().Now(), start + Duration(static_cast<std::int64_t>(
                                                              chunks[i].seconds * 1'000'000'000))));
    site.Says(bytes);
    if (recorded.Read(bytes)) {
      site.asterisk().lists = recorded.Lists();
      Reconnect(site);
    }
    if (i == chunks.size() / 2) site.Run(Choose);
  }
  site.Run([&](Core& core) { core.engine.pbxs().RequestListing(site.pbx()); });
  site.PassesUntil(site.clock().Now() + std::chrono::seconds(2));
  Reconnect(site);
  site.PassesUntil(site.clock().Now() + std::chrono::seconds(2));
  std::string snapshot;
  for (const std::string& page : site.Snapshot()) snapshot += page;
  return fmt::format("{} {} {}", trace.name, Sha256(site.frames + snapshot), Sha256(site.actions));
}

TEST(PublishedFramesTest, RecordedStreamsArePublishedByteForByteAsBefore) {
  std::vector<std::string> digests;
  for (const char* folder : kFolders) {
    for (const pbx::Trace& trace : pbx::LoadTraces(folder)) digests.push_back(Replay(trace));
  }
  if (std::getenv("UNIPRESENCE_WRITE_DIGESTS") != nullptr) {
    std::ofstream out(kDigests);
    for (const std::string& digest : digests) out << digest << "\n";
  }
  std::vector<std::string> expected;
  std::ifstream in(kDigests);
  for (std::string line; std::getline(in, line);) expected.push_back(line);
  ASSERT_GE(expected.size(), 100u);
  EXPECT_EQ(digests, expected);
}

}  // namespace
}  // namespace unipresence
