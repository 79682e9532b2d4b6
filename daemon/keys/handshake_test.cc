// SPDX-License-Identifier: Apache-2.0
// Handshakes between two real mutuald-keys, over their sockets, with a real KDC.
#include <dlfcn.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ctime>
#include <thread>

#include "daemon/keys/acceptor.h"
#include "daemon/keys/established.h"
#include "daemon/keys/gss_handle.h"
#include "daemon/keys/test_program.h"
#include "varlink/interfaces.h"
#include "varlink/parameters.h"

namespace {

int accepted_in_this_process = 0;
int places_for_delegated = 0;

}  // namespace

// The library's own function, seen by this program on the way: whether it is offered a place for delegated
// credentials.
extern "C" OM_uint32 gss_accept_sec_context(OM_uint32* minor, gss_ctx_id_t* context, gss_cred_id_t credential,
                                            gss_buffer_t input, gss_channel_bindings_t bindings,
                                            gss_name_t* source, gss_OID* mechanism, gss_buffer_t output,
                                            OM_uint32* flags, OM_uint32* lifetime, gss_cred_id_t* delegated) {
    static const auto real =
        reinterpret_cast<decltype(&gss_accept_sec_context)>(::dlsym(RTLD_NEXT, "gss_accept_sec_context"));
    ++accepted_in_this_process;
    if (delegated != nullptr) ++places_for_delegated;
    return real(minor, context, credential, input, bindings, source, mechanism, output, flags, lifetime,
                delegated);
}

namespace mutual::keys {
namespace {

constexpr uid_t alice = 12345;
const std::string ledger = "ledger/app1.keys.test@KEYS.TEST";

// A realm with one service and one user, and a program on each of two "hosts".
class Handshakes : public ::testing::Test {
protected:
    static void SetUpTestSuite() {
        if (::geteuid() != 0) return;
        realm_ = new TestRealm;
        realm_->add_user("alice");
        realm_->add_service(ledger);
        realm_->export_key(ledger, "ledger.keytab");
        realm_->make_cache("alice", "alice.cache", alice);
        here_ = new TestProgram(*realm_, "here");
        there_ = new TestProgram(*realm_, "there");
    }
    static void TearDownTestSuite() {
        delete here_;
        delete there_;
        delete realm_;
    }
    void SetUp() override {
        if (::geteuid() != 0) GTEST_SKIP() << "needs root: it acts for several users";
    }

    static TestRealm& realm() { return *realm_; }
    static TestProgram& here() { return *here_; }
    static TestProgram& there() { return *there_; }
    static TestIdentity as_alice() {
        return {"caller", "FILE:" + realm_->path("alice.cache"), {}, {}, alice};
    }

