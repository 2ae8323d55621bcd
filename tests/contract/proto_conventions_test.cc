// Holds the conventions of the public API (proto/README.md) over the descriptors of all its files.
//
// Reads the descriptor set that the build makes beside the generated code: it has the comments.

#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <memory>
#include <regex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "unipresence/v1/access.pb.h"

namespace unipresence {
namespace {

namespace pb = google::protobuf;

constexpr std::string_view kFolder = "unipresence/v1/";

std::string ToSnake(std::string_view camel) {
  std::string snake;
  for (std::size_t i = 0; i < camel.size(); ++i) {
    const bool upper = std::isupper(static_cast<unsigned char>(camel[i])) != 0;
    if (upper && i > 0) snake += '_';
    snake += static_cast<char>(std::tolower(static_cast<unsigned char>(camel[i])));
  }
  return snake;
}

std::string ToUpper(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return text;
}

bool Matches(const std::string& text, const char* pattern) {
  return std::regex_match(text, std::regex(pattern));
}

// All capitalized words with an underscore, such as USER_NOT_FOUND.
std::vector<std::string> Constants(const std::string& text) {
  static const std::regex pattern("\\b[A-Z]+(?:_[A-Z]+)+\\b");
  std::vector<std::string> found;
  for (std::sregex_iterator it(text.begin(), text.end(), pattern), end; it != end; ++it) {
    found.push_back(it->str());
  }
  return found;
}

const std::set<std::string>& GrpcCodes() {
  static const std::set<std::string> codes = {"CANCELLED",
                                              "UNKNOWN",
                                              "INVALID_ARGUMENT",
                                              "DEADLINE_EXCEEDED",
                                              "NOT_FOUND",
                                              "ALREADY_EXISTS",
                                              "PERMISSION_DENIED",
                                              "UNAUTHENTICATED",
                                              "RESOURCE_EXHAUSTED",
                                              "FAILED_PRECONDITION",
                                              "ABORTED",
                                              "OUT_OF_RANGE",
                                              "UNIMPLEMENTED",
                                              "INTERNAL",
                                              "UNAVAILABLE",
                                              "DATA_LOSS"};
  return codes;
}

class ProtoConventionsTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    std::ifstream in(UNIPRESENCE_DESCRIPTOR_SET, std::ios::binary);
    pb::FileDescriptorSet set;
    ASSERT_TRUE(set.ParseFromIstream(&in)) << UNIPRESENCE_DESCRIPTOR_SET;
    pool_ = new pb::DescriptorPool;
    for (const pb::FileDescriptorProto& proto : set.file()) {  // imports come first
      const pb::FileDescriptor* file = pool_->BuildFile(proto);
      ASSERT_NE(file, nullptr) << proto.name();
      if (std::string_view(proto.name()).substr(0, kFolder.size()) == kFolder) {
        files_->push_back(file);
      }
    }
  }

  static const std::vector<const pb::FileDescriptor*>& files() { return *files_; }
  static const pb::DescriptorPool* pool() { return pool_; }

  static const pb::EnumDescriptor* Enum(const std::string& name) {
    return pool_->FindEnumTypeByName("unipresence.v1." + name);
  }

  static const pb::Descriptor* Message(const std::string& name) {
    return pool_->FindMessageTypeByName("unipresence.v1." + name);
  }

  static void ForEachMessage(const std::function<void(const pb::Descriptor&)>& visit) {
    const std::function<void(const pb::Descriptor&)> walk = [&](const pb::Descriptor& message) {
      if (message.options().map_entry()) return;
      visit(message);
      for (int i = 0; i < message.nested_type_count(); ++i) walk(*message.nested_type(i));
    };
    for (const pb::FileDescriptor* file : files()) {
      for (int i = 0; i < file->message_type_count(); ++i) walk(*file->message_type(i));
    }
  }

