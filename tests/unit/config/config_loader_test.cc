#include "server/config/config_loader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <string>

#include "tests/testing/temp_folder.h"

namespace unipresence::config {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::TempFolder;

constexpr std::string_view kPbx = "pbx: [{name: main, host: h, username: u, secret: s}]\n";

Config Parsed(std::string_view yaml, const Overrides& overrides = {}) {
  auto config = Parse(yaml, "u.yaml", overrides);
  EXPECT_TRUE(config.ok()) << config.status();
  return config.ok() ? *std::move(config) : Config();
}

std::string ErrorOf(std::string_view yaml, const Overrides& overrides = {}) {
  const auto config = Parse(yaml, "u.yaml", overrides);
  EXPECT_TRUE(absl::IsInvalidArgument(config.status())) << yaml << config.status();
  return std::string(config.status().message());
}

TEST(ConfigTest, WithoutAPbxThereIsNothingToListenTo) {
  for (const std::string_view yaml : {"", "# nothing\n", "pbx:\n", "pbx: []\n", "grpc: {}\n"}) {
    EXPECT_THAT(ErrorOf(yaml), AllOf(HasSubstr("u.yaml"), HasSubstr("no PBX is configured")));
  }
}

TEST(ConfigTest, APbxAloneGivesTheDocumentedDefaults) {
  const Config config = Parsed(kPbx);
  EXPECT_EQ(config.grpc.listen, "127.0.0.1:50051");
  EXPECT_EQ(config.zeromq.publish, "tcp://127.0.0.1:5561");
  EXPECT_EQ(config.zeromq.snapshot, "tcp://127.0.0.1:5562");
  EXPECT_EQ(config.metrics.listen, "127.0.0.1:9464");
  EXPECT_EQ(config.store.path, "unipresence.db");
  EXPECT_EQ(config.sessions.time_to_live_s, 20);
  EXPECT_EQ(config.fusion.deskphone_call, DeskphoneCall::kEmitted);
  EXPECT_EQ(config.log.level, LogLevel::kInfo);
  EXPECT_EQ(config.users_file, "");
  EXPECT_FALSE(config.users_file_wins);
}

TEST(ConfigTest, ReadsEverySetting) {
  TempFolder folder;
  folder.Write("secret", "s3cret\n");
  const std::string path = folder.Write("u.yaml", R"(# all of it
pbx:
  - name: main
    host: pbx.example.net
    port: 15038
    username: unipresence
    secret: "a b#c"
  - {name: branch-2, host: "2001:db8::1", username: u, secret_file: secret,
     tls: {ca_file: ca.pem, verify: false}}
  - {name: third, host: 192.0.2.7, username: u, secret: s, tls: true}
grpc: {listen: "unix:/run/unipresence.sock"}
zeromq: {publish: "tcp://*:7001", snapshot: "ipc:///run/snapshot"}
metrics: {listen: "[::1]:0"}
store: {path: /var/lib/unipresence/store.db}
sessions: {time_to_live_s: 45}
fusion: {deskphone_call: any}
users_file: users.yaml
log: {level: debug}
)");
  const auto config = Load(path);
  ASSERT_TRUE(config.ok()) << config.status();
  ASSERT_EQ(config->pbxs.size(), 3u);
  const PbxConfig& main = config->pbxs[0];
  EXPECT_EQ(main.name, "main");
  EXPECT_EQ(main.host, "pbx.example.net");
  EXPECT_EQ(main.port, 15038);
  EXPECT_EQ(main.username, "unipresence");
  EXPECT_EQ(main.secret, "a b#c");
  EXPECT_FALSE(main.tls.enabled);
  const PbxConfig& branch = config->pbxs[1];
  EXPECT_EQ(branch.host, "2001:db8::1");
  EXPECT_EQ(branch.secret, "s3cret");
  EXPECT_TRUE(branch.tls.enabled);
  EXPECT_FALSE(branch.tls.verify);
  EXPECT_EQ(branch.tls.ca_file, folder.File("ca.pem"));
  EXPECT_EQ(branch.port, 5039) << "AMI over TLS has a port of its own";
  EXPECT_TRUE(config->pbxs[2].tls.enabled);
  EXPECT_TRUE(config->pbxs[2].tls.verify);
  EXPECT_EQ(config->grpc.listen, "unix:/run/unipresence.sock");
  EXPECT_EQ(config->zeromq.publish, "tcp://*:7001");
  EXPECT_EQ(config->zeromq.snapshot, "ipc:///run/snapshot");
  EXPECT_EQ(config->metrics.listen, "[::1]:0");
  EXPECT_EQ(config->store.path, "/var/lib/unipresence/store.db");
  EXPECT_EQ(config->sessions.time_to_live_s, 45);
  EXPECT_EQ(config->fusion.deskphone_call, DeskphoneCall::kAny);
  EXPECT_EQ(config->users_file, folder.File("users.yaml"));
  EXPECT_EQ(config->log.level, LogLevel::kDebug);
}

TEST(ConfigTest, APbxIsToldWhereCallsRingUnlessItSaysOtherwise) {
  const auto with = [](std::string_view value) {
    return "pbx: [{name: a, host: h, username: u, secret: s, write_back: " + std::string(value) +
           "}]";
  };
  EXPECT_TRUE(Parsed(kPbx).pbxs[0].write_back);
  EXPECT_FALSE(Parsed(with("false")).pbxs[0].write_back);
  EXPECT_THAT(ErrorOf(with("sometimes")),
              AllOf(HasSubstr("pbx.write_back"), HasSubstr("'sometimes'")));
}

TEST(ConfigTest, ThePortOfAmiIsTheDefault) { EXPECT_EQ(Parsed(kPbx).pbxs[0].port, 5038); }

TEST(ConfigTest, TheFolderOfAPbxIsRelativeToTheFile) {
  const TempFolder folder;
  const std::string pbx = "{name: a, host: h, username: u, secret: s";
  const std::string path =
      folder.Write("server.yaml", "pbx: [" + pbx + ", configuration_folder: rendered}]\n");
  const auto config = Load(path);
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->pbxs[0].configuration_folder, folder.File("rendered"));
  EXPECT_EQ(Parsed("pbx: [" + pbx + "}]").pbxs[0].configuration_folder, "");
}

