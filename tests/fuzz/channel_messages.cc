// SPDX-License-Identifier: Apache-2.0
// What mutuald-channel reads: calls of the broker, and the answers of mutuald-keys and the broker.
#include "daemon/channel/replies.h"
#include "daemon/channel/requests.h"
#include "tests/fuzz/call.h"

namespace mutual::fuzz {
namespace {

using namespace channel;

void check_connect(varlink::Call& call) {
    const auto order = read_connect(call);
    if (!accepted_call(order)) return;
    require(!order->endpoints.empty() && order->endpoints.size() <= 64,
            "there are endpoints, and not too many");
    for (const auto& endpoint : order->endpoints) require(endpoint.port != 0, "an endpoint has a port");
    require(static_cast<bool>(order->grant), "an order has its grant");
    require(order->deadline > std::chrono::steady_clock::now() - std::chrono::seconds(1),
            "an order's end is to come");
    require(order->idle.count() >= 0 && order->idle < std::chrono::hours(24 * 367), "idle time is bounded");
    require(json::parse(order->options).is_object(), "options are an object");
}

void check_attach(varlink::Call& call) {
    const auto request = read_attach(call);
    if (accepted_call(request))
        require(static_cast<bool>(request->program), "a program's end is a descriptor");
}

void check_listen(varlink::Call& call) {
    const auto request = read_listen(call, 1);
    if (!accepted_call(request)) return;
    require(request->grants.size() == 1 && request->grants[0], "there is a grant for each loop");
    require(request->limits.connections >= 1 && request->limits.handshakes >= 1,
            "limits let something through");
    require(request->limits.idle < std::chrono::hours(24 * 367), "idle time is bounded");
    require(json::parse(request->options).is_object(), "options are an object");
}

void check_whois(varlink::Call& call) {
    const auto request = read_whois(call);
    if (accepted_call(request))
        require(!request->channel || request->cookie == 0, "one of both is asked for");
}

void check_step(varlink::Call& call) {
    varlink::Reply reply = as_reply(call);
    const StepReply step = read_step_reply(reply);
    require(step.token.size() <= 128 * 1024, "a token is bounded");
    if (step.error || !step.done) return;
    require(!step.context.empty() && step.memory, "a finished handshake has its context");
    require(!step.facts.initiator.empty() && !step.facts.acceptor.empty(),
            "a finished handshake has its names");
    require(step.facts.expires.time_since_epoch().count() >= 0, "a finished handshake has its end");
}

void check_admitted(varlink::Call& call) {
    const auto admitted = read_admitted(as_reply(call));
    if (accepted(admitted)) require(admitted->channel.size() <= 256, "a channel's id is bounded");
}

constexpr Reader readers[] = {
    {"Connect", check_connect},
    {"Attach", check_attach},
    {"Listen", check_listen},
    {"Unlisten", [](varlink::Call& call) { accepted_call(read_unlisten(call)); }},
    {"List", [](varlink::Call& call) { accepted_call(read_list(call)); }},
    {"WhoIs", check_whois},
    {"Close", [](varlink::Call& call) { accepted_call(read_close(call)); }},
    {"Status", [](varlink::Call& call) { accepted_call(read_status(call)); }},
    {"step", check_step},
    {"admit", check_admitted},
};

}  // namespace
}  // namespace mutual::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    return mutual::fuzz::read_with(mutual::fuzz::readers, data, size);
}