  static void ForEachField(const std::function<void(const pb::FieldDescriptor&)>& visit) {
    ForEachMessage([&](const pb::Descriptor& message) {
      for (int i = 0; i < message.field_count(); ++i) visit(*message.field(i));
    });
  }

  static void ForEachEnum(const std::function<void(const pb::EnumDescriptor&)>& visit) {
    for (const pb::FileDescriptor* file : files()) {
      for (int i = 0; i < file->enum_type_count(); ++i) visit(*file->enum_type(i));
    }
    ForEachMessage([&](const pb::Descriptor& message) {
      for (int i = 0; i < message.enum_type_count(); ++i) visit(*message.enum_type(i));
    });
  }

  static void ForEachService(const std::function<void(const pb::ServiceDescriptor&)>& visit) {
    for (const pb::FileDescriptor* file : files()) {
      for (int i = 0; i < file->service_count(); ++i) visit(*file->service(i));
    }
  }

  static void ForEachRpc(const std::function<void(const pb::MethodDescriptor&)>& visit) {
    ForEachService([&](const pb::ServiceDescriptor& service) {
      for (int i = 0; i < service.method_count(); ++i) visit(*service.method(i));
    });
  }

  // The options set at the rpc.
  static std::vector<const pb::FieldDescriptor*> OptionsOf(const pb::MethodDescriptor& rpc) {
    std::vector<const pb::FieldDescriptor*> options;
    rpc.options().GetReflection()->ListFields(rpc.options(), &options);
    return options;
  }

  // The comment before the element; empty if there is none.
  template <typename Descriptor>
  static std::string CommentOf(const Descriptor& element) {
    pb::SourceLocation location;
    return element.GetSourceLocation(&location) ? location.leading_comments : std::string();
  }

  // The comment at the head of the file, before `syntax`.
  static std::string HeadOf(const pb::FileDescriptor& file) {
    pb::SourceLocation location;
    const std::vector<int> syntax = {pb::FileDescriptorProto::kSyntaxFieldNumber};
    return file.GetSourceLocation(syntax, &location) ? location.leading_comments : std::string();
  }

  // Comments of every element, with the name of the element.
  static void ForEachComment(
      const std::function<void(const std::string& name, const std::string& comment)>& visit) {
    for (const pb::FileDescriptor* file : files()) visit(file->name(), HeadOf(*file));
    ForEachMessage([&](const pb::Descriptor& message) {
      visit(message.full_name(), CommentOf(message));
      for (int i = 0; i < message.real_oneof_decl_count(); ++i) {
        visit(message.oneof_decl(i)->full_name(), CommentOf(*message.oneof_decl(i)));
      }
    });
    ForEachField([&](const pb::FieldDescriptor& f) { visit(f.full_name(), CommentOf(f)); });
    for (const pb::FileDescriptor* file : files()) {
      for (int i = 0; i < file->extension_count(); ++i) {
        visit(file->extension(i)->full_name(), CommentOf(*file->extension(i)));
      }
    }
    ForEachEnum([&](const pb::EnumDescriptor& type) {
      visit(type.full_name(), CommentOf(type));
      for (int i = 0; i < type.value_count(); ++i) {
        visit(type.value(i)->full_name(), CommentOf(*type.value(i)));
      }
    });
    ForEachService([&](const pb::ServiceDescriptor& s) { visit(s.full_name(), CommentOf(s)); });
    ForEachRpc([&](const pb::MethodDescriptor& rpc) { visit(rpc.full_name(), CommentOf(rpc)); });
  }

 private:
  static inline pb::DescriptorPool* pool_ = nullptr;  // alive until the process ends
  static inline auto* files_ = new std::vector<const pb::FileDescriptor*>;
};

TEST_F(ProtoConventionsTest, EveryFileOfTheFolderIsBuilt) {
  std::set<std::string> on_disk;
  const std::filesystem::path root = std::filesystem::path(UNIPRESENCE_SOURCE_DIR) / "proto";
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root)) {
    if (entry.path().extension() == ".proto") {
      on_disk.insert(std::filesystem::relative(entry.path(), root).generic_string());
    }
  }
  std::set<std::string> built;
  for (const pb::FileDescriptor* file : files()) built.insert(file->name());
  EXPECT_EQ(on_disk, built) << "list every file in proto/CMakeLists.txt";
}

