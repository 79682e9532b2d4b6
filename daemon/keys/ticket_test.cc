// SPDX-License-Identifier: Apache-2.0
#include "daemon/keys/ticket.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>

namespace mutual::keys {
namespace {

const std::string server_name = "ledger/app1/cn=a\\\\b\\@c@A.TEST";

class Tickets : public ::testing::Test {
protected:
    void SetUp() override {
        ::setenv("KRB5_CONFIG", "/dev/null", 1);
        auto made = make_krb5_context();
        ASSERT_TRUE(made);
        context = std::move(*made);
    }
    // As a fetcher would send it.
    Ticket make(std::int64_t end, const std::string& client_name = "alice@A.TEST") {
        auto client = parse_principal(context.get(), client_name, Stage::request);
        auto server = parse_principal(context.get(), server_name, Stage::request);
        char key[32] = {}, sealed[100] = {};
        krb5_creds creds{};
        creds.client = client->get();
        creds.server = server->get();
        creds.keyblock.enctype = ENCTYPE_AES256_CTS_HMAC_SHA1_96;
        creds.keyblock.length = sizeof key;
        creds.keyblock.contents = reinterpret_cast<krb5_octet*>(key);
        creds.times.endtime = static_cast<krb5_timestamp>(end);
        creds.ticket.data = sealed;
        creds.ticket.length = sizeof sealed;
        auto ticket = ticket_of(context.get(), creds);
        return std::move(*ticket);
    }
    Krb5Context context;
};

TEST_F(Tickets, SurviveTheJourney) {
    auto read = unmarshal(Secret(make(now_seconds() + 1000).marshalled.view()));
    ASSERT_TRUE(read);
    EXPECT_EQ(read->client, "alice@A.TEST");
    EXPECT_EQ(read->server, server_name);
    EXPECT_TRUE(check_ticket(*read, server_name, 900));
}

TEST_F(Tickets, OfAnotherServerOrTooShortAreRefused) {
    const Ticket ticket = make(now_seconds() + 1000);
    EXPECT_EQ(check_ticket(ticket, "ledger/app2@A.TEST", 0).error().code, Code::wrong_peer);
    EXPECT_EQ(check_ticket(ticket, server_name, 2000).error().code, Code::no_credentials);
    EXPECT_EQ(check_ticket(make(now_seconds() - 1), server_name, 0).error().code, Code::no_credentials);
}

TEST_F(Tickets, OfAClientWhoseNameIsNotUtf8AreRefused) {
    for (const char* name : {"m\xff@A.TEST", "m\xc3@A.TEST", "m\xed\xa0\x80@A.TEST", "m\xc0\xaf@A.TEST"}) {
        const auto refused = check_ticket(make(now_seconds() + 1000, name), server_name, 0);
        ASSERT_FALSE(refused) << name;
        EXPECT_EQ(refused.error().code, Code::wrong_peer);
        EXPECT_NE(refused.error().message.find("m\\x"), std::string::npos) << refused.error().message;
    }
    EXPECT_TRUE(check_ticket(make(now_seconds() + 1000, "\xc3\xa9\xe2\x82\xac@A.TEST"), server_name, 0));
}

TEST_F(Tickets, ThatAreDamagedAreRefused) {
    const Ticket ticket = make(now_seconds() + 1000);
    const std::string_view whole = ticket.marshalled.view();
    for (std::size_t length = 0; length < whole.size(); ++length)
        EXPECT_FALSE(unmarshal(Secret(whole.substr(0, length)))) << length;
}

// A fetcher is its owner's process: it must not bring a second credential into a cache that others use.
TEST_F(Tickets, ThatAreFollowedByMoreAreRefused) {
    const Ticket ticket = make(now_seconds() + 1000);
    const std::string whole(ticket.marshalled.view());
    for (const std::string& more : {std::string(1, '\0'), whole, whole.substr(0, 20)}) {
        const auto refused = unmarshal(Secret(whole + more));
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().code, Code::protocol);
    }
}

TEST_F(Tickets, AfterTheYear2038AreNotExpired) {
    const Ticket ticket = make(3'000'000'000);
    EXPECT_EQ(ticket.end, 3'000'000'000);
    EXPECT_TRUE(check_ticket(ticket, server_name, 0));
}

TEST_F(Tickets, MakeACacheFileThatLibkrb5Reads) {
    const std::string path = "/tmp/mutual-ticket-test-" + std::to_string(::getpid());
    auto file = cache_file_of(make(now_seconds() + 1000));
    ASSERT_TRUE(file);
    std::ofstream(path, std::ios::binary) << file->view();
    Krb5Cache cache(context.get());
    ASSERT_EQ(krb5_cc_resolve(context.get(), ("FILE:" + path).c_str(), cache.out()), 0);
    Krb5Principal client(context.get());
    EXPECT_EQ(krb5_cc_get_principal(context.get(), cache.get(), client.out()), 0);
    EXPECT_EQ(to_text(context.get(), client.get()), "alice@A.TEST");
    auto server = parse_principal(context.get(), server_name, Stage::request);
    krb5_creds match{}, found{};
    match.server = server->get();
    match.client = client.get();
    EXPECT_EQ(krb5_cc_retrieve_cred(context.get(), cache.get(), 0, &match, &found), 0);
    krb5_free_cred_contents(context.get(), &found);
    std::remove(path.c_str());
}

}  // namespace
}  // namespace mutual::keys
