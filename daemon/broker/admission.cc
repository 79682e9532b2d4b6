// SPDX-License-Identifier: Apache-2.0
#include "daemon/broker/admission.h"

#include <algorithm>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>

#include "daemon/broker/channel_pair.h"
#include "daemon/broker/knc_lines.h"
#include "daemon/broker/path_owners.h"
#include "daemon/broker/proxy_header.h"
#include "daemon/broker/upgraded_channel.h"
#include "daemon/unit/text.h"
#include "mutual/spn.h"
#include "varlink/interfaces.h"
#include "varlink/parameters.h"

namespace mutual::broker {

namespace {

constexpr std::string_view interface = "org.mutuald.Admission";

std::string asked_spn(const Facts& facts) {
    const Result<Spn> spn = spn_of_principal(facts.acceptor);
    if (!spn) return facts.acceptor;
    const Result<std::string> text = to_text(*spn);
    return text ? *text : facts.acceptor;
}

// What precedes the channel's octets on a server's socket.
Result<std::string> identity_header(const config::Accept& accept, const Endpoint& from, const Facts& facts,
                                    const std::string& channel) {
    switch (accept.header) {
        case config::Header::proxy_v2:
            return proxy_header({from, accept.port, facts.initiator, facts.acceptor, channel});
        case config::Header::knc:
            return knc_lines({from, facts.initiator, "mutuald-" MUTUALD_VERSION});
        case config::Header::none:
            break;
    }
    return std::string();
}

boost::json::object to_json(const config::LocalUser& user) {
    boost::json::object object;
    object["uid"] = user.uid;
    object["gid"] = user.gid;
    object["gids"] = boost::json::array(user.gids.begin(), user.gids.end());
    return object;
}

Error refusal(std::string message, std::string hint = {}) {
    return {Code::denied, Stage::admission, std::move(message), std::move(hint)};
}

}  // namespace

void Admission::add_to(varlink::Service& service) {
    using varlink::Incoming;
    service.describe(varlink::admission_interface);
    service.method("org.mutuald.Admission.Admit",
                   [this](Incoming incoming) { return admit(std::move(incoming)); });
    service.method("org.mutuald.Admission.Settle",
                   [this](Incoming incoming) { return settle(std::move(incoming)); });
}

Result<Admission::Asked> Admission::read(const varlink::Incoming& incoming) const {
    varlink::Parameters parameters(incoming.call.parameters, nullptr, "Admit");
    Asked asked;
    if (parameters.number("version") != varlink::internal_version)
        return Error(Code::unavailable, Stage::admission,
                     "mutuald-channel and mutuald are of different versions", "restart both");
    asked.service = parameters.text("service", 64);
    asked.context = parameters.text("context", 64);
    const boost::json::object endpoint = parameters.object("endpoint");
    varlink::Parameters fields(endpoint, nullptr, "Admit");
    asked.endpoint.address = fields.text("address", 64);
    asked.endpoint.port = static_cast<std::uint16_t>(fields.number("port", 0, 65535));
    asked.claim = parameters.text("claim", 1024);
    const std::chrono::milliseconds left(parameters.number("timeoutMilliseconds", 0, 3'600'000));
    // Somewhat before the handshake's own end, so that the reason still reaches the logs of both programs.
    asked.deadline = AcceptQueue::Clock::now() + left - std::min(left / 8, std::chrono::milliseconds(500));
    if (Result<void> finished = parameters.finish(); !finished) return finished.error();
    if (Result<void> finished = fields.finish(); !finished) return finished.error();
    return asked;
}

// The entry of the definition that lets the peer in.
Result<std::string> Admission::check(const config::Configuration& configuration,
                                     const config::Service& service, const Facts& facts) const {
    const config::Accept& accept = *service.accept;
    const auto is_asked_for = [&](const std::string& principal) {
        return same_principal(principal, facts.acceptor);
    };
    if (facts.initiator_role ||
        std::none_of(accept.principals.begin(), accept.principals.end(), is_asked_for))
        return refusal(facts.initiator + " asked for " + facts.acceptor + ", which service '" + service.name +
                           "' does not list",
                       "add it to service." + service.name + ".accept.spns if it is one of its names");
    const bool is_ordered =
        facts.sequence || configuration.protection(service.transport) == config::Protection::rpc;
    if (!facts.mutual || !facts.confidentiality || !facts.integrity || !is_ordered)
        return Error(Code::unprotected, Stage::admission,
                     "the context with " + facts.initiator + " lacks protection");
    if (std::optional<std::string> entry = config::allows(accept.allow, facts.initiator))
        return std::move(*entry);
    return refusal("nothing under service." + service.name + ".accept.allow lists " + facts.initiator,
                   "add the principal, its realm or a pattern there to let it in");
}

Result<void> Admission::deliver_to_socket(const config::Service& service, const Asked& asked,
                                          const Facts& facts, Admitted& admitted) const {
    const config::Accept& accept = *service.accept;
    if (Result<void> owned = check_owners(accept.socket, accept.socket_user.uid); !owned)
        return owned.error();
    Result<UniqueFd> server = varlink::connect_unix(accept.socket, varlink::Deadline::min());
    if (!server)
        return Error(Code::unavailable, Stage::delivery,
                     "the server of '" + service.name + "': " + server.error().message,
                     "start the server that listens on " + accept.socket);
    Result<varlink::PeerCredentials> listener = varlink::peer_credentials(server->value());
    if (!listener) return listener.error();
    if (listener->uid != accept.socket_user.uid && listener->uid != 0)
        return Error(Code::unavailable, Stage::delivery,
                     accept.socket + " is listened on by uid " + std::to_string(listener->uid) + ", not by " +
                         accept.socket_user.name,
                     "set service." + service.name + ".accept.socket_user, or find out who took that path");
    Result<std::string> header = identity_header(accept, asked.endpoint, facts, admitted.channel);
    if (!header) return header.error();
    std::size_t sent = 0;
    // A fresh socket's buffer takes the header whole, or the server is not to be relied on.
    if (!header->empty() &&
        (varlink::send_some(server->value(), *header, {}, sent) != varlink::Transfer::done ||
         sent != header->size()))
        return Error(Code::unavailable, Stage::delivery,
                     "the server on " + accept.socket + " did not take who its peer is");
    admitted.uid = accept.socket_user.uid;  // a systemd socket is listened on by root
    admitted.program = std::move(*server);
    return {};
}

Result<void> Admission::make_ends(const config::Service& service, const AcceptQueue::Waiter& waiter,
                                  Admitted& admitted, Accepted& accepted) const {
    if (waiter.upgrade) {
        accepted.upgraded = std::make_shared<UpgradedChannel>(broker_, service.transport, admitted.channel);
        return {};
    }
    Result<ChannelPair> ends = make_channel_pair();
    if (!ends) return ends.error();
    admitted.cookie = ends->cookie;
    admitted.program = std::move(ends->channel);
    accepted.program = std::move(ends->program);
    return {};
}

asio::awaitable<Result<void>> Admission::deliver_to_accept(const config::Service& service, Asked asked,
                                                           Facts facts, Admitted& admitted,
                                                           std::shared_ptr<varlink::Connection> connection) {
    Result<std::shared_ptr<AcceptQueue::Waiter>> waiter =
        co_await queue_.take(service.name, asked.deadline, service.accept->limits.waiting);
    if (!waiter) co_return waiter.error();
    Accepted accepted;
    Result<void> made = make_ends(service, **waiter, admitted, accepted);
    if (!made) {
        queue_.give_back(service.name, *waiter);
        co_return made.error();
    }
    admitted.uid = (*waiter)->uid;
    admitted.unit = (*waiter)->unit;
    accepted.channel = admitted.channel;
    accepted.peer = facts.initiator;
    accepted.self = facts.acceptor;
    accepted.spn = asked_spn(facts);
    accepted.endpoint = asked.endpoint;
    accepted.expires = facts.expires;
    admitted.wants_to_know_end = true;
    auto stop = std::make_shared<asio::cancellation_signal>();
    Pending pending{service.name, std::move(*waiter), std::move(accepted), stop};
    pending_.emplace(admitted.channel, std::move(pending));
    asio::co_spawn(broker_.loop, settle_when_hung_up(admitted.channel, std::move(connection)),
                   asio::bind_cancellation_slot(stop->slot(), [stop](std::exception_ptr) {}));
    co_return Result<void>();
}

asio::awaitable<void> Admission::settle_when_hung_up(std::string channel,
                                                     std::shared_ptr<varlink::Connection> connection) {
    const bool is_gone = co_await connection->hung_up_unless_cancelled();
    if (is_gone) settle(channel, false);
}

asio::awaitable<Result<Admission::Admitted>> Admission::decide(
    Asked asked, std::shared_ptr<varlink::Connection> connection) {
    const auto configuration = broker_.configuration;  // to the end of this decision
    const config::Service* service = configuration->service(asked.service);
    if (service == nullptr || !service->accept) {
        Error error(Code::unknown_service, Stage::admission,
                    "this host offers no service '" + asked.service + "'");
        co_return error;
    }
    Result<Facts> facts = co_await broker_.keys.facts(asked.context);
    if (!facts) co_return facts.error();
    Admitted admitted;
    admitted.channel = random_name();
    Result<std::string> entry = check(*configuration, *service, *facts);
    Result<void> delivered;
    if (!entry)
        delivered = entry.error();
    else if (service->accept->deliver == config::Delivery::unix_socket)
        delivered = deliver_to_socket(*service, asked, *facts, admitted);
    else
        delivered = co_await deliver_to_accept(*service, asked, *facts, admitted, std::move(connection));
    if (entry) admitted.rule = *entry;
    const auto& users = service->accept->rpc.users;
    if (const auto user = users.find(facts->initiator); user != users.end()) admitted.acts_as = user->second;
    Result<Admitted> outcome(Error{});
    if (delivered)
        outcome = std::move(admitted);
    else
        outcome = delivered.error();
    log(asked, *facts, outcome);
    co_return outcome;
}

asio::awaitable<varlink::Reply> Admission::admit(varlink::Incoming incoming) {
    Result<Asked> asked = read(incoming);
    if (!asked) co_return varlink::failure(interface, asked.error());
    const std::string context = asked->context;
    Result<Admitted> admitted = co_await decide(std::move(*asked), incoming.connection);
    if (!admitted) co_return varlink::failure(interface, admitted.error());
    varlink::Reply reply;
    reply.parameters["context"] = context;
    reply.parameters["channel"] = admitted->channel;
    if (admitted->program) {
        reply.parameters["programFileDescriptor"] = 0;
        reply.descriptors.push_back(std::move(admitted->program));
    }
    reply.parameters["rule"] = admitted->rule;
    reply.parameters["cookie"] = admitted->cookie;
    reply.parameters["callerUid"] = admitted->uid;
    reply.parameters["wantsToKnowEnd"] = admitted->wants_to_know_end;
    if (!admitted->unit.empty()) reply.parameters["callerUnit"] = admitted->unit;
    if (admitted->acts_as) reply.parameters["actsAs"] = to_json(*admitted->acts_as);
    co_return reply;
}

void Admission::settle(const std::string& channel, bool established) {
    const auto found = pending_.find(channel);
    if (found == pending_.end()) return;
    Pending pending = std::move(found->second);
    pending_.erase(found);
    pending.stop_watching->emit(asio::cancellation_type::terminal);
    if (established)
        AcceptQueue::fulfil(pending.waiter, std::move(pending.accepted));
    else
        queue_.give_back(pending.service, pending.waiter);
}

asio::awaitable<varlink::Reply> Admission::settle(varlink::Incoming incoming) {
    varlink::Parameters parameters(incoming.call.parameters, nullptr, "Settle");
    const std::string channel = parameters.text("channel", 64);
    const bool established = parameters.flag("established");
    if (Result<void> finished = parameters.finish(); !finished)
        co_return varlink::failure(interface, finished.error());
    settle(channel, established);
    co_return varlink::Reply();
}

void Admission::log(const Asked& asked, const Facts& facts, const Result<Admitted>& outcome) const {
    const std::string& peer = facts.initiator;
    unit::LogFields fields{{unit::Field::service, asked.service},
                           {unit::Field::spn, asked_spn(facts)},
                           {unit::Field::peer, peer}};
    if (!asked.claim.empty()) fields.push_back({unit::Field::stage, "claim " + unit::shown(asked.claim)});
    broker_.metrics.admission(outcome ? std::nullopt : std::optional<Error>(outcome.error()));
    if (outcome) {
        fields.push_back({unit::Field::channel, outcome->channel});
        fields.push_back({unit::Field::rule, outcome->rule});
        fields.push_back({unit::Field::decision, "admitted"});
        broker_.log.info("admitted " + peer + " from " + asked.endpoint.text(), fields);
        return;
    }
    fields.push_back({unit::Field::decision, std::string(name(outcome.error().code))});
    broker_.log.notice(
        "refused " + peer + " from " + asked.endpoint.text() + ": " + to_string(outcome.error()), fields);
}

}  // namespace mutual::broker