TEST_F(ProtoConventionsTest, FilesAreProto3OfOnePackageWithOneServiceAtMost) {
  for (const pb::FileDescriptor* file : files()) {
    EXPECT_EQ(file->package(), "unipresence.v1") << file->name();
    EXPECT_EQ(file->syntax(), pb::FileDescriptor::SYNTAX_PROTO3) << file->name();
    EXPECT_LE(file->service_count(), 1) << file->name();
    for (int i = 0; i < file->service_count(); ++i) {
      const std::string& name = file->service(i)->name();
      ASSERT_TRUE(Matches(name, "[A-Z][A-Za-z]*Service")) << name;
      EXPECT_EQ(file->name(),
                std::string(kFolder) + ToSnake(name.substr(0, name.size() - 7)) + ".proto")
          << "the file of " << name << " has its name";
    }
  }
}

TEST_F(ProtoConventionsTest, NothingOutsideTheWellKnownTypesIsImported) {
  for (const pb::FileDescriptor* file : files()) {
    for (int i = 0; i < file->dependency_count(); ++i) {
      const std::string& import = file->dependency(i)->name();
      EXPECT_TRUE(import.rfind("google/protobuf/", 0) == 0 || import.rfind(kFolder, 0) == 0)
          << file->name() << " imports " << import;
    }
  }
}

TEST_F(ProtoConventionsTest, NoImportIsUnused) {
  for (const pb::FileDescriptor* file : files()) {
    std::set<const pb::FileDescriptor*> used;
    const std::function<void(const pb::Descriptor&)> walk = [&](const pb::Descriptor& message) {
      for (int i = 0; i < message.field_count(); ++i) {
        if (const auto* type = message.field(i)->message_type()) used.insert(type->file());
        if (const auto* type = message.field(i)->enum_type()) used.insert(type->file());
      }
      for (int i = 0; i < message.nested_type_count(); ++i) walk(*message.nested_type(i));
    };
    for (int i = 0; i < file->message_type_count(); ++i) walk(*file->message_type(i));
    for (int i = 0; i < file->extension_count(); ++i) {
      used.insert(file->extension(i)->containing_type()->file());
    }
    for (int s = 0; s < file->service_count(); ++s) {
      for (int i = 0; i < file->service(s)->method_count(); ++i) {
        used.insert(file->service(s)->method(i)->input_type()->file());
        used.insert(file->service(s)->method(i)->output_type()->file());
        for (const pb::FieldDescriptor* option : OptionsOf(*file->service(s)->method(i))) {
          used.insert(pool()->FindFileByName(option->file()->name()));
        }
      }
    }
    for (int i = 0; i < file->dependency_count(); ++i) {
      EXPECT_EQ(used.count(file->dependency(i)), 1U)
          << file->name() << " does not use " << file->dependency(i)->name();
    }
  }
}

TEST_F(ProtoConventionsTest, NamesHaveTheUsualCase) {
  ForEachMessage([](const pb::Descriptor& message) {
    EXPECT_TRUE(Matches(message.name(), "[A-Z][A-Za-z0-9]*")) << message.full_name();
  });
  ForEachField([](const pb::FieldDescriptor& field) {
    EXPECT_TRUE(Matches(field.name(), "[a-z][a-z0-9]*(_[a-z0-9]+)*")) << field.full_name();
  });
}

