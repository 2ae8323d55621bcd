#include "server/config/users_file.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <string>
#include <vector>

#include "tests/testing/temp_folder.h"

namespace unipresence::config {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::TempFolder;

constexpr std::string_view kAlice =
    "- {id: alice, display_name: Alice, exten: 1001, context: default, line_type: unique_account,\n"
    "   username: alice, password: correct horse,\n"
    "   lines: [{kind: deskphone, pbx: main, device: PJSIP/alice},\n"
    "           {kind: webrtc, pbx: main, device: PJSIP/alice_w}]}\n";

std::string ErrorOf(std::string_view yaml, std::span<const std::string> pbxs = {}) {
  const auto users = ParseUsers(yaml, "users.yaml", pbxs);
  EXPECT_TRUE(absl::IsInvalidArgument(users.status())) << yaml;
  return std::string(users.status().message());
}

// A valid row of a sip user, one "key: value" a line from `id` on, with lines replaced by or added
// from `changes`.
std::string Row(const std::string& id, const std::vector<std::string>& changes = {}) {
  std::vector<std::string> lines = {
      "id: " + id,        "exten: 1" + id,
      "context: default", "line_type: sip",
      "username: " + id,  "lines: [{kind: deskphone, pbx: main, device: PJSIP/" + id + "}]"};
  for (const std::string& change : changes) {
    const std::string key = change.substr(0, change.find(':') + 1);
    const auto old = std::find_if(lines.begin(), lines.end(), [&](const std::string& line) {
      return line.compare(0, key.size(), key) == 0;
    });
    if (old != lines.end()) {
      *old = change;
    } else {
      lines.push_back(change);
    }
  }
  return fmt::format("- {}\n", fmt::join(lines, "\n  "));
}

TEST(UsersFileTest, ReadsUsers) {
  const auto users = ParseUsers(kAlice, "users.yaml");
  ASSERT_TRUE(users.ok()) << users.status();
  ASSERT_EQ(users->size(), 1u);
  const UserSeed& alice = (*users)[0];
  const User expected = {.id = "alice",
                         .display_name = "Alice",
                         .exten = "1001",
                         .context = "default",
                         .line_type = LineType::kUniqueAccount,
                         .username = "alice",
                         .role = Role::kUser,
                         .lines = {{LineKind::kDeskphone, "main", "PJSIP/alice"},
                                   {LineKind::kWebrtc, "main", "PJSIP/alice_w"}}};
  EXPECT_EQ(alice.user, expected);
  EXPECT_EQ(alice.password, "correct horse");
  EXPECT_EQ(alice.password_hash, "");
}

TEST(UsersFileTest, ReadsTheExampleOfItsHeader) {
  const auto users = ParseUsers(R"(
- id: alice
  display_name: Alice Martin
  exten: "1001"
  context: default
  line_type: unique_account            # sip, webrtc or unique_account
  username: alice
  password: correct horse              # or password_hash: $argon2id$...; neither: no log-in
  role: administrator                  # default: user
  ring_seconds: 20                     # default: 30; 5 to 300, a multiple of 5
  voicemail: {number: 1001, password: 4711, email: alice@example.org}
  lines:
    - {kind: deskphone, pbx: main, device: PJSIP/alice}
    - {kind: webrtc, pbx: main, device: PJSIP/alice_w}
)",
                                "users.yaml");
  ASSERT_TRUE(users.ok()) << users.status();
  EXPECT_EQ((*users)[0].user.role, Role::kAdministrator);
  EXPECT_EQ((*users)[0].user.ring_seconds, 20);
  const Voicemail box = {.number = "1001", .password = "4711", .email = "alice@example.org"};
  EXPECT_EQ((*users)[0].user.voicemail, box);
}

