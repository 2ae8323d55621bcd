#include "server/service/page.h"

#include <gtest/gtest.h>

#include <string>

#include "server/service/status.h"
#include "unipresence/v1/provisioning.pb.h"
#include "unipresence/v1/session.pb.h"

namespace unipresence {
namespace {

TEST(PageTest, SizesAreDefaultedBoundedAndNotNegative) {
  EXPECT_EQ(*PageSize(0), 100u);
  EXPECT_EQ(*PageSize(1), 1u);
  EXPECT_EQ(*PageSize(1000), 1000u);
  EXPECT_EQ(*PageSize(1001), 1000u);
  EXPECT_EQ(*PageSize(2'147'483'647), 1000u);
  EXPECT_EQ(ReasonOf(PageSize(-1).status()), v1::ERROR_REASON_FIELD_INVALID);
}

TEST(PageTest, ATokenLeadsBackToItsPlace) {
  for (const std::string& place :
       {std::string("alice"), std::string("\0\xff\n", 3), std::string(200, 'x')}) {
    const std::string token = MakePageToken(MethodOf<v1::ListUsersRequest>(), "query", place);
    EXPECT_EQ(*ParsePageToken(MethodOf<v1::ListUsersRequest>(), "query", token), place);
  }
  EXPECT_EQ(*ParsePageToken(MethodOf<v1::ListUsersRequest>(), "query", ""), "");
}

TEST(PageTest, OtherTokensAreRefused) {
  const std::string token = MakePageToken(MethodOf<v1::ListUsersRequest>(), "query", "alice");
  const auto reason = [](Method method, const std::string& parameters, const std::string& text) {
    return ReasonOf(ParsePageToken(method, parameters, text).status());
  };
  EXPECT_EQ(reason(MethodOf<v1::ListSessionsRequest>(), "query", token),
            v1::ERROR_REASON_PAGE_TOKEN_INVALID);
  EXPECT_EQ(reason(MethodOf<v1::ListUsersRequest>(), "other", token),
            v1::ERROR_REASON_PAGE_TOKEN_INVALID);
  // Up to the end of the head nothing can be missing or changed.
  constexpr std::size_t kHeadChars = 12;
  for (std::size_t i = 0; i < kHeadChars; ++i) {
    std::string changed = token;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    EXPECT_EQ(reason(MethodOf<v1::ListUsersRequest>(), "query", changed),
              v1::ERROR_REASON_PAGE_TOKEN_INVALID)
        << i;
    if (i > 0) {
      EXPECT_EQ(reason(MethodOf<v1::ListUsersRequest>(), "query", token.substr(0, i)),
                v1::ERROR_REASON_PAGE_TOKEN_INVALID)
          << i;
    }
  }
  for (const std::string& garbage : {std::string("%"), std::string("\0", 1), std::string("====")}) {
    EXPECT_EQ(reason(MethodOf<v1::ListUsersRequest>(), "query", garbage),
              v1::ERROR_REASON_PAGE_TOKEN_INVALID);
  }
}

}  // namespace
}  // namespace unipresence
