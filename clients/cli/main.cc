// unipresence: shows and controls presences from the command line.

#include <string>
#include <vector>

#include "clients/cli/run.h"

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  return unipresence::cli::RunProgram(arguments);
}
