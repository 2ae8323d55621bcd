#include "aggregator/pbx/configuration.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace unipresence::pbx {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

User Alice() {
  User user;
  user.id = "alice";
  user.display_name = "Alice Martin";
  user.exten = "1000";
  user.context = "default";
  user.username = "alice";
  user.line_type = LineType::kUniqueAccount;
  user.lines = {{LineKind::kDeskphone, "main", "PJSIP/alice", "alice", "desk-secret"},
                {LineKind::kWebrtc, "main", "PJSIP/alice_w", "alice_w", "web=>secret"}};
  user.voicemail.emplace();
  user.voicemail->number = "1000";
  user.voicemail->password = "4321";
  user.voicemail->email = "alice@example.org";
  return user;
}

User Carol() {
  User user;
  user.id = "carol";
  user.exten = "1002";
  user.context = "default";
  user.username = "carol";
  user.lines = {{LineKind::kDeskphone, "main", "PJSIP/carol", {}, {}}};
  return user;
}

// The file with its marks, which are a matter of its bytes, written as PJSIPMARK and so on.
std::string Unmarked(std::string file, const ConfigurationMarks& marks) {
  const auto replace = [&](const std::string& mark, std::string_view name) {
    for (std::size_t at = 0; !mark.empty() && (at = file.find(mark)) != std::string::npos;) {
      file.replace(at, mark.size(), name);
    }
  };
  replace(marks.pjsip, "PJSIPMARK");
  if (!marks.pjsip.empty())
    replace(marks.pjsip.substr(std::string_view("unipresence-").size()), "PJSIPPASS");
  replace(marks.dialplan, "DIALPLANMARK");
  replace(marks.voicemail, "BOXMARK");
  return file;
}

std::string FileOf(const RenderedConfiguration& files, std::string_view path) {
  for (const TextFile& file : files.files) {
    if (file.path == path) return file.content;
  }
  ADD_FAILURE() << "no file " << path;
  return {};
}

// What a renderer of these users must give, byte for byte.
TEST(ConfigurationTest, GoldenFiles) {
  const std::vector<User> users = {Carol(), Alice()};
  const auto files = RenderConfiguration("main", users);
  EXPECT_EQ(
      Unmarked(FileOf(files, "pjsip_unipresence_users.conf"), files.expected.marks),
      R"(; Written by unipresenced from its users. Changes made here are lost: use `unipresence users`.
; #include this file in pjsip.conf, behind pjsip_unipresence.conf.

; alice: DESKPHONE
[alice](unipresence-deskphone-aor)
[alice](unipresence-auth)
username = alice
password = desk-secret
[alice](unipresence-deskphone)
aors = alice
auth = alice
context = default
callerid = "Alice Martin" <1000>
mailboxes = 1000@default
set_var = UNIPRESENCE_CONTEXT=default
set_var = UNIPRESENCE_NUMBER=1000
set_var = TRANSFER_CONTEXT=default

; alice: WEBRTC
[alice_w](unipresence-web-aor)
[alice_w](unipresence-auth)
username = alice_w
password = web=>secret
[alice_w](unipresence-web)
aors = alice_w
auth = alice_w
context = default
callerid = "Alice Martin" <1000>
mailboxes = 1000@default
set_var = UNIPRESENCE_CONTEXT=default
set_var = UNIPRESENCE_NUMBER=1000
set_var = TRANSFER_CONTEXT=default
set_var = UNIPRESENCE_RENDERING=PJSIPMARK

; By this the server sees that Asterisk has this file.
[PJSIPMARK]
type = aor
[PJSIPMARK](unipresence-auth)
username = PJSIPMARK
password = PJSIPPASS
)");
  EXPECT_EQ(
      Unmarked(FileOf(files, "extensions_unipresence_users.conf"), files.expected.marks),
      R"(; Written by unipresenced from its users. Changes made here are lost: use `unipresence users`.
; #include this file in extensions.conf.

[unipresence-users-default]
; alice
exten => 1000,hint,Custom:unipresence-default-1000
exten => 1000,1,Gosub(unipresence-user,1000,1(default))
; carol
exten => 1002,hint,Custom:unipresence-default-1002
exten => 1002,1,Gosub(unipresence-user,1002,1(default))

; By this the server sees that Asterisk has this file.
[unipresence-rendering]
exten => DIALPLANMARK,1,NoOp()
)");
  EXPECT_EQ(
      Unmarked(FileOf(files, "voicemail_unipresence_users.conf"), files.expected.marks),
      R"(; Written by unipresenced from its users. Changes made here are lost: use `unipresence users`.
; #include this file in voicemail.conf.

[default]
; alice
1000 => 4321,Alice Martin,alice@example.org

; By this the server sees that Asterisk has this file.
[unipresence-rendering]
BOXMARK => ,,
)");
  EXPECT_THAT(files.expected.names.endpoints, ElementsAre("alice", "alice_w"));
  EXPECT_THAT(files.expected.names.mailboxes, ElementsAre("1000@default"));
  EXPECT_THAT(files.expected.names.hints,
              ElementsAre(ConfiguredNames::Extension{"unipresence-users-default", "1000"},
                          ConfiguredNames::Extension{"unipresence-users-default", "1002"}));
}