TEST_F(ProtoConventionsTest, EnumValuesHaveThePrefixAndBeginWithUnspecified) {
  ForEachEnum([](const pb::EnumDescriptor& type) {
    const std::string prefix = ToUpper(ToSnake(type.name())) + "_";
    EXPECT_TRUE(Matches(type.name(), "[A-Z][A-Za-z]*")) << type.full_name();
    EXPECT_EQ(type.value(0)->number(), 0) << type.full_name();
    EXPECT_EQ(type.value(0)->name(), prefix + "UNSPECIFIED") << type.full_name();
    EXPECT_FALSE(type.options().allow_alias()) << type.full_name();
    for (int i = 0; i < type.value_count(); ++i) {
      const std::string& name = type.value(i)->name();
      EXPECT_EQ(name.rfind(prefix, 0), 0U) << name << " of " << type.full_name();
      EXPECT_TRUE(Matches(name, "[A-Z][A-Z0-9_]*")) << name;
    }
  });
}

TEST_F(ProtoConventionsTest, EveryRpcSaysWhoMayCallIt) {
  ForEachRpc([](const pb::MethodDescriptor& rpc) {
    const v1::Access access = rpc.options().GetExtension(v1::access);
    EXPECT_TRUE(v1::Access_IsValid(access) && access != v1::ACCESS_UNSPECIFIED)
        << rpc.full_name() << " has no `option (access)` of access.proto";
  });
}

TEST_F(ProtoConventionsTest, OptionsHaveNumbersOfTheRangeForInternalUse) {
  for (const pb::FileDescriptor* file : files()) {
    for (int i = 0; i < file->extension_count(); ++i) {
      const pb::FieldDescriptor& option = *file->extension(i);
      EXPECT_TRUE(Matches(option.containing_type()->full_name(), "google\\.protobuf\\..*Options"))
          << option.full_name();
      EXPECT_TRUE(option.number() >= 50'000 && option.number() <= 99'999) << option.full_name();
    }
  }
}

TEST_F(ProtoConventionsTest, RpcsAreAVerbAndANoun) {
  // A custom verb is added here when a rpc needs it: it is a word of the API.
  const std::set<std::string> verbs = {
      "Get",      "List",   "BatchGet", "Create", "Update", "Delete", "Watch",    "Explain",
      "Keep",     "Hold",   "Select",   "Set",    "Place",  "HangUp", "Transfer", "Start",
      "Complete", "Cancel", "Import",   "Export", "Render", "Apply",  "Reconcile"};
  ForEachRpc([&](const pb::MethodDescriptor& rpc) {
    const bool known = std::any_of(verbs.begin(), verbs.end(), [&](const std::string& verb) {
      return rpc.name().rfind(verb, 0) == 0 && rpc.name().size() > verb.size() &&
             std::isupper(static_cast<unsigned char>(rpc.name()[verb.size()])) != 0;
    });
    EXPECT_TRUE(known) << rpc.full_name();
  });
}

TEST_F(ProtoConventionsTest, RequestsAndResponsesAreNamedAfterTheRpc) {
  ForEachRpc([](const pb::MethodDescriptor& rpc) {
    EXPECT_EQ(rpc.input_type()->name(), rpc.name() + "Request") << rpc.full_name();
    EXPECT_EQ(rpc.input_type()->file(), rpc.service()->file()) << rpc.full_name();

    const pb::Descriptor& output = *rpc.output_type();
    const bool own = output.name() == rpc.name() + "Response";
    const bool empty = output.full_name() == "google.protobuf.Empty";
    const bool resource = output.file()->package() == "unipresence.v1" &&
                          !Matches(output.name(), ".*(Response|Request|Reply|Frame)");
    EXPECT_TRUE(own || empty || resource) << rpc.full_name() << " returns " << output.full_name();
    if (rpc.server_streaming() || rpc.name().rfind("List", 0) == 0 ||
        rpc.name().rfind("BatchGet", 0) == 0) {
      EXPECT_TRUE(own) << rpc.full_name() << " returns " << output.full_name();
    }
    if (rpc.name().rfind("Delete", 0) == 0) {
      EXPECT_TRUE(empty) << rpc.full_name() << " returns " << output.full_name();
    }
  });
}

