// SPDX-License-Identifier: Apache-2.0
#include "client/libmutual/request.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "client/broker_client.h"
#include "client/credential_cache.h"

namespace mutual::client {

namespace {

Error malformed(std::string message) { return {Code::invalid_request, Stage::request, std::move(message)}; }

std::optional<std::string> text(const char* from) {
    return from == nullptr ? std::nullopt : std::optional<std::string>(from);
}

// The one that the program names, or its environment's. A program that runs with rights that its user lacks
// does not heed the environment.
std::optional<std::string> cache_of(const char* named) {
    const char* name = named == nullptr ? ::secure_getenv("KRB5CCNAME") : named;
    if (name == nullptr || *name == '\0') return std::nullopt;
    return absolute_cache(name);
}

Result<Request> read_common(const mutual_request& from) {
    Request request;
    request.service = text(from.service).value_or("");
    if (request.service.empty() && from.rpc_program == 0) return malformed("the request names no service");
    if (from.timeout_milliseconds != 0)
        request.timeout = std::chrono::milliseconds(from.timeout_milliseconds);
    return request;
}

}  // namespace

std::string socket_of(const char* path) { return path == nullptr ? std::string(default_socket) : path; }

Result<mutual_request> known_part(const mutual_request* request) {
    if (request == nullptr) return malformed("there is no request");
    if (request->size < sizeof(request->size)) return malformed("begin the request with MUTUAL_REQUEST_INIT");
    mutual_request known{};
    std::memcpy(&known, request, std::min(request->size, sizeof known));
    const auto* octets = reinterpret_cast<const unsigned char*>(request);
    for (std::size_t i = sizeof known; i < request->size; ++i)
        if (octets[i] != 0)
            return malformed("the request uses a field that this version of libmutual does not know");
    return known;
}

Result<Request> read_open_request(const mutual_request& from) {
    Result<Request> request = read_common(from);
    if (!request) return request;
    for (const char* const* keyword = from.keywords; keyword != nullptr && *keyword != nullptr; ++keyword)
        request->keywords.emplace_back(*keyword);
    request->instance = text(from.instance);
    request->host = text(from.host);
    request->credential_cache = cache_of(from.credential_cache);
    if (from.minimum_lifetime_seconds != 0)
        request->minimum_lifetime = std::chrono::seconds(from.minimum_lifetime_seconds);
    if (from.rpc_program != 0) request->rpc_program = from.rpc_program;
    if (from.rpc_version != 0) request->rpc_version = from.rpc_version;
    return request;
}

Result<Request> read_accept_request(const mutual_request& from) {
    if (from.keywords != nullptr || from.instance != nullptr || from.host != nullptr ||
        from.credential_cache != nullptr || from.minimum_lifetime_seconds != 0 || from.rpc_program != 0 ||
        from.rpc_version != 0)
        return malformed("accept takes a service, a timeout and a socket only");
    return read_common(from);
}

}  // namespace mutual::client
