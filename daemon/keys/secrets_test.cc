// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include "daemon/keys/facts.h"
#include "daemon/keys/sealed_file.h"
#include "varlink/base64.h"

namespace mutual::keys {
namespace {

TEST(SealedFile, GivesBackWhatWasSealedAndNobodyChangesIt) {
    auto file = seal("secret");
    ASSERT_TRUE(file);
    EXPECT_LT(::pwrite(file->value(), "x", 1, 0), 0);
    EXPECT_LT(::ftruncate(file->value(), 0), 0);
    auto secret = unseal(file->value());
    ASSERT_TRUE(secret);
    EXPECT_EQ(secret->view(), "secret");
}

TEST(SealedFile, RefusesWhatCouldStillChange) {
    const UniqueFd open_file(::memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    ASSERT_EQ(::write(open_file.value(), "x", 1), 1);
    EXPECT_FALSE(unseal(open_file.value()));
    ASSERT_EQ(::fcntl(open_file.value(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE), 0);
    EXPECT_FALSE(unseal(open_file.value()));  // more seals could still be set
    ASSERT_EQ(::fcntl(open_file.value(), F_ADD_SEALS, F_SEAL_SEAL), 0);
    EXPECT_TRUE(unseal(open_file.value()));
}

TEST(SealedFile, RefusesPipesAndOrdinaryFilesWithoutWaiting) {
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    const UniqueFd reader(ends[0]), writer(ends[1]);
    EXPECT_FALSE(unseal(reader.value()));
    const UniqueFd file(::open("/etc/passwd", O_RDONLY));
    EXPECT_FALSE(unseal(file.value()));
}

TEST(SealedFile, IsBounded) {
    EXPECT_TRUE(seal(std::string(max_sealed, 'x')));
    EXPECT_EQ(seal(std::string(max_sealed + 1, 'x')).error().code, Code::limit);
    auto empty = seal("");
    ASSERT_TRUE(empty);
    EXPECT_FALSE(unseal(empty->value()));
}

TEST(Base64, RoundTripsEveryLength) {
    std::string bytes;
    for (int i = 0; i < 300; ++i) {
        EXPECT_EQ(varlink::from_base64(varlink::to_base64(bytes)), bytes);
        bytes += static_cast<char>(i * 37);
    }
    EXPECT_EQ(varlink::to_base64("fooba"), "Zm9vYmE=");
}

TEST(Base64, RefusesWhatIsNotStrict) {
    for (const char* text : {"Zg", "Zg=", "Zh==", "Z===", "====", "Zg==Zg==", "Zm9v\n", "Zm-v", "Zm9vYmF="})
        EXPECT_FALSE(varlink::from_base64(text)) << text;
}

TEST(Facts, AreGivenOnceAndForgottenInTime) {
    FactsTable table;
    const FactsTable::Time begin{};
    auto first = table.add({Role::initiator, "a@A", "b@A", {}, 1}, begin + std::chrono::seconds(120));
    auto second = table.add({Role::acceptor, "c@A", "d@A", {}, 2}, begin + std::chrono::seconds(130));
    ASSERT_TRUE(first && second);
    EXPECT_EQ(first->size(), 32U);
    EXPECT_NE(*first, *second);
    EXPECT_EQ(table.take(*first)->initiator, "a@A");
    EXPECT_FALSE(table.take(*first));
    table.sweep(begin + std::chrono::seconds(130));
    EXPECT_FALSE(table.take(*second));
}

}  // namespace
}  // namespace mutual::keys