TEST_F(ProtoConventionsTest, EveryRequestAndResponseBelongsToARpc) {
  std::set<std::string> used;
  ForEachRpc([&](const pb::MethodDescriptor& rpc) {
    used.insert(rpc.input_type()->name());
    used.insert(rpc.output_type()->name());
  });
  used.insert("SnapshotRequest");  // of the ZeroMQ socket
  ForEachMessage([&](const pb::Descriptor& message) {
    if (Matches(message.name(), ".*(Request|Response)")) {
      EXPECT_EQ(used.count(message.name()), 1U) << message.full_name();
    }
  });
}

TEST_F(ProtoConventionsTest, StandardMethodsReturnTheirResource) {
  ForEachRpc([](const pb::MethodDescriptor& rpc) {
    for (const std::string verb : {"Get", "Create", "Update"}) {
      const std::string noun = rpc.name().substr(std::min(verb.size(), rpc.name().size()));
      if (rpc.name().rfind(verb, 0) != 0 || rpc.output_type()->name() == rpc.name() + "Response") {
        continue;  // CreateSession tells a token beside the resource
      }
      EXPECT_EQ(rpc.output_type()->name(), noun) << rpc.full_name();
    }
  });
}

TEST_F(ProtoConventionsTest, ListsArePaged) {
  ForEachRpc([](const pb::MethodDescriptor& rpc) {
    if (rpc.name().rfind("List", 0) != 0) return;
    const pb::FieldDescriptor* size = rpc.input_type()->FindFieldByName("page_size");
    const pb::FieldDescriptor* token = rpc.input_type()->FindFieldByName("page_token");
    const pb::FieldDescriptor* next = rpc.output_type()->FindFieldByName("next_page_token");
    ASSERT_TRUE(size != nullptr && token != nullptr && next != nullptr) << rpc.full_name();
    EXPECT_EQ(size->type(), pb::FieldDescriptor::TYPE_INT32) << rpc.full_name();
    EXPECT_EQ(token->type(), pb::FieldDescriptor::TYPE_STRING) << rpc.full_name();
    EXPECT_EQ(next->type(), pb::FieldDescriptor::TYPE_STRING) << rpc.full_name();
    const pb::FieldDescriptor* items = rpc.output_type()->field(0);
    EXPECT_TRUE(items->is_repeated() && items->message_type() != nullptr) << rpc.full_name();
    EXPECT_EQ("List" + items->message_type()->name() + "s", rpc.name())
        << "the items of " << rpc.full_name();
  });
}

TEST_F(ProtoConventionsTest, UpdatesHaveTheResourceAndAMask) {
  ForEachRpc([](const pb::MethodDescriptor& rpc) {
    if (rpc.name().rfind("Update", 0) != 0) return;
    const pb::FieldDescriptor* resource =
        rpc.input_type()->FindFieldByName(ToSnake(rpc.name().substr(6)));
    const pb::FieldDescriptor* mask = rpc.input_type()->FindFieldByName("update_mask");
    ASSERT_TRUE(resource != nullptr && mask != nullptr) << rpc.full_name();
    EXPECT_EQ(resource->message_type(), rpc.output_type()) << rpc.full_name();
    ASSERT_NE(mask->message_type(), nullptr) << rpc.full_name();
    EXPECT_EQ(mask->message_type()->full_name(), "google.protobuf.FieldMask") << rpc.full_name();
    const pb::FieldDescriptor* etag = rpc.output_type()->FindFieldByName("etag");
    ASSERT_NE(etag, nullptr) << rpc.full_name();
    EXPECT_EQ(etag->type(), pb::FieldDescriptor::TYPE_STRING) << rpc.full_name();
  });
}

TEST_F(ProtoConventionsTest, RequestsNameTheUserInTheirFirstField) {
  ForEachRpc([](const pb::MethodDescriptor& rpc) {
    const pb::FieldDescriptor* user = rpc.input_type()->FindFieldByName("user");
    if (user == nullptr) return;
    EXPECT_EQ(user->number(), 1) << rpc.full_name();
    EXPECT_TRUE(user->type() == pb::FieldDescriptor::TYPE_STRING ||
                user->message_type()->name() == "User")
        << rpc.full_name();
  });
}