TEST(ConfigTest, EmptySectionsKeepTheirDefaults) {
  EXPECT_EQ(Parsed(std::string(kPbx) + "grpc:\nzeromq: {}\n").grpc.listen, "127.0.0.1:50051");
}

// Each error names file and line, the key, the value and the remedy.
TEST(ConfigTest, EachBadValueIsNamedWithItsRemedy) {
  const struct {
    std::string name;
    std::string yaml;
    std::vector<std::string> parts;
  } kRows[] = {
      {"unknown top-level key", "grcp: {listen: x}", {"u.yaml:1", "'grcp'", "known keys", "grpc"}},
      {"unknown key of a section", "\ngrpc: {port: 1}", {"u.yaml:2", "'grpc.port'", "listen"}},
      {"unknown key of a PBX",
       "pbx: [{name: a, host: h, username: u, secret: s, pasword: x}]",
       {"'pbx.pasword'", "known keys", "secret_file"}},
      {"unknown key of tls",
       "pbx: [{name: a, host: h, username: u, secret: s, tls: {on: true}}]",
       {"'pbx.tls.on'", "enabled, ca_file, verify"}},
      {"section that is a value", "grpc: 1", {"u.yaml:1", "grpc", "map", "listen"}},
      {"value that is a list", "grpc: {listen: [1]}", {"grpc.listen", "one value"}},
      {"value that is empty", "grpc: {listen: }", {"grpc.listen", "one value"}},
      {"document that is a list", "- a", {"u.yaml:1", "map"}},
      {"listen without port", "grpc: {listen: localhost}", {"'localhost'", "127.0.0.1:50051"}},
      {"port out of range", "grpc: {listen: 'h:65536'}", {"'h:65536'", "host:port"}},
      {"port that is a word", "grpc: {listen: 'h:http'}", {"'h:http'"}},
      {"host with a blank", "metrics: {listen: 'a b:1'}", {"'a b:1'", "127.0.0.1:9464"}},
      {"empty host", "metrics: {listen: ':9464'}", {"':9464'"}},
      {"relative unix path", "grpc: {listen: 'unix:x'}", {"'unix:x'", "unix:/path"}},
      {"unknown transport", "zeromq: {publish: 'udp://h:1'}", {"'udp://h:1'", "tcp://"}},
      {"endpoint without port", "zeromq: {snapshot: 'tcp://h'}", {"zeromq.snapshot", "'tcp://h'"}},
      {"one endpoint twice",
       "zeromq: {publish: 'tcp://h:1', snapshot: 'tcp://h:1'}",
       {"zeromq.publish and zeromq.snapshot", "tcp://h:1"}},
      {"empty path", "store: {path: ''}", {"store.path", "path of a file"}},
      {"time to live of 0", "sessions: {time_to_live_s: 0}", {"'0'", "1 to 86400"}},
      {"time to live with a unit", "sessions: {time_to_live_s: 20s}", {"'20s'", "whole number"}},
      {"time to live too long", "sessions: {time_to_live_s: 99999999999}", {"1 to 86400"}},
      {"unknown choice", "fusion: {deskphone_call: all}", {"'all'", "emitted or any"}},
      {"unknown level", "log: {level: loud}", {"'loud'", "warning"}},
      {"pbx that is a map", "pbx: {name: a}", {"pbx", "list"}},
      {"pbx that is a word", "pbx: [a]", {"u.yaml:1", "map"}},
      {"bad name",
       "pbx: [{name: 'a b', host: h, username: u, secret: s}]",
       {"'a b'", "characters"}},
      {"no name", "pbx: [{host: h, username: u, secret: s}]", {"pbx.name ''"}},
      {"no host", "pbx: [{name: a, username: u, secret: s}]", {"'a'", "host is missing"}},
      {"bad host",
       "pbx: [{name: a, host: 'h:1', username: u, secret: s, port: 0}]",
       {"pbx.host 'h:1'", "pbx.port '0'"}},
      {"no username", "pbx: [{name: a, host: h, secret: s}]", {"'a'", "username is missing"}},
      {"line break in the username",
       "pbx: [{name: a, host: h, username: \"u\\r\\nAction: x\", secret: s}]",
       {"'a'", "control characters"}},
      {"no secret",
       "pbx: [{name: a-1, host: h, username: u}]",
       {"'a-1'", "secret_file", "UNIPRESENCED_PBX_A_1_SECRET"}},
      {"two secrets",
       "pbx: [{name: a, host: h, username: u, secret: s, secret_file: f}]",
       {"'a'", "both set"}},
      {"empty secret", "pbx: [{name: a, host: h, username: u, secret: ''}]", {"'a'", "empty"}},
      {"secret file that is not there",
       "pbx: [{name: a, host: h, username: u, secret_file: no/such/file}]",
       {"pbx.secret_file", "no/such/file", "No such file"}},
      {"bad port",
       "pbx: [{name: a, host: h, username: u, secret: s, port: 99999}]",
       {"pbx.port '99999'", "1 to 65535"}},
      {"bad tls",
       "pbx: [{name: a, host: h, username: u, secret: s, tls: maybe}]",
       {"pbx.tls 'maybe'", "true or false"}},
      {"two PBXs of one name",
       "pbx:\n- {name: a, host: h, username: u, secret: s}\n- {name: a, host: i, username: u, "
       "secret: s}",
       {"u.yaml:3", "'a'", "another PBX"}},
  };
  for (const auto& row : kRows) {
    SCOPED_TRACE(row.name);
    const std::string error = ErrorOf(row.yaml);
    for (const std::string& part : row.parts) EXPECT_THAT(error, HasSubstr(part));
  }
}

