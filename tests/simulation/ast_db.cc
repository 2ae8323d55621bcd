#include "tests/simulation/ast_db.h"

#include "fmt/format.h"

namespace unipresence::simulation {
namespace {

std::string Path(std::string_view family, std::string_view key) {
  return key.empty() ? fmt::format("/{}", family) : fmt::format("/{}/{}", family, key);
}

bool Below(const std::string& path, const std::string& root) {
  return path.compare(0, root.size(), root) == 0 &&
         (path.size() == root.size() || path[root.size()] == '/');
}

}  // namespace

void AstDb::CommitIfDue() {
  if (clock_.Now() - committed_at_ < commit_interval_) return;
  uncommitted_.clear();
  committed_at_ = clock_.Now();
}

void AstDb::Remember(const std::string& path) {
  CommitIfDue();
  const auto found = values_.find(path);
  uncommitted_.push_back(
      {path, found == values_.end() ? std::nullopt : std::optional(found->second)});
}

void AstDb::Put(std::string_view family, std::string_view key, std::string_view value) {
  const std::string path = Path(family, key);
  Remember(path);
  values_[path] = std::string(value);
}

std::optional<std::string> AstDb::Get(std::string_view family, std::string_view key) const {
  const auto found = values_.find(Path(family, key));
  return found == values_.end() ? std::nullopt : std::optional(found->second);
}

bool AstDb::Delete(std::string_view family, std::string_view key) {
  const std::string path = Path(family, key);
  if (values_.count(path) == 0) return false;
  Remember(path);
  values_.erase(path);
  return true;
}

std::size_t AstDb::DeleteTree(std::string_view family, std::string_view key) {
  const auto entries = Tree(family, key);
  for (const auto& [path, value] : entries) {
    Remember(path);
    values_.erase(path);
  }
  return entries.size();
}

std::vector<std::pair<std::string, std::string>> AstDb::Tree(std::string_view family,
                                                             std::string_view key) const {
  std::vector<std::pair<std::string, std::string>> found;
  if (family.empty()) return {values_.begin(), values_.end()};
  const std::string root = Path(family, key);
  for (auto it = values_.lower_bound(root); it != values_.end(); ++it) {
    if (it->first.compare(0, root.size(), root) != 0) break;
    if (Below(it->first, root)) found.emplace_back(*it);
  }
  return found;
}

void AstDb::Stopped(bool clean) {
  CommitIfDue();
  if (!clean) {
    for (auto undo = uncommitted_.rbegin(); undo != uncommitted_.rend(); ++undo) {
      if (undo->value.has_value()) {
        values_[undo->path] = *undo->value;
      } else {
        values_.erase(undo->path);
      }
    }
  }
  uncommitted_.clear();
  committed_at_ = clock_.Now();
}

}  // namespace unipresence::simulation
