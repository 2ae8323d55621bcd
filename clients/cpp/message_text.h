#ifndef UNIPRESENCE_CLIENTS_CPP_MESSAGE_TEXT_H_
#define UNIPRESENCE_CLIENTS_CPP_MESSAGE_TEXT_H_

// What Protobuf demands of strings, and gRPC does not tell: a request with one that is not UTF-8 is
// answered as if the rpc did not exist, a response with one ends a call or a stream without a word.
//
//   UNIPRESENCE_RETURN_IF_ERROR(client::CheckText(request));
//   const auto stream = stub->WatchCalls(&context, request);
//   client::MessageReader reader(*stream);
//   while (reader.Read(response)) Use(response);
//   if (reader.unreadable()) context.TryCancel();     // else Finish would wait for the server
//   const grpc::Status status = stream->Finish();
//
// Thread-safe, but one MessageReader on one thread at a time.

#include <google/protobuf/message.h>

#include "absl/status/status.h"

namespace unipresence::client {

// INVALID_ARGUMENT names the first string field, nested ones and maps included, that is not UTF-8.
absl::Status CheckText(const google::protobuf::Message& message);

// Tells whether a message was begun to be read: parsing clears it first.
void Mark(google::protobuf::Message& message);
bool IsMarked(const google::protobuf::Message& message);

// The error that stands for a message that cannot be read: DATA_LOSS.
absl::Status UnreadableError();

// A stream's Read that tells its end from a message that cannot be read.
template <typename Stream>
class MessageReader {
 public:
  // `stream` must outlive the reader.
  explicit MessageReader(Stream& stream) : stream_(stream) {}

  template <typename Response>
  bool Read(Response& response) {
    response.Clear();
    Mark(response);
    if (stream_.Read(&response)) return true;
    unreadable_ = !IsMarked(response);
    return false;
  }

  // Why Read was false. The stream goes on all the same: cancel it.
  bool unreadable() const { return unreadable_; }

 private:
  Stream& stream_;
  bool unreadable_ = false;
};

}  // namespace unipresence::client

#endif  // UNIPRESENCE_CLIENTS_CPP_MESSAGE_TEXT_H_