TEST(ConfigTest, AllErrorsAreListed) {
  const std::string error =
      ErrorOf("grpc: {listen: x}\nsessions: {time_to_live_s: x}\nlog: {level: x}\nfoo: 1\n");
  EXPECT_THAT(error, AllOf(HasSubstr("u.yaml:1"), HasSubstr("u.yaml:2"), HasSubstr("u.yaml:3"),
                           HasSubstr("u.yaml:4")));
}

TEST(ConfigTest, ASecretIsNeverInAMessage) {
  EXPECT_THAT(ErrorOf("pbx: [{name: a, host: h, username: u, secret: \"hush\\n\"}]"),
              Not(HasSubstr("hush")));
  EXPECT_THAT(ToYaml(Parsed("pbx: [{name: a, host: h, username: u, secret: hush}]")),
              AllOf(Not(HasSubstr("hush")), HasSubstr("(hidden)")));
}

TEST(ConfigTest, AFlagBeatsTheEnvironmentBeatsTheFileBeatsTheDefault) {
  const std::string yaml = std::string(kPbx) + "grpc: {listen: 'file:1'}\n";
  const Overrides environment = {.environment = {{"UNIPRESENCED_GRPC_LISTEN", "env:1"}}};
  Overrides both = environment;
  both.flags = {{"grpc.listen", "flag:1"}, {"grpc.listen", "flag:2"}};
  EXPECT_EQ(Parsed(kPbx).grpc.listen, "127.0.0.1:50051");
  EXPECT_EQ(Parsed(yaml).grpc.listen, "file:1");
  EXPECT_EQ(Parsed(yaml, environment).grpc.listen, "env:1");
  EXPECT_EQ(Parsed(yaml, both).grpc.listen, "flag:2");
}

