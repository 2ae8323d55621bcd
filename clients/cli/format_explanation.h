#ifndef UNIPRESENCE_CLIENTS_CLI_FORMAT_EXPLANATION_H_
#define UNIPRESENCE_CLIENTS_CLI_FORMAT_EXPLANATION_H_

// The story that `explain` tells: sentences that a colleague understands, then the inputs, the rule
// and the causes for those who look closer.

#include <string>
#include <vector>

#include "clients/cli/format_presence.h"
#include "clients/cli/output.h"
#include "clients/cli/time_view.h"
#include "unipresence/v1/call_control.pb.h"
#include "unipresence/v1/presence.pb.h"

namespace unipresence::cli {

struct ExplanationInput {
  v1::ExplainPresenceResponse explanation;
  // The live calls, as far as the caller may see them, else none.
  std::vector<v1::Call> calls;
  Person person;
  // Of the causes that are remembered so many are shown; 0 = all.
  int causes = 0;
};

// What is going on, where calls ring and why, and what is wrong. The first one tells the state.
// Pure.
std::vector<std::string> ExplanationSentences(const ExplanationInput& input, const TimeView& view);

void WriteExplanation(const ExplanationInput& input, const TimeView& view, Output& output);

}  // namespace unipresence::cli

#endif  // UNIPRESENCE_CLIENTS_CLI_FORMAT_EXPLANATION_H_
