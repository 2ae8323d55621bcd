#include "clients/cpp/message_text.h"

#include <fmt/format.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/unknown_field_set.h>

#include <string>
#include <vector>

#include "aggregator/base/status_macros.h"
#include "aggregator/base/valid_text.h"

namespace unipresence::client {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

// The highest number that a field may have: no proto of ours uses it.
constexpr int kMark = 536'870'911;

absl::Status CheckString(const std::string& value, const std::string& path) {
  if (IsUtf8(value)) return absl::OkStatus();
  // The value may be a password: it is not repeated.
  return absl::InvalidArgumentError(fmt::format("{} is not UTF-8; give it in UTF-8", path));
}

absl::Status Check(const Message& message, const std::string& prefix) {
  const Reflection& reflection = *message.GetReflection();
  std::vector<const FieldDescriptor*> fields;
  reflection.ListFields(message, &fields);
  for (const FieldDescriptor* field : fields) {
    const std::string path = prefix + field->name();
    const int count = field->is_repeated() ? reflection.FieldSize(message, field) : 1;
    for (int i = 0; i < count; ++i) {
      if (field->type() == FieldDescriptor::TYPE_STRING) {
        std::string scratch;
        UNIPRESENCE_RETURN_IF_ERROR(
            CheckString(field->is_repeated()
                            ? reflection.GetRepeatedStringReference(message, field, i, &scratch)
                            : reflection.GetStringReference(message, field, &scratch),
                        path));
      } else if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
        UNIPRESENCE_RETURN_IF_ERROR(Check(field->is_repeated()
                                              ? reflection.GetRepeatedMessage(message, field, i)
                                              : reflection.GetMessage(message, field),
                                          path + "."));
      }
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckText(const Message& message) { return Check(message, ""); }

void Mark(Message& message) {
  message.GetReflection()->MutableUnknownFields(&message)->AddVarint(kMark, 1);
}

bool IsMarked(const Message& message) {
  const auto& unknown = message.GetReflection()->GetUnknownFields(message);
  return unknown.field_count() > 0 && unknown.field(0).number() == kMark;
}

absl::Status UnreadableError() {
  return absl::DataLossError(
      "the server sent a message that cannot be read: it is not Protobuf, or a text in it is not "
      "UTF-8; compare the versions of client and server");
}

}  // namespace unipresence::client
