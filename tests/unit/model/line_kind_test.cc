#include "aggregator/model/line_kind.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "absl/strings/ascii.h"
#include "aggregator/base/strings.h"

namespace unipresence {
namespace {

TEST(LineKindTest, EachKindIsReadBackInAnyCase) {
  for (const LineKind kind : kLineKinds) {
    EXPECT_EQ(ParseLineKind(ToString(kind)), kind);
    EXPECT_EQ(ParseLineKind(TraitsOf(kind).key), kind);
  }
  EXPECT_EQ(ParseLineKind(""), std::nullopt);
  EXPECT_EQ(ParseLineKind("phone"), std::nullopt);
}

TEST(LineKindTest, TheKeyIsTheWordInLowerCase) {
  for (const LineKind kind : kLineKinds) {
    EXPECT_EQ(TraitsOf(kind).key, absl::AsciiStrToLower(ToAbsl(ToString(kind))));
  }
}

// Of the two kinds that were first the dialplan has the bare word.
TEST(LineKindTest, TheDeviceOfAFurtherKindHasTheKeyLineSlashKind) {
  EXPECT_EQ(TraitsOf(LineKind::kDeskphone).routing_key, "deskphone");
  EXPECT_EQ(TraitsOf(LineKind::kWebrtc).routing_key, "webrtc");
  for (const LineKind kind : kLineKinds) {
    if (kind == LineKind::kDeskphone || kind == LineKind::kWebrtc) continue;
    EXPECT_EQ(TraitsOf(kind).routing_key, std::string("line/").append(TraitsOf(kind).key));
  }
}

// Accounts that are made of one user's id differ.
TEST(LineKindTest, NoTwoKindsHaveOneAccountSuffix) {
  std::set<std::string_view> suffixes;
  for (const LineKind kind : kLineKinds) suffixes.insert(TraitsOf(kind).account_suffix);
  EXPECT_EQ(suffixes.size(), kLineKinds.size());
}

TEST(LineTypeTest, IsTheOneWithTheKindsThatAUserHas) {
  EXPECT_EQ(LineTypeOf({LineKind::kDeskphone}), LineType::kSip);
  EXPECT_EQ(LineTypeOf({LineKind::kWebrtc}), LineType::kWebrtc);
  EXPECT_EQ(LineTypeOf({LineKind::kWebrtc, LineKind::kDeskphone}), LineType::kUniqueAccount);
  EXPECT_EQ(LineTypeOf({}), std::nullopt);
  for (const LineType type : kLineTypes) EXPECT_EQ(LineTypeOf(TraitsOf(type).kinds), type);
}

TEST(LineTypeTest, EachTypeIsReadBackInAnyCaseAndUaIsAShortWord) {
  for (const LineType type : kLineTypes) EXPECT_EQ(ParseLineType(ToString(type)), type);
  EXPECT_EQ(ParseLineType("SIP"), LineType::kSip);
  EXPECT_EQ(ParseLineType("Ua"), LineType::kUniqueAccount);
  EXPECT_EQ(ParseLineType("both"), std::nullopt);
}

TEST(LineTypeTest, TheChoicesAreSaidInWords) {
  EXPECT_EQ(kLineKindChoices, "deskphone or webrtc");
  EXPECT_EQ(kLineTypeChoices, "sip, webrtc or unique_account");
}

TEST(LineTypeTest, ItsLinesAreSaidInWords) {
  EXPECT_EQ(OneLineOfEach({LineKind::kDeskphone}, &LineKindTraits::name), "one deskphone line");
  EXPECT_EQ(OneLineOfEach({LineKind::kWebrtc}, &LineKindTraits::name), "one WebRTC line");
  EXPECT_EQ(OneLineOfEach({LineKind::kDeskphone, LineKind::kWebrtc}, &LineKindTraits::key),
            "one deskphone and one webrtc line");
}

}  // namespace
}  // namespace unipresence