TEST_F(ProtoConventionsTest, TimesAndDurationsShowInTheName) {
  ForEachField([](const pb::FieldDescriptor& field) {
    const bool is_time = field.message_type() != nullptr &&
                         field.message_type()->full_name() == "google.protobuf.Timestamp";
    const bool named_time = Matches(field.name(), "time|.*_time");
    EXPECT_EQ(is_time, named_time) << field.full_name();
    // A number of seconds is a Duration; ring_seconds keeps the name that PBX administrators know.
    EXPECT_FALSE(Matches(field.name(), ".*_(ms|us|secs?|seconds|minutes)") &&
                 field.name() != "ring_seconds")
        << field.full_name();
  });
}

TEST_F(ProtoConventionsTest, RepeatedFieldsArePlural) {
  ForEachField([](const pb::FieldDescriptor& field) {
    if (field.is_repeated() && !field.is_map()) {
      EXPECT_EQ(field.name().back(), 's') << field.full_name();
    }
    EXPECT_FALSE(Matches(field.name(), "(is|has)_.*")) << field.full_name();
  });
}

TEST_F(ProtoConventionsTest, WhatIsEncodedAtEveryChangeIsCheapToEncode) {
  std::set<const pb::Descriptor*> seen;
  const std::function<void(const pb::Descriptor*)> walk = [&](const pb::Descriptor* message) {
    if (message->file()->package() != "unipresence.v1" || !seen.insert(message).second) return;
    for (int i = 0; i < message->field_count(); ++i) {
      const pb::FieldDescriptor& field = *message->field(i);
      EXPECT_LE(field.number(), 15) << field.full_name() << " takes a second byte for its tag";
      EXPECT_FALSE(field.is_map()) << field.full_name();
      if (field.message_type() == nullptr) continue;
      EXPECT_NE(field.message_type()->full_name(), "google.protobuf.Any") << field.full_name();
      walk(field.message_type());
    }
  };
  for (const char* root : {"StreamFrame", "UserFrame", "SnapshotReply", "WatchPresencesResponse"}) {
    ASSERT_NE(Message(root), nullptr) << root;
    walk(Message(root));
  }
  EXPECT_EQ(seen.count(Message("Presence")), 1U);
}

TEST_F(ProtoConventionsTest, ErrorStatusIsGoogleRpcStatusOnTheWire) {
  const pb::Descriptor* status = Message("ErrorStatus");
  ASSERT_NE(status, nullptr);
  ASSERT_EQ(status->field_count(), 3);
  EXPECT_EQ(status->FindFieldByNumber(1)->type(), pb::FieldDescriptor::TYPE_INT32);
  EXPECT_EQ(status->FindFieldByNumber(2)->type(), pb::FieldDescriptor::TYPE_STRING);
  EXPECT_TRUE(status->FindFieldByNumber(3)->is_repeated());
  EXPECT_EQ(status->FindFieldByNumber(3)->message_type()->full_name(), "google.protobuf.Any");
}

TEST_F(ProtoConventionsTest, EveryElementHasAComment) {
  int count = 0;
  ForEachComment([&](const std::string& name, const std::string& comment) {
    ++count;
    EXPECT_GE(comment.size(), 8U) << name << " has no comment";
  });
  EXPECT_GT(count, 400);  // the walk itself works
}

TEST_F(ProtoConventionsTest, CommentsAreFinishedSentences) {
  ForEachComment([](const std::string& name, const std::string& comment) {
    const std::size_t end = comment.find_last_not_of(" \n");
    if (end == std::string::npos) return;  // reported by EveryElementHasAComment
    EXPECT_EQ(comment.front(), ' ') << name;
    EXPECT_NE(std::string_view(".`)").find(comment[end]), std::string_view::npos)
        << name << ": " << comment;
    EXPECT_FALSE(std::regex_search(comment, std::regex("TODO|FIXME|XXX|tbd|[Ii]ssue #?[0-9]")))
        << name << ": " << comment;
  });
}