TEST(UsersFileTest, ReadsBoxesAndSipAccountsWhole) {
  const auto users = ParseUsers(
      Row("bob", {"voicemail: {number: 0012, context: sales, name: Bob Stone}",
                  "lines: [{kind: deskphone, pbx: main, device: PJSIP/bob, sip_username: bob, "
                  "sip_secret: correct-horse}]"}),
      "users.yaml");
  ASSERT_TRUE(users.ok()) << users.status();
  const User& bob = (*users)[0].user;
  const Voicemail box = {.name = "Bob Stone", .number = "0012", .context = "sales"};
  EXPECT_EQ(bob.voicemail, box);
  EXPECT_EQ(bob.lines[0].sip_username, "bob");
  EXPECT_EQ(bob.lines[0].sip_secret, "correct-horse");
}

TEST(UsersFileTest, WhatIsOptionalMayBeMissing) {
  const auto users = ParseUsers(Row("bob"), "users.yaml");
  ASSERT_TRUE(users.ok()) << users.status();
  EXPECT_EQ((*users)[0].user.display_name, "bob");
  EXPECT_EQ((*users)[0].user.role, Role::kUser);
  EXPECT_EQ((*users)[0].user.ring_seconds, 30);
  EXPECT_EQ((*users)[0].user.voicemail, std::nullopt);
  EXPECT_EQ((*users)[0].user.lines[0].sip_username, "");
  EXPECT_EQ((*users)[0].password, "");
}

TEST(UsersFileTest, TakesHashes) {
  const std::string hash =
      "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$"
      "Zm9vYmFyYmF6Zm9vYmFyYmF6Zm9vYmFyYmF6Zm9vYmE";
  const auto users = ParseUsers(Row("bob", {"password_hash: " + hash}), "users.yaml");
  ASSERT_TRUE(users.ok()) << users.status();
  EXPECT_EQ((*users)[0].password_hash, hash);
}

TEST(UsersFileTest, NothingIsNoUsers) {
  EXPECT_TRUE(ParseUsers("", "users.yaml")->empty());
  EXPECT_TRUE(ParseUsers("[]", "users.yaml")->empty());
}

TEST(UsersFileTest, EachErrorIsNamedWithRowAndRemedy) {
  const struct {
    std::string name;
    std::string yaml;
    std::vector<std::string> parts;
  } kRows[] = {
      {"not a list", "id: alice", {"users.yaml:1", "list"}},
      {"row that is a word", "- alice", {"users.yaml:1", "row 1", "map"}},
      {"unknown key",
       Row("bob", {"pasword: x"}),
       {"users.yaml:7", "row 1 (bob)", "'pasword'", "password_hash"}},
      {"missing keys",
       "- {id: bob}",
       {"exten is missing", "context is missing", "username is missing", "line_type is missing",
        "lines is missing"}},
      {"value that is a list", Row("bob", {"exten: [1]"}), {"users.yaml:2", "exten", "one value"}},
      {"bad id", Row("'b b'"), {"id 'b b'", "characters"}},
      {"bad line type",
       Row("bob", {"line_type: both"}),
       {"users.yaml:4", "'both'", std::string(kLineTypeChoices)}},
      {"ring time that is no number",
       Row("bob", {"ring_seconds: 20s"}),
       {"users.yaml:7", "ring_seconds '20s'", "number"}},
      {"ring time out of range",
       Row("bob", {"ring_seconds: 301"}),
       {"ring_seconds '301'", "5 to 300"}},
      {"ring time between", Row("bob", {"ring_seconds: 12"}), {"'12'", "a multiple of 5"}},
      {"box that is a word", Row("bob", {"voicemail: 1001"}), {"voicemail", "number: 1001"}},
      {"box without a number",
       Row("bob", {"voicemail: {email: b@example.org}"}),
       {"voicemail.number is missing"}},
      {"unknown key of a box",
       Row("bob", {"voicemail: {number: 1, pin: 2}"}),
       {"'voicemail.pin'", "number, context, name, password, email"}},
      {"box with a list",
       Row("bob", {"voicemail: {number: [1]}"}),
       {"voicemail.number", "one value"}},
      {"box that Asterisk cannot have",
       Row("bob", {"voicemail: {number: 1, name: 'a,b'}"}),
       {"voicemail.name 'a,b'"}},
      {"bad role", Row("bob", {"role: root"}), {"'root'", "user or administrator"}},
      {"lines that do not fit",
       Row("bob", {"line_type: webrtc"}),
       {"row 1 (bob)", "line_type 'webrtc'"}},
      {"lines that are a word", Row("bob", {"lines: PJSIP/bob"}), {"lines", "list"}},
      {"line that is a word", Row("bob", {"lines: [PJSIP/bob]"}), {"lines", "map"}},
      {"line without a device",
       Row("bob", {"lines: [{kind: deskphone, pbx: main}]"}),
       {"lines.device is missing"}},
      {"line with an unknown key",
       Row("bob", {"lines: [{kind: deskphone, pbx: main, device: SIP/1, x: 1}]"}),
       {"'lines.x'", "kind, pbx, device"}},
      {"line of an unknown kind",
       Row("bob", {"lines: [{kind: fax, pbx: main, device: SIP/1}]"}),
       {"lines.kind 'fax'", std::string(kLineKindChoices)}},
      {"empty password", Row("bob", {"password: ''"}), {"password", "8 to 128"}},
      {"short password", Row("bob", {"password: seven77"}), {"password", "7 bytes", "8 to 128"}},
      {"long password", Row("bob", {"password: " + std::string(129, 'x')}), {"129 bytes"}},
      {"bad hash", Row("bob", {"password_hash: abc"}), {"password_hash", "argon2id"}},
      {"broken YAML behind a bad row",
       Row("bob", {"role: root"}) + "- {id: [",
       {"'root'", "users.yaml:8:"}},
  };
  for (const auto& row : kRows) {
    SCOPED_TRACE(row.name);
    const std::string error = ErrorOf(row.yaml);
    for (const std::string& part : row.parts) EXPECT_THAT(error, HasSubstr(part));
  }
}

