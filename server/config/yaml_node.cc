#include "server/config/yaml_node.h"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <exception>
#include <istream>
#include <optional>
#include <streambuf>

#include "aggregator/base/valid_text.h"
#include "server/config/errors.h"

namespace unipresence::config {
namespace {

constexpr std::size_t kMaxKeys = 100;  // of one map; no map of ours has as many

// Reads a string_view without copying it.
class ViewBuffer final : public std::streambuf {
 public:
  explicit ViewBuffer(std::string_view text) {
    char* begin = const_cast<char*>(text.data());  // only read
    setg(begin, begin, begin + text.size());
  }
};

// What stops the parser from within a handler; caught in Parse below.
struct Refused {
  YAML::Mark mark;
  std::string reason;
};
struct Stopped {};

// Builds nodes from events. With `visit`, the document must be a sequence, and each of its items is
// handed over and dropped once it is complete.
class Builder final : public YAML::EventHandler {
 public:
  explicit Builder(const absl::FunctionRef<void(YamlNode&&)>* visit, std::stop_token stop = {})
      : visit_(visit), stop_(std::move(stop)) {}

  YamlNode TakeDocument() { return std::move(document_); }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++documents_ > 1) throw Refused{mark, "a second document; keep one"};
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    CheckPlain(mark, "", anchor);
    Leaf(mark, YamlNode::Kind::kNull, "");
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    throw Refused{mark, "aliases (*name) are not supported; repeat the value"};
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    CheckPlain(mark, tag, anchor);
    if (value.find('\0') != std::string::npos) throw Refused{mark, "a zero byte in a value"};
    Leaf(mark, YamlNode::Kind::kScalar, value);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    CheckPlain(mark, tag, anchor);
    Open(mark, YamlNode::Kind::kSequence);
  }
  void OnSequenceEnd() override { Close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    CheckPlain(mark, tag, anchor);
    Open(mark, YamlNode::Kind::kMap);
  }
  void OnMapEnd() override { Close(); }

 private:
  // A collection that is being read, with the key of its next value if it is a map.
  struct Level {
    YamlNode node;
    std::optional<std::string> key;
  };

  // yaml-cpp gives "?" to plain scalars and "!" to quoted ones.
  static void CheckPlain(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
    if (anchor != YAML::NullAnchor) {
      throw Refused{mark, "anchors (&name) are not supported; remove it"};
    }
    if (!tag.empty() && tag != "?" && tag != "!") {
      throw Refused{mark, fmt::format("tags ({}) are not supported; remove it", tag)};
    }
  }

  void Leaf(const YAML::Mark& mark, YamlNode::Kind kind, std::string value) {
    if (!levels_.empty() && levels_.back().node.kind == YamlNode::Kind::kMap &&
        !levels_.back().key.has_value()) {
      TakeKey(mark, kind, std::move(value));
      return;
    }
    YamlNode node;
    node.kind = kind;
    node.line = mark.line + 1;
    node.scalar = std::move(value);
    Attach(std::move(node));
  }

  void TakeKey(const YAML::Mark& mark, YamlNode::Kind kind, std::string key) {
    if (kind == YamlNode::Kind::kNull) throw Refused{mark, "a key is missing before the colon"};
    Level& level = levels_.back();
    if (level.node.keys.size() >= kMaxKeys) {
      throw Refused{mark, fmt::format("more than {} keys in one map", kMaxKeys)};
    }
    for (const std::string& other : level.node.keys) {
      if (other == key) throw Refused{mark, fmt::format("'{}' is set twice; keep one", key)};
    }
    level.key = std::move(key);
  }

  void Open(const YAML::Mark& mark, YamlNode::Kind kind) {
    if (levels_.size() >= kMaxYamlDepth) {
      throw Refused{mark, fmt::format("nested deeper than {} levels", kMaxYamlDepth)};
    }
    if (!levels_.empty() && levels_.back().node.kind == YamlNode::Kind::kMap &&
        !levels_.back().key.has_value()) {
      throw Refused{mark, "a list or map where a key should be"};
    }
    if (visit_ != nullptr && levels_.empty() && kind != YamlNode::Kind::kSequence) {
      throw Refused{mark, "the document must be a list: start each item with '- '"};
    }
    Level& level = levels_.emplace_back();
    level.node.kind = kind;
    level.node.line = mark.line + 1;
  }

  void Close() {
    YamlNode node = std::move(levels_.back().node);
    levels_.pop_back();
    Attach(std::move(node));
  }

