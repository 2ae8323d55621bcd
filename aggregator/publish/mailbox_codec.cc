// The codec's voicemail boxes. Few change, so the generated class does.

#include "aggregator/publish/codec.h"

namespace unipresence::publish {

void ToProto(const Mailbox& mailbox, v1::Mailbox& out) {
  out.Clear();
  out.set_user(mailbox.user.data(), mailbox.user.size());
  out.set_mailbox(mailbox.mailbox.data(), mailbox.mailbox.size());
  out.set_new_message_count(mailbox.counts.new_messages);
  out.set_old_message_count(mailbox.counts.old_messages);
  out.set_pbx(mailbox.pbx.data(), mailbox.pbx.size());
  if (mailbox.update_time != 0) {
    out.mutable_update_time()->set_seconds(mailbox.update_time / 1'000'000);
    out.mutable_update_time()->set_nanos(
        static_cast<std::int32_t>(mailbox.update_time % 1'000'000 * 1000));
  }
  out.set_stale(mailbox.stale);
}

void AppendMailbox(const Mailbox& mailbox, ByteBuffer& out) {
  v1::Mailbox message;
  ToProto(mailbox, message);
  const std::size_t size = message.ByteSizeLong();
  char* const bytes = out.Reserve(size);
  message.SerializeToArray(bytes, static_cast<int>(size));
  out.Commit(bytes + size);
}

}  // namespace unipresence::publish
