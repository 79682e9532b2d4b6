// SPDX-License-Identifier: Apache-2.0
#include "daemon/channel/orders.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include "varlink/interfaces.h"
#include "varlink/parameters.h"

namespace mutual::channel {
namespace {

namespace json = boost::json;
using std::chrono::milliseconds;
using varlink::Parameters;
using varlink::Reply;

constexpr std::string_view interface_name = "org.mutuald.Channel";

Error no_live_channel() { return {Code::not_found, Stage::request, "there is no such live channel"}; }

Reply refusal(Error error) { return varlink::failure(interface_name, error); }

json::object to_json(const Endpoint& endpoint) {
    json::object object;
    object["address"] = endpoint.address;
    object["port"] = endpoint.port;
    return object;
}

json::array to_json(const std::vector<Attempt>& attempts) {
    json::array array;
    for (const auto& attempt : attempts) {
        json::object object;
        object["endpoint"] = to_json(attempt.endpoint);
        object["message"] = attempt.message;
        object["microseconds"] = attempt.took.count();
        array.emplace_back(std::move(object));
    }
    return array;
}

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

std::int64_t seconds_of(WallTime time) {
    return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}

Result<InitiateOrder> read_connect(varlink::Call& call) {
    Parameters read(call.parameters, &call.descriptors, "Connect");
    InitiateOrder order;
    check_version(read);
    order.facts.role = Role::initiator;
    order.facts.channel = read.text("channel", 256);
    order.facts.service = read.text("service");
    order.facts.rule = read.text("rule");
    order.facts.caller = static_cast<uid_t>(read.number("callerUid", 0, 0xffffffffLL));
    order.facts.spn = read.text("spn");
    for (const auto& endpoint : read.objects("endpoints", 64))
        order.endpoints.push_back(read_endpoint(read, "endpoints", endpoint, 1));
    if (order.endpoints.empty()) read.fault("endpoints", "is empty");
    order.options = json::serialize(read.object("options"));
    const auto timeout = milliseconds(read.number("timeoutMilliseconds", 1, 3600000));
    order.deadline = std::chrono::steady_clock::now() + timeout;
    order.idle = milliseconds(read.number("idleMilliseconds"));
    order.grant = read.descriptor("grantFileDescriptor");
    order.program = read.optional_descriptor("programFileDescriptor");
    order.facts.cookie = static_cast<std::uint64_t>(read.number("cookie"));
    if (auto finished = read.finish(); !finished) return finished.error();
    return order;
}

Reply connect_reply(const InitiateOutcome& outcome) {
    Reply reply;
    if (!outcome.channel) {
        reply = refusal(outcome.channel.error());
        reply.parameters["attempts"] = to_json(outcome.attempts);
        return reply;
    }
    reply.parameters["context"] = outcome.channel->context;
    reply.parameters["endpoint"] = to_json(outcome.channel->endpoint);
    reply.parameters["attempts"] = to_json(outcome.attempts);
    reply.parameters["connectMicroseconds"] = outcome.connecting.count();
    reply.parameters["handshakeMicroseconds"] = outcome.handshake.count();
    return reply;
}

}  // namespace

Orders::Orders(const Surroundings& surroundings, Workers& workers, std::string transport,
               unit::PassedSockets sockets)
    : loop_(workers.front()->loop().context()),
      surroundings_(surroundings),
      workers_(workers),
      transport_(std::move(transport)),
      sockets_(std::move(sockets)) {}

std::shared_ptr<const varlink::Service> Orders::service() {
    varlink::Service::About about{"mutual", "mutuald-channel", MUTUAL_VERSION, ""};
    const auto complain = [&log = surroundings_.log](std::string_view text) { log.error(text); };
    auto service = std::make_shared<varlink::Service>(std::move(about), complain);
    service->describe(varlink::channel_interface);
    using Method = asio::awaitable<Reply> (Orders::*)(Incoming);
    const std::pair<const char*, Method> methods[] = {
        {"Connect", &Orders::connect},   {"Attach", &Orders::attach}, {"Listen", &Orders::listen},
        {"Unlisten", &Orders::unlisten}, {"List", &Orders::list},     {"WhoIs", &Orders::who_is},
        {"Close", &Orders::close},       {"Status", &Orders::status}};
    for (const auto& [name, method] : methods)
        service->method(std::string(interface_name) + "." + name, [this, method = method](Incoming incoming) {
            return (this->*method)(std::move(incoming));
        });
    return service;
}

asio::awaitable<Reply> Orders::connect(Incoming incoming) {
    Result<InitiateOrder> order = read_connect(incoming.call);
    if (!order) co_return refusal(order.error());
    const std::uint64_t number = ++orders_;
    WaitingOrder waiting(loop_, waiting_, *workers_[number % workers_.size()], number);
    waiting.begin(std::move(*order));
    while (!waiting.is_answered()) {
        boost::system::error_code ended;
        co_await waiting.event().async_wait(asio::redirect_error(asio::use_awaitable, ended));
    }
    co_return connect_reply(waiting.outcome());
}

asio::awaitable<Reply> Orders::attach(Incoming incoming) {
    Parameters read(incoming.call.parameters, &incoming.call.descriptors, "Attach");
    const std::string channel = read.text("channel", 256);
    auto program = std::make_shared<UniqueFd>(read.descriptor("programFileDescriptor"));
    const Result<void> finished = read.finish();
    if (!finished) co_return refusal(finished.error());
    Worker* worker = worker_of(channel);
    if (worker == nullptr) co_return refusal(no_live_channel());
    worker->loop().post([worker, channel, program] { worker->attach(channel, std::move(*program)); });
    co_return Reply();
}

struct Orders::ListenOrder {
    std::shared_ptr<AcceptingService> service = std::make_shared<AcceptingService>();
    Endpoint endpoint;
    std::vector<UniqueFd> grants;
};

asio::awaitable<Reply> Orders::listen(Incoming incoming) {
    Parameters read(incoming.call.parameters, &incoming.call.descriptors, "Listen");
    ListenOrder order;
    check_version(read);
    order.service->name = read.text("service");
    const json::object endpoint = read.object("endpoint");
    order.endpoint = read_endpoint(read, "endpoint", endpoint, 0);
    order.service->options = json::serialize(read.object("options"));
    const json::object object = read.object("limits");
    Parameters limits(object);
    order.service->limits.connections = static_cast<std::size_t>(limits.number("connections", 1));
    order.service->limits.handshakes = static_cast<std::size_t>(limits.number("handshakes", 1));
    order.service->limits.handshake_time = milliseconds(limits.number("handshakeMilliseconds", 1, 3600000));
    order.service->limits.idle = milliseconds(limits.number("idleMilliseconds"));
    if (auto finished = limits.finish(); !finished) read.fault("limits", finished.error().message);
    order.grants = read.descriptors("grantFileDescriptors");
    if (order.grants.size() != workers_.size())
        read.fault("grantFileDescriptors", "must hold one for each of the event loops that Status tells");
    Result<void> done = read.finish();
    if (done) done = offer(order);
    if (!done) co_return refusal(done.error());
    Reply reply;
    reply.parameters["endpoint"] = to_json(listening_[order.service->name].listener->endpoint());
    co_return reply;
}

Result<void> Orders::offer(ListenOrder& order) {
    const std::string& name = order.service->name;
    Listening& listening = listening_[name];
    const bool is_kept = listening.listener && listening.ordered == order.endpoint;
    std::shared_ptr<Listener> fresh;
    if (!is_kept) {
        auto socket = listening_socket(name, order.endpoint);
        if (!socket && listening.listener) {
            // Its own earlier listener may be in the way, as "::" is of every address of the same port.
            listening.listener->stop();
            listening.listener.reset();
            socket = listening_socket(name, order.endpoint);
        }
        if (!socket) {
            if (!listening.listener) listening_.erase(name);
            return std::move(socket).error();
        }
        fresh = std::make_shared<Listener>(loop_, surroundings_.log, workers_, std::move(*socket));
    }
    auto& counts = counts_[name];
    if (!counts) counts = std::make_shared<AcceptCounts>();
    order.service->counts = counts;
    for (std::size_t i = 0; i < workers_.size(); ++i) {
        auto grant = std::make_shared<UniqueFd>(std::move(order.grants[i]));
        workers_[i]->loop().post([&worker = *workers_[i], service = order.service, grant] {
            worker.offer(service, std::move(*grant));
        });
    }
    if (fresh && listening.listener) listening.listener->stop();
    if (fresh) listening = Listening{order.endpoint, fresh};
    listening.listener->serve(order.service);
    if (fresh) fresh->start();
    return {};
}

// One that the service manager made for the service comes first, and is kept.
Result<UniqueFd> Orders::listening_socket(const std::string& service, const Endpoint& endpoint) {
    for (const auto& passed : sockets_.rest())
        if (passed.name == service) return UniqueFd(::fcntl(passed.fd.value(), F_DUPFD_CLOEXEC, 3));
    return listen_tcp(endpoint);
}

asio::awaitable<Reply> Orders::unlisten(Incoming incoming) {
    Parameters read(incoming.call.parameters, nullptr, "Unlisten");
    const std::string service = read.text("service");
    const Result<void> finished = read.finish();
    if (!finished) co_return refusal(finished.error());
    const auto found = listening_.find(service);
    if (found == listening_.end())
        co_return refusal(
            Error(Code::unknown_service, Stage::request, "nobody listens for the service " + service));
    found->second.listener->stop();
    listening_.erase(found);
    for (const auto& worker : workers_)
        worker->loop().post([&worker = *worker, service] { worker.withdraw(service); });
    co_return Reply();
}

json::object Orders::describe(const ChannelState& state) const {
    const ChannelFacts& facts = state.facts;
    json::object object;
    object["channel"] = facts.channel;
    object["role"] = facts.role == Role::initiator ? "initiator" : "acceptor";
    object["service"] = facts.service;
    object["rule"] = facts.rule;
    object["callerUid"] = facts.caller;
    object["context"] = facts.context;
    object["initiator"] = facts.initiator;
    object["acceptor"] = facts.acceptor;
    object["spn"] = facts.spn;
    object["transport"] = transport_;
    object["endpoint"] = to_json(facts.endpoint);
    object["started"] = seconds_of(facts.started);
    object["expires"] = seconds_of(facts.expires);
    object["ended"] = state.ended ? seconds_of(*state.ended) : 0;
    if (state.verdict) object["verdict"] = name(*state.verdict);
    object["bytesFromPeer"] = state.bytes_from_peer;
    object["bytesToPeer"] = state.bytes_to_peer;
    object["cookie"] = facts.cookie;
    return object;
}

asio::awaitable<Reply> Orders::list(Incoming incoming) {
    const Result<void> finished = Parameters(incoming.call.parameters, nullptr, "List").finish();
    if (!finished) co_return refusal(finished.error());
    json::array channels;
    for (const auto& state : surroundings_.table.live()) channels.emplace_back(describe(state));
    Reply reply;
    reply.parameters["channels"] = std::move(channels);
    co_return reply;
}

asio::awaitable<Reply> Orders::who_is(Incoming incoming) {
    Parameters read(incoming.call.parameters, nullptr, "WhoIs");
    const auto channel = read.optional_text("channel", 256);
    const auto cookie = read.optional_number("cookie");
    if (channel.has_value() == cookie.has_value())
        read.fault("channel", "or cookie is required, and not both");
    const Result<void> finished = read.finish();
    if (!finished) co_return refusal(finished.error());
    const WallTime now = std::chrono::system_clock::now();
    ChannelTable& table = surroundings_.table;
    std::optional<ChannelState> state;
    if (channel)
        state = table.find(*channel, now);
    else
        state = table.find_by_cookie(static_cast<std::uint64_t>(*cookie), now);
    if (!state) co_return refusal(Error(Code::not_found, Stage::request, "there is no such channel"));
    Reply reply;
    reply.parameters["channel"] = describe(*state);
    co_return reply;
}

asio::awaitable<Reply> Orders::close(Incoming incoming) {
    Parameters read(incoming.call.parameters, nullptr, "Close");
    const std::string channel = read.text("channel", 256);
    const auto verdict = static_cast<Verdict>(
        read.choice("verdict", {"authenticated", "unauthenticated", "reset", "expired", "denied"}));
    const Result<void> finished = read.finish();
    if (!finished) co_return refusal(finished.error());
    Worker* worker = worker_of(channel);
    if (worker == nullptr) co_return refusal(no_live_channel());
    worker->loop().post([worker, channel, verdict] { worker->close(channel, verdict); });
    co_return Reply();
}

Worker* Orders::worker_of(const std::string& channel) const {
    const auto state = surroundings_.table.find(channel, std::chrono::system_clock::now());
    return state && !state->ended ? workers_[state->facts.loop].get() : nullptr;
}

asio::awaitable<Reply> Orders::status(Incoming incoming) {
    Parameters read(incoming.call.parameters, nullptr, "Status");
    check_version(read);
    const Result<void> finished = read.finish();
    if (!finished) co_return refusal(finished.error());
    std::size_t handshakes = 0;
    for (const auto& worker : workers_) handshakes += worker->handshakes();
    json::array services;
    for (const auto& [service, listening] : listening_) services.emplace_back(service);
    Reply reply;
    reply.parameters["pid"] = ::getpid();
    reply.parameters["transport"] = transport_;
    reply.parameters["loops"] = workers_.size();
    reply.parameters["channels"] = surroundings_.table.live_count();
    reply.parameters["handshakes"] = handshakes;
    reply.parameters["services"] = std::move(services);
    co_return reply;
}

}  // namespace mutual::channel
