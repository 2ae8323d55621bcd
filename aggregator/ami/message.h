#ifndef UNIPRESENCE_AGGREGATOR_AMI_MESSAGE_H_
#define UNIPRESENCE_AGGREGATOR_AMI_MESSAGE_H_

// One AMI message (event, response or action) as a view into the read buffer.
//
//   framer.Consume(bytes, [](const ami::Message& message) {
//     if (message.Event() == "DeviceStateChange") Use(message.Get("Device"), message.Get("State"));
//   });
//
// Nothing is copied: a message and its headers are valid until the callback returns. Header names may
// repeat (asterisk.md); all are kept, in order. Names are compared exactly as Asterisk spells them.

#include <cstddef>
#include <string_view>

namespace unipresence::ami {

struct Header {
  std::string_view name;
  std::string_view value;  // without the blank behind the colon and without CR LF
};

class Message {
 public:
  // `lines` is the text of the headers, each ending in CR LF, without the closing empty line.
  explicit Message(std::string_view lines) : lines_(lines) {}

  // The value of the first header of that name; empty if there is none. Linear in the message: look a
  // header up once, and the early ones are found first.
  std::string_view Get(std::string_view name) const;
  bool Has(std::string_view name) const;

  // The value of the header "Event" or "Response" if it comes first, else empty.
  std::string_view Event() const;
  std::string_view Response() const;

  // Calls `visit(const Header&)` for each header in order.
  template <typename Visitor>
  void ForEach(Visitor visit) const {
    std::size_t position = 0;
    Header header;
    while (NextHeader(position, header)) visit(header);
  }

  std::string_view text() const { return lines_; }

 private:
  bool NextHeader(std::size_t& position, Header& header) const;

  std::string_view lines_;
};

}  // namespace unipresence::ami

#endif  // UNIPRESENCE_AGGREGATOR_AMI_MESSAGE_H_
