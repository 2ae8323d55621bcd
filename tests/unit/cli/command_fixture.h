#ifndef UNIPRESENCE_TESTS_UNIT_CLI_COMMAND_FIXTURE_H_
#define UNIPRESENCE_TESTS_UNIT_CLI_COMMAND_FIXTURE_H_

// Commands run as functions against the fake server, with alice logged in.

#include <gtest/gtest.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "clients/cli/command_context.h"
#include "clients/cli/commands/commands.h"
#include "clients/cli/session_file.h"
#include "tests/testing/temp_folder.h"
#include "tests/unit/cli/captured_output.h"
#include "tests/unit/cli/fake_server.h"

namespace unipresence::cli {

class CommandFixture : public ::testing::Test {
 protected:
  CommandFixture() {
    server_.passwords["alice"] = "correct horse";
    for (const char* user : {"alice", "bob", "carol"}) {
      server_.presences[user].set_user(user);
      server_.presences[user].set_state(v1::PRESENCE_STATE_AVAILABLE);
    }
    server_.Start(folder_.File("."));
    password_file_ = folder_.Write("password", "correct horse\n");
  }

  // A new run of the program.
  CommandContext& NewContext(OutputFormat output = OutputFormat::kJson,
                             const std::string& server = {}) {
    out_ = std::make_unique<CapturedOutput>();
    errors_ = std::make_unique<CapturedOutput>();
    GlobalOptions options;
    options.server = server;
    options.session_file = session_file_;
    options.output = output;
    context_ = std::make_unique<CommandContext>(options, "test", out_->output(), errors_->output());
    return *context_;
  }

  LoginOptions AliceLogin(bool hold = false) const {
    LoginOptions options;
    options.username = "alice";
    options.password.file = password_file_;
    options.hold = hold;
    return options;
  }

  void LogIn() {
    const absl::Status status =
        RunCommand(AliceLogin(), NewContext(OutputFormat::kJson, server_.address()));
    ASSERT_TRUE(status.ok()) << status;
  }

  // The objects that the last command printed.
  std::vector<nlohmann::json> Objects() const {
    std::vector<nlohmann::json> objects;
    for (const std::string& line : out_->Lines()) objects.push_back(nlohmann::json::parse(line));
    return objects;
  }
  // One field of each of them.
  std::vector<std::string> Values(const std::string& field) const {
    std::vector<std::string> values;
    for (const nlohmann::json& object : Objects()) {
      values.push_back(object.contains(field) ? object[field].get<std::string>() : "");
    }
    return values;
  }

  testing::TempFolder folder_;
  const std::string session_file_ = folder_.File("session.json");
  std::string password_file_;
  FakeServer server_;
  std::unique_ptr<CapturedOutput> out_;
  std::unique_ptr<CapturedOutput> errors_;
  std::unique_ptr<CommandContext> context_;
};

}  // namespace unipresence::cli

#endif  // UNIPRESENCE_TESTS_UNIT_CLI_COMMAND_FIXTURE_H_
