#ifndef UNIPRESENCE_AGGREGATOR_MODEL_RENDERED_CONFIGURATION_H_
#define UNIPRESENCE_AGGREGATOR_MODEL_RENDERED_CONFIGURATION_H_

// The configuration of one PBX, made from its users, and what the PBX must know once it has loaded
// it.

#include <string>
#include <vector>

#include "aggregator/base/text_file.h"

namespace unipresence {

// What is in a configuration, by the names that the PBX uses.
struct ConfiguredNames {
  struct Extension {
    std::string context;
    std::string exten;

    friend bool operator==(const Extension&, const Extension&) = default;
  };
  std::vector<std::string> endpoints;  // "alice"
  std::vector<Extension> hints;
  std::vector<std::string> mailboxes;  // "1000@default"

  friend bool operator==(const ConfiguredNames&, const ConfiguredNames&) = default;
};

// Names that only one rendering of a file has: the PBX that knows them holds that rendering. Empty
// where a file has nothing in it.
struct ConfigurationMarks {
  std::string pjsip;
  std::string endpoint;  // the one that carries the mark of `pjsip`
  std::string dialplan;
  std::string voicemail;

  friend bool operator==(const ConfigurationMarks&, const ConfigurationMarks&) = default;
};

// What the PBX must know once it has loaded a rendering.
struct ExpectedConfiguration {
  ConfiguredNames names;
  ConfigurationMarks marks;

  friend bool operator==(const ExpectedConfiguration&, const ExpectedConfiguration&) = default;
};

// A user of whom something cannot be rendered.
struct SkippedUser {
  std::string id;
  std::string message;  // names the field, the value (never a secret) and the remedy

  friend bool operator==(const SkippedUser&, const SkippedUser&) = default;
};

// What an earlier rendering, or what is left of it, brought into the PBX.
struct FormerConfiguration {
  ExpectedConfiguration expected;
  // Whether each file is there from beginning to end.
  bool pjsip_whole = true;
  bool dialplan_whole = true;
  bool voicemail_whole = true;

  friend bool operator==(const FormerConfiguration&, const FormerConfiguration&) = default;
};

struct RenderedConfiguration {
  std::vector<TextFile> files;  // always the same ones, by ascending path
  ExpectedConfiguration expected;
  std::vector<SkippedUser> skipped;  // by ascending id; not in the files

  friend bool operator==(const RenderedConfiguration&, const RenderedConfiguration&) = default;
};

}  // namespace unipresence

#endif  // UNIPRESENCE_AGGREGATOR_MODEL_RENDERED_CONFIGURATION_H_
