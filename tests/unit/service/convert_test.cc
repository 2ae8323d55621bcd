#include "server/service/convert.h"

#include <gtest/gtest.h>

namespace unipresence {
namespace {

TEST(ConvertTest, WhatARequestMayNameIsSaidAsTheApiSpellsIt) {
  EXPECT_EQ(LineKindNames(), "LINE_KIND_DESKPHONE or LINE_KIND_WEBRTC");
  EXPECT_EQ(LineTypeNames(), "LINE_TYPE_SIP, _WEBRTC or _UNIQUE_ACCOUNT");
}

}  // namespace
}  // namespace unipresence
