#include "clients/cli/user_message.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace unipresence::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

config::UserSeed Alice() {
  config::UserSeed seed;
  seed.user = {.id = "alice",
               .display_name = "Alice Martin",
               .exten = "1001",
               .context = "default",
               .line_type = LineType::kUniqueAccount,
               .username = "alice.martin",
               .role = Role::kAdministrator,
               .lines = {{LineKind::kDeskphone, "main", "PJSIP/alice"},
                         {LineKind::kWebrtc, "main", "PJSIP/alice_w"}}};
  seed.password = "correct horse";
  return seed;
}

TEST(ToMessageTest, CarriesEveryField) {
  const auto user = ToMessage(Alice());
  ASSERT_TRUE(user.ok()) << user.status();
  EXPECT_EQ(user->id(), "alice");
  EXPECT_EQ(user->display_name(), "Alice Martin");
  EXPECT_EQ(user->exten(), "1001");
  EXPECT_EQ(user->context(), "default");
  EXPECT_EQ(user->line_type(), v1::LINE_TYPE_UNIQUE_ACCOUNT);
  EXPECT_EQ(user->username(), "alice.martin");
  EXPECT_EQ(user->password(), "correct horse");
  EXPECT_EQ(user->role(), v1::ROLE_ADMINISTRATOR);
  ASSERT_EQ(user->lines_size(), 2);
  EXPECT_EQ(user->lines(0).kind(), v1::LINE_KIND_DESKPHONE);
  EXPECT_EQ(user->lines(1).device(), "PJSIP/alice_w");
  EXPECT_EQ(user->lines(1).pbx(), "main");
}

TEST(ToMessageTest, RefusesAHash) {
  config::UserSeed seed = Alice();
  seed.password.clear();
  seed.password_hash = "$argon2id$...";
  const auto user = ToMessage(seed);
  EXPECT_TRUE(absl::IsInvalidArgument(user.status()));
  EXPECT_THAT(std::string(user.status().message()), HasSubstr("alice"));
}

TEST(ApplyFlagsTest, NothingGivenChangesNothing) {
  v1::User user;
  EXPECT_THAT(*ApplyFlags({}, user), IsEmpty());
  EXPECT_EQ(user.ByteSizeLong(), 0U);
}

TEST(ApplyFlagsTest, TheTypeFollowsTheLines) {
  UserFlags flags;
  flags.pbx = "main";
  flags.devices[LineKind::kDeskphone] = "PJSIP/bob";
  v1::User user;
  EXPECT_THAT(*ApplyFlags(flags, user), ElementsAre("lines", "line_type"));
  EXPECT_EQ(user.line_type(), v1::LINE_TYPE_SIP);
  flags = {};
  flags.pbx = "main";
  flags.devices[LineKind::kWebrtc] = "PJSIP/bob_w";
  EXPECT_TRUE(ApplyFlags(flags, user).ok());
  EXPECT_EQ(user.line_type(), v1::LINE_TYPE_UNIQUE_ACCOUNT);
  flags = {};
  flags.devices[LineKind::kDeskphone] = "";
  EXPECT_TRUE(ApplyFlags(flags, user).ok());
  EXPECT_EQ(user.line_type(), v1::LINE_TYPE_WEBRTC);
  ASSERT_EQ(user.lines_size(), 1);
  EXPECT_EQ(user.lines(0).device(), "PJSIP/bob_w");
}

TEST(ApplyFlagsTest, AGivenTypeStays) {
  UserFlags flags;
  flags.line_type = v1::LINE_TYPE_UNIQUE_ACCOUNT;
  flags.pbx = "main";
  flags.devices[LineKind::kDeskphone] = "PJSIP/bob";
  v1::User user;
  EXPECT_TRUE(ApplyFlags(flags, user).ok());
  EXPECT_EQ(user.line_type(), v1::LINE_TYPE_UNIQUE_ACCOUNT);
}

