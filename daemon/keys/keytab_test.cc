// SPDX-License-Identifier: Apache-2.0
// What is said of a keytab that lacks the keys.
#include "daemon/keys/keytab.h"

#include <gtest/gtest.h>

namespace mutual::keys {
namespace {

constexpr const char* passed = "/run/credentials/mutuald-keys.service/krb5.keytab";
constexpr const char* into_the_hosts =
    "join the host to its realm, or export its host/ key into /etc/krb5.keytab; then restart mutuald-keys, "
    "for the "
    "copy is made when it starts";

TEST(Keytab, ThatSystemdPassesIsCuredAtItsSourceAndByARestart) {
    EXPECT_EQ(KeytabFile::open(passed).error().hint, into_the_hosts);
    EXPECT_EQ(host_principal({}, passed).error().hint, into_the_hosts);
    EXPECT_EQ(no_key(passed, "host/app1@R").hint, into_the_hosts);
    EXPECT_EQ(no_key("/run/credentials/mutuald-keys.service/ledger", "ledger/app1@R").hint,
              "export the keys into the file of which this is a copy; then restart mutuald-keys, for the "
              "copy is made "
              "when it starts");
}

TEST(Keytab, OfAnAdministratorIsCuredWhereItLies) {
    EXPECT_EQ(KeytabFile::open("/etc/mutuald/absent.keytab").error().hint,
              "export the service's keys there, 0640, root:mutuald-keys");
    EXPECT_EQ(no_key("/etc/mutuald/ledger.keytab", "ledger/app1@R").hint, "export that key there");
}

}  // namespace
}  // namespace mutual::keys
