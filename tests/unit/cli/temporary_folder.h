#ifndef UNIPRESENCE_TESTS_UNIT_CLI_TEMPORARY_FOLDER_H_
#define UNIPRESENCE_TESTS_UNIT_CLI_TEMPORARY_FOLDER_H_

// A folder that goes with its object.

#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

namespace unipresence::cli {

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "cli_test.XXXXXX").string();
    path_ = mkdtemp(name.data());
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  std::string File(const std::string& name) const { return path_ + "/" + name; }

  std::string Write(const std::string& name, const std::string& text) const {
    std::ofstream(File(name)) << text;
    return File(name);
  }

  std::string Read(const std::string& name) const {
    std::ostringstream text;
    text << std::ifstream(File(name)).rdbuf();
    return text.str();
  }

 private:
  std::string path_;
};

}  // namespace unipresence::cli

#endif  // UNIPRESENCE_TESTS_UNIT_CLI_TEMPORARY_FOLDER_H_