std::vector<FileState> StatesOf(const RenderedConfiguration& rendered) {
  std::vector<FileState> states;
  for (const TextFile& file : rendered.files) states.push_back({file.path, file.content});
  return states;
}

TEST(ConfigurationTest, TheMarkOfAFileChangesWithItAndWithNothingElse) {
  const std::vector<User> users = {Carol(), Alice()};
  const ConfigurationMarks marks = RenderConfiguration("main", users).expected.marks;
  EXPECT_EQ(marks.endpoint, "alice_w");
  const std::vector<User> others = {Alice(), Carol()};
  EXPECT_EQ(RenderConfiguration("main", others).expected.marks, marks);

  std::vector<User> changed = users;
  changed[1].lines[0].sip_secret = "other-secret";  // the same names
  const ConfigurationMarks secret = RenderConfiguration("main", changed).expected.marks;
  EXPECT_NE(secret.pjsip, marks.pjsip);
  EXPECT_EQ(secret.dialplan, marks.dialplan);
  EXPECT_EQ(secret.voicemail, marks.voicemail);

  changed = users;
  changed[1].voicemail->password = "1";
  const ConfigurationMarks box = RenderConfiguration("main", changed).expected.marks;
  EXPECT_EQ(box.pjsip, marks.pjsip);
  EXPECT_NE(box.voicemail, marks.voicemail);

  const std::vector<User> carol = {Carol()};
  const ConfigurationMarks few = RenderConfiguration("main", carol).expected.marks;
  EXPECT_EQ(few.pjsip, "") << "no line of hers is ours to write, the file need not be included";
  EXPECT_EQ(few.voicemail, "");
  EXPECT_NE(few.dialplan, marks.dialplan);
  EXPECT_EQ(RenderConfiguration("main", {}).expected, ExpectedConfiguration());
}

TEST(ConfigurationTest, OfTwoUsersWithOneNameTheFirstStays) {
  struct Row {
    std::string_view what;
    void (*collide)(User&);
  };
  const std::vector<Row> rows = {
      {"device", [](User& user) { user.lines[0].device = "PJSIP/alice"; }},
      {"device", [](User& user) { user.lines[0].device = "PJSIP/ALICE"; }},
      {"number", [](User& user) { user.exten = "1000"; }},
      {"box", [](User& user) { user.voicemail = Alice().voicemail; }},
  };
  for (const Row& row : rows) {
    User carol = Carol();
    row.collide(carol);
    carol.lines[0].sip_username = carol.lines[0].device.substr(6);
    carol.lines[0].sip_secret = "secret-secret";
    const auto files = RenderConfiguration("main", std::vector<User>{carol, Alice()});
    ASSERT_EQ(files.skipped.size(), 1u) << row.what;
    EXPECT_EQ(files.skipped[0].id, "carol");
    EXPECT_THAT(files.skipped[0].message, HasSubstr(std::string(row.what)));
    EXPECT_THAT(files.skipped[0].message, HasSubstr("'alice' has it too"));
    EXPECT_EQ(files.files, RenderConfiguration("main", std::vector<User>{Alice()}).files);
  }
}