TEST(UsersFileTest, PasswordAndHashExcludeEachOther) {
  const std::string hash = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$Zm9vYmFyYmF6";
  EXPECT_THAT(ErrorOf(Row("bob", {"password_hash: " + hash}) + "  password: hush hush\n"),
              AllOf(HasSubstr("both set"), Not(HasSubstr("hush"))));
}

TEST(UsersFileTest, DuplicatesNameBothRows) {
  const struct {
    std::string name;
    std::string change;  // of row 2, whose id is carol
    std::string what;
  } kRows[] = {
      {"id", "id: bob", "id 'bob'"},
      {"username, in another case", "username: BOB", "username 'BOB'"},
      {"exten", "exten: 1bob", "exten '1bob' in context 'default'"},
      {"device, its technology in another case",
       "lines: [{kind: deskphone, pbx: main, device: pjsip/bob}]",
       "device 'PJSIP/bob' on PBX 'main'"},
      {"device", "lines: [{kind: deskphone, pbx: main, device: PJSIP/bob}]",
       "device 'PJSIP/bob' on PBX 'main'"},
  };
  for (const auto& row : kRows) {
    SCOPED_TRACE(row.name);
    EXPECT_THAT(ErrorOf(Row("bob") + Row("carol", {row.change})),
                AllOf(HasSubstr("users.yaml:7"), HasSubstr("row 2"), HasSubstr(row.what),
                      HasSubstr("row 1 has it too")));
  }
  EXPECT_TRUE(ParseUsers(Row("bob") + Row("carol", {"context: other", "exten: 1bob"}), "u").ok());
  EXPECT_TRUE(
      ParseUsers(
          Row("bob") + Row("carol", {"lines: [{kind: deskphone, pbx: b, device: PJSIP/bob}]"}), "u")
          .ok());
}

TEST(UsersFileTest, OneDeviceInBothLinesIsADuplicate) {
  EXPECT_THAT(ErrorOf(Row("bob", {"line_type: unique_account",
                                  "lines: [{kind: deskphone, pbx: main, device: PJSIP/b},"
                                  " {kind: webrtc, pbx: main, device: PJSIP/b}]"})),
              HasSubstr("device 'PJSIP/b' on PBX 'main'"));
}

