// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "daemon/config/load.h"

namespace mutual::config {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

// A root folder of its own.
class Files : public testing::Test {
protected:
    Files() {
        std::string pattern = (fs::temp_directory_path() / "mutuald-config-XXXXXX").string();
        root_ = ::mkdtemp(pattern.data());
    }
    ~Files() override { fs::remove_all(root_); }

    void write(const std::string& path, const std::string& text) {
        fs::create_directories((root_ / path).parent_path());
        std::ofstream(root_ / path) << text;
    }
    Loaded loaded() { return load(ConfigurationPaths::below(root_)); }
    Configuration good() {
        Loaded result = loaded();
        for (const Error& error : result.errors) ADD_FAILURE() << to_string(error);
        return result.configuration.value_or(Configuration{});
    }
    const fs::path& root() const { return root_; }

private:
    fs::path root_;
};

TEST_F(Files, MayAllBeAbsent) { EXPECT_TRUE(good().files.empty()); }

TEST_F(Files, AreMergedKeyByKeyAndTheLaterWins) {
    write("usr/lib/mutuald/mutuald.toml",
          "[daemon]\nrequest_timeout='1s'\nlongest_cache='7s'\nnegative_cache='1s'\n");
    write("etc/mutuald/mutuald.toml", "[daemon]\nrequest_timeout='2s'\nnegative_cache='2s'\n");
    write("run/mutuald/mutuald.toml.d/20-b.toml", "[daemon]\nnegative_cache='4s'\n");
    write("etc/mutuald/mutuald.toml.d/10-a.toml", "[daemon]\nnegative_cache='3s'\n");
    const Configuration configuration = good();
    EXPECT_EQ(configuration.daemon.request_timeout, 2s);
    EXPECT_EQ(configuration.daemon.longest_cache, 7s);
    EXPECT_EQ(configuration.daemon.negative_cache, 4s);
    EXPECT_EQ(configuration.files.size(), 4U);
}

TEST_F(Files, OfOneNameMaskEachOther) {
    write("usr/lib/mutuald/mutuald.toml.d/10-a.toml", "[daemon]\nrequest_timeout='1s'\nlongest_cache='1s'\n");
    write("etc/mutuald/mutuald.toml.d/10-a.toml", "[daemon]\nrequest_timeout='2s'\n");
    write("usr/lib/mutuald/mutuald.toml.d/20-b.toml", "[daemon]\nrequest_timeout='3s'\n");
    write("etc/mutuald/mutuald.toml.d/20-b.toml", "");
    write("usr/lib/mutuald/mutuald.toml.d/30-c.toml", "[daemon]\nrequest_timeout='4s'\n");
    fs::create_symlink("/dev/null", root() / "etc/mutuald/mutuald.toml.d/30-c.toml");
    const Configuration configuration = good();
    EXPECT_EQ(configuration.daemon.request_timeout, 2s);
    EXPECT_EQ(configuration.daemon.longest_cache, 300s);
    EXPECT_EQ(configuration.files.size(), 1U);
}

std::string rule(const std::string& name) {
    return "[[rule]]\nname='" + name + "'\naction='allow'\nusers=['*']\nservices=['*']\n";
}

TEST_F(Files, AppendTheirRules) {
    write("etc/mutuald/mutuald.toml", rule("first"));
    write("etc/mutuald/mutuald.toml.d/10.toml", rule("second"));
    const Configuration configuration = good();
    ASSERT_EQ(configuration.rules.size(), 2U);
    EXPECT_EQ(configuration.rules[1].name, "second");
}

TEST_F(Files, CannotReplaceARuleByAnotherOfItsName) {
    write("etc/mutuald/mutuald.toml", rule("same"));
    write("etc/mutuald/mutuald.toml.d/10.toml", rule("same"));
    const Loaded result = loaded();
    ASSERT_EQ(result.errors.size(), 1U);
    EXPECT_NE(result.errors[0].message.find("10.toml:2:6"), std::string::npos);
    EXPECT_NE(result.errors[0].message.find("mutuald.toml:1:1"), std::string::npos);
}

TEST_F(Files, ThatAreBrokenAreAllNamed) {
    write("usr/lib/mutuald/mutuald.toml", "[");
    write("etc/mutuald/mutuald.toml", "a = = 1");
    EXPECT_EQ(loaded().errors.size(), 2U);
}

TEST_F(Files, ThatEveryoneMayWriteAreRefused) {
    write("etc/mutuald/mutuald.toml", "[daemon]\n");
    ::chmod((root() / "etc/mutuald/mutuald.toml").c_str(), 0666);
    const Loaded result = loaded();
    ASSERT_EQ(result.errors.size(), 1U);
    EXPECT_NE(result.errors[0].hint.find("chmod o-w"), std::string::npos);
}

TEST_F(Files, ThatAreNoFilesAreRefusedWithoutWaiting) {
    fs::create_directories(root() / "etc/mutuald/mutuald.toml.d");
    ASSERT_EQ(::mkfifo((root() / "etc/mutuald/mutuald.toml.d/fifo.toml").c_str(), 0600), 0);
    fs::create_symlink("nowhere", root() / "etc/mutuald/mutuald.toml.d/dangling.toml");
    EXPECT_EQ(loaded().errors.size(), 2U);
}

}  // namespace
}  // namespace mutual::config