    static Granted initiate(const std::string& target = ledger, const std::string& handshakes = "one") {
        return here().grant_initiate({target, as_alice(), 10000, handshakes});
    }
    static GrantEnd accept(const std::vector<std::string>& principals = {ledger},
                           const std::string& keytab = "ledger.keytab",
                           const std::string& protection = "stream") {
        auto grant = there().grant_accept(realm().path(keytab), principals, protection);
        if (!grant) throw std::runtime_error(to_string(grant.error()));
        return std::move(*grant);
    }

private:
    static inline TestRealm* realm_ = nullptr;
    static inline TestProgram* here_ = nullptr;
    static inline TestProgram* there_ = nullptr;
};

void import_into(GssContext& context, const std::string& exported) {
    OM_uint32 minor = 0;
    gss_buffer_desc token = input_buffer(exported);
    ASSERT_EQ(gss_import_sec_context(&minor, &token, context.inout()), GSS_S_COMPLETE);
}

// A client of another make: GSS itself, with flags of our choice.
std::string own_first_token(const TestRealm& realm, OM_uint32 flags, gss_OID mechanism, GssContext& context,
                            OM_uint32& major, const std::string& cache = "alice.cache") {
    ::setenv("KRB5CCNAME", ("FILE:" + realm.path(cache)).c_str(), 1);
    auto target = import_principal(ledger);
    OM_uint32 minor = 0;
    GssBuffer token;
    major = gss_init_sec_context(&minor, GSS_C_NO_CREDENTIAL, context.inout(), target->get(), mechanism,
                                 flags, 0, GSS_C_NO_CHANNEL_BINDINGS, GSS_C_NO_BUFFER, nullptr, token.out(),
                                 nullptr, nullptr);
    return std::string(token.view());
}

TEST_F(Handshakes, BothEndsEstablishAContextThatProtects_FT_089) {
    Granted granted = initiate();
    ASSERT_FALSE(granted.error) << to_string(*granted.error);
    EXPECT_EQ(granted.principal, "alice@KEYS.TEST");
    GrantEnd accepting = accept();
    const Shaken shaken = shake_hands(*granted.grant, accepting);
    ASSERT_FALSE(shaken.acceptor.error) << to_string(*shaken.acceptor.error);
    ASSERT_FALSE(shaken.initiator.error) << to_string(*shaken.initiator.error);
    ASSERT_TRUE(shaken.initiator.done && shaken.acceptor.done);
    EXPECT_EQ(shaken.acceptor.initiator, "alice@KEYS.TEST");
    EXPECT_EQ(shaken.acceptor.acceptor, ledger);
    EXPECT_EQ(shaken.initiator.acceptor, ledger);

    GssContext sender, receiver;
    import_into(sender, shaken.initiator.exported);
    import_into(receiver, shaken.acceptor.exported);
    OM_uint32 minor = 0;
    int conf = 0;
    gss_buffer_desc text = input_buffer("the books are balanced");
    GssBuffer sealed, opened;
    ASSERT_EQ(gss_wrap(&minor, sender.get(), 1, GSS_C_QOP_DEFAULT, &text, &conf, sealed.out()),
              GSS_S_COMPLETE);
    gss_buffer_desc record = input_buffer(sealed.view());
    ASSERT_EQ(gss_unwrap(&minor, receiver.get(), &record, opened.out(), &conf, nullptr), GSS_S_COMPLETE);
    EXPECT_EQ(opened.view(), "the books are balanced");
    EXPECT_EQ(conf, 1);
}

TEST_F(Handshakes, FactsAreReadOnceByContextId_FT_080) {
    Granted granted = initiate();
    GrantEnd accepting = accept();
    const Shaken shaken = shake_hands(*granted.grant, accepting);
    ASSERT_EQ(shaken.acceptor.context.size(), 32U);
    boost::json::object parameters;
    parameters["context"] = shaken.acceptor.context;
    auto facts = there().call("Facts", parameters);
    ASSERT_TRUE(facts) << to_string(facts.error());
    EXPECT_EQ(facts->parameters.at("role").as_string(), "acceptor");
    EXPECT_EQ(facts->parameters.at("initiator").as_string(), "alice@KEYS.TEST");
    EXPECT_EQ(facts->parameters.at("acceptor").as_string(), ledger);
    const auto& flags = facts->parameters.at("flags").as_object();
    for (const char* flag : {"mutual", "confidentiality", "integrity", "replay", "sequence"})
        EXPECT_TRUE(flags.at(flag).as_bool()) << flag;
    EXPECT_LE(std::abs(facts->parameters.at("expires").to_number<std::int64_t>() - granted.expires), 2);
    auto again = there().call("Facts", parameters);
    ASSERT_FALSE(again);
    EXPECT_EQ(again.error().code, Code::not_found);
}

// The newest watcher is told, and Facts does not know what it was told; without one, Facts does.
TEST_F(Handshakes, FactsAreToldToTheNewestWatcherAndToNobodyElse) {
    const auto watch = [this] {
        varlink::BlockingConnection connection = there().connect();
        varlink::Call call;
        call.method = "org.mutuald.Keys.WatchFacts";
        call.parameters["version"] = varlink::internal_version;
        call.more = true;
        const auto begun = connection.call_raw(std::move(call));
        EXPECT_TRUE(begun && begun->error.empty() && begun->continues);
        return connection;
    };
    const auto facts_of = [this](const std::string& context) {
        boost::json::object parameters;
        parameters["context"] = context;
        return there().call("Facts", parameters);
    };
    const auto context = [this] {
        Granted granted = initiate();
        GrantEnd accepting = accept();
        return shake_hands(*granted.grant, accepting).acceptor.context;
    };
    {
        auto earlier = watch();
        auto newest = watch();
        const std::string id = context();
        auto told = newest.next();
        ASSERT_TRUE(told) << to_string(told.error());
        EXPECT_TRUE(told->continues);
        EXPECT_EQ(told->parameters.at("context").as_string(), id);
        EXPECT_EQ(told->parameters.at("initiator").as_string(), "alice@KEYS.TEST");
        EXPECT_EQ(told->parameters.at("role").as_string(), "acceptor");
        const auto asked = facts_of(id);
        ASSERT_FALSE(asked);
        EXPECT_EQ(asked.error().code, Code::not_found);
    }
    // What a watcher that is gone may not have read is there again, once that is noticed.
    std::string id = context();
    EXPECT_TRUE(facts_of(id));
    {
        auto gone = watch();
        id = context();
    }
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    auto asked = facts_of(id);
    while (!asked && std::chrono::steady_clock::now() < end) asked = facts_of(id);
    EXPECT_TRUE(asked);
    EXPECT_FALSE(facts_of(id));
}

TEST_F(Handshakes, DelegationIsNeverAskedFor_FT_090) {
    Granted granted = initiate();  // alice's ticket is forwardable
    GrantEnd accepting = accept();
    const Shaken shaken = shake_hands(*granted.grant, accepting);
    boost::json::object parameters;
    parameters["context"] = shaken.initiator.context;
    auto facts = here().call("Facts", parameters);
    ASSERT_TRUE(facts);
    EXPECT_FALSE(facts->parameters.at("flags").as_object().at("delegation").as_bool());
}

TEST_F(Handshakes, ASecondTicketComesFromTheCache) {
    ASSERT_FALSE(initiate().error);
    EXPECT_TRUE(initiate().cached);
}

TEST_F(Handshakes, ThreePartNamesWithHostileDnsAuthenticate_FT_016_FT_021) {
    // In krb5 text; the DNs are: cn=books,ou=Finance\,EU and cn=a\\b@c d
    for (const std::string_view dn : {"cn=books,ou=Finance\\\\,EU", "cn=a\\\\\\\\b\\@c d"}) {
        const std::string spn = "ledger/app1.keys.test/" + std::string(dn) + "@KEYS.TEST";
        const std::string file = "dn" + std::to_string(dn.size()) + ".keytab";
        // kadmin's own line syntax is not krb5's: it is given the words by execve.
        realm().add_service(spn);
        realm().export_key(spn, file);
        Granted granted = initiate(spn);
        ASSERT_FALSE(granted.error) << to_string(*granted.error);
        GrantEnd accepting = accept({spn}, file);
        const Shaken shaken = shake_hands(*granted.grant, accepting);
        ASSERT_FALSE(shaken.acceptor.error) << to_string(*shaken.acceptor.error);
        ASSERT_TRUE(shaken.initiator.done);
        EXPECT_EQ(shaken.acceptor.acceptor, spn);
    }
}

TEST_F(Handshakes, AServerWithAnotherServicesKeyIsAWrongPeer_FT_082) {
    const std::string other = "other/app1.keys.test@KEYS.TEST";
    realm().add_service(other);
    realm().export_key(other, "other.keytab");
    Granted granted = initiate();
    GrantEnd accepting = accept({other}, "other.keytab");
    const Shaken shaken = shake_hands(*granted.grant, accepting);
    ASSERT_TRUE(shaken.acceptor.error);
    EXPECT_EQ(shaken.acceptor.error->code, Code::wrong_peer) << to_string(*shaken.acceptor.error);
    EXPECT_NE(shaken.acceptor.error->message.find("asked for \"" + ledger + "\""), std::string::npos)
        << shaken.acceptor.error->message;
    EXPECT_NE(shaken.acceptor.error->message.find("other.keytab holds no key of that principal"),
              std::string::npos)
        << shaken.acceptor.error->message;
    EXPECT_EQ(shaken.acceptor.error->hint, "export it there");
    EXPECT_FALSE(shaken.acceptor.error_token.empty());
    ASSERT_TRUE(shaken.initiator.error);
    EXPECT_EQ(shaken.initiator.error->code, Code::wrong_peer) << to_string(*shaken.initiator.error);
    EXPECT_NE(shaken.initiator.error->message.find(ledger), std::string::npos);
}

TEST_F(Handshakes, AnotherKeyOfTheSameNumberIsAWrongPeer_FT_082) {
    // The rogue made a key of its own under ledger's name.
    realm().add_service("rogue@KEYS.TEST");
    run_program({"/usr/bin/ktutil"}, "addent -password -p " + ledger +
                                         " -k 2 -e aes256-cts-hmac-sha1-96\nguess\nwkt " +
                                         realm().path("rogue.keytab") + "\nquit\n");
    Granted granted = initiate();
    GrantEnd accepting = accept({ledger}, "rogue.keytab");
    const Shaken shaken = shake_hands(*granted.grant, accepting);
    ASSERT_TRUE(shaken.acceptor.error && shaken.initiator.error);
    EXPECT_EQ(shaken.acceptor.error->code, Code::wrong_peer) << to_string(*shaken.acceptor.error);
    EXPECT_EQ(shaken.initiator.error->code, Code::wrong_peer) << to_string(*shaken.initiator.error);
    EXPECT_EQ(shaken.initiator.error->stage, Stage::handshake);
}

TEST_F(Handshakes, AnOutdatedKeytabTellsBothKeyNumbers) {
    const std::string spn = "rotated/app1.keys.test@KEYS.TEST";
    realm().add_service(spn);
    realm().export_key(spn, "old.keytab");
    realm().export_key(spn, "new.keytab");
    Granted granted = initiate(spn);
    GrantEnd accepting = accept({spn}, "old.keytab");
    const Shaken shaken = shake_hands(*granted.grant, accepting);
    ASSERT_TRUE(shaken.acceptor.error);
    EXPECT_EQ(shaken.acceptor.error->code, Code::wrong_peer);
    for (const char* told : {"ticket kvno 3 (", "old.keytab has 2 ("})
        EXPECT_NE(shaken.acceptor.error->message.find(told), std::string::npos)
            << shaken.acceptor.error->message;
    EXPECT_EQ(shaken.acceptor.error->hint,
              "export the current key there, or have the client get a new ticket");
}

TEST_F(Handshakes, ARotatedKeyServesWithoutARestart) {
    const std::string spn = "rotating/app1.keys.test@KEYS.TEST";
    realm().add_service(spn);
    realm().export_key(spn, "rotating.keytab");
    GrantEnd accepting = accept({spn}, "rotating.keytab");
    Granted before = initiate(spn);
    ASSERT_FALSE(before.error);
    realm().export_key(spn, "rotating.keytab");  // adds the new key, keeps the old one
    Stepped first = before.grant->step(1);
    EXPECT_TRUE(accepting.step(1, first.token).done);
    TestIdentity fresh = as_alice();
    fresh.cache = "FILE:" + realm().make_cache("alice", "fresh.cache", alice);
    Granted after = here().grant_initiate({spn, fresh});
    ASSERT_FALSE(after.error);
    first = after.grant->step(1);
    const Stepped second = accepting.step(2, first.token);
    EXPECT_TRUE(second.done) << to_string(second.error.value_or(Error()));
}

TEST_F(Handshakes, AKeytabIsCheckedForEachHandshake) {
    const std::string spn = "opened/app1.keys.test@KEYS.TEST";
    realm().add_service(spn);
    const std::string file = realm().export_key(spn, "opened.keytab");
    GrantEnd accepting = accept({spn}, "opened.keytab");
    const auto answer_to_a_client = [&](std::int64_t number) {
        Granted granted = initiate(spn);
        return accepting.step(number, granted.grant->step(1).token);
    };
    EXPECT_TRUE(answer_to_a_client(1).done);
    const std::string other = "foreign/app1.keys.test@KEYS.TEST";
    realm().add_service(other);
    ASSERT_EQ(::rename(realm().export_key(other, "foreign.keytab").c_str(), file.c_str()), 0);
    Stepped stepped = answer_to_a_client(4);
    ASSERT_TRUE(stepped.error);
    EXPECT_NE(stepped.error->message.find("it holds no key of " + spn), std::string::npos)
        << stepped.error->message;
    ASSERT_EQ(::chmod(file.c_str(), 0644), 0);
    stepped = answer_to_a_client(2);
    ASSERT_TRUE(stepped.error);
    EXPECT_EQ(stepped.error->code, Code::invalid_configuration) << to_string(*stepped.error);
    ASSERT_EQ(::unlink(file.c_str()), 0);
    ASSERT_EQ(::mkfifo(file.c_str(), 0600), 0);
    stepped = answer_to_a_client(3);
    ASSERT_TRUE(stepped.error);
    EXPECT_NE(stepped.error->message.find("not a regular file"), std::string::npos) << stepped.error->message;
}

TEST_F(Handshakes, OnlyTheServicesOwnNamesAreAccepted_FT_089) {
    // One keytab for two services: the key for the other one would decrypt.
    const std::string audit = "audit/app1.keys.test@KEYS.TEST";
    realm().add_service(audit);
    realm().export_key(audit, "both.keytab");
    const std::string spn = "books/app1.keys.test@KEYS.TEST";
    realm().add_service(spn);
    realm().export_key(spn, "both.keytab");
    Granted granted = initiate(spn);
    GrantEnd accepting = accept({audit}, "both.keytab");
    const Shaken shaken = shake_hands(*granted.grant, accepting);
    ASSERT_TRUE(shaken.acceptor.error);
    EXPECT_EQ(shaken.acceptor.error->code, Code::wrong_peer) << to_string(*shaken.acceptor.error);
    EXPECT_NE(shaken.acceptor.error->message.find(spn), std::string::npos);
}

TEST_F(Handshakes, AClientWithoutMutualAuthenticationIsRefused_FT_079) {
    GssContext context;
    OM_uint32 major = 0;
    const std::string token = own_first_token(
        realm(), GSS_C_CONF_FLAG | GSS_C_INTEG_FLAG | GSS_C_SEQUENCE_FLAG, gss_mech_krb5, context, major);
    ASSERT_EQ(major, GSS_S_COMPLETE);  // nothing would prove the server to it
    GrantEnd accepting = accept();
    const Stepped stepped = accepting.step(1, token);
    ASSERT_TRUE(stepped.error);
    EXPECT_EQ(stepped.error->code, Code::unprotected);
    EXPECT_NE(stepped.error->message.find("mutual authentication"), std::string::npos);
    EXPECT_TRUE(stepped.exported.empty());
}

TEST_F(Handshakes, AClientThatAsksAsKncDoesIsAccepted) {
    GssContext context;
    OM_uint32 major = 0;
    const std::string token =
        own_first_token(realm(), GSS_C_MUTUAL_FLAG | GSS_C_SEQUENCE_FLAG, gss_mech_krb5, context, major);
    GrantEnd accepting = accept();
    const Stepped stepped = accepting.step(1, token);
    EXPECT_TRUE(stepped.done) << to_string(stepped.error.value_or(Error()));
}

TEST_F(Handshakes, ANameThatIsNotUtf8IsRefusedAndEndsNoGrant) {
    realm().add_user("m\xff\xfe");
    realm().make_cache("m\xff\xfe", "odd.cache", alice);
    GssContext context;
    OM_uint32 major = 0;
    const std::string token = own_first_token(realm(), GSS_C_MUTUAL_FLAG | GSS_C_SEQUENCE_FLAG, gss_mech_krb5,
                                              context, major, "odd.cache");
    GrantEnd accepting = accept();
    const Stepped stepped = accepting.step(1, token);
    ASSERT_TRUE(stepped.error);
    EXPECT_EQ(stepped.error->code, Code::wrong_peer) << to_string(*stepped.error);
    EXPECT_NE(stepped.error->message.find("m\\xff\\xfe"), std::string::npos) << stepped.error->message;
    Granted granted = initiate();
    EXPECT_TRUE(accepting.step(2, granted.grant->step(1).token).done);
    // And as a caller of ours.
    TestIdentity odd = as_alice();
    odd.cache = "FILE:" + realm().path("odd.cache");
    granted = here().grant_initiate({ledger, odd});
    ASSERT_TRUE(granted.error);
    EXPECT_EQ(granted.error->code, Code::wrong_peer) << to_string(*granted.error);
}

TEST_F(Handshakes, DelegatedCredentialsAreReportedAndNotKept_FT_090) {
    GssContext context;
    OM_uint32 major = 0;
    const std::string token = own_first_token(
        realm(), GSS_C_MUTUAL_FLAG | GSS_C_SEQUENCE_FLAG | GSS_C_DELEG_FLAG, gss_mech_krb5, context, major);
    GrantEnd accepting = accept();
    const Stepped stepped = accepting.step(1, token);
    ASSERT_TRUE(stepped.done) << to_string(stepped.error.value_or(Error()));
    EXPECT_LT(stepped.exported.size(), 4096U);
}

TEST_F(Handshakes, DelegatedCredentialsHaveNoPlaceToGo_FT_090) {
    GssContext context;
    OM_uint32 major = 0;
    const std::string token = own_first_token(
        realm(), GSS_C_MUTUAL_FLAG | GSS_C_SEQUENCE_FLAG | GSS_C_DELEG_FLAG, gss_mech_krb5, context, major);
    auto service = AcceptingService::make(realm().path("ledger.keytab"), {ledger}, Protection::stream);
    ASSERT_TRUE(service) << to_string(service.error());
    places_for_delegated = 0;
    const StepAnswer answer = begin_accepting(*service)->step(token);
    ASSERT_TRUE(answer.established) << to_string(answer.error.value_or(Error()));
    EXPECT_TRUE(answer.established->flags.delegation);
    EXPECT_EQ(accepted_in_this_process, 1);
    EXPECT_EQ(places_for_delegated, 0);
}

TEST_F(Handshakes, SpnegoIsRefused_FT_081) {
    gss_OID_desc spnego{6, const_cast<char*>("\x2b\x06\x01\x05\x05\x02")};
    GssContext context;
    OM_uint32 major = 0;
    const std::string token =
        own_first_token(realm(), GSS_C_MUTUAL_FLAG | GSS_C_SEQUENCE_FLAG, &spnego, context, major);
    ASSERT_FALSE(token.empty());
    GrantEnd accepting = accept();
    const Stepped stepped = accepting.step(1, token);
    ASSERT_TRUE(stepped.error);
    EXPECT_EQ(stepped.error->code, Code::protocol);
    EXPECT_NE(stepped.error->message.find("SPNEGO"), std::string::npos);
}

TEST_F(Handshakes, AFinishedContextThatLacksMutualAuthenticationIsRefused_FT_078) {
    GssContext context;
    OM_uint32 major = 0;
    own_first_token(realm(), GSS_C_CONF_FLAG | GSS_C_INTEG_FLAG, gss_mech_krb5, context, major);
    ASSERT_EQ(major, GSS_S_COMPLETE);
    const auto refused = establish(context, {GSS_C_MUTUAL_FLAG | GSS_C_CONF_FLAG, {ledger}});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::unprotected);
    EXPECT_NE(refused.error().message.find("mutual authentication"), std::string::npos);
    const auto other = establish(context, {GSS_C_CONF_FLAG, {"payroll/app1.keys.test@KEYS.TEST"}});
    ASSERT_FALSE(other);
    EXPECT_EQ(other.error().code, Code::wrong_peer);
    EXPECT_NE(other.error().message.find("its acceptor is " + ledger), std::string::npos);
    EXPECT_TRUE(establish(context, {GSS_C_CONF_FLAG, {ledger}}));
}

TEST_F(Handshakes, ClocksThatDifferTooMuchAreToldFromOtherTrouble) {
    // An acceptor that allows one second, and a token that is older.
    run_program({"/bin/sh", "-c",
                 "sed 's/^\\[libdefaults\\]/&\\n clockskew = 1/' " + realm().path("krb5.conf") + " > " +
                     realm().path("strict.conf")});
    TestProgram strict(realm(), "strict", {"/usr/bin/env", "KRB5_CONFIG=" + realm().path("strict.conf")});
    auto accepting = strict.grant_accept(realm().path("ledger.keytab"), {ledger});
    ASSERT_TRUE(accepting);
    Granted granted = initiate();
    const Stepped first = granted.grant->step(1);
    std::this_thread::sleep_for(std::chrono::milliseconds(3100));  // it is time itself that has to pass
    const Stepped stepped = accepting->step(1, first.token);
    ASSERT_TRUE(stepped.error);
    EXPECT_EQ(stepped.error->code, Code::clock_skew) << to_string(*stepped.error);
    const Stepped told = granted.grant->step(1, stepped.error_token);
    ASSERT_TRUE(told.error);
    EXPECT_EQ(told.error->code, Code::clock_skew) << to_string(*told.error);
}

TEST_F(Handshakes, ATicketThatEndedIsRefusedThoughTheClockSkewAllowsIt_FT_091) {
    TestIdentity brief = as_alice();
    Granted granted;
    Stepped first;
    for (const char* life :
         {"3s", "10s", "60s"}) {  // a busy machine needs longer to get as far as the first token
        brief.cache = "FILE:" + realm().make_cache("alice", "brief.cache", alice, life);
        granted = here().grant_initiate({ledger, brief});
        if (!granted.error) first = granted.grant->step(1);
        if (!granted.error && !first.error) break;
    }
    ASSERT_FALSE(first.token.empty());
    while (std::time(nullptr) <= granted.expires) std::this_thread::sleep_for(std::chrono::milliseconds(50));
    GrantEnd accepting = accept();
    const Stepped stepped = accepting.step(1, first.token);
    ASSERT_TRUE(stepped.error);
    EXPECT_EQ(stepped.error->code, Code::expired) << to_string(*stepped.error);
}

TEST_F(Handshakes, AnInitiatorRefusesWhatIsNoAnswer_FT_078) {
    for (const char* answer : {"garbage", "\x60\x80", "\x60\x03\x06\x01\x02"}) {
        Granted granted = initiate();
        granted.grant->step(1);
        const Stepped stepped = granted.grant->step(1, answer);
        ASSERT_TRUE(stepped.error) << answer;
        EXPECT_TRUE(stepped.exported.empty());
    }
}

TEST_F(Handshakes, AReplayedFirstTokenIsRefused) {
    Granted granted = initiate();
    const Stepped first = granted.grant->step(1);
    GrantEnd accepting = accept();
    ASSERT_TRUE(accepting.step(1, first.token).done);
    const Stepped replayed = accepting.step(2, first.token);
    ASSERT_TRUE(replayed.error);
    EXPECT_EQ(replayed.error->code, Code::wrong_peer) << to_string(*replayed.error);
}

TEST_F(Handshakes, AReplayIsNoticedAfterARestartByTheCacheInTheRuntimeFolder) {
    const std::string cache = realm().path("restarted.run") + "/rcache";
    const auto accept_at = [](const TestProgram& program) {
        auto grant = program.grant_accept(realm().path("ledger.keytab"), {ledger});
        if (!grant) throw std::runtime_error(to_string(grant.error()));
        return std::move(*grant);
    };
    Granted granted = initiate();
    const Stepped first = granted.grant->step(1);
    {
        const TestProgram program(realm(), "restarted");
        ASSERT_TRUE(accept_at(program).step(1, first.token).done);
    }
    struct stat told {};
    ASSERT_EQ(::stat(cache.c_str(), &told), 0) << cache;
    EXPECT_GT(told.st_size, 0);
    const TestProgram program(realm(), "restarted");
    EXPECT_TRUE(accept_at(program).step(1, first.token).error);
    // Nothing else remembers it.
    ASSERT_EQ(::unlink(cache.c_str()), 0);
    EXPECT_TRUE(accept_at(program).step(1, first.token).done);
}

TEST_F(Handshakes, AGrantTakesItsTwoCallsAndNothingElse) {
    const auto held = [](std::string method, std::size_t padding, bool with_descriptor) {
        Granted granted = initiate();
        varlink::BlockingConnection connection(granted.grant->release());
        varlink::Call call;
        call.method = std::move(method);
        call.parameters["padding"] = std::string(padding, 'x');
        if (with_descriptor) call.descriptors.push_back(UniqueFd(::open("/dev/null", O_RDONLY | O_CLOEXEC)));
        auto reply = connection.call_raw(std::move(call));
        return reply ? reply->error : "hung up";
    };
    EXPECT_EQ(held("org.mutuald.Keys.Status", 0, false), "org.varlink.service.InterfaceNotFound");
    EXPECT_EQ(held("org.mutuald.Grant.Export", 0, false), "org.varlink.service.MethodNotFound");
    EXPECT_EQ(held("org.mutuald.Grant.Step", 300'000, false), "org.varlink.service.InvalidParameter");
    EXPECT_EQ(held("org.mutuald.Grant.Step", 0, true), "org.varlink.service.InvalidParameter");
}

TEST_F(Handshakes, RpcAsksForNoReplayOrSequenceDetection) {
    Granted granted = here().grant_initiate({ledger, as_alice(), 10000, "channel", 0, "rpc"});
    ASSERT_FALSE(granted.error);
    GrantEnd accepting = accept({ledger}, "ledger.keytab", "rpc");
    const Shaken shaken = shake_hands(*granted.grant, accepting);
    ASSERT_TRUE(shaken.initiator.done && shaken.acceptor.done);
    boost::json::object parameters;
    parameters["context"] = shaken.acceptor.context;
    const auto facts = there().call("Facts", parameters);
    ASSERT_TRUE(facts);
    EXPECT_FALSE(facts->parameters.at("flags").as_object().at("sequence").as_bool());
    EXPECT_TRUE(granted.grant->step(2).token.size() > 100);  // a channel may begin another
}

TEST_F(Handshakes, AStreamThatLacksSequenceDetectionIsRefused_FT_080) {
    Granted granted = here().grant_initiate({ledger, as_alice(), 10000, "one", 0, "rpc"});
    ASSERT_FALSE(granted.error);
    GrantEnd accepting = accept();
    const Stepped first = granted.grant->step(1);
    const Stepped stepped = accepting.step(1, first.token);
    ASSERT_TRUE(stepped.error);
    EXPECT_EQ(stepped.error->code, Code::unprotected);
    EXPECT_TRUE(stepped.token.empty());
}

TEST_F(Handshakes, AGrantForOneGivesNoSecond) {
    Granted granted = initiate();
    GrantEnd accepting = accept();
    const Shaken shaken = shake_hands(*granted.grant, accepting);
    ASSERT_TRUE(shaken.initiator.done);
    const Stepped after = granted.grant->step(1, shaken.acceptor.token);
    ASSERT_TRUE(after.error);
    EXPECT_EQ(after.error->code, Code::invalid_request);
    const Stepped second = granted.grant->step(2);
    ASSERT_TRUE(second.error);
    EXPECT_EQ(second.error->code, Code::denied);
}

TEST_F(Handshakes, AGrantGivesNoStepToTwoHandshakesAtOnce) {
    Granted granted = initiate();
    ASSERT_FALSE(granted.grant->step(1).error);
    EXPECT_TRUE(granted.grant->step(2).error);
    granted.grant->drop(1);
    EXPECT_TRUE(granted.grant->step(1).error);  // it was the only one
}

TEST_F(Handshakes, ATokenAboveTheLimitIsRefused) {
    GrantEnd accepting = accept();
    const Stepped stepped = accepting.step(1, std::string(128 * 1024 + 1, 'x'));
    ASSERT_TRUE(stepped.error);
    EXPECT_EQ(stepped.error->code, Code::limit);
    EXPECT_TRUE(accepting.step(2, std::string(128 * 1024, 'x')).error);  // and it still answers
}

TEST_F(Handshakes, RevokingEndsOlderGrants) {
    GrantEnd old_grant = accept();
    GrantEnd new_grant = accept();
    boost::json::object parameters;
    parameters["service"] = "ledger";
    parameters["generation"] = 1'000'000;
    ASSERT_TRUE(there().call("RevokeAccept", parameters));
    EXPECT_TRUE(old_grant.is_closed());
    EXPECT_TRUE(new_grant.is_closed());
}

TEST_F(Handshakes, ContextsAndGrantsAreGoneWhenTheirEndsAre_FT_091) {
    TestProgram program(realm(), "counted");
    boost::json::object version;
    version["version"] = 1;
    {
        Granted granted = program.grant_initiate({ledger, as_alice()});
        ASSERT_FALSE(granted.error);
        ASSERT_FALSE(granted.grant->step(1).error);
        auto status = program.call("Status", version);
        ASSERT_TRUE(status);
        EXPECT_EQ(status->parameters.at("grants").to_number<int>(), 1);
    }
    for (int i = 0; i < 1000; ++i) {  // the end of a connection is noticed, if not at once
        auto status = program.call("Status", version);
        ASSERT_TRUE(status);
        if (status->parameters.at("grants").to_number<int>() == 0) return;
    }
    FAIL() << "a grant outlived its end";
}

}  // namespace
}  // namespace mutual::keys