TEST(ConfigTest, EverySettingHasItsVariableAndItsFlag) {
  for (const SettingHelp& setting : Settings()) {
    SCOPED_TRACE(setting.path);
    EXPECT_FALSE(setting.help.empty());
    std::string variable = "UNIPRESENCED_";
    for (const char c : setting.path) {
      variable += c == '.' ? '_' : static_cast<char>(std::toupper(c));
    }
    const std::string bad(1, '\n');
    if (setting.path == "users_file" || setting.path == "store.path") {
      const std::string path(setting.path);
      EXPECT_THAT(ToYaml(Parsed(kPbx, {.environment = {{variable, "/x"}}})), HasSubstr("\"/x\""));
      EXPECT_THAT(ToYaml(Parsed(kPbx, {.flags = {{path, "/x"}}})), HasSubstr("\"/x\""));
    } else {
      EXPECT_THAT(ErrorOf("", {.environment = {{variable, bad}}}), HasSubstr(variable));
      EXPECT_THAT(ErrorOf("", {.flags = {{std::string(setting.path), bad}}}),
                  HasSubstr(std::string(setting.path)));
    }
  }
}

TEST(ConfigTest, APathOfTheEnvironmentIsRelativeToTheWorkingDirectory) {
  const Overrides overrides = {.environment = {{"UNIPRESENCED_USERS_FILE", "users.yaml"}}};
  EXPECT_EQ(Parse(kPbx, "/etc/u.yaml", overrides)->users_file, "users.yaml");
  EXPECT_EQ(Parse(std::string(kPbx) + "users_file: users.yaml", "/etc/u.yaml")->users_file,
            "/etc/users.yaml");
}

TEST(ConfigTest, TheSecretOfAPbxMayComeFromTheEnvironment) {
  const Overrides overrides = {.environment = {{"UNIPRESENCED_PBX_BRANCH_2_SECRET", "from env"}}};
  const std::string without = "pbx: [{name: branch-2, host: h, username: u}]";
  const std::string with = "pbx: [{name: branch-2, host: h, username: u, secret: s}]";
  EXPECT_EQ(Parsed(without, overrides).pbxs[0].secret, "from env");
  EXPECT_EQ(Parsed(with, overrides).pbxs[0].secret, "from env");
  EXPECT_EQ(
      Parsed(with, {.environment = {{"UNIPRESENCED_PBX_BRANCH_2_SECRET", ""}}}).pbxs[0].secret,
      "s");
}

TEST(ConfigTest, MisspelledVariablesAndFlagsAreErrors) {
  EXPECT_THAT(ErrorOf("", {.environment = {{"UNIPRESENCED_GRPC_LISTN", "x"}}}),
              AllOf(HasSubstr("UNIPRESENCED_GRPC_LISTN"), HasSubstr("UNIPRESENCED_GRPC_LISTEN")));
  EXPECT_THAT(ErrorOf("", {.flags = {{"grpc.listn", "x"}}}),
              AllOf(HasSubstr("grpc.listn"), HasSubstr("grpc.listen")));
  Parsed(kPbx, {.environment = {{"UNIPRESENCED_CONFIG", "u.yaml"}, {"PATH", "/bin"}}});
}

TEST(ConfigTest, AnEmptyVariableIsNotSet) {
  EXPECT_EQ(Parsed(kPbx, {.environment = {{"UNIPRESENCED_GRPC_LISTEN", ""}}}).grpc.listen,
            "127.0.0.1:50051");
}

TEST(ConfigTest, TwoFreePortsAreNoCollision) {
  Parsed(std::string(kPbx) +
         "zeromq: {publish: 'tcp://127.0.0.1:*', snapshot: 'tcp://127.0.0.1:*'}");
}

