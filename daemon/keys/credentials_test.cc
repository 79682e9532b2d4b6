// SPDX-License-Identifier: Apache-2.0
// Where tickets come from, and every way in which they do not: a real mutuald-keys and a real KDC.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/json/array.hpp>
#include <chrono>
#include <csignal>
#include <fstream>

#include "daemon/keys/sealed_file.h"
#include "daemon/keys/test_program.h"
#include "daemon/keys/ticket_source.h"
#include "varlink/interfaces.h"

namespace mutual::keys {
namespace {

constexpr uid_t alice = 12345;
constexpr uid_t bob = 12346;
constexpr uid_t service_user = 12399;
const std::string ledger = "ledger/app1.keys.test@KEYS.TEST";
using Clock = std::chrono::steady_clock;

class Credentials : public ::testing::Test {
protected:
    void SetUp() override {
        if (::geteuid() != 0) GTEST_SKIP() << "needs root: it acts for several users";
        realm.emplace();
        realm->add_user("alice");
        realm->add_service(ledger);
        program.emplace(*realm, "keys");
    }

    TestIdentity with_cache(const std::string& name, uid_t uid = alice) const {
        return {"caller", name, {}, {}, uid};
    }
    Granted ask(const std::string& cache, const std::string& target = ledger, int timeout = 10000) const {
        return program->grant_initiate({target, with_cache(cache), timeout});
    }
    void expect_refused(const Granted& granted, Code code, const std::string& part) const {
        ASSERT_TRUE(granted.error);
        EXPECT_EQ(granted.error->code, code) << to_string(*granted.error);
        EXPECT_NE(to_string(*granted.error).find(part), std::string::npos) << to_string(*granted.error);
    }