TEST(UsersFileTest, AllErrorsAreListedUpToABoundAndTheRestCounted) {
  std::string yaml;
  for (int i = 0; i < 150; ++i) yaml += Row(fmt::format("u{}", i), {"role: root"});
  const std::string error = ErrorOf(yaml);
  EXPECT_THAT(error, AllOf(HasSubstr("row 1 (u0)"), HasSubstr("row 100 (u99)"),
                           Not(HasSubstr("row 101")), HasSubstr("50 more errors")));
}

TEST(UsersFileTest, LinesMayNameConfiguredPbxsOnly) {
  const std::vector<std::string> pbxs = {"east", "west"};
  EXPECT_THAT(ErrorOf(Row("bob"), pbxs),
              AllOf(HasSubstr("row 1 (bob)"), HasSubstr("'main'"), HasSubstr("east, west")));
  const std::vector<std::string> with_main = {"east", "main"};
  EXPECT_TRUE(ParseUsers(Row("bob"), "users.yaml", with_main).ok());
}

TEST(UsersFileTest, AFileThatCannotBeReadHasItsOwnCode) {
  TempFolder folder;
  EXPECT_TRUE(absl::IsNotFound(LoadUsers(folder.File("none.yaml")).status()));
  EXPECT_TRUE(LoadUsers(folder.Write("users.yaml", kAlice)).ok());
}

// UNIPRESENCE_SEED_USERS=1000000 measures what a large file costs.
TEST(UsersFileTest, ReadsManyUsers) {
  const char* asked = std::getenv("UNIPRESENCE_SEED_USERS");
  const int count = asked != nullptr ? std::atoi(asked) : 5'000;
  std::string yaml;
  for (int i = 0; i < count; ++i) {
    yaml += fmt::format(
        "- {{id: user{0}, display_name: User {0}, exten: '{1}', context: default, line_type: "
        "unique_account, username: user{0}, lines: [{{kind: deskphone, pbx: main, device: "
        "PJSIP/user{0}}}, {{kind: webrtc, pbx: main, device: PJSIP/user{0}_w}}]}}\n",
        i, 1'000'000 + i);
  }
  const auto begin = std::chrono::steady_clock::now();
  const auto users = ParseUsers(yaml, "users.yaml");
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  ASSERT_TRUE(users.ok()) << users.status();
  EXPECT_EQ(users->size(), static_cast<std::size_t>(count));
  fmt::print("{} users, {:.1f} MB: {:.2f} s\n", count, static_cast<double>(yaml.size()) / 1e6,
             took.count());
}

TEST(UsersFileTest, TextThatIsNotUtf8IsRefusedWithRowLineAndColumn) {
  const std::string yaml =
      "# users\n- id: alice\n  display_name: Soci\xE9t\xE9\n"
      "- display_name: \xC3\xA9\xCF\xE5\n  id: bob\n  exten: \x1b\n";
  EXPECT_EQ(ParseUsers(yaml, "users.yaml").status().message(),
            "users.yaml:3:21: row 1 (alice): the byte 0xE9 is not UTF-8; save the file as UTF-8\n"
            "users.yaml:4:18: row 2 (bob): the byte 0xCF is not UTF-8; save the file as UTF-8\n"
            "users.yaml:6:10: row 2 (bob): the control character U+001B is not allowed; remove "
            "it");
  for (const std::string& text : {std::string("\xFF\xFE-\0 \0", 6), std::string("\0-\0 ", 4)}) {
    const std::string message(ParseUsers(text, "users.yaml").status().message());
    EXPECT_NE(message.find("users.yaml:1:1: this is UTF-16"), std::string::npos) << message;
  }
}

TEST(UsersFileTest, ControlCharactersDoNotComeByEscapesEither) {
  for (const std::string name : {R"("\e[2J")", R"("a\N")", R"("\x9b")", R"("\u202e")", R"("\0")"}) {
    const auto users = ParseUsers(Row("bob", {"display_name: " + name}), "users.yaml");
    EXPECT_EQ(users.status().code(), absl::StatusCode::kInvalidArgument) << name;
  }
}

}  // namespace
}  // namespace unipresence::config
