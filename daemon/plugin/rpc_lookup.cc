// SPDX-License-Identifier: Apache-2.0
#include "daemon/plugin/rpc_lookup.h"

#include <algorithm>
#include <optional>
#include <set>
#include <span>

#include "daemon/plugin/rpcbind.h"
#include "daemon/unit/text.h"
#include "wire/universal_address.h"

namespace mutual::plugin {
namespace {

using wire::RpcbindEntry;
using wire::RpcbindProcedure;

constexpr std::size_t most_shown = 8;

std::string how_of(std::uint32_t rpcbind) { return "rpcbind v" + std::to_string(rpcbind); }

std::string named(const RpcQuery& query) {
    return "RPC program " + std::to_string(query.program) + " version " + std::to_string(query.version);
}

// One address's rpcbind, once it is connected.
class Lookup {
public:
    Lookup(Rpcbind& rpcbind, const RpcQuery& query, std::string address)
        : rpcbind_(rpcbind), query_(query), address_(std::move(address)) {
        about_.program = query.program;
        about_.version = query.version;
        about_.netid = netid();
    }

    Result<RpcPlace> run() {
        struct Way {
            std::uint32_t rpcbind;
            RpcbindProcedure procedure;
        };
        constexpr Way ways[] = {{4, RpcbindProcedure::exact_address},
                                {3, RpcbindProcedure::address},
                                {2, RpcbindProcedure::address}};
        for (const Way& way : ways) {
            const auto answer = rpcbind_.ask(way.rpcbind, way.procedure, about_);
            if (!answer) return answer.error();
            if (answer->is_known) return read(way.rpcbind, answer->results);
        }
        return rpcbind_.failed(Code::discovery_failed, "it speaks none of rpcbind's versions 4, 3 and 2");
    }

private:
    std::string netid() const { return wire::is_ipv6(address_) ? "tcp6" : "tcp"; }

    Result<RpcPlace> read(std::uint32_t rpcbind, std::vector<std::byte> results) {
        const auto found = rpcbind == 2 ? read_port(results) : read_address(results);
        if (!found) return found.error();
        if (!*found) return not_found(rpcbind, versions_at(rpcbind));
        if (rpcbind != 4) {
            // These give another version's address, too, as if it were that one's.
            const auto versions = versions_at(rpcbind);
            if (!versions.empty() && !versions.contains(query_.version)) return not_found(rpcbind, versions);
        }
        return RpcPlace{(*found)->address, (*found)->port, how_of(rpcbind)};
    }

    using Found = Result<std::optional<wire::UniversalAddress>>;

    Found read_port(std::vector<std::byte>& results) const {
        const auto port = wire::read_portmap_port(results);
        if (!port) return rpcbind_.failed(port.error());
        if (*port == 0) return Found(std::nullopt);
        return Found(wire::UniversalAddress{address_, *port});
    }

    Found read_address(std::vector<std::byte>& results) const {
        const auto text = wire::read_rpcbind_address(results);
        if (!text) return rpcbind_.failed(text.error());
        if (text->empty()) return Found(std::nullopt);
        auto place = wire::parse_universal_address(*text);
        if (!place) return rpcbind_.failed(Code::protocol, "it gives the address " + unit::shown(*text));
        if (wire::is_wildcard(place->address)) place->address = address_;
        // Or a stranger could have us call programs of our own host.
        if (wire::is_loopback(place->address) && !wire::is_loopback(address_))
            return rpcbind_.failed(Code::not_found,
                                   "it is registered there for that host alone, at " + place->address,
                                   "have the service listen on an address that others can reach");
        return Found(std::move(*place));
    }

    // In which the program is registered for TCP, as far as the rpcbind tells.
    std::set<std::uint32_t> versions_at(std::uint32_t rpcbind) {
        std::set<std::uint32_t> versions;
        auto answer = rpcbind_.ask(rpcbind, RpcbindProcedure::list, about_);
        if (!answer || !answer->is_known) return versions;
        const auto entries = wire::read_rpcbind_list(answer->results, rpcbind, query_.program);
        if (!entries) return versions;
        const std::string wanted = rpcbind == 2 ? "tcp" : netid();
        for (const RpcbindEntry& entry : *entries)
            if (entry.netid == wanted) versions.insert(entry.version);
        return versions;
    }

    Error not_found(std::uint32_t rpcbind, const std::set<std::uint32_t>& versions) const {
        if (versions.empty() || versions.contains(query_.version))
            return rpcbind_.failed(Code::not_found, "it is not registered there (" + how_of(rpcbind) + ")",
                                   "see whether the service runs there: rpcinfo -p " + address_);
        std::string listed;
        std::size_t shown = 0;
        for (const std::uint32_t version : versions)
            if (shown++ < most_shown) listed += (listed.empty() ? "" : ", ") + std::to_string(version);
        if (shown > most_shown) listed += " and more";
        return rpcbind_.failed(
            Code::not_found,
            "it is registered there in other versions only: " + listed + " (" + how_of(rpcbind) + ")",
            "ask for one of these versions, or update the service there");
    }

    Rpcbind& rpcbind_;
    const RpcQuery& query_;
    std::string address_;
    RpcbindEntry about_;
};

Result<RpcPlace> look_up_at(const std::string& address, const RpcQuery& query, std::uint16_t port,
                            Deadline deadline) {
    auto rpcbind = Rpcbind::connect(address, port, "look up " + named(query), deadline);
    if (!rpcbind) return rpcbind.error();
    return Lookup(*rpcbind, query, address).run();
}

void add(std::optional<Error>& all, Error error) {
    if (!all) {
        all = std::move(error);
        return;
    }
    const bool keeps_code = all->code == Code::not_found;
    error.message = all->message + "; " + error.message;
    if (keeps_code) {
        error.code = all->code;
        error.hint = all->hint;
    }
    all = std::move(error);
}

}  // namespace

Result<RpcPlace> look_up_rpc(const RpcQuery& query, std::uint16_t port, Deadline deadline) {
    std::optional<Error> failure;
    for (const std::string& address : query.addresses) {
        const auto until = std::min(deadline, std::chrono::steady_clock::now() + time_of_one_rpcbind);
        auto place = look_up_at(address, query, port, until);
        if (place) return place;
        add(failure, place.error());
        if (std::chrono::steady_clock::now() >= deadline) break;
    }
    if (failure) return *failure;
    return Error(Code::invalid_request, Stage::discovery,
                 "look up " + named(query) + ": no address is given");
}

}  // namespace mutual::plugin