  void Attach(YamlNode node) {
    if (levels_.empty()) {
      if (visit_ != nullptr && node.kind == YamlNode::Kind::kScalar) {
        YAML::Mark mark;
        mark.line = node.line - 1;
        throw Refused{mark, "the document must be a list: start each item with '- '"};
      }
      document_ = std::move(node);
      return;
    }
    Level& level = levels_.back();
    if (visit_ != nullptr && levels_.size() == 1) {
      if (stop_.stop_requested()) throw Stopped{};
      (*visit_)(std::move(node));
      return;
    }
    if (level.node.kind == YamlNode::Kind::kMap) {
      level.node.keys.push_back(*std::move(level.key));
      level.key.reset();
    }
    level.node.items.push_back(std::move(node));
  }

  const absl::FunctionRef<void(YamlNode&&)>* visit_;
  const std::stop_token stop_;
  YamlNode document_;
  int documents_ = 0;
  std::vector<Level> levels_;
};

absl::Status ErrorAt(std::string_view name, const YAML::Mark& mark, std::string_view reason) {
  return absl::InvalidArgumentError(
      fmt::format("{}:{}:{}: {}", name, mark.line + 1, mark.column + 1, reason));
}

absl::Status Parse(std::string_view text, std::string_view name, Builder& builder) {
  ViewBuffer buffer(text);
  std::istream stream(&buffer);
  try {
    YAML::Parser parser(stream);
    if (!parser.HandleNextDocument(builder)) return absl::OkStatus();
    parser.HandleNextDocument(builder);  // refused unless there is none
    return absl::OkStatus();
  } catch (const Stopped&) {
    return absl::CancelledError(fmt::format("{}: not read to its end: stopped", name));
  } catch (const Refused& refused) {
    return ErrorAt(name, refused.mark, refused.reason);
  } catch (const YAML::Exception& exception) {
    return ErrorAt(name, exception.mark, "not YAML: " + exception.msg);
  } catch (const std::exception& exception) {
    return absl::InvalidArgumentError(fmt::format("{}: not YAML: {}", name, exception.what()));
  }
}

// Where an item of a sequence begins.
struct Row {
  int line = 0;
  std::string id;  // the value of its key `id`
};

std::string RowOf(int line, const std::vector<Row>& rows) {
  const auto after =
      std::find_if(rows.begin(), rows.end(), [line](const Row& row) { return row.line > line; });
  if (after == rows.begin()) return {};
  const std::string id = ValidText((after - 1)->id);
  return fmt::format("row {}{}: ", after - rows.begin(), id.empty() ? "" : " (" + id + ")");
}

absl::Status ErrorOf(const std::vector<TextFault>& faults, std::string_view name,
                     const std::vector<Row>& rows) {
  std::string text;
  for (const TextFault& fault : faults) {
    text += fmt::format(
        "{}{}:{}:{}: {}{}", text.empty() ? "" : "\n", name, fault.line, fault.column,
        fault.column == 1 && fault.line == 1 ? "" : RowOf(fault.line, rows), fault.what);
  }
  return absl::InvalidArgumentError(text);
}

// The items of a sequence, as far as it can be read, for the error about it.
std::vector<Row> RowsOf(std::string_view text, std::stop_token stop) {
  std::vector<Row> rows;
  const auto add = [&rows](YamlNode&& node) {
    Row row{.line = node.line, .id = {}};
    for (std::size_t i = 0; i < node.keys.size(); ++i) {
      if (node.keys[i] == "id") row.id = node.items[i].scalar;
    }
    rows.push_back(std::move(row));
  };
  const absl::FunctionRef<void(YamlNode &&)> visit = add;
  Builder builder(&visit, std::move(stop));
  Parse(text, "", builder).IgnoreError();
  return rows;
}

}  // namespace

absl::StatusOr<YamlNode> ParseYaml(std::string_view text, std::string_view name) {
  if (const auto faults = FindTextFaults(text, kMaxErrorsListed); !faults.empty()) {
    return ErrorOf(faults, name, {});
  }
  Builder builder(nullptr);
  absl::Status status = Parse(text, name, builder);
  if (!status.ok()) return status;
  return builder.TakeDocument();
}

absl::Status ParseYamlItems(std::string_view text, std::string_view name,
                            absl::FunctionRef<void(YamlNode&&)> visit, std::stop_token stop) {
  if (const auto faults = FindTextFaults(text, kMaxErrorsListed); !faults.empty()) {
    return ErrorOf(faults, name, RowsOf(text, std::move(stop)));
  }
  Builder builder(&visit, std::move(stop));
  return Parse(text, name, builder);
}

}  // namespace unipresence::config