TEST(ConfigTest, AFileThatCannotBeReadHasItsOwnCode) {
  TempFolder folder;
  EXPECT_TRUE(absl::IsNotFound(Load(folder.File("none.yaml")).status()));
  EXPECT_TRUE(absl::IsUnavailable(Load(folder.path()).status()));
  const std::string large = folder.Write("large.yaml", std::string(kMaxConfigBytes + 1, '#'));
  EXPECT_TRUE(absl::IsInvalidArgument(Load(large).status()));
  EXPECT_TRUE(
      absl::IsInvalidArgument(Parse(std::string(kMaxConfigBytes + 1, '#'), "large", {}).status()));
}

TEST(ConfigTest, AnOverlongSecretFileIsRefused) {
  TempFolder folder;
  folder.Write("secret", std::string(kMaxSecretBytes + 1, 's'));
  const std::string path =
      folder.Write("u.yaml", "pbx: [{name: a, host: h, username: u, secret_file: secret}]");
  EXPECT_THAT(Load(path).status().ToString(), HasSubstr("larger than"));
}

TEST(ConfigTest, TheEffectiveConfigurationCanBeReadAgain) {
  const Config config = Parsed(std::string(kPbx) + "store: {path: 'a\"b\\c'}\n");
  const Config again = Parsed(ToYaml(config));
  EXPECT_EQ(ToYaml(again), ToYaml(config));
  EXPECT_EQ(again.store.path, "a\"b\\c");
}

TEST(ConfigTest, TheSystemEnvironmentIsRead) {
  ASSERT_EQ(::setenv("UNIPRESENCE_TEST_VARIABLE", "a=b", 1), 0);
  EXPECT_EQ(SystemEnvironment().at("UNIPRESENCE_TEST_VARIABLE"), "a=b");
}

// --- --check-config ---

constexpr std::string_view kUsers =
    "- {id: alice, exten: 1001, context: default, line_type: sip, username: alice,\n"
    "   lines: [{kind: deskphone, pbx: main, device: PJSIP/alice}]}\n";

TEST(CheckConfigTest, PrintsTheEffectiveConfigurationAndTheUsers) {
  TempFolder folder;
  folder.Write("users.yaml", kUsers);
  const std::string path = folder.Write("u.yaml", std::string(kPbx) + "users_file: users.yaml\n");
  std::string report;
  const absl::Status status = Check(path, {.flags = {{"log.level", "debug"}}}, report);
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_THAT(report, AllOf(HasSubstr("level: debug"), HasSubstr("1 users"), HasSubstr("OK")));
}

TEST(CheckConfigTest, PrintsEveryErrorOfTheUsers) {
  TempFolder folder;
  folder.Write("users.yaml", kUsers);
  const std::string path = folder.Write(
      "u.yaml", "pbx: [{name: other, host: h, username: u, secret: s}]\nusers_file: users.yaml\n");
  std::string report;
  EXPECT_TRUE(absl::IsInvalidArgument(Check(path, {}, report)));
  EXPECT_THAT(report, AllOf(HasSubstr("alice"), HasSubstr("'main'"), HasSubstr("other")));
}

TEST(CheckConfigTest, PrintsErrorsOfTheConfigurationAndMissingFiles) {
  TempFolder folder;
  std::string report;
  EXPECT_FALSE(Check(folder.Write("a.yaml", "log: {level: x}"), {}, report).ok());
  EXPECT_THAT(report, HasSubstr("'x'"));
  EXPECT_FALSE(
      Check(folder.Write("b.yaml", std::string(kPbx) + "users_file: none.yaml"), {}, report).ok());
  EXPECT_THAT(report, HasSubstr("none.yaml"));
  EXPECT_FALSE(Check(folder.Write("c.yaml",
                                  "pbx: [{name: a, host: h, username: u, secret: s, tls: "
                                  "{ca_file: none.pem}}]"),
                     {}, report)
                   .ok());
  EXPECT_THAT(report, HasSubstr("none.pem"));
}

TEST(LoadAllTest, TellsARenewedCertificateFromTheFormerOne) {
  TempFolder folder;
  const std::string path = folder.Write(
      "a.yaml", "pbx: [{name: a, host: h, username: u, secret: s, tls: {ca_file: ca.pem}}]");
  const auto digest = [&](const std::string& content) {
    folder.Write("ca.pem", content);
    return LoadAll(path).value().config.pbxs.at(0).ca_digest;
  };
  const std::size_t first = digest("one");
  EXPECT_NE(digest("two"), first);
  EXPECT_EQ(digest("one"), first);
}

}  // namespace
}  // namespace unipresence::config