TEST(ApplyFlagsTest, AnAccountThatIsKeptInAsteriskIsNotKeptHere) {
  UserFlags flags;
  flags.pbx = "main";
  flags.devices[LineKind::kDeskphone] = "PJSIP/bob";
  flags.no_sip_account = true;
  v1::User user;
  EXPECT_THAT(*ApplyFlags(flags, user), ElementsAre("lines", "line_type"));
  EXPECT_TRUE(user.lines(0).no_sip_account());

  user.mutable_lines(0)->set_no_sip_account(false);
  user.mutable_lines(0)->set_sip_username("bob");
  flags = {};
  flags.no_sip_account = true;
  EXPECT_THAT(*ApplyFlags(flags, user), ElementsAre("lines", "line_type"));
  EXPECT_TRUE(user.lines(0).no_sip_account());
  EXPECT_EQ(user.lines(0).sip_username(), "");

  flags = {};
  flags.devices[LineKind::kDeskphone] = "PJSIP/other";
  EXPECT_TRUE(ApplyFlags(flags, user).ok());
  EXPECT_FALSE(user.lines(0).no_sip_account()) << "another device is another account";
}

TEST(ToMessageTest, ALineWithoutAccountInTheFileHasNone) {
  config::UserSeed seed = Alice();
  seed.user.lines[0].sip_username = "alice";
  const auto user = ToMessage(seed);
  EXPECT_FALSE(user->lines(0).no_sip_account());
  EXPECT_TRUE(user->lines(1).no_sip_account());
}

TEST(ApplyFlagsTest, ALineNeedsAPbx) {
  UserFlags flags;
  flags.devices[LineKind::kDeskphone] = "PJSIP/bob";
  EXPECT_TRUE(NeedsPbx(flags));
  v1::User user;
  const auto fields = ApplyFlags(flags, user);
  EXPECT_TRUE(absl::IsInvalidArgument(fields.status()));
  EXPECT_THAT(std::string(fields.status().message()), HasSubstr("--pbx"));
  flags.devices[LineKind::kDeskphone] = "";
  EXPECT_FALSE(NeedsPbx(flags)) << "a line that is removed needs none";
}

TEST(ApplyFlagsTest, ANewDeviceForgetsTheAccountOfTheFormer) {
  v1::User user;
  v1::Line& line = *user.add_lines();
  line.set_kind(v1::LINE_KIND_DESKPHONE);
  line.set_pbx("main");
  line.set_device("PJSIP/old");
  line.set_sip_username("old");
  line.set_sip_secret("sesame12");
  UserFlags flags;
  flags.devices[LineKind::kDeskphone] = "PJSIP/new";
  EXPECT_TRUE(ApplyFlags(flags, user).ok());
  EXPECT_EQ(user.lines(0).device(), "PJSIP/new");
  EXPECT_EQ(user.lines(0).pbx(), "main");
  EXPECT_EQ(user.lines(0).sip_username(), "");
  EXPECT_EQ(user.lines(0).sip_secret(), "");
}

TEST(ApplyFlagsTest, RingTimeAndBox) {
  UserFlags flags;
  flags.ring_seconds = 20;
  flags.voicemail = "1002@sales";
  flags.voicemail_email = "bob@example.org";
  v1::User user;
  EXPECT_THAT(*ApplyFlags(flags, user), ElementsAre("ring_seconds", "voicemail"));
  EXPECT_EQ(user.ring_seconds(), 20u);
  EXPECT_EQ(user.voicemail().number(), "1002");
  EXPECT_EQ(user.voicemail().context(), "sales");
  EXPECT_EQ(user.voicemail().email(), "bob@example.org");

  // A new number keeps the address; a box without a context is in the default one.
  flags = {};
  flags.voicemail = "1003";
  EXPECT_THAT(*ApplyFlags(flags, user), ElementsAre("voicemail"));
  EXPECT_EQ(user.voicemail().number(), "1003");
  EXPECT_EQ(user.voicemail().context(), "");
  EXPECT_EQ(user.voicemail().email(), "bob@example.org");

  flags.voicemail = "";
  EXPECT_THAT(*ApplyFlags(flags, user), ElementsAre("voicemail"));
  EXPECT_FALSE(user.has_voicemail());
}

TEST(ApplyFlagsTest, NamesTheFieldsOfTheMask) {
  UserFlags flags;
  flags.display_name = "Bob";
  flags.exten = "1002";
  flags.context = "sales";
  flags.username = "bobby";
  flags.role = v1::ROLE_USER;
  v1::User user;
  EXPECT_THAT(*ApplyFlags(flags, user),
              ElementsAre("display_name", "exten", "context", "username", "role"));
  EXPECT_EQ(user.context(), "sales");
}

}  // namespace
}  // namespace unipresence::cli
