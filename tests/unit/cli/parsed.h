#ifndef UNIPRESENCE_TESTS_UNIT_CLI_PARSED_H_
#define UNIPRESENCE_TESTS_UNIT_CLI_PARSED_H_

// Command lines and what became of them, for tests.

#include <gtest/gtest.h>

#include <string>
#include <variant>
#include <vector>

#include "clients/cli/command_line.h"

namespace unipresence::cli {

inline Invocation Parsed(const std::vector<std::string>& arguments) {
  auto parsed = ParseCommandLine(arguments);
  if (const auto* exit = std::get_if<EarlyExit>(&parsed)) {
    ADD_FAILURE() << exit->text;
    return {};
  }
  return std::get<Invocation>(parsed);
}

template <typename Options>
Options CommandOf(const std::vector<std::string>& arguments) {
  const Invocation invocation = Parsed(arguments);
  const auto* options = std::get_if<Options>(&invocation.command);
  EXPECT_NE(options, nullptr);
  return options == nullptr ? Options{} : *options;
}

inline EarlyExit Refused(const std::vector<std::string>& arguments) {
  auto parsed = ParseCommandLine(arguments);
  const auto* exit = std::get_if<EarlyExit>(&parsed);
  EXPECT_NE(exit, nullptr);
  return exit == nullptr ? EarlyExit{} : *exit;
}

}  // namespace unipresence::cli

#endif  // UNIPRESENCE_TESTS_UNIT_CLI_PARSED_H_
