// SPDX-License-Identifier: Apache-2.0
// Tickets in a KCM service, which tells users apart by uid and gid: SSSD's, in a mount namespace of its own.
#include <gtest/gtest.h>
#include <poll.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>

#include "daemon/keys/test_program.h"

namespace mutual::keys {
namespace {

constexpr const char* server_path = "/usr/libexec/sssd/sssd_kcm";
constexpr const char* server_socket = "/run/.heim_org.h5l.kcm-socket";

class KcmServer {
public:
    // Its folders are new ones, over those of this host, for this process and its children only.
    KcmServer() {
        ok = ::unshare(CLONE_NEWNS) == 0 && ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
        for (const char* folder : {"/run", "/var/lib/sss", "/var/log/sssd", "/etc/sssd"})
            ok = ok && ::mount("none", folder, "tmpfs", 0, nullptr) == 0;
        for (const char* folder : {"/var/lib/sss/db", "/var/lib/sss/secrets", "/run/sssd"})
            ok = ok && ::mkdir(folder, 0700) == 0;
        std::ofstream("/etc/sssd/sssd.conf")
            << "[sssd]\nservices =\ndomains = x\n[domain/x]\nid_provider = files\n[kcm]\n";
        ok = ok && ::chmod("/etc/sssd/sssd.conf", 0600) == 0;
        if (ok) start();
    }
    ~KcmServer() {
        if (pid_ < 0) return;
        ::kill(pid_, SIGTERM);
        ::waitpid(pid_, nullptr, 0);
    }
    KcmServer(const KcmServer&) = delete;
    KcmServer& operator=(const KcmServer&) = delete;
    bool ok = false;

private:
    void start() {
        pid_ = ::fork();
        if (pid_ == 0) {
            ::execl(server_path, server_path, "--uid", "0", "--gid", "0", "--logger=files", nullptr);
            ::_exit(127);
        }
        const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
        while (!std::filesystem::exists(server_socket) && std::chrono::steady_clock::now() < end)
            ::poll(nullptr, 0, 5);
        ok = std::filesystem::exists(server_socket);
    }
    pid_t pid_ = -1;
};

TEST(KcmCache, IsReadAsItsOwnerAndAsNobodyElse) {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root: it makes a mount namespace";
    if (::access(server_path, X_OK) != 0) GTEST_SKIP() << "needs " << server_path << " (package sssd-kcm)";
    const KcmServer server;
    ASSERT_TRUE(server.ok);
    TestRealm realm;
    realm.add_user("alice");
    realm.add_service("ledger/app1.keys.test@KEYS.TEST");
    run_program({"/usr/bin/setpriv", "--reuid=12345", "--regid=12345", "--clear-groups", "kinit", "-c",
                 "KCM:", "alice"},
                "secret\n");
    const TestProgram program(realm, "keys");
    const Granted alices =
        program.grant_initiate({"ledger/app1.keys.test@KEYS.TEST", {"caller", "KCM:", {}, {}, 12345}});
    ASSERT_FALSE(alices.error) << to_string(*alices.error);
    EXPECT_EQ(alices.principal, "alice@KEYS.TEST");
    const Granted bobs =
        program.grant_initiate({"ledger/app1.keys.test@KEYS.TEST", {"caller", "KCM:12345", {}, {}, 12346}});
    ASSERT_TRUE(bobs.error);
    EXPECT_EQ(bobs.error->code, Code::no_credentials) << to_string(*bobs.error);
}

}  // namespace
}  // namespace mutual::keys
