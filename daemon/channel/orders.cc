// SPDX-License-Identifier: Apache-2.0
#include "daemon/channel/orders.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json/array.hpp>

#include "daemon/channel/requests.h"
#include "varlink/interfaces.h"

namespace mutual::channel {
namespace {

namespace json = boost::json;
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

std::int64_t seconds_of(WallTime time) {
    return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
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

std::shared_ptr<varlink::Service> Orders::service() {
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
    if (Result<void> within = surroundings_.table.check(order->facts); !within)
        co_return refusal(within.error());
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
    Result<AttachRequest> request = read_attach(incoming.call);
    if (!request) co_return refusal(request.error());
    Worker* worker = worker_of(request->channel);
    if (worker == nullptr) co_return refusal(no_live_channel());
    auto shared = std::make_shared<AttachRequest>(std::move(*request));
    worker->loop().post([worker, shared] { worker->attach(shared->channel, std::move(shared->program)); });
    co_return Reply();
}

struct Orders::ListenOrder {
    std::shared_ptr<AcceptingService> service = std::make_shared<AcceptingService>();
    Endpoint endpoint;
    std::vector<UniqueFd> grants;
};

asio::awaitable<Reply> Orders::listen(Incoming incoming) {
    Result<ListenRequest> request = read_listen(incoming.call, workers_.size());
    if (!request) co_return refusal(request.error());
    ListenOrder order;
    order.service->name = std::move(request->service);
    order.service->options = std::move(request->options);
    order.service->limits = request->limits;
    order.endpoint = std::move(request->endpoint);
    order.grants = std::move(request->grants);
    const Result<void> done = offer(order);
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
    const Result<std::string> service = read_unlisten(incoming.call);
    if (!service) co_return refusal(service.error());
    const auto found = listening_.find(*service);
    if (found == listening_.end())
        co_return refusal(
            Error(Code::unknown_service, Stage::request, "nobody listens for the service " + *service));
    found->second.listener->stop();
    listening_.erase(found);
    for (const auto& worker : workers_)
        worker->loop().post([&worker = *worker, name = *service] { worker.withdraw(name); });
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
    if (!facts.unit.empty()) object["callerUnit"] = facts.unit;
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
    object["calls"] = state.calls;
    object["cookie"] = facts.cookie;
    if (facts.stamp != 0) object["stamp"] = facts.stamp;
    return object;
}

asio::awaitable<Reply> Orders::list(Incoming incoming) {
    const Result<void> read = read_list(incoming.call);
    if (!read) co_return refusal(read.error());
    json::array channels;
    for (const auto& state : surroundings_.table.live()) channels.emplace_back(describe(state));
    Reply reply;
    reply.parameters["channels"] = std::move(channels);
    co_return reply;
}

asio::awaitable<Reply> Orders::who_is(Incoming incoming) {
    const Result<WhoIsRequest> request = read_whois(incoming.call);
    if (!request) co_return refusal(request.error());
    const Instant now = std::chrono::steady_clock::now();
    ChannelTable& table = surroundings_.table;
    std::optional<ChannelState> state;
    if (request->channel)
        state = table.find(*request->channel, now);
    else if (request->cookie != 0)
        state = table.find_by_cookie(request->cookie, now);
    else
        state = table.find_by_stamp(request->stamp, now);
    if (!state) co_return refusal(Error(Code::not_found, Stage::request, "there is no such channel"));
    Reply reply;
    reply.parameters["channel"] = describe(*state);
    co_return reply;
}

asio::awaitable<Reply> Orders::close(Incoming incoming) {
    const Result<CloseRequest> request = read_close(incoming.call);
    if (!request) co_return refusal(request.error());
    Worker* worker = worker_of(request->channel);
    if (worker == nullptr) co_return refusal(no_live_channel());
    worker->loop().post([worker, what = *request] { worker->close(what.channel, what.verdict); });
    co_return Reply();
}

Worker* Orders::worker_of(const std::string& channel) const {
    const auto state = surroundings_.table.find(channel, std::chrono::steady_clock::now());
    return state && !state->ended ? workers_[state->facts.loop].get() : nullptr;
}

asio::awaitable<Reply> Orders::status(Incoming incoming) {
    const Result<void> read = read_status(incoming.call);
    if (!read) co_return refusal(read.error());
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