TEST(ConfigurationTest, AnEarlierRenderingTellsItsNames) {
  const auto rendered = RenderConfiguration("main", std::vector<User>{Carol(), Alice()});
  std::vector<FileState> files = StatesOf(rendered);
  EXPECT_EQ(ReadFormer(files), FormerConfiguration{.expected = rendered.expected});
  // Gone, emptied, cut.
  files[0].content.reset();
  files[1].content = "";
  files[2].content->resize(files[2].content->size() - 3);
  const FormerConfiguration left = ReadFormer(files);
  EXPECT_FALSE(left.dialplan_whole);
  EXPECT_TRUE(left.pjsip_whole);
  EXPECT_FALSE(left.voicemail_whole);
  EXPECT_EQ(left.expected.names, (ConfiguredNames{.mailboxes = {"1000@default"}}));
  // Anything.
  for (const std::string_view garbage :
       {"[", "[]", "[x](", "[x](unipresence-web", " => \n", "\0"}) {
    for (FileState& file : files) file.content = garbage;
    ReadFormer(files);
  }
}

TEST(ConfigurationTest, OnlyWhatIsOnThatPbx) {
  User both = Alice();
  both.lines[1].pbx = "branch";
  const std::vector<User> users = {both};
  const auto main = RenderConfiguration("main", users);
  EXPECT_THAT(main.expected.names.endpoints, ElementsAre("alice"));
  EXPECT_THAT(FileOf(main, "voicemail_unipresence_users.conf"), HasSubstr("1000 => "));
  const auto branch = RenderConfiguration("branch", users);
  EXPECT_THAT(branch.expected.names.endpoints, ElementsAre("alice_w"));
  EXPECT_THAT(FileOf(branch, "voicemail_unipresence_users.conf"), Not(HasSubstr("=>")));
  EXPECT_THAT(FileOf(branch, "pjsip_unipresence_users.conf"), Not(HasSubstr("mailboxes")));
  EXPECT_THAT(FileOf(branch, "extensions_unipresence_users.conf"), HasSubstr("exten => 1000,1,"));
  const auto other = RenderConfiguration("other", users);
  EXPECT_THAT(FileOf(other, "extensions_unipresence_users.conf"), Not(HasSubstr("[")));
}

TEST(ConfigurationTest, NamesAreWrittenSoThatAsteriskReadsThem) {
  User user = Alice();
  user.display_name = R"(Al; "the \ boss" <1>, [x])";
  const auto files = RenderConfiguration("main", std::vector<User>{user});
  EXPECT_THAT(FileOf(files, "pjsip_unipresence_users.conf"),
              HasSubstr("\ncallerid = \"Al\\; \\\"the \\\\ boss\\\" <1>, [x]\" <1000>\n"));
  EXPECT_THAT(FileOf(files, "voicemail_unipresence_users.conf"),
              HasSubstr("\n1000 => 4321,Al\\; \"the \\ boss\" <1>  [x],alice@example.org\n"));
}

