// SPDX-License-Identifier: Apache-2.0
#include "daemon/keys/identity.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>

#include "daemon/keys/keytab_file.h"
#include "varlink/socket.h"

namespace mutual::keys {

namespace {

Error no_proof(const std::string& why) {
    return Error(Code::denied, Stage::caller, "prove who the caller is: " + why);
}

// A listening socket has the same name as what it accepts, but its credentials are its maker's.
Result<void> check_accepted(int socket) {
    int listening = 1;
    socklen_t length = sizeof listening;
    if (::getsockopt(socket, SOL_SOCKET, SO_ACCEPTCONN, &listening, &length) != 0)
        return no_proof(std::strerror(errno));
    if (listening != 0) return no_proof("it is a listening socket, not a connection");
    sockaddr_un peer{};
    length = sizeof peer;
    if (::getpeername(socket, reinterpret_cast<sockaddr*>(&peer), &length) != 0)
        return no_proof(std::string("it is not connected: ") + std::strerror(errno));
    return {};
}

// The name of the socket itself, which its maker gave it.
Result<void> check_own_name(int socket, const std::string& path) {
    sockaddr_un address{};
    socklen_t length = sizeof address;
    if (::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &length) != 0)
        return no_proof(std::strerror(errno));
    constexpr std::size_t head = offsetof(sockaddr_un, sun_path);
    if (address.sun_family != AF_UNIX || length <= head)
        return no_proof("it is not a connection to the API socket");
    const std::size_t longest = std::min<std::size_t>(length - head, sizeof address.sun_path);
    const std::string own(address.sun_path, ::strnlen(address.sun_path, longest));
    if (own != path) return no_proof("it is not a connection to " + path);
    return {};
}

Result<Source> source_of_caller(const Identity& identity, const UniqueFd& caller,
                                const IdentityRules& rules) {
    if (!caller) return no_proof("no connection was passed");
    if (auto named = check_own_name(caller.value(), rules.api_socket); !named)
        return std::move(named).error();
    if (auto accepted = check_accepted(caller.value()); !accepted) return std::move(accepted).error();
    auto peer = varlink::peer_credentials(caller.value());
    if (!peer) return no_proof(peer.error().message);
    return Source{Source::Kind::cache, {peer->uid, peer->gid}, identity.credential_cache, {}};
}

}  // namespace

Source keytab_source_of(const Identity& identity, const IdentityRules& rules) {
    const bool host = identity.kind == Identity::Kind::host;
    return {Source::Kind::keytab,
            {::geteuid(), ::getegid()},
            host ? rules.host_keytab : identity.keytab,
            identity.principal};
}

Result<Source> source_of(const Identity& identity, UniqueFd caller, const IdentityRules& rules) {
    if (identity.kind == Identity::Kind::caller) return source_of_caller(identity, caller, rules);
    if (caller || !identity.credential_cache.empty())
        return Error(Code::invalid_request, Stage::request,
                     "choose an identity: only kind caller has a connection or cache");
    if (identity.kind == Identity::Kind::keytab && (identity.keytab.empty() || identity.principal.empty()))
        return Error(Code::invalid_request, Stage::request,
                     "choose an identity: kind keytab needs a keytab and a principal");
    Source source = keytab_source_of(identity, rules);
    if (auto file = KeytabFile::open(source.name); !file) return std::move(file).error();
    return source;
}

}  // namespace mutual::keys
