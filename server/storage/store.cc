#include "server/storage/store.h"

#include <future>

namespace unipresence {

absl::Status Store::SubmitAndWait(absl::FunctionRef<absl::Status(Transaction&)> work) {
  // Shared: the other thread may still be leaving set_value when this one has the value.
  const auto answer = std::make_shared<std::promise<absl::Status>>();
  absl::Status refused =
      Submit([work](Transaction& transaction) { return work(transaction); },
             [answer](absl::Status status) { answer->set_value(std::move(status)); });
  if (!refused.ok()) return refused;
  return answer->get_future().get();
}

}  // namespace unipresence
