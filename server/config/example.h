#ifndef UNIPRESENCE_SERVER_CONFIG_EXAMPLE_H_
#define UNIPRESENCE_SERVER_CONFIG_EXAMPLE_H_

// Files to begin with, made of the tables by which they are read: every key, with its default and
// what it may be. deploy/ has both; `unipresenced --example-config` and `--example-users` print
// them. Pure.

#include <string>

namespace unipresence::config {

// A configuration with one PBX.
std::string ExampleConfig();

// A users file with one user, for that PBX.
std::string ExampleUsers();

}  // namespace unipresence::config

#endif  // UNIPRESENCE_SERVER_CONFIG_EXAMPLE_H_