TEST_F(ProtoConventionsTest, LinesFitInAHundredColumns) {
  for (const pb::FileDescriptor* file : files()) {
    std::ifstream in(std::filesystem::path(UNIPRESENCE_SOURCE_DIR) / "proto" / file->name());
    int number = 0;
    for (std::string line; std::getline(in, line);) {
      ++number;
      EXPECT_LE(line.size(), 100U) << file->name() << ":" << number;
      EXPECT_TRUE(line.empty() || line.back() != ' ') << file->name() << ":" << number;
    }
  }
}

TEST_F(ProtoConventionsTest, ConstantsInCommentsExist) {
  std::set<std::string> known = GrpcCodes();
  ForEachEnum([&](const pb::EnumDescriptor& type) {
    const std::string prefix = ToUpper(ToSnake(type.name())) + "_";
    for (int i = 0; i < type.value_count(); ++i) {
      known.insert(type.value(i)->name());
      known.insert(type.value(i)->name().substr(prefix.size()));
    }
  });
  ForEachComment([&](const std::string& name, const std::string& comment) {
    for (const std::string& word : Constants(comment)) {
      const bool foreign = word.rfind("ZMQ_", 0) == 0;
      EXPECT_TRUE(foreign || known.count(word) == 1) << word << " in the comment of " << name;
    }
  });
}

TEST_F(ProtoConventionsTest, ReasonsBeginWithTheirCodeAndSomeRpcAnswersThem) {
  const pb::EnumDescriptor* reasons = Enum("ErrorReason");
  ASSERT_NE(reasons, nullptr);
  const std::string prefix = "ERROR_REASON_";

  std::set<std::string> answered;
  ForEachComment([&](const std::string& name, const std::string& comment) {
    if (name.find(prefix) != std::string::npos) return;  // its own comment
    for (const std::string& word : Constants(comment)) answered.insert(word);
  });
  for (int i = 1; i < reasons->value_count(); ++i) {
    const pb::EnumValueDescriptor& reason = *reasons->value(i);
    const std::string comment = CommentOf(reason);
    const std::string code = comment.substr(1, comment.find('.') - 1);
    EXPECT_EQ(GrpcCodes().count(code), 1U) << reason.name() << " begins with '" << code << "'";
    EXPECT_EQ(answered.count(reason.name().substr(prefix.size())), 1U)
        << reason.name() << " is named by no rpc";
  }
}

TEST_F(ProtoConventionsTest, RpcsNameEachReasonUnderItsOwnCode) {
  const pb::EnumDescriptor* reasons = Enum("ErrorReason");
  ASSERT_NE(reasons, nullptr);
  static const std::regex mention("\\b([A-Z]+(?:_[A-Z]+)*)\\b");
  ForEachRpc([&](const pb::MethodDescriptor& rpc) {
    const std::string comment = CommentOf(rpc);
    std::string code;  // the last one named
    for (std::sregex_iterator it(comment.begin(), comment.end(), mention), end; it != end; ++it) {
      const std::string word = (*it)[1].str();
      const char after = *(*it)[0].second;
      const pb::EnumValueDescriptor* reason = reasons->FindValueByName("ERROR_REASON_" + word);
      if (GrpcCodes().count(word) == 1 && reason == nullptr) code = word;
      if (reason == nullptr || (after != ':' && after != ',' && after != '.')) continue;
      if (code.empty()) continue;
      const std::string text = CommentOf(*reason);
      EXPECT_EQ(text.substr(1, text.find('.') - 1), code)
          << word << " in the comment of " << rpc.full_name();
    }
  });
}

}  // namespace
}  // namespace unipresence
