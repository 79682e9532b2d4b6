// SPDX-License-Identifier: Apache-2.0
#include "daemon/broker/opening.h"

#include <fcntl.h>

#include <algorithm>
#include <ctime>

#include "daemon/broker/channel_pair.h"
#include "daemon/config/nearest.h"
#include "mutual/spn.h"
#include "varlink/deadline.h"

namespace mutual::broker {

namespace {

using std::chrono::duration_cast;
using std::chrono::milliseconds;

constexpr milliseconds smallest_share{1000};
// The programs that do the work end it themselves and give the better reason. So they have this much less
// than the caller, that their answers arrive in time on a busy machine, and what they do not answer ends a
// grace later.
constexpr milliseconds most_reserve{250};
constexpr milliseconds grace{50};

Opening::Clock::duration reserve_of(Opening::Clock::duration allowed) {
    return std::min<Opening::Clock::duration>(allowed / 20, most_reserve);
}

// Another candidate cannot do better: it is about the caller, the KDC or us.
bool ends_the_request(const Error& error) {
    switch (error.code) {
        case Code::no_credentials:
        case Code::kdc_unreachable:
        case Code::invalid_request:
        case Code::invalid_configuration:
        case Code::cancelled:
            return true;
        case Code::limit:  // of ours; a peer that says too much meets one at the handshake
            return error.stage == Stage::caller || error.stage == Stage::credentials ||
                   error.stage == Stage::channel;
        case Code::timed_out:
        case Code::expired:
        case Code::clock_skew:
        case Code::unavailable:
            return error.stage == Stage::credentials;
        default:
            return false;
    }
}

// The calls of an RPC have an order of their own.
bool is_protected(const Facts& facts, config::Protection protection) {
    const bool is_ordered = protection == config::Protection::rpc || (facts.sequence && facts.replay);
    return facts.mutual && facts.confidentiality && facts.integrity && is_ordered;
}

std::string flags_of(const Facts& facts) {
    std::string text;
    const auto add = [&text](bool set, const char* flag) {
        if (set) text.append(text.empty() ? "" : ", ").append(flag);
    };
    add(facts.mutual, "mutual");
    add(facts.confidentiality, "confidentiality");
    add(facts.integrity, "integrity");
    add(facts.replay, "replay");
    add(facts.sequence, "sequence");
    add(facts.delegation, "delegation");
    return text;
}

bool is_of_the_place(const Error& error) {
    return error.stage == Stage::connect || error.stage == Stage::handshake;
}

// The hint of an error at a place that rpcbind named. What a server that was killed left behind there is not
// taken away by anybody; errors of our own programs have nothing to do with that.
std::string hint_of_rpcbind(const Error& error) {
    constexpr Code of_whoever_is_there[] = {Code::unreachable, Code::timed_out, Code::refused_by_peer,
                                            Code::wrong_peer, Code::protocol};
    if (!is_of_the_place(error) || !std::ranges::count(of_whoever_is_there, error.code)) return error.hint;
    return error.hint + (error.hint.empty() ? "" : "; ") +
           "the port is from rpcbind on that host, which may still know a server that has ended (rpcinfo -p)";
}

}  // namespace

Opening::Opening(Broker& broker, Request request, Caller caller, UniqueFd connection)
    : broker_(broker),
      request_(std::move(request)),
      caller_(std::move(caller)),
      connection_(std::move(connection)),
      unit_(connection_.value(), caller_, broker.configuration->daemon.unit_lookup),
      configuration_(broker.configuration),
      began_(Clock::now()),
      deadline_(began_ + configuration_->daemon.request_timeout),
      explanation_(random_name(), named_service(), caller_.uid, began_) {
    service_ = configuration_->service(request_.service);
    if (service_ != nullptr) protection_ = configuration_->protection(service_->transport);
    if (service_ != nullptr && service_->timeout) deadline_ = began_ + *service_->timeout;
    if (request_.timeout) deadline_ = began_ + *request_.timeout;
    work_ends_ = deadline_ - reserve_of(deadline_ - began_);
}

// The request's, or that of its RPC program, among those that the caller may open.
const std::string& Opening::named_service() {
    if (!request_.service.empty()) return request_.service;
    std::vector<std::string> names;
    for (const auto& [name, service] : configuration_->services) {
        const bool serves = service.rpc && service.rpc->program == *request_.rpc_program &&
                            (!request_.rpc_version || rpc_version(service, request_));
        if (serves && decide(*configuration_, caller_, unit_, name).allowed) names.push_back(name);
    }
    const std::string program =
        "RPC program " + std::to_string(*request_.rpc_program) +
        (request_.rpc_version ? " version " + std::to_string(*request_.rpc_version) : "");
    if (names.empty())
        unnamed_ = Error(Code::unknown_service, Stage::request,
                         "there is no definition of " + program + " that you may open",
                         "see what you may open: mutualctl list-services");
    else if (names.size() > 1)
        unnamed_ = Error(Code::invalid_request, Stage::request,
                         "services '" + names[0] + "' and '" + names[1] + "' are both " + program,
                         "name the service");
    else
        request_.service = names[0];
    return request_.service;
}

milliseconds Opening::time_left() const {
    return std::max(duration_cast<milliseconds>(std::min(work_ends_, share_ends_) - Clock::now()),
                    milliseconds(1));
}

Error Opening::late() const {
    const auto allowed = duration_cast<milliseconds>(deadline_ - began_);
    return {Code::timed_out, explanation_.current(),
            "the request did not finish within " + std::to_string(allowed.count()) + " ms",
            "see the explanation for what it was waiting for"};
}

Error Opening::no_such_service() {
    std::vector<std::string> names;
    // Only what this caller may open: other names are none of its business.
    for (const auto& [name, service] : configuration_->services)
        if (decide(*configuration_, caller_, unit_, name).allowed) names.push_back(name);
    return {Code::unknown_service, Stage::request,
            "there is no definition of service '" + request_.service + "'",
            config::suggestion(request_.service, names)};
}

Result<void> Opening::check_policy() {
    StageTime time(explanation_, Stage::policy);
    explanation_.add(Stage::caller, "identified",
                     "uid " + std::to_string(caller_.uid) + ", gid " + std::to_string(caller_.gid) +
                         ", pid " + std::to_string(caller_.pid));
    decision_ = decide(*configuration_, caller_, unit_, request_.service);
    if (!unit_.known().empty()) explanation_.add(Stage::caller, "identified", "unit " + unit_.known());
    explanation_.add(Stage::policy, decision_.allowed ? "allowed" : "denied", decision_.reason);
    if (decision_.allowed) return {};
    return Error(Code::denied, Stage::policy, decision_.reason,
                 "an administrator can allow it with a [[rule]] in the configuration");
}

asio::awaitable<void> Opening::take_turn() {
    StageTime time(explanation_, Stage::caller);
    const auto asked = Clock::now();
    at_work_ = co_await broker_.turns.take(caller_.uid);
    const auto waited = duration_cast<milliseconds>(Clock::now() - asked);
    if (waited.count() == 0) co_return;
    explanation_.add(Stage::caller, "waited",
                     std::to_string(waited.count()) + " ms, for other requests of uid " +
                         std::to_string(caller_.uid) + " were at work");
}

asio::awaitable<Result<std::vector<Judged>>> Opening::candidates() {
    if (unnamed_) co_return *unnamed_;
    Result<void> allowed = check_policy();
    // Which services exist is told to those only who may open something of that name.
    if (!allowed) co_return allowed.error();
    if (service_ == nullptr) co_return no_such_service();
    co_await take_turn();
    Result<Query> query = narrow(*service_, request_);
    if (!query) co_return query.error();
    Result<std::uint32_t> version = rpc_version(*service_, request_);
    if (!version) co_return version.error();
    rpc_version_ = *version;
    Result<std::vector<Judged>> found = co_await discovered(*query);
    if (!found) co_return found.error();
    for (const Judged& judged : *found)
        explanation_.add(
            Stage::trust, judged.usable ? "usable" : "refused",
            judged.candidate.source + ": " + (judged.spn.empty() ? "" : judged.spn + ": ") + judged.reason);
    co_return found;
}

// An RPC program's host may be known without discovery, and rpcbind there knows its port.
asio::awaitable<Result<std::vector<Judged>>> Opening::discovered(const Query& query) {
    const bool has_host = service_->rpc && !query.host.empty();
    if (service_->discovery.empty() && !has_host)
        co_return Error(
            Code::not_found, Stage::discovery,
            "service '" + service_->name + "' names no discovery plugin, so it cannot be opened from here",
            "set service." + service_->name + ".discovery" +
                (service_->rpc ? ", or name a host in the request" : ""));
    Result<std::vector<Judged>> found =
        co_await broker_.catalog.find(configuration_, *service_, query, work_ends_, explanation_);
    if (!has_host || (found && !found->empty())) co_return found;
    Candidate candidate;
    candidate.host = query.host;
    candidate.transport = service_->transport;
    const bool is_defined = !service_->host.empty();
    candidate.trust = is_defined ? SourceTrust::administrator : SourceTrust::unauthenticated;
    candidate.source = is_defined ? "service." + service_->name + ".host" : "the request's host";
    const char* who = is_defined ? by_definition : by_request;
    co_return std::vector<Judged>{judge(std::move(candidate), who, *service_)};
}

asio::awaitable<Result<std::vector<Judged>>> Opening::ordered_candidates() {
    Result<std::vector<Judged>> found = co_await candidates();
    if (!found) co_return found.error();
    if (found->empty())
        co_return Error(Code::not_found, Stage::discovery,
                        "no instance of service '" + service_->name + "' was found",
                        "see whether it is published: mutualctl find " + service_->name);
    order(*found, random_up_to);
    co_return found;
}

template <class T>
asio::awaitable<Result<T>> Opening::in_time(asio::awaitable<Result<T>> work) {
    Error unexplained(Code::timed_out, Stage::request, "");
    Result<T> outcome = co_await varlink::with_deadline(broker_.loop, std::move(work), deadline_ + grace,
                                                        std::move(unexplained));
    if (outcome || !outcome.error().message.empty()) co_return outcome;
    Error error = late();
    explanation_.add(error);
    co_return error;
}

void Opening::remember(std::string_view method, const std::optional<Error>& failure) const {
    broker_.metrics.request(method, failure);
    for (std::size_t i = 0; i < stage_names.size(); ++i) {
        const auto stage = static_cast<Stage>(i);
        if (explanation_.spent(stage) != Clock::duration::zero())
            broker_.metrics.spend(stage, explanation_.spent(stage));
    }
    if (broker_.journal.level() == unit::Priority::debug)
        for (const Explanation::Line& line : explanation_.lines())
            broker_.journal.debug(line.decision + ": " + line.message,
                                  {{unit::Field::request, explanation_.request()},
                                   {unit::Field::stage, std::string(name(line.stage))}});
    PastRequest past{std::string(method), "Ok", {}, {}, explanation_, std::time(nullptr)};
    if (failure) {
        past.result = name(failure->code);
        past.message = failure->message;
        past.hint = failure->hint;
    }
    broker_.history.add(std::move(past));
}

template <class T>
asio::awaitable<Result<T>> Opening::remembered(std::string_view method, asio::awaitable<Result<T>> work) {
    try {
        Result<T> outcome = co_await in_time(std::move(work));
        remember(method, outcome ? std::nullopt : std::optional<Error>(outcome.error()));
        co_return outcome;
    } catch (const boost::system::system_error&) {
        remember(method, Error(Code::cancelled, explanation_.current(), "the caller hung up"));
        throw;
    }
}

asio::awaitable<Result<std::vector<Judged>>> Opening::with_ports(
    asio::awaitable<Result<std::vector<Judged>>> work) {
    Result<std::vector<Judged>> found = co_await std::move(work);
    if (found) co_await add_ports(*found);
    co_return found;
}

asio::awaitable<Result<std::vector<Judged>>> Opening::plan() {
    return remembered("Plan", with_ports(ordered_candidates()));
}

asio::awaitable<Result<std::vector<Judged>>> Opening::find() {
    return remembered("Find", with_ports(candidates()));
}

// For who looks: Open asks for one candidate after the other, when it gets there.
asio::awaitable<void> Opening::add_ports(std::vector<Judged>& candidates) {
    for (Judged& judged : candidates) {
        // Nobody has mutuald look at hosts that it would not connect to.
        const bool is_known = judged.candidate.port != 0 || !service_->rpc;
        if (is_known || !judged.usable || Clock::now() >= work_ends_) continue;
        const Result<RpcPlace> place = co_await rpc_place_of(judged.candidate.host);
        if (place) {
            judged.candidate.port = place->port;
            judged.candidate.source += ", port by " + place->how;
        } else {
            explanation_.add(place.error());
            judged.usable = false;
            judged.reason = place.error().message;
        }
    }
}

asio::awaitable<Result<InitiatingGrant>> Opening::grant_for(const Judged& judged) {
    StageTime time(explanation_, Stage::credentials);
    const config::Identity* identity = configuration_->identity(service_->identity);
    Identity wanted = identity_of(*identity, request_.credential_cache);
    UniqueFd proof;
    if (wanted.kind == Identity::Kind::caller)
        proof = UniqueFd(::fcntl(connection_.value(), F_DUPFD_CLOEXEC, 0));
    const auto lifetime = std::max(service_->minimum_lifetime, request_.minimum_lifetime);
    Result<InitiatingGrant> grant = co_await broker_.keys.initiate(
        std::move(wanted), std::move(proof), judged.principal, protection_, lifetime, time_left());
    if (grant)
        explanation_.add(Stage::credentials, "ticket",
                         grant->principal + " has a ticket for " + judged.principal +
                             (grant->cached ? " (from the cache)" : " (from the KDC)"));
    co_return grant;
}

asio::awaitable<Result<std::vector<std::string>>> Opening::addresses_of(const std::string& host) {
    if (is_address_literal(host)) co_return std::vector<std::string>{host};
    Result<std::vector<std::string>> resolved =
        co_await broker_.addresses.of(host, time_left(), configuration_->daemon.longest_cache);
    if (resolved) co_return resolved;
    Error error = resolved.error();
    error.stage = Stage::addresses;
    co_return error;
}

// A hint only: who is there has to prove the SPN.
asio::awaitable<Result<RpcPlace>> Opening::rpc_place_of(const std::string& host) {
    StageTime time(explanation_, Stage::addresses);
    Result<std::vector<std::string>> addresses = co_await addresses_of(host);
    if (!addresses) co_return addresses.error();
    Result<RpcPlace> place = co_await broker_.plugins.find_rpc(std::move(*addresses), service_->rpc->program,
                                                               rpc_version_, time_left());
    if (!place) {
        Error error = place.error();
        error.stage = Stage::addresses;
        co_return error;
    }
    explanation_.add(Stage::addresses, "found",
                     place->how + " on " + host + " says: program " + std::to_string(service_->rpc->program) +
                         " version " + std::to_string(rpc_version_) + " is at " +
                         Endpoint{place->address, place->port}.text());
    co_return place;
}

asio::awaitable<Result<std::vector<Endpoint>>> Opening::endpoints_of(const Candidate& candidate) {
    if (candidate.port == 0) {
        Result<RpcPlace> place = co_await rpc_place_of(candidate.host);
        if (!place) co_return place.error();
        co_return std::vector<Endpoint>{{place->address, place->port}};
    }
    StageTime time(explanation_, Stage::addresses);
    Result<std::vector<std::string>> addresses = co_await addresses_of(candidate.host);
    if (!addresses) co_return addresses.error();
    std::vector<Endpoint> endpoints;
    std::string list;
    for (std::string& address : *addresses) {
        endpoints.push_back(Endpoint{std::move(address), candidate.port});
        list.append(list.empty() ? "" : ", ").append(endpoints.back().text());
    }
    explanation_.add(Stage::addresses, "resolved", candidate.host + ": " + list);
    co_return endpoints;
}

Result<void> Opening::make_ends(ConnectOrder& order, Opened& opened) {
    if (request_.upgrade) {
        opened.upgraded = std::make_shared<UpgradedChannel>(broker_, service_->transport, opened.channel);
        return {};
    }
    Result<ChannelPair> ends = make_channel_pair();
    if (!ends) return ends.error();
    opened.program = std::move(ends->program);
    order.program = std::move(ends->channel);
    order.cookie = ends->cookie;
    return {};
}

Result<ConnectOrder> Opening::order_for(const Judged& judged, Opened& opened) {
    opened.channel = random_name();
    opened.spn = judged.spn;
    ConnectOrder order;
    order.channel = opened.channel;
    order.service = service_->name;
    order.rule = decision_.rule;
    order.caller = caller_.uid;
    const config::Bounds& channels = configuration_->daemon.limits.channels;
    if (channels.unit != 0 && !unit_.name()) return unit_.name().error();
    order.unit = unit_.known();
    order.most_channels = channels;
    order.spn = judged.spn;
    order.options = wire_options(*service_);
    if (service_->rpc) order.options["versions"] = boost::json::array{rpc_version_};
    order.idle = service_->idle_timeout;
    if (Result<void> made = make_ends(order, opened); !made) return made.error();
    return order;
}

asio::awaitable<Result<Facts>> Opening::verified_facts(const Judged& judged, std::string context,
                                                       std::string self) {
    StageTime time(explanation_, Stage::handshake);
    Result<Facts> facts = co_await broker_.keys.facts(std::move(context));
    if (!facts) {
        Error error = facts.error();
        error.stage = Stage::handshake;
        error.message = "mutuald-keys does not vouch for the handshake: " + error.message;
        co_return error;
    }
    if (!facts->initiator_role || !same_principal(facts->acceptor, judged.principal) ||
        !same_principal(facts->initiator, self))
        co_return Error(Code::wrong_peer, Stage::handshake,
                        "the context is between " + facts->initiator + " and " + facts->acceptor +
                            ", not between " + self + " and " + judged.principal);
    if (!is_protected(*facts, protection_))
        co_return Error(Code::unprotected, Stage::handshake,
                        "the finished context lacks protection, it has only: " + flags_of(*facts));
    explanation_.add(Stage::handshake, "verified", facts->acceptor + " proved its name; " + flags_of(*facts));
    co_return facts;
}

asio::awaitable<Result<Opened>> Opening::connect(const Judged& judged, InitiatingGrant grant,
                                                 std::vector<Endpoint> endpoints) {
    Opened opened;
    Result<ConnectOrder> order = order_for(judged, opened);
    if (!order) co_return order.error();
    order->endpoints = std::move(endpoints);
    order->timeout = time_left();
    order->grant = std::move(grant.grant);
    explanation_.enter(Stage::connect);
    const auto asked = Clock::now();
    Connected connected = co_await broker_.channel(service_->transport).connect(std::move(*order));
    for (const Attempt& attempt : connected.attempts)
        if (!attempt.message.empty())
            explanation_.add(Stage::connect, "failed", attempt.endpoint.text() + ": " + attempt.message);
    if (connected.error) {
        // At another address than the one that was kept there may be the right one.
        if (is_of_the_place(*connected.error)) broker_.addresses.forget(judged.candidate.host);
        if (judged.candidate.port == 0) connected.error->hint = hint_of_rpcbind(*connected.error);
        explanation_.spend(connected.error->stage, Clock::now() - asked);
        co_return std::move(*connected.error);
    }
    explanation_.spend(Stage::connect, connected.connect_time);
    explanation_.spend(Stage::handshake, connected.handshake_time);
    explanation_.add(Stage::connect, "connected", connected.endpoint.text());
    Result<Facts> facts = co_await verified_facts(judged, connected.context, grant.principal);
    if (!facts) co_return facts.error();
    opened.peer = facts->acceptor;
    opened.self = facts->initiator;
    opened.expires = facts->expires;
    explanation_.add(Stage::delivery, "done", "channel " + opened.channel);
    co_return opened;
}

asio::awaitable<Result<Opened>> Opening::try_one(Judged judged) {
    explanation_.add(Stage::spn, "chosen",
                     judged.spn + " at " + judged.candidate.host +
                         (judged.candidate.port != 0 ? ":" + std::to_string(judged.candidate.port) : "") +
                         ", from " + judged.candidate.source);
    Result<Permits::Permit> held =
        take(broker_.quotas.handshakes, configuration_->daemon.limits.handshakes, caller_, unit_);
    if (!held) co_return held.error();
    Result<InitiatingGrant> grant = co_await grant_for(judged);
    if (!grant) co_return grant.error();
    Result<std::vector<Endpoint>> endpoints = co_await endpoints_of(judged.candidate);
    if (!endpoints) co_return endpoints.error();
    co_return co_await connect(judged, std::move(*grant), std::move(*endpoints));
}

asio::awaitable<Result<Opened>> Opening::try_each(std::vector<Judged> candidates) {
    std::erase_if(candidates, [](const Judged& judged) { return !judged.usable; });
    std::optional<Error> best;  // of the candidate that came furthest
    for (std::size_t i = 0; i < candidates.size(); ++i) {
        const auto left = work_ends_ - Clock::now();
        share_ends_ = Clock::now() + std::max<Clock::duration>(
                                         left / static_cast<long>(candidates.size() - i), smallest_share);
        Result<Opened> opened = co_await try_one(std::move(candidates[i]));
        if (opened) co_return opened;
        explanation_.add(opened.error());
        if (!best || opened.error().stage >= best->stage) best = opened.error();
        if (ends_the_request(opened.error()) || Clock::now() >= work_ends_) break;
    }
    co_return std::move(*best);
}

asio::awaitable<Result<Opened>> Opening::try_candidates() {
    Result<std::vector<Judged>> candidates = co_await ordered_candidates();
    if (!candidates) co_return candidates.error();
    if (!candidates->front().usable)
        co_return Error(Code::untrusted, Stage::trust,
                        std::to_string(candidates->size()) + " instance(s) of '" + service_->name +
                            "' were found, none may be trusted: " + candidates->front().reason,
                        "state a reason under [service." + service_->name + ".trust], if there is one");
    co_return co_await try_each(std::move(*candidates));
}

asio::awaitable<Result<Opened>> Opening::open() {
    try {
        Result<Opened> outcome = co_await remembered("Open", try_candidates());
        log_outcome(outcome);
        co_return outcome;
    } catch (const boost::system::system_error&) {
        log_outcome(Error(Code::cancelled, explanation_.current(), "the caller hung up"));
        throw;
    }
}

void Opening::log_outcome(const Result<Opened>& outcome) const {
    unit::LogFields fields{{unit::Field::request, explanation_.request()},
                           {unit::Field::caller_uid, std::to_string(caller_.uid)},
                           {unit::Field::service, request_.service},
                           {unit::Field::rule, decision_.rule}};
    if (!unit_.known().empty()) fields.push_back({unit::Field::caller_unit, unit_.known()});
    if (outcome) {
        fields.push_back({unit::Field::channel, outcome->channel});
        fields.push_back({unit::Field::spn, outcome->spn});
        fields.push_back({unit::Field::peer, outcome->peer});
        fields.push_back({unit::Field::decision, "opened"});
        broker_.log.info("opened a channel to " + outcome->peer + " as " + outcome->self, fields);
        return;
    }
    fields.push_back({unit::Field::stage, std::string(name(outcome.error().stage))});
    fields.push_back({unit::Field::decision, std::string(name(outcome.error().code))});
    broker_.log.notice("opened no channel: " + to_string(outcome.error()), fields);
}

}  // namespace mutual::broker
