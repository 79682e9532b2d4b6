// SPDX-License-Identifier: Apache-2.0
#include "daemon/keys/options.h"

#include <array>
#include <cstdlib>
#include <map>
#include <utility>

namespace mutual::keys {

Result<Options> parse_options(const std::vector<std::string>& arguments) {
    Options options;
    if (const char* directory = std::getenv("RUNTIME_DIRECTORY")) options.runtime_directory = directory;
    const std::map<std::string, std::string*> texts{{"--socket", &options.socket},
                                                    {"--broker-user", &options.broker_user},
                                                    {"--runtime-directory", &options.runtime_directory},
                                                    {"--api-socket", &options.rules.api_socket},
                                                    {"--host-keytab", &options.rules.host_keytab}};
    const std::map<std::string, bool*> flags{{"--version", &options.version}, {"--help", &options.help}};
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        if (const auto flag = flags.find(arguments[i]); flag != flags.end()) {
            *flag->second = true;
            continue;
        }
        const auto text = texts.find(arguments[i]);
        if (text == texts.end())
            return Error(Code::invalid_request, Stage::request,
                         "read the command line: unknown option " + arguments[i], "see mutuald-keys --help");
        if (++i == arguments.size())
            return Error(Code::invalid_request, Stage::request,
                         "read the command line: no value for " + arguments[i - 1]);
        *text->second = arguments[i];
    }
    return options;
}

std::string usage() {
    return "usage: mutuald-keys [--socket PATH] [--broker-user USER] [--api-socket PATH] [--host-keytab "
           "PATH]\n"
           "                    [--runtime-directory PATH] [--version] [--help]\n";
}

void arrange_environment(const Options& options) {
    constexpr std::array<const char*, 10> kept{"KRB5_CONFIG",           "KRB5_TRACE",   "NOTIFY_SOCKET",
                                               "WATCHDOG_USEC",         "WATCHDOG_PID", "JOURNAL_STREAM",
                                               "CREDENTIALS_DIRECTORY", "LISTEN_FDS",   "LISTEN_PID",
                                               "LISTEN_FDNAMES"};
    std::vector<std::pair<std::string, std::string>> values;
    for (const char* name : kept)
        if (const char* value = std::getenv(name)) values.emplace_back(name, value);
    // No default of libkrb5's may lead to keys or tickets that nobody named.
    values.emplace_back("KRB5RCACHENAME", "file2:" + options.runtime_directory + "/rcache");
    values.emplace_back("KRB5CCNAME", "MEMORY:none");
    values.emplace_back("KRB5_KTNAME", "FILE:/nonexistent/keytab");
    values.emplace_back("KRB5_CLIENT_KTNAME", "FILE:/nonexistent/keytab");
    ::clearenv();
    for (const auto& [name, value] : values) ::setenv(name.c_str(), value.c_str(), 1);
}

}  // namespace mutual::keys