    std::optional<TestRealm> realm;
    std::optional<TestProgram> program;
};

TEST_F(Credentials, TheDefaultCacheIsTheOneThatKrb5ConfNames) {
    realm->make_cache("alice", "krb5cc_" + std::to_string(alice), alice);
    const Granted granted = ask("");
    ASSERT_FALSE(granted.error) << to_string(*granted.error);
    EXPECT_EQ(granted.principal, "alice@KEYS.TEST");
    EXPECT_FALSE(granted.cached);
}

TEST_F(Credentials, ACollectionInAFolderIsRead) {
    const std::string folder = realm->path("collection");
    ::mkdir(folder.c_str(), 0700);
    realm->make_cache("alice", "collection/tktOne", alice);
    std::ofstream(folder + "/primary") << "tktOne\n";
    ASSERT_EQ(::chown((folder + "/primary").c_str(), alice, alice), 0);
    ASSERT_EQ(::chown(folder.c_str(), alice, alice), 0);
    EXPECT_FALSE(ask("DIR:" + folder).error);
    EXPECT_FALSE(ask("DIR::" + folder + "/tktOne").error);
}

TEST_F(Credentials, APersistentKeyringIsReadAsItsOwner) {
    const std::string name = "KEYRING:persistent:" + std::to_string(alice);
    run_program({"/usr/bin/setpriv", "--reuid=12345", "--regid=12345", "--clear-groups", "kinit", "-c", name,
                 "alice"},
                "secret\n");
    const Granted granted = ask(name);
    EXPECT_FALSE(granted.error) << to_string(granted.error.value_or(Error()));
    expect_refused(program->grant_initiate({ledger, with_cache(name, bob)}), Code::invalid_request,
                   "another uid");
}

TEST_F(Credentials, NoTicketSaysRunKinit) {
    expect_refused(ask("FILE:" + realm->path("absent")), Code::no_credentials, "kinit");
    expect_refused(ask(""), Code::no_credentials, realm->path("krb5cc_12345"));
}

TEST_F(Credentials, AnExpiredTicketSaysRunKinit_FT_091) {
    const std::string cache = realm->make_cache("alice", "short", alice, "1s");
    const auto end = Clock::now() + std::chrono::seconds(10);
    Granted granted = ask(cache);
    while (!granted.error && Clock::now() < end) granted = ask(cache, ledger);  // until its second is over
    granted = ask(cache, ledger);  // the last one may have seen it expire in mid-work, and say so otherwise
    expect_refused(granted, Code::no_credentials, "the ticket of alice@KEYS.TEST has expired");
    EXPECT_NE(granted.error->hint.find("kinit"), std::string::npos);
}

TEST_F(Credentials, ALifetimeThatIsTooShortIsRefused) {
    const std::string cache = realm->make_cache("alice", "hour", alice, "1h");
    EXPECT_FALSE(program->grant_initiate({ledger, with_cache(cache), 10000, "one", 60}).error);
    expect_refused(program->grant_initiate({ledger, with_cache(cache), 10000, "one", 7200}),
                   Code::no_credentials, "7200 s");
}

TEST_F(Credentials, AnUnknownNameIsToldFromAWrongOne_FT_082) {
    const std::string cache = realm->make_cache("alice", "cache", alice);
    expect_refused(ask(cache, "ledger/nowhere.keys.test@KEYS.TEST"), Code::unknown_target,
                   "ledger/nowhere.keys.test@KEYS.TEST");
}

TEST_F(Credentials, KindsThatCannotBeSharedAreRefusedWithTheReason) {
    expect_refused(ask("MEMORY:x"), Code::invalid_request, "own process");
    expect_refused(ask("KEYRING:session:x"), Code::invalid_request, "own session");
    expect_refused(ask("API:x"), Code::invalid_request, "not supported");
    expect_refused(ask("FILE:relative"), Code::invalid_request, "not absolute");
}

TEST_F(Credentials, ACacheThatIsAFifoIsRefusedAtOnce) {
    const std::string path = realm->path("fifo");
    ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
    ASSERT_EQ(::chown(path.c_str(), alice, alice), 0);
    const auto begun = Clock::now();
    expect_refused(ask(path), Code::no_credentials, "not a regular file");
    EXPECT_LT(Clock::now() - begun, std::chrono::seconds(5));
}

TEST_F(Credentials, ACacheThatIsASymbolicLinkIsRefused) {
    const std::string real = realm->make_cache("alice", "real", alice);
    const std::string link = realm->path("link");
    ASSERT_EQ(::symlink(real.c_str(), link.c_str()), 0);
    expect_refused(ask(link), Code::no_credentials, "symbolic link");
}

TEST_F(Credentials, AnothersCacheIsRefused) {
    const std::string open_to_all = realm->make_cache("alice", "alices", bob);
    ASSERT_EQ(::chmod(open_to_all.c_str(), 0644), 0);
    expect_refused(ask(open_to_all), Code::no_credentials, "belongs to uid 12346");
    ASSERT_EQ(::chmod(open_to_all.c_str(), 0600), 0);
    expect_refused(ask(open_to_all), Code::no_credentials, "Permission denied");
}

// A process of alice's holds the lock for as long as this lives.
class LockHolder {
public:
    explicit LockHolder(const std::string& path) {
        int ready[2];
        if (::pipe(ready) != 0) std::abort();
        pid_ = ::fork();
        if (pid_ == 0) {
            const int fd = ::open(path.c_str(), O_RDWR);
            struct flock lock {};
            lock.l_type = F_WRLCK;
            const bool locked = ::fcntl(fd, F_SETLK, &lock) == 0;
            [[maybe_unused]] auto ignored = ::write(ready[1], locked ? "y" : "n", 1);
            for (;;) ::pause();
        }
        char answer = 0;
        held = ::read(ready[0], &answer, 1) == 1 && answer == 'y';
        ::close(ready[0]);
        ::close(ready[1]);
    }
    ~LockHolder() {
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
    }
    LockHolder(const LockHolder&) = delete;
    LockHolder& operator=(const LockHolder&) = delete;
    bool held = false;

private:
    pid_t pid_ = -1;
};

TEST_F(Credentials, ALockedCacheCostsItsOwnerTheDeadlineAndNobodyElseAnything) {
    const std::string locked = realm->make_cache("alice", "locked", alice);
    const std::string free = realm->make_cache("alice", "free", bob);
    const LockHolder holder(locked);
    ASSERT_TRUE(holder.held);
    // The call for the locked cache is on its way while bob's is answered.
    const auto begun = Clock::now();
    varlink::BlockingConnection waiting = program->send_grant_initiate({ledger, with_cache(locked), 1000});
    EXPECT_FALSE(program->grant_initiate({ledger, with_cache(free, bob), 900}).error);
    const Granted granted = TestProgram::receive_grant(waiting);
    const auto took = Clock::now() - begun;
    expect_refused(granted, Code::timed_out, "lock");
    EXPECT_GE(took, std::chrono::milliseconds(990));
    EXPECT_LT(took, std::chrono::milliseconds(2000));
}

TEST_F(Credentials, ABlackHoleForAKdcEndsAtTheDeadline) {
    const std::string cache = realm->make_cache("alice", "cache", alice);
    realm->make_kdc_a_black_hole();
    const auto begun = Clock::now();
    const Granted granted = ask(cache, ledger, 1000);
    const auto took = Clock::now() - begun;
    expect_refused(granted, Code::kdc_unreachable, "no KDC for KEYS.TEST answered within 1000 ms");
    EXPECT_EQ(granted.error->stage, Stage::credentials);
    RecordProperty("microseconds",
                   std::to_string(std::chrono::duration_cast<std::chrono::microseconds>(took).count()));
    EXPECT_GE(took, std::chrono::milliseconds(990));
    EXPECT_LT(took, std::chrono::milliseconds(1000 + 2000));  // promised is 100 ms: see the system test
    // The one that waited is killed.
    const auto end = Clock::now() + std::chrono::seconds(10);
    while (!program->children().empty() && Clock::now() < end) ::poll(nullptr, 0, 5);
    EXPECT_TRUE(program->children().empty());
}

TEST_F(Credentials, AKdcThatIsDownIsToldAtOnce) {
    const std::string cache = realm->make_cache("alice", "cache", alice);
    realm->stop_kdc();
    const auto begun = Clock::now();
    expect_refused(ask(cache), Code::kdc_unreachable, "KEYS.TEST");
    EXPECT_LT(Clock::now() - begun, std::chrono::seconds(5));
}

TEST_F(Credentials, AFetcherThatItsUserKillsIsToldAndReplaced) {
    const std::string first = realm->make_cache("alice", "first", alice);
    ASSERT_FALSE(ask(first).error);
    const std::string second = realm->path("second");  // with the ticket that is in the first one now
    run_program({"/bin/cp", "-p", first, second});
    const std::vector<pid_t> before = program->children();
    ASSERT_EQ(before.size(), 1U);
    realm->make_kdc_a_black_hole();
    varlink::BlockingConnection waiting =
        program->send_grant_initiate({"other/app1.keys.test@KEYS.TEST", with_cache(second), 60000});
    std::vector<pid_t> children;
    while ((children = program->children()).size() < 2) ::poll(nullptr, 0, 5);
    for (const pid_t child : children)
        if (child != before[0]) ::kill(child, SIGKILL);
    expect_refused(TestProgram::receive_grant(waiting), Code::unavailable, "the fetcher ended");
    EXPECT_FALSE(ask(second).error);
}

TEST_F(Credentials, AFetcherThatItsUserKilledWhileItWasIdleIsReplacedUnseen) {
    const std::string cache = realm->make_cache("alice", "cache", alice);
    for (int i = 0; i < 20; ++i) {
        ASSERT_FALSE(ask(cache).error);
        // Its death and the next call are seen in either order.
        for (const pid_t child : program->children()) ::kill(child, SIGKILL);
        const Granted granted = ask(cache);
        ASSERT_FALSE(granted.error) << to_string(*granted.error);
    }
}

TEST_F(Credentials, WhoeverHangsUpEndsItsFetcher) {
    const std::string cache = realm->make_cache("alice", "cache", alice);
    realm->make_kdc_a_black_hole();
    const auto end = Clock::now() + std::chrono::seconds(10);
    {
        const varlink::BlockingConnection gone =
            program->send_grant_initiate({ledger, with_cache(cache), 60000});
        while (program->children().empty() && Clock::now() < end) ::poll(nullptr, 0, 5);
        ASSERT_FALSE(program->children().empty());
    }
    while (!program->children().empty() && Clock::now() < end) ::poll(nullptr, 0, 5);
    EXPECT_TRUE(program->children().empty());
}

void expect_without_privileges(pid_t pid, const std::string& uid) {
    for (const char* set : {"CapEff", "CapPrm", "CapInh", "CapAmb"})
        EXPECT_EQ(process_status(pid, set), "0000000000000000") << set;
    EXPECT_EQ(process_status(pid, "NoNewPrivs"), "1");
    EXPECT_EQ(process_status(pid, "Uid"), uid + "\t" + uid + "\t" + uid + "\t" + uid);
    EXPECT_EQ(process_status(pid, "Groups"), "");
}

TEST_F(Credentials, AFetcherOfRootsHasNoCapability) {
    ASSERT_FALSE(ask(realm->make_cache("alice", "cache", alice)).error);
    const auto children = program->children();
    ASSERT_EQ(children.size(), 1U);
    expect_without_privileges(children[0], "12345");
    // Root's own tickets are fetched without root's power, too.
    const std::string roots = realm->make_cache("alice", "roots", 0);
    ASSERT_FALSE(program->grant_initiate({ledger, with_cache(roots, 0)}).error);
    for (const pid_t child : program->children())
        if (child != children[0]) expect_without_privileges(child, "0");
}

TEST_F(Credentials, AFetcherOfTheUnitsUserHasNoCapabilityAndCanBeKilled) {
    const std::string run = realm->path("unit.run");
    ASSERT_EQ(::mkdir(run.c_str(), 0700), 0);
    ASSERT_EQ(::chown(run.c_str(), service_user, service_user), 0);
    TestProgram unit(*realm, "unit",
                     {"/usr/bin/setpriv", "--reuid=12399", "--regid=12399", "--clear-groups",
                      "--bounding-set=-all,+setuid,+setgid", "--inh-caps=-all,+setuid,+setgid",
                      "--ambient-caps=-all,+setuid,+setgid"});
    const std::string cache = realm->make_cache("alice", "cache", alice);
    const Granted granted = unit.grant_initiate({ledger, with_cache(cache)});
    ASSERT_FALSE(granted.error) << to_string(*granted.error);
    EXPECT_EQ(process_status(unit.pid(), "CapAmb"), "00000000000000c0");  // setgid, setuid
    const std::string keytab = realm->export_key(ledger, "unit.keytab");
    ASSERT_EQ(::chown(keytab.c_str(), service_user, service_user), 0);
    auto accepting = unit.grant_accept(keytab, {ledger});
    EXPECT_TRUE(accepting) << to_string(accepting.error());
    const auto children = unit.children();
    ASSERT_EQ(children.size(), 1U);
    expect_without_privileges(children[0], "12345");
    // And its parent, which may not signal another uid, still ends it at the deadline.
    realm->make_kdc_a_black_hole();
    expect_refused(unit.grant_initiate({"other/app1.keys.test@KEYS.TEST", with_cache(cache), 500}),
                   Code::kdc_unreachable, "500 ms");
    const auto end = Clock::now() + std::chrono::seconds(10);
    while (!unit.children().empty() && Clock::now() < end) ::poll(nullptr, 0, 5);
    EXPECT_TRUE(unit.children().empty());
}

TEST_F(Credentials, AtMostFourFetchersActForOneUser) {
    std::vector<std::string> caches;
    caches.reserve(6);
    for (int i = 0; i < 6; ++i)
        caches.push_back(realm->make_cache("alice", "cache" + std::to_string(i), alice));
    for (const std::string& cache : caches) ASSERT_FALSE(ask(cache).error);
    EXPECT_LE(program->children().size(), 4U);
}

TEST_F(Credentials, KeytabsHaveFetchersOfTheirOwn) {
    realm->add_service("batch@KEYS.TEST");
    realm->add_service("other@KEYS.TEST");
    const TestIdentity batch{
        "keytab", {}, realm->export_key("batch@KEYS.TEST", "batch.keytab"), "batch@KEYS.TEST", 0};
    const TestIdentity other{
        "keytab", {}, realm->export_key("other@KEYS.TEST", "other.keytab"), "other@KEYS.TEST", 0};
    ASSERT_FALSE(program->grant_initiate({ledger, batch}).error);
    realm->make_kdc_a_black_hole();
    const std::string another = "other@KEYS.TEST";  // a target whose ticket is not there
    std::vector<varlink::BlockingConnection> waiting;
    while (waiting.size() < 4) waiting.push_back(program->send_grant_initiate({another, batch, 60000}));
    expect_refused(program->grant_initiate({another, batch, 500}), Code::limit, "batch.keytab");
    expect_refused(program->grant_initiate({ledger, other, 500}), Code::kdc_unreachable, "no KDC");
}

TEST_F(Credentials, ListingACacheBringsNoKeyOutOfTheFetcher) {
    Wanted only_told;
    const auto found = source_from_cache(realm->make_cache("alice", "roots", 0))->look(only_told);
    ASSERT_TRUE(found) << to_string(found.error());
    EXPECT_FALSE(found->ticket);
    EXPECT_EQ(found->client, "alice@KEYS.TEST");
    EXPECT_GT(found->expires, now_seconds());

    realm->make_cache("alice", "krb5cc_" + std::to_string(alice), alice);
    boost::json::object parameters;
    parameters["version"] = varlink::internal_version;
    parameters["identities"] = boost::json::array{boost::json::object{{"kind", "caller"}}};
    parameters["callerFileDescriptor"] = 0;
    parameters["timeoutMilliseconds"] = 5000;
    std::vector<UniqueFd> descriptors;
    descriptors.push_back(program->caller(alice));
    const auto listed = program->call("ListCredentials", parameters, std::move(descriptors));
    ASSERT_TRUE(listed) << to_string(listed.error());
    const auto& row = listed->parameters.at("credentials").as_array().at(0).as_object();
    EXPECT_EQ(row.at("principal").as_string(), "alice@KEYS.TEST");
    EXPECT_GT(row.at("expires").to_number<std::int64_t>(), now_seconds());
    EXPECT_FALSE(row.contains("failure"));
}

class ProofOfCaller : public Credentials {
protected:
    Result<varlink::Reply> ask_as(UniqueFd caller) const;
};

Result<varlink::Reply> ProofOfCaller::ask_as(UniqueFd caller) const {
    boost::json::object identity, parameters;
    identity["kind"] = "caller";
    parameters["version"] = varlink::internal_version;
    parameters["identity"] = identity;
    parameters["callerFileDescriptor"] = 0;
    parameters["target"] = ledger;
    parameters["protection"] = "stream";
    parameters["handshakes"] = "one";
    parameters["minimumLifetimeSeconds"] = 0;
    parameters["timeoutMilliseconds"] = 1000;
    std::vector<UniqueFd> descriptors;
    descriptors.push_back(std::move(caller));
    return program->call("GrantInitiate", parameters, std::move(descriptors));
}

TEST_F(ProofOfCaller, OnlyAConnectionToTheApiSocketProvesACaller) {
    auto pair = varlink::socket_pair();
    const auto reply = ask_as(std::move(pair->first));
    ASSERT_FALSE(reply);
    EXPECT_EQ(reply.error().code, Code::denied) << to_string(reply.error());
}

TEST_F(ProofOfCaller, TheApiSocketItselfProvesNoCaller) {
    realm->make_cache("alice", "krb5cc_0", 0);  // what it would be a proof for: its maker is root
    const auto reply = ask_as(program->listener());
    ASSERT_FALSE(reply);
    EXPECT_EQ(reply.error().code, Code::denied) << to_string(reply.error());
    EXPECT_NE(reply.error().message.find("listening"), std::string::npos) << reply.error().message;
}

TEST_F(ProofOfCaller, ASocketOfThatNameThatIsNotConnectedProvesNoCaller) {
    UniqueFd unconnected = program->bound_anew();
    const auto reply = ask_as(std::move(unconnected));
    ASSERT_FALSE(reply);
    EXPECT_EQ(reply.error().code, Code::denied) << to_string(reply.error());
    EXPECT_NE(reply.error().message.find("not connected"), std::string::npos) << reply.error().message;
}

// A process of that user's signals each child of the program as soon as it may, for as long as this lives.
class Signaller {
public:
    Signaller(pid_t parent, uid_t uid, int signal) {
        pid_ = ::fork();
        if (pid_ != 0) return;
        const std::string children =
            "/proc/" + std::to_string(parent) + "/task/" + std::to_string(parent) + "/children";
        if (::setresuid(uid, uid, uid) != 0) ::_exit(1);
        for (;;) {
            std::ifstream file(children);
            for (pid_t child = 0; file >> child;) ::kill(child, signal);
        }
    }
    ~Signaller() {
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
    }
    Signaller(const Signaller&) = delete;
    Signaller& operator=(const Signaller&) = delete;

private:
    pid_t pid_ = -1;
};

TEST_F(Credentials, AUserWhoSignalsFetchersEndsNothingElse) {
    const std::string cache = realm->make_cache("alice", "cache", alice);
    {
        const Signaller signaller(program->pid(), alice, SIGTERM);
        for (int i = 0; i < 50; ++i) static_cast<void>(ask(cache));  // each forks: the one before is dead
    }
    EXPECT_TRUE(program->call("Status", {{"version", varlink::internal_version}}));
    EXPECT_FALSE(ask(cache).error);
}

TEST_F(Credentials, OnlyTheBrokerIsAdmitted) {
    ASSERT_EQ(::setegid(bob), 0);
    ASSERT_EQ(::seteuid(bob), 0);
    const auto reply = program->call("Status", {{"version", 1}});
    ASSERT_EQ(::seteuid(0), 0);
    ASSERT_EQ(::setegid(0), 0);
    EXPECT_FALSE(reply);
    EXPECT_TRUE(program->call("Status", {{"version", 1}}));
}

TEST_F(Credentials, AnotherVersionIsRefusedWithTheRemedy) {
    const auto reply = program->call("Status", {{"version", 4711}});
    ASSERT_FALSE(reply);
    EXPECT_NE(reply.error().message.find("restart"), std::string::npos);
}

TEST_F(Credentials, AKeytabsPrincipalGetsTicketsOfItsOwn) {
    realm->add_service("batch@KEYS.TEST");
    TestIdentity batch{
        "keytab", {}, realm->export_key("batch@KEYS.TEST", "batch.keytab"), "batch@KEYS.TEST", 0};
    const Granted granted = program->grant_initiate({ledger, batch});
    ASSERT_FALSE(granted.error) << to_string(*granted.error);
    EXPECT_EQ(granted.principal, "batch@KEYS.TEST");
    EXPECT_TRUE(program->grant_initiate({ledger, batch}).cached);
}

TEST_F(Credentials, TheHostsKeytabServesKindHost) {
    realm->add_service("host/app2.keys.test@KEYS.TEST");
    realm->export_key("host/app2.keys.test@KEYS.TEST", "host.keytab");
    const Granted granted = program->grant_initiate({ledger, {"host", {}, {}, {}, 0}});
    ASSERT_FALSE(granted.error) << to_string(*granted.error);
    EXPECT_EQ(granted.principal, "host/app2.keys.test@KEYS.TEST");
}

TEST_F(Credentials, AKeytabThatOthersMayReadIsRefused) {
    realm->add_service("batch@KEYS.TEST");
    const std::string file = realm->export_key("batch@KEYS.TEST", "batch.keytab");
    ASSERT_EQ(::chmod(file.c_str(), 0644), 0);
    expect_refused(program->grant_initiate({ledger, {"keytab", {}, file, "batch@KEYS.TEST", 0}}),
                   Code::invalid_configuration, "0644");
    const auto accepting = program->grant_accept(file, {"batch@KEYS.TEST"});
    ASSERT_FALSE(accepting);
    EXPECT_EQ(accepting.error().code, Code::invalid_configuration);
}

TEST_F(Credentials, AKeytabThatIsALinkOrAFifoIsRefusedAtOnce) {
    realm->add_service("batch@KEYS.TEST");
    const std::string file = realm->export_key("batch@KEYS.TEST", "batch.keytab");
    const std::string link = realm->path("link.keytab"), fifo = realm->path("fifo.keytab");
    ASSERT_EQ(::symlink(file.c_str(), link.c_str()), 0);
    ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
    auto accepting = program->grant_accept(link, {"batch@KEYS.TEST"});
    ASSERT_FALSE(accepting);
    EXPECT_NE(accepting.error().message.find("symbolic link"), std::string::npos);
    accepting = program->grant_accept(fifo, {"batch@KEYS.TEST"});
    ASSERT_FALSE(accepting);
    EXPECT_NE(accepting.error().message.find("not a regular file"), std::string::npos);
}

TEST_F(Credentials, AKeyThatTheKdcDoesNotHaveSaysSo) {
    realm->add_service("batch@KEYS.TEST");
    const std::string old_file = realm->export_key("batch@KEYS.TEST", "old.keytab");
    realm->export_key("batch@KEYS.TEST", "new.keytab");
    expect_refused(program->grant_initiate({ledger, {"keytab", {}, old_file, "batch@KEYS.TEST", 0}}),
                   Code::no_credentials, "export the key anew");
}

TEST_F(Credentials, ATicketCacheCanBeReadByOthersLibraries) {
    realm->add_service("search@KEYS.TEST");
    boost::json::object identity, parameters;
    identity["kind"] = "keytab";
    identity["keytab"] = realm->export_key("search@KEYS.TEST", "search.keytab");
    identity["principal"] = "search@KEYS.TEST";
    parameters["version"] = varlink::internal_version;
    parameters["identity"] = identity;
    parameters["timeoutMilliseconds"] = 5000;
    auto reply = program->call("TicketCache", parameters);
    ASSERT_TRUE(reply) << to_string(reply.error());
    EXPECT_EQ(reply->parameters.at("principal").as_string(), "search@KEYS.TEST");
    const auto content = unseal(reply->descriptors.at(0).value());
    ASSERT_TRUE(content);
    std::ofstream(realm->path("copy"), std::ios::binary) << content->view();
    const std::string got = run_program({"/usr/bin/kvno", "-c", "FILE:" + realm->path("copy"), ledger});
    EXPECT_NE(got.find("kvno = "), std::string::npos);
    // From memory, without a KDC.
    realm->make_kdc_a_black_hole();
    EXPECT_TRUE(program->call("TicketCache", parameters));
}

}  // namespace
}  // namespace mutual::keys
