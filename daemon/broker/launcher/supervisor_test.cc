// SPDX-License-Identifier: Apache-2.0
// The supervisor runs in a child of the test, its programs report through a FIFO.
#include "daemon/broker/launcher/supervisor.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <utility>

#include "varlink/socket.h"

namespace mutual::launcher {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

class SupervisorTest : public testing::Test {
protected:
    SupervisorTest() : folder_(make_folder()), report_(folder_ / "report") {
        ::chmod(folder_.c_str(), 0755);
        ::mkfifo(report_.c_str(), 0666);
        ::chmod(report_.c_str(), 0666);
        reports_ = UniqueFd(::open(report_.c_str(), O_RDWR | O_CLOEXEC));
        fs::copy_file(FAKE_PROGRAM, folder_ / "program");
        plan_.folders = {{(folder_ / "run").string(), self(), 0755}};
    }
    ~SupervisorTest() override {
        if (supervisor_ > 0) end(SIGTERM);
        fs::remove_all(folder_);
    }

    static unit::Account self() { return unit::find_user(std::to_string(::geteuid())).value(); }

    ProgramPlan& add(const std::string& name, const std::string& behaviour) {
        const std::string program = (folder_ / "program").string();
        const SocketPlan socket{"of-" + name, (folder_ / "run" / name).string(), self(), 0600};
        plan_.programs.push_back({name, {program, report_.string(), name, behaviour}, self(), {socket}});
        return plan_.programs.back();
    }

    void start() {
        supervisor_ = ::fork();
        if (supervisor_ != 0) return;
        ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
        ::_exit(supervise());
    }

    int supervise() {
        Supervisor supervisor(plan_, unit::Log([](const unit::LogLine&) {}), patience_);
        return supervisor.prepare() ? supervisor.run() : 1;
    }

    // The next line that a program wrote; empty when none came in time.
    std::string next_report() {
        while (text_.find('\n') == std::string::npos) {
            pollfd ready{reports_.value(), POLLIN, 0};
            std::array<char, 4096> room{};
            if (::poll(&ready, 1, 20'000) <= 0) return {};
            const auto size = ::read(reports_.value(), room.data(), room.size());
            if (size > 0) text_.append(room.data(), static_cast<std::size_t>(size));
        }
        std::string line = text_.substr(0, text_.find('\n'));
        text_.erase(0, line.size() + 1);
        return line;
    }

    // The supervisor's exit status, or -1 when it was killed.
    int end(int signal) {
        if (signal != 0) ::kill(supervisor_, signal);
        int status = 0;
        ::waitpid(std::exchange(supervisor_, -1), &status, 0);
        return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    }

    const fs::path& folder() const { return folder_; }
    Plan plan_;
    Patience patience_{1ms, 10ms, 10s, 20s};

private:
    static fs::path make_folder() {
        std::string pattern = (fs::temp_directory_path() / "mutuald-launcher-XXXXXX").string();
        return ::mkdtemp(pattern.data());
    }

    fs::path folder_;
    fs::path report_;
    UniqueFd reports_;
    std::string text_;
    pid_t supervisor_ = -1;
};

std::string field(const std::string& report, const std::string& name) {
    const auto start = report.find(" " + name + "=");
    if (start == std::string::npos) return "absent";
    const auto value = start + name.size() + 2;
    return report.substr(value, report.find(' ', value) - value);
}

// A descriptor that is readable once the process has ended.
UniqueFd watch(const std::string& pid) {
    return UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, std::stoi(pid), 0)));
}
bool ends(const UniqueFd& process) {
    pollfd ended{process.value(), POLLIN, 0};
    return ::poll(&ended, 1, 20'000) == 1;
}

TEST_F(SupervisorTest, PassesSocketsAsSystemdDoesAndNothingElse) {
    ::setenv("LAUNCHER_TEST_SECRET", "seen", 1);
    add("one", "stay");
    start();
    const std::string report = next_report();
    EXPECT_EQ(field(report, "fds"), "1/1") << report;
    EXPECT_EQ(field(report, "names"), "of-one");
    EXPECT_NE(report.find(" addressed "), std::string::npos);
    EXPECT_EQ(field(report, "secret"), "");
    EXPECT_EQ(field(report, "nnp"), "1");
    EXPECT_TRUE(
        varlink::connect_unix((folder() / "run/one").string(), std::chrono::steady_clock::now() + 5s));
    EXPECT_EQ(end(SIGTERM), 0);
    EXPECT_FALSE(fs::exists(folder() / "run/one"));
}

TEST_F(SupervisorTest, StopsInReverseOrderEachAfterTheOther) {
    add("one", "stay");
    add("two", "stay");
    start();
    next_report();
    next_report();
    EXPECT_EQ(end(SIGINT), 0);
    EXPECT_EQ(next_report(), "two stopped");
    EXPECT_EQ(next_report(), "one stopped");
}

TEST_F(SupervisorTest, StartsAgainWhatDied) {
    add("one", "3");
    start();
    const std::string first = next_report();
    const std::string second = next_report();
    EXPECT_NE(field(first, "pid"), field(second, "pid"));
    EXPECT_EQ(field(next_report(), "fds"), "1/1");
    EXPECT_EQ(end(SIGTERM), 0);
}

TEST_F(SupervisorTest, KillsWhatDoesNotStop) {
    patience_.stop = 20ms;
    add("one", "stubborn");
    start();
    const UniqueFd process = watch(field(next_report(), "pid"));
    EXPECT_EQ(end(SIGTERM), 0);
    EXPECT_TRUE(ends(process));
}

TEST_F(SupervisorTest, StopsAllWhenAProgramCannotEverWork) {
    add("one", "stay");
    start();
    next_report();
    end(SIGTERM);
    next_report();
    add("two", std::to_string(hopeless));
    start();
    EXPECT_EQ(end(0), hopeless);
}

TEST_F(SupervisorTest, LeavesNothingBehindWhenItIsKilled) {
    add("one", "stubborn");
    start();
    const UniqueFd process = watch(field(next_report(), "pid"));
    EXPECT_EQ(end(SIGKILL), -1);
    EXPECT_TRUE(ends(process));
}

TEST_F(SupervisorTest, IsTheOnlyOne) {
    add("one", "stay");
    start();
    next_report();
    Supervisor second(plan_, unit::Log([](const unit::LogLine&) {}));
    const auto prepared = second.prepare();
    ASSERT_FALSE(prepared);
    EXPECT_NE(prepared.error().message.find("another launcher"), std::string::npos);
    EXPECT_TRUE(fs::exists(folder() / "run/one"));
}

TEST_F(SupervisorTest, GivesUsersAndNoCapabilityButToTheOneThatChangesUsers) {
    if (::geteuid() != 0) GTEST_SKIP() << "only root can start programs under other users";
    const auto daemon = unit::find_user("daemon").value();
    add("plain", "stay").account = daemon;
    start();
    const std::string plain = next_report();
    EXPECT_EQ(field(plain, "uid"), std::to_string(daemon.uid)) << plain;
    for (const char* set : {"effective", "ambient", "bounding"})
        EXPECT_EQ(field(plain, set), "0000000000000000") << set;
    end(SIGTERM);
    next_report();
    plan_.programs[0].may_change_users = true;
    start();
    const std::string changing = next_report();
    EXPECT_EQ(field(changing, "uid"), std::to_string(daemon.uid));
    for (const char* set : {"effective", "ambient", "bounding"})
        EXPECT_EQ(field(changing, set), "00000000000000c0") << set;
}

}  // namespace
}  // namespace mutual::launcher
