// SPDX-License-Identifier: Apache-2.0
#include "daemon/plugin/rpc_requests.h"

#include <boost/json/array.hpp>

#include "daemon/plugin/requests.h"
#include "daemon/plugin/resolve.h"
#include "varlink/parameters.h"

namespace mutual::plugin {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t longest_address = 64;
constexpr std::size_t longest_service = 256;

RpcQuery read_query(varlink::Parameters& in) {
    RpcQuery query;
    query.addresses = in.texts("addresses", most_addresses, longest_address);
    if (query.addresses.empty()) in.fault("addresses", "names none");
    query.program = static_cast<std::uint32_t>(in.number("program", 0, UINT32_MAX));
    query.version = static_cast<std::uint32_t>(in.number("rpcVersion", 0, UINT32_MAX));
    return query;
}

RpcRegistration read_registration(varlink::Parameters& in) {
    RpcRegistration registration;
    registration.program = static_cast<std::uint32_t>(in.number("program", 0, UINT32_MAX));
    for (const std::int64_t version : in.numbers("versions", most_rpc_versions, 0, UINT32_MAX))
        registration.versions.push_back(static_cast<std::uint32_t>(version));
    if (registration.versions.empty()) in.fault("versions", "names none");
    registration.address = in.text("address", longest_address);
    registration.port = static_cast<std::uint16_t>(in.number("port", 1, 65535));
    return registration;
}

}  // namespace

Result<FindRpcCall> read_find_rpc(const varlink::Call& call) {
    varlink::Parameters in(call.parameters, nullptr, "FindRpc");
    const auto version = in.number("version");
    FindRpcCall find;
    find.query = read_query(in);
    find.timeout = milliseconds(in.number("timeoutMilliseconds", 1, longest_timeout));
    if (auto finished = finish_call(in, version); !finished) return finished.error();
    return find;
}

Result<RegisterRpcCall> read_register_rpc(const varlink::Call& call) {
    varlink::Parameters in(call.parameters, nullptr, "RegisterRpc");
    const auto version = in.number("version");
    RegisterRpcCall wanted;
    wanted.service = in.text("service", longest_service);
    wanted.registration = read_registration(in);
    if (auto finished = finish_call(in, version); !finished) return finished.error();
    return wanted;
}

Result<std::string> read_unregister_rpc(const varlink::Call& call) {
    varlink::Parameters in(call.parameters, nullptr, "UnregisterRpc");
    const auto version = in.number("version");
    std::string service = in.text("service", longest_service);
    if (auto finished = finish_call(in, version); !finished) return finished.error();
    return service;
}

Result<std::vector<std::string>> read_keep_rpc(const varlink::Call& call) {
    varlink::Parameters in(call.parameters, nullptr, "KeepRpc");
    const auto version = in.number("version");
    std::vector<std::string> services = in.texts("services", most_rpc_services, longest_service);
    if (auto finished = finish_call(in, version); !finished) return finished.error();
    return services;
}

varlink::Call to_call(const FinderFindRpcCall& request) {
    varlink::Call call;
    call.method = "org.mutuald.Finder.FindRpc";
    const auto& addresses = request.query.addresses;
    call.parameters["addresses"] = json::array(addresses.begin(), addresses.end());
    call.parameters["program"] = request.query.program;
    call.parameters["rpcVersion"] = request.query.version;
    call.parameters["port"] = request.port;
    call.parameters["timeoutMilliseconds"] = request.timeout.count();
    return call;
}

Result<FinderFindRpcCall> read_finder_find_rpc(const varlink::Call& call) {
    varlink::Parameters in(call.parameters, nullptr, "FindRpc");
    FinderFindRpcCall request;
    request.query = read_query(in);
    request.port = static_cast<std::uint16_t>(in.number("port", 1, 65535));
    request.timeout = milliseconds(in.number("timeoutMilliseconds", 0, longest_timeout));
    if (auto finished = in.finish(); !finished) return finished.error();
    return request;
}

varlink::Call to_call(const FinderRegisterCall& request) {
    varlink::Call call;
    call.method = "org.mutuald.Finder.Register";
    const auto& [program, versions, address, port] = request.registration;
    call.parameters["isWanted"] = request.is_wanted;
    call.parameters["socket"] = request.socket;
    call.parameters["program"] = program;
    call.parameters["versions"] = json::array(versions.begin(), versions.end());
    call.parameters["address"] = address;
    call.parameters["port"] = port;
    call.parameters["timeoutMilliseconds"] = request.timeout.count();
    return call;
}

Result<FinderRegisterCall> read_finder_register(const varlink::Call& call) {
    varlink::Parameters in(call.parameters, nullptr, "Register");
    FinderRegisterCall request;
    request.is_wanted = in.flag("isWanted");
    request.socket = in.text("socket");
    request.registration = read_registration(in);
    request.timeout = milliseconds(in.number("timeoutMilliseconds", 0, longest_timeout));
    if (auto finished = in.finish(); !finished) return finished.error();
    return request;
}

varlink::Reply to_reply(const RpcPlace& place) {
    varlink::Reply reply;
    reply.parameters["address"] = place.address;
    reply.parameters["port"] = place.port;
    reply.parameters["how"] = place.how;
    return reply;
}

Result<RpcPlace> read_rpc_place(const varlink::Reply& reply) {
    varlink::Parameters in(reply.parameters, nullptr, "a finder's answer");
    RpcPlace place;
    place.address = in.text("address", longest_address);
    place.port = static_cast<std::uint16_t>(in.number("port", 1, 65535));
    place.how = in.text("how", longest_address);
    if (auto finished = in.finish(); !finished) return finished.error();
    return place;
}

}  // namespace mutual::plugin