TEST(ConfigurationTest, OneWhoCannotBeWrittenIsLeftOutByName) {
  struct Row {
    std::string_view what;
    void (*spoil)(User&);
  };
  const std::vector<Row> rows = {
      {"context", [](User& user) { user.context = "default]\n[evil"; }},
      {"context", [](User& user) { user.context = std::string(70, 'c'); }},
      {"exten", [](User& user) { user.exten = "1000;x"; }},
      {"exten", [](User& user) { user.exten = "1000,1,System(reboot)"; }},
      {"exten", [](User& user) { user.exten = "_X."; }},
      {"exten", [](User& user) { user.exten = "h"; }},
      {"exten", [](User& user) { user.exten = ""; }},
      {"display_name", [](User& user) { user.display_name = "Alice\n[evil]"; }},
      {"display_name", [](User& user) { user.display_name = std::string("a\0b", 3); }},
      {"device", [](User& user) { user.lines[0].device = "PJSIP/alice](x"; }},
      {"device", [](User& user) { user.lines[0].device = "PJSIP/"; }},
      {"device", [](User& user) { user.lines[0].device = "PJSIP/unipresence-auth"; }},
      {"device", [](User& user) { user.lines[0].device = "SIP/alice"; }},
      {"sip_username", [](User& user) { user.lines[0].sip_username = "other"; }},
      {"sip_secret", [](User& user) { user.lines[0].sip_secret = "secret\n[x]"; }},
      {"sip_secret", [](User& user) { user.lines[0].sip_secret = "secret;x"; }},
      {"voicemail.context", [](User& user) { user.voicemail->context = "general"; }},
      {"voicemail.context", [](User& user) { user.voicemail->context = "a]b"; }},
      {"voicemail.number", [](User& user) { user.voicemail->number = "1,2"; }},
      {"voicemail.password", [](User& user) { user.voicemail->password = "1,x"; }},
      {"voicemail.name", [](User& user) { user.voicemail->name = "a\nb"; }},
      {"voicemail.email", [](User& user) { user.voicemail->email = "a\nb"; }},
      {"voicemail.email", [](User& user) { user.voicemail->email = "a,b"; }},
  };
  for (const Row& row : rows) {
    User user = Alice();
    row.spoil(user);
    const auto files = RenderConfiguration("main", std::vector<User>{Carol(), user});
    ASSERT_EQ(files.skipped.size(), 1u) << row.what;
    EXPECT_EQ(files.skipped[0].id, "alice");
    EXPECT_EQ(files.files, RenderConfiguration("main", std::vector<User>{Carol()}).files)
        << row.what << ": nothing of her, all of the others";
    const std::string& message = files.skipped[0].message;
    EXPECT_THAT(message, HasSubstr("alice"));
    EXPECT_THAT(message, HasSubstr(std::string(row.what)));
    EXPECT_THAT(message, Not(HasSubstr("secret\n"))) << "secrets are not told";
    EXPECT_THAT(message, Not(HasSubstr("secret;")));
  }
}

TEST(ConfigurationTest, SecretsAreMasked) {
  EXPECT_EQ(MaskSecret("password = x = y"), "password = ***");
  EXPECT_EQ(MaskSecret("1000 => 4321,Alice,a@b"), "1000 => ***,Alice,a@b");
  EXPECT_EQ(MaskSecret("1000 => 4321"), "1000 => ***");
  EXPECT_EQ(MaskSecret("exten => 1000,1,NoOp()"), "exten => 1000,1,NoOp()");
  EXPECT_EQ(MaskSecret("username = alice"), "username = alice");
  EXPECT_EQ(MaskSecret(""), "");
}

// --- Whatever the users hold, Asterisk reads what was meant -------------------------------------

struct Entry {
  std::string key;
  std::string value;
};
struct Section {
  std::string name;
  std::string from;  // its template
  std::vector<Entry> entries;
};

std::string Stripped(std::string text) {
  const auto is_blank = [](char c) { return static_cast<unsigned char>(c) <= 0x20; };
  while (!text.empty() && is_blank(text.back())) text.pop_back();
  text.erase(text.begin(), std::find_if_not(text.begin(), text.end(), is_blank));
  return text;
}

