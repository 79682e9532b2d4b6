// SPDX-License-Identifier: Apache-2.0
#include "daemon/plugin/resolve.h"

#include <netdb.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <system_error>

#include "daemon/unit/text.h"

namespace mutual::plugin {
namespace {

struct Release {
    void operator()(addrinfo* list) const { ::freeaddrinfo(list); }
};
using Addresses = std::unique_ptr<addrinfo, Release>;

Error failed(const std::string& host, const std::string& why) {
    return {Code::unreachable, Stage::addresses, "look up the address of " + unit::shown(host) + ": " + why,
            "see whether DNS or /etc/hosts knows that name"};
}

std::string reason(int result) {
    if (result != EAI_SYSTEM) return ::gai_strerror(result);
    return std::generic_category().message(errno);
}

Result<Addresses> look_up(const std::string& host, int flags) {
    addrinfo wanted{};
    wanted.ai_socktype = SOCK_STREAM;
    wanted.ai_flags = flags;
    addrinfo* list = nullptr;
    if (const int result = ::getaddrinfo(host.c_str(), nullptr, &wanted, &list); result != 0)
        return failed(host, reason(result));
    return Addresses(list);
}

}  // namespace

Result<std::vector<std::string>> resolve(const std::string& host) {
    if (host.empty() || host.find('\0') != host.npos) return failed(host, "it is not a host name");
    // AI_ADDRCONFIG does not count the loopback, and would hide literals and all else where there is no
    // network.
    auto list = look_up(host, AI_NUMERICHOST);
    if (!list) list = look_up(host, AI_ADDRCONFIG);
    if (!list) return list.error();
    std::vector<std::string> addresses;
    for (const auto* each = list->get(); each && addresses.size() < most_addresses; each = each->ai_next) {
        char text[NI_MAXHOST];
        if (::getnameinfo(each->ai_addr, each->ai_addrlen, text, sizeof text, nullptr, 0, NI_NUMERICHOST) !=
            0)
            continue;
        if (std::find(addresses.begin(), addresses.end(), text) == addresses.end())
            addresses.emplace_back(text);
    }
    if (addresses.empty()) return failed(host, "it has none");
    return addresses;
}

}  // namespace mutual::plugin
