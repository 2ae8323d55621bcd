#include "aggregator/model/line.h"

#include <gtest/gtest.h>

namespace unipresence {
namespace {

TEST(LineTest, ATechnologyInAnyCaseIsThatTechnologyAndTheRestCountsToTheLetter) {
  for (const auto& [given, canonical] : {
           std::pair<std::string_view, std::string_view>{"PJSIP/bob", "PJSIP/bob"},
           {"pjsip/bob", "PJSIP/bob"},
           {"PjSip/Bob", "PJSIP/Bob"},
           {"pjsip/pjsip/x", "PJSIP/pjsip/x"},
           {"sip/100", "SIP/100"},
           {"sccp/100", "SCCP/100"},
           {"iax2/BOB", "IAX2/BOB"},
           {"MISDN/1", "mISDN/1"},
           {"pjsip/", "PJSIP/"},
           {"pjsipx/bob", "pjsipx/bob"},
           {"khomp/b0c1", "khomp/b0c1"},
           {"pjsip", "PJSIP"},
           {"/bob", "/bob"},
           {"", ""},
       }) {
    EXPECT_EQ(CanonicalDevice(given), canonical) << given;
    EXPECT_EQ(CanonicalDevice(canonical), canonical) << given;
  }
}

}  // namespace
}  // namespace unipresence