// How main/config.c of Asterisk reads a file: comments, sections, `key = value`, includes.
std::vector<Section> Read(const std::string& file) {
  std::vector<Section> sections;
  std::size_t begin = 0;
  while (begin < file.size()) {
    const std::size_t end = std::min(file.find('\n', begin), file.size());
    std::string line = file.substr(begin, end - begin);
    begin = end + 1;
    for (std::size_t at = line.find(';'); at != std::string::npos; at = line.find(';', at)) {
      if (at > 0 && line[at - 1] == '\\') {
        line.erase(at - 1, 1);  // the semicolon is now where the backslash was
        continue;
      }
      EXPECT_NE(line.substr(at, 3), ";--") << "begins a comment of many lines";
      line.erase(at);
    }
    line = Stripped(line);
    if (line.empty()) continue;
    EXPECT_NE(line.front(), '#') << "an include: " << line;
    if (line.front() == '[') {
      const std::size_t close = line.find(']');
      Section& section = sections.emplace_back();
      section.name = line.substr(1, close - 1);
      if (close + 1 < line.size() && line[close + 1] == '(') {
        section.from = line.substr(close + 2, line.find(')', close) - close - 2);
      }
      continue;
    }
    EXPECT_FALSE(sections.empty()) << line;
    const std::size_t equals = line.find('=');
    EXPECT_NE(equals, std::string::npos) << line;
    const std::size_t value = equals + 1 < line.size() && line[equals + 1] == '>' ? 2 : 1;
    sections.back().entries.push_back(
        {Stripped(line.substr(0, equals)), Stripped(line.substr(equals + value))});
  }
  return sections;
}

// The name of `"name" <number>`, as ast_callerid_parse takes it out.
std::string CallerName(const std::string& caller_id) {
  std::string name;
  for (std::size_t i = 1; i < caller_id.size() && caller_id[i] != '"'; ++i) {
    if (caller_id[i] == '\\') ++i;
    name += caller_id[i];
  }
  return name;
}

const Entry* Find(const Section& section, const std::string& key) {
  const auto it = std::find_if(section.entries.begin(), section.entries.end(),
                               [&](const Entry& entry) { return entry.key == key; });
  return it == section.entries.end() ? nullptr : &*it;
}

rc::Gen<std::string> AnyText() {
  // Characters that mean something to a configuration file come often.
  return rc::gen::container<std::string>(
      rc::gen::oneOf(rc::gen::elementOf(std::string("[](){}#;=>,\\\"'<|-! \t\n\r")),
                     rc::gen::inRange<char>(0x20, 0x7e), rc::gen::arbitrary<char>()));
}
rc::Gen<std::string> PrintableText() {
  return rc::gen::container<std::string>(rc::gen::oneOf(
      rc::gen::elementOf(std::string("[](){}#;=>\\\"'<-! ")), rc::gen::inRange<char>(0x20, 0x7e)));
}

// A user whose fields hold what is allowed, or in one field whatever a faulty store may hold.
User AnyUser() {
  User user = Alice();
  user.id = "any";
  user.display_name = *PrintableText();
  user.voicemail->name = *PrintableText();
  std::erase_if(user.voicemail->name, [](char c) { return c == ','; });
  user.lines[0].device = "PJSIP/any";
  user.lines[0].sip_username = "any";
  user.lines[1].sip_secret.clear();
  const std::vector<std::string*> fields = {&user.exten,
                                            &user.context,
                                            &user.lines[0].device,
                                            &user.lines[0].sip_username,
                                            &user.lines[0].sip_secret,
                                            &user.voicemail->number,
                                            &user.voicemail->context,
                                            &user.voicemail->name,
                                            &user.voicemail->email,
                                            &user.voicemail->password,
                                            &user.display_name};
  const std::size_t spoiled = *rc::gen::inRange<std::size_t>(0, 2 * fields.size());
  if (spoiled >= fields.size()) return user;
  std::string& field = *fields[spoiled];
  // Something is put into a good value, or takes its place.
  if (*rc::gen::arbitrary<bool>()) {
    field.insert(*rc::gen::inRange<std::size_t>(0, field.size() + 1), *AnyText());
  } else {
    field = *AnyText();
  }
  if (spoiled == 2 && user.lines[0].device.starts_with("PJSIP/")) {
    user.lines[0].sip_username = user.lines[0].device.substr(6);
  }
  return user;
}

