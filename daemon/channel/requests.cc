// SPDX-License-Identifier: Apache-2.0
#include "daemon/channel/requests.h"

#include <boost/json/serialize.hpp>

#include "varlink/interfaces.h"
#include "varlink/parameters.h"

namespace mutual::channel {
namespace {

namespace json = boost::json;
using std::chrono::milliseconds;
using varlink::Parameters;

constexpr std::int64_t longest_time = 3'600'000;  // milliseconds
constexpr std::int64_t longest_idle = 366LL * 86'400'000;

Endpoint read_endpoint(Parameters& outer, std::string_view field, const json::object& object,
                       std::int64_t lowest_port) {
    Parameters read(object);
    Endpoint endpoint;
    endpoint.address = read.text("address", 64);
    endpoint.port = static_cast<std::uint16_t>(read.number("port", lowest_port, 65535));
    if (auto finished = read.finish(); !finished) outer.fault(field, finished.error().message);
    return endpoint;
}

void check_version(Parameters& read) {
    const auto version = read.number("version");
    if (version != varlink::internal_version)
        read.fault("version", "is " + std::to_string(version) + ", mutuald-channel speaks version " +
                                  std::to_string(varlink::internal_version) + ": restart both programs");
}

AcceptLimits read_limits(Parameters& outer) {
    const json::object object = outer.object("limits");
    Parameters read(object);
    AcceptLimits limits;
    limits.connections = static_cast<std::size_t>(read.number("connections", 1));
    limits.handshakes = static_cast<std::size_t>(read.number("handshakes", 1));
    limits.handshake_time = milliseconds(read.number("handshakeMilliseconds", 1, longest_time));
    limits.idle = milliseconds(read.number("idleMilliseconds", 0, longest_idle));
    if (auto finished = read.finish(); !finished) outer.fault("limits", finished.error().message);
    return limits;
}

}  // namespace

Result<InitiateOrder> read_connect(varlink::Call& call) {
    Parameters read(call.parameters, &call.descriptors, "Connect");
    InitiateOrder order;
    check_version(read);
    order.facts.role = Role::initiator;
    order.facts.channel = read.text("channel", 256);
    order.facts.service = read.text("service");
    order.facts.rule = read.text("rule");
    order.facts.caller = static_cast<uid_t>(read.number("callerUid", 0, 0xffffffffLL));
    order.facts.unit = read.optional_text("callerUnit", 256).value_or("");
    const auto bound = [&read](std::string_view field) {
        return static_cast<std::size_t>(read.optional_number(field, 0, 1'000'000).value_or(0));
    };
    order.facts.quota = {bound("mostChannels"), bound("mostChannelsOfUid"), bound("mostChannelsOfUnit")};
    order.facts.spn = read.text("spn");
    for (const auto& endpoint : read.objects("endpoints", 64))
        order.endpoints.push_back(read_endpoint(read, "endpoints", endpoint, 1));
    if (order.endpoints.empty()) read.fault("endpoints", "is empty");
    order.options = json::serialize(read.object("options"));
    const auto timeout = milliseconds(read.number("timeoutMilliseconds", 1, longest_time));
    order.deadline = std::chrono::steady_clock::now() + timeout;
    order.idle = milliseconds(read.number("idleMilliseconds", 0, longest_idle));
    order.grant = read.descriptor("grantFileDescriptor");
    order.program = read.optional_descriptor("programFileDescriptor");
    order.facts.cookie = static_cast<std::uint64_t>(read.number("cookie"));
    if (auto finished = read.finish(); !finished) return finished.error();
    return order;
}

Result<AttachRequest> read_attach(varlink::Call& call) {
    Parameters read(call.parameters, &call.descriptors, "Attach");
    AttachRequest request;
    request.channel = read.text("channel", 256);
    request.program = read.descriptor("programFileDescriptor");
    if (auto finished = read.finish(); !finished) return finished.error();
    return request;
}

Result<ListenRequest> read_listen(varlink::Call& call, std::size_t loops) {
    Parameters read(call.parameters, &call.descriptors, "Listen");
    ListenRequest request;
    check_version(read);
    request.service = read.text("service");
    const json::object endpoint = read.object("endpoint");
    request.endpoint = read_endpoint(read, "endpoint", endpoint, 0);
    request.options = json::serialize(read.object("options"));
    request.limits = read_limits(read);
    request.grants = read.descriptors("grantFileDescriptors");
    if (request.grants.size() != loops)
        read.fault("grantFileDescriptors", "must hold one for each of the event loops that Status tells");
    if (auto finished = read.finish(); !finished) return finished.error();
    return request;
}

Result<std::string> read_unlisten(const varlink::Call& call) {
    Parameters read(call.parameters, nullptr, "Unlisten");
    std::string service = read.text("service");
    if (auto finished = read.finish(); !finished) return finished.error();
    return service;
}

Result<void> read_list(const varlink::Call& call) {
    return Parameters(call.parameters, nullptr, "List").finish();
}

Result<WhoIsRequest> read_whois(const varlink::Call& call) {
    Parameters read(call.parameters, nullptr, "WhoIs");
    WhoIsRequest request;
    request.channel = read.optional_text("channel", 256);
    const auto cookie = read.optional_number("cookie");
    const auto stamp = read.optional_number("stamp", 1, 0xffffffffLL);
    if (request.channel.has_value() + cookie.has_value() + stamp.has_value() != 1)
        read.fault("channel", "or cookie or stamp is required, and only one of them");
    if (auto finished = read.finish(); !finished) return finished.error();
    request.cookie = static_cast<std::uint64_t>(cookie.value_or(0));
    request.stamp = static_cast<std::uint32_t>(stamp.value_or(0));
    return request;
}

Result<CloseRequest> read_close(const varlink::Call& call) {
    Parameters read(call.parameters, nullptr, "Close");
    CloseRequest request;
    request.channel = read.text("channel", 256);
    request.verdict = static_cast<Verdict>(
        read.choice("verdict", {"authenticated", "unauthenticated", "reset", "expired", "denied"}));
    if (auto finished = read.finish(); !finished) return finished.error();
    return request;
}

Result<void> read_status(const varlink::Call& call) {
    Parameters read(call.parameters, nullptr, "Status");
    check_version(read);
    return read.finish();
}

}  // namespace mutual::channel
