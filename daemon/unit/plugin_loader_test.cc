// SPDX-License-Identifier: Apache-2.0
#include "daemon/unit/plugin_loader.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "mutual/transport.h"

namespace mutual::unit {
namespace {

namespace fs = std::filesystem;

fs::path plugin(const std::string& name) { return fs::path(BROKEN_PLUGINS) / (name + ".so"); }

std::string refusal(const fs::path& file, PluginKind kind = PluginKind::transport) {
    auto loaded = load_plugin(file, kind);
    if (loaded) return "loaded";
    EXPECT_EQ(loaded.error().code, Code::invalid_configuration);
    EXPECT_NE(loaded.error().message.find(file.string()), std::string::npos) << loaded.error().message;
    return loaded.error().message;
}

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

// A copy of the sound plugin in a folder of its own, to be spoilt.
class PluginFile : public testing::Test {
protected:
    PluginFile() {
        fs::create_directory(folder_);
        fs::copy_file(plugin("sound"), file_, fs::copy_options::overwrite_existing);
        fs::permissions(folder_, fs::perms(0755));
        fs::permissions(file_, fs::perms(0644));
    }
    ~PluginFile() override { fs::remove_all(folder_); }

    const fs::path folder_ = fs::path(BROKEN_PLUGINS) / ("spoilt." + std::to_string(::getpid()));
    const fs::path file_ = folder_ / "sound.so";
};

TEST(PluginLoader, LoadsASoundPluginAndMakesItsTransport) {
    auto loaded = load_plugin(plugin("sound"), PluginKind::transport);
    ASSERT_TRUE(loaded) << loaded.error().message;
    EXPECT_STREQ((*loaded)->name, "test");
    auto made = make_transport(**loaded, "{}");
    ASSERT_TRUE(made);
    EXPECT_TRUE(*made);
}

TEST(PluginLoader, PassesAnErrorOfTheFactoryOn) {
    auto loaded = load_plugin(plugin("sound"), PluginKind::transport);
    ASSERT_TRUE(loaded);
    auto made = make_transport(**loaded, R"({"colour": 1})");
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().message, "unknown key");
}

TEST(PluginLoader, RefusesAFileWithoutTheSymbol) {
    EXPECT_TRUE(contains(refusal(plugin("no_symbol")), "no symbol mutual_plugin"));
}

TEST(PluginLoader, RefusesTheWrongMagicNumber) {
    EXPECT_TRUE(contains(refusal(plugin("wrong_magic")), "magic"));
}

TEST(PluginLoader, NamesBothContractVersions) {
    const auto message = refusal(plugin("wrong_contract"));
    EXPECT_TRUE(contains(message, "contract version 4711")) << message;
    EXPECT_TRUE(contains(message, "has version " + std::to_string(plugin_contract))) << message;
}

TEST(PluginLoader, RefusesAnotherKind) {
    const auto message = refusal(plugin("sound"), PluginKind::discovery);
    EXPECT_TRUE(contains(message, "a transport plugin, not a discovery plugin")) << message;
}

TEST(PluginLoader, RefusesAPluginWithoutTheFactoryOfItsKind) {
    EXPECT_TRUE(contains(refusal(plugin("no_factory"), PluginKind::registrar), "no factory"));
}

TEST(PluginLoader, SaysWhichSymbolIsUnresolved) {
    EXPECT_TRUE(contains(refusal(plugin("unresolved")), "mutual_test_nobody_defines_this"));
}

TEST(PluginLoader, TurnsAnExceptionOfTheFactoryIntoAnError) {
    auto loaded = load_plugin(plugin("throws"), PluginKind::transport);
    ASSERT_TRUE(loaded);
    auto made = make_transport(**loaded, "{}");
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().code, Code::plugin_failed);
    EXPECT_TRUE(contains(made.error().message, "no luck"));
}

TEST(PluginLoader, RefusesAFactoryThatGivesNoObject) {
    auto loaded = load_plugin(plugin("gives_nothing"), PluginKind::transport);
    ASSERT_TRUE(loaded);
    auto made = make_transport(**loaded, "{}");
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().code, Code::plugin_failed);
}

TEST(PluginLoader, RefusesARelativePath) { EXPECT_TRUE(contains(refusal("sound.so"), "not absolute")); }

TEST(PluginLoader, NamesAFileThatIsMissing) {
    EXPECT_TRUE(contains(refusal(plugin("nowhere")), "No such file"));
}

TEST_F(PluginFile, WritableByOthersIsRefusedWithPathAndMode) {
    fs::permissions(file_, fs::perms(0646));
    const auto message = refusal(file_);
    EXPECT_TRUE(contains(message, file_.string() + " is writable by others (mode 0646)")) << message;
}

TEST_F(PluginFile, InAFolderWritableByItsGroupIsRefused) {
    fs::permissions(folder_, fs::perms(0775));
    const auto message = refusal(file_);
    EXPECT_TRUE(contains(message, folder_.string() + " is writable by others (mode 0775)")) << message;
}

TEST_F(PluginFile, OfAnotherOwnerIsRefused) {
    if (::geteuid() != 0) GTEST_SKIP() << "only root can give a file away";
    ASSERT_EQ(::chown(file_.c_str(), 65534, 65534), 0);
    EXPECT_TRUE(contains(refusal(file_), "belongs to uid 65534"));
}

TEST_F(PluginFile, BehindALinkInAWritableFolderIsRefused) {
    const auto open_folder = folder_ / "open";
    fs::create_directory(open_folder);
    fs::permissions(open_folder, fs::perms(0777));
    fs::create_symlink(file_, open_folder / "link.so");
    EXPECT_TRUE(contains(refusal(open_folder / "link.so"), "open is writable by others"));
}

}  // namespace
}  // namespace mutual::unit