RC_GTEST_PROP(ConfigurationProperty, WhatIsRenderedReadsBackAndNothingElse, ()) {
  std::vector<User> users = {AnyUser(), Carol()};
  const auto files = RenderConfiguration("main", users);
  if (!files.skipped.empty()) {
    RC_TAG("refused");
    RC_ASSERT(files.skipped.size() == 1u);
    RC_ASSERT(files.files == RenderConfiguration("main", std::vector<User>{Carol()}).files);
    return;
  }
  RC_TAG("rendered");
  std::reverse(users.begin(), users.end());
  RC_ASSERT(RenderConfiguration("main", users) == files);
  std::multiset<std::string> endpoints;
  for (const Section& section : Read(FileOf(files, "pjsip_unipresence_users.conf"))) {
    for (const User& user : users) {
      if ("PJSIP/" + section.name != user.lines[0].device) continue;
      if (section.from == "unipresence-auth") {
        RC_ASSERT(Find(section, "password")->value == user.lines[0].sip_secret);
      }
    }
    if (section.from == "unipresence-deskphone") endpoints.insert(section.name);
    if (section.name == files.expected.marks.pjsip) continue;
    RC_ASSERT(section.from == "unipresence-deskphone" || section.from == "unipresence-auth" ||
              section.from == "unipresence-deskphone-aor");
  }
  std::multiset<std::string> wanted;
  const Line& line = users.back().lines[0];  // reversed; carol's is not ours to write
  if (!line.sip_username.empty() && !line.sip_secret.empty()) wanted.insert(line.device.substr(6));
  RC_ASSERT(endpoints == wanted);
  for (const Section& section : Read(FileOf(files, "extensions_unipresence_users.conf"))) {
    RC_ASSERT(section.name.starts_with(kUsersContext) || section.name == kMarkContext);
    for (const Entry& entry : section.entries) RC_ASSERT(entry.key == "exten");
  }
  std::size_t boxes = 0;
  for (const Section& section : Read(FileOf(files, "voicemail_unipresence_users.conf"))) {
    RC_ASSERT(section.from.empty());
    if (section.name != kMarkContext) boxes += section.entries.size();
  }
  RC_ASSERT(boxes == 1u);
}

RC_GTEST_PROP(ConfigurationProperty, ANameReadsBackAsItIs, ()) {
  User user = Alice();
  user.display_name = *rc::gen::nonEmpty(rc::gen::container<std::string>(rc::gen::oneOf(
      rc::gen::elementOf(std::string("[]();=>\\\"#< ")), rc::gen::inRange<char>(0x20, 0x7e))));
  const auto files = RenderConfiguration("main", std::vector<User>{user});
  for (const Section& section : Read(FileOf(files, "pjsip_unipresence_users.conf"))) {
    if (section.from != "unipresence-deskphone" && section.from != "unipresence-web") continue;
    const Entry* caller_id = Find(section, "callerid");
    RC_ASSERT(caller_id != nullptr);
    RC_ASSERT(CallerName(caller_id->value) == user.display_name);
    RC_ASSERT(caller_id->value.ends_with("\" <1000>"));
  }
}

TEST(ConfigurationTest, WhatIsShippedHasTheTemplatesOfEachKindOfLine) {
  std::ifstream file(std::string(UNIPRESENCE_SOURCE_DIR) +
                     "/deploy/asterisk/pjsip_unipresence.conf");
  std::ostringstream shipped;
  shipped << file.rdbuf();
  for (const LineKind kind : kLineKinds) {
    EXPECT_THAT(shipped.str(), HasSubstr(fmt::format("\n[{}](!", TemplateOf(kind))));
    EXPECT_THAT(shipped.str(), HasSubstr(fmt::format("\n[{}-aor](!", TemplateOf(kind))));
  }
}

}  // namespace
}  // namespace unipresence::pbx
