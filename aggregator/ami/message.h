#ifndef UNIPRESENCE_AGGREGATOR_AMI_MESSAGE_H_
#define UNIPRESENCE_AGGREGATOR_AMI_MESSAGE_H_

// One AMI message (event, response or action) as a view into the read buffer.
//
//   while (const ami::Message* message = framer.Next()) {
//     if (message->Event() == "DeviceStateChange") {
//       Use(message->Get("Device"), message->Get("State"));
//     }
//   }
//
// Nothing is copied. A message and its headers are valid until the framer is asked for the next
// one; the string views taken out of it stay valid until the framer's next Prepare(), that is until
// the end of the read, so that a batch may keep them (session.h). Header names may repeat; all are
// kept, in order. Names are compared exactly as Asterisk spells them.
//
// Lines end in CR LF. A lone CR or LF is part of the value: values come from dialled numbers, names
// and dialplan variables, and none of them may forge a header.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace unipresence::ami {

struct Header {
  std::string_view name;   // empty for a line without a colon
  std::string_view value;  // without the blank behind the colon and without CR LF
};

class Message {
 public:
  // `lines` is the text of the headers, each ending in CR LF, without the closing empty line. For
  // text that no framer has cut: each look-up searches the line ends anew.
  explicit Message(std::string_view lines) : base_(lines.data()), size_(lines.size()) {}

  // Made by the framer: line i ends with the LF at base[line_ends[i]]; the first starts at
  // base[begin].
  Message(const char* base, std::uint32_t begin, const std::uint32_t* line_ends, std::size_t count)
      : base_(base + begin),
        size_(count == 0 ? 0 : line_ends[count - 1] + 1 - begin),
        line_ends_(line_ends),
        offset_(begin),
        count_(static_cast<std::uint32_t>(count)) {}

  // The value of the first header of that name; empty if there is none. Costs a compare of two
  // bytes a line up to the one that matches. `name` holds no colon.
  std::string_view Get(std::string_view name) const {
    std::string_view value;
    Find(name, value);
    return value;
  }
  bool Has(std::string_view name) const {
    std::string_view value;
    return Find(name, value);
  }

  // The value of the header "Event" or "Response" if it comes first, else empty. Asterisk always
  // puts it first.
  std::string_view Event() const { return FirstValue("Event: "); }
  std::string_view Response() const { return FirstValue("Response: "); }

  // Calls `visit(const Header&)` for each header in order.
  template <typename Visitor>
  void ForEach(Visitor visit) const {
    std::size_t position = 0;
    Header header;
    while (NextHeader(position, header)) visit(header);
  }

  std::string_view text() const { return {base_, size_}; }

 private:
  // `position` is the index of the next line, or its offset in a message without line ends.
  bool NextHeader(std::size_t& position, Header& header) const;
  bool FindInText(std::string_view name, std::string_view& value) const;

  bool Find(std::string_view name, std::string_view& value) const {
    if (line_ends_ == nullptr) return FindInText(name, value);
    std::uint32_t begin = 0;
    for (std::uint32_t i = 0; i < count_; ++i) {
      const std::uint32_t end = line_ends_[i] - offset_;  // of the LF
      if (Matches(begin, end - 1, name, value)) return true;
      begin = end + 1;
    }
    return false;
  }

  // Whether the line [begin, end) is a header of that name.
  bool Matches(std::size_t begin, std::size_t end, std::string_view name,
               std::string_view& value) const {
    const char* line = base_ + begin;
    const std::size_t size = end - begin;
    if (size <= name.size() || line[name.size()] != ':' ||
        std::memcmp(line, name.data(), name.size()) != 0) {
      return false;
    }
    value = Value(line + name.size() + 1, line + size);
    return true;
  }

  static std::string_view Value(const char* begin, const char* end) {
    if (begin != end && *begin == ' ') ++begin;
    return {begin, static_cast<std::size_t>(end - begin)};
  }

  std::string_view FirstValue(std::string_view prefix) const {
    if (size_ < prefix.size() || std::memcmp(base_, prefix.data(), prefix.size()) != 0) return {};
    if (line_ends_ == nullptr) {
      std::string_view value;
      FindInText(prefix.substr(0, prefix.size() - 2), value);
      return value;
    }
    // The line is at least as long as the prefix, which holds no CR LF.
    return {base_ + prefix.size(), line_ends_[0] - offset_ - 1 - prefix.size()};
  }

  const char* base_;  // first byte of the first line
  std::size_t size_;
  const std::uint32_t* line_ends_ = nullptr;
  std::uint32_t offset_ = 0;  // what the line ends are ahead of base_
  std::uint32_t count_ = 0;
};

}  // namespace unipresence::ami

#endif  // UNIPRESENCE_AGGREGATOR_AMI_MESSAGE_H_
