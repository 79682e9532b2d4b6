// SPDX-License-Identifier: Apache-2.0
#include "daemon/keys/server.h"

#include <unistd.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <map>

#include "daemon/keys/acceptor.h"
#include "daemon/keys/initiator.h"
#include "daemon/keys/keytab.h"
#include "daemon/keys/requests.h"
#include "daemon/keys/sealed_file.h"
#include "daemon/unit/clock_watch.h"
#include "varlink/interfaces.h"

namespace mutual::keys {

namespace {

namespace json = boost::json;

constexpr std::string_view interface = "org.mutuald.Keys";
constexpr std::size_t accepting_in_progress = 1024;
constexpr std::size_t channel_in_progress = 8;
// mutuald-channel waits somewhat longer for the step that needs it.
constexpr std::chrono::seconds longest_renewal{25};

using Clock = std::chrono::steady_clock;
using Answer = Result<varlink::Reply>;

// The ticket of a channel's grant may be replaced meanwhile.
Stepper initiating_stepper(const std::shared_ptr<Ticket>& ticket, Protection protection, bool one) {
    auto begin = [ticket, protection]() { return begin_initiating(*ticket, protection); };
    const StepLimits limits = one ? StepLimits{1, 1} : StepLimits{channel_in_progress, 0};
    return Stepper(std::move(begin), limits);
}

Stepper accepting_stepper(std::shared_ptr<const AcceptingService> service) {
    auto begin = [service = std::move(service)]() -> Result<std::unique_ptr<Handshake>> {
        return begin_accepting(service);
    };
    return Stepper(std::move(begin), StepLimits{accepting_in_progress, 0});
}

json::array to_json(const std::vector<KeyEntry>& keys) {
    json::array array;
    for (const KeyEntry& key : keys) {
        json::object object;
        object["principal"] = key.principal;
        object["kvno"] = key.kvno;
        object["enctype"] = key.enctype;
        array.push_back(std::move(object));
    }
    return array;
}

using Keys = Result<std::vector<KeyEntry>>;

Keys keys_in(const std::string& keytab) {
    auto file = KeytabFile::open(keytab);
    if (!file) return std::move(file).error();
    return list_keys(*file);
}

// What of a keytab is the source's principal's; with the host's, its name.
Keys keys_of(Source& source, Keys keys) {
    if (!keys) return keys;
    if (source.principal.empty()) {
        auto host = host_principal(*keys, source.name);
        if (!host) return std::move(host).error();
        source.principal = std::move(*host);
    }
    std::erase_if(*keys, [&](const KeyEntry& key) { return key.principal != source.principal; });
    if (keys->empty()) return no_key(source.name, source.principal);
    return keys;
}

void add_failure(json::object& object, const Error& error, std::int64_t when) {
    json::object failure;
    failure["code"] = name(error.code);
    failure["stage"] = name(error.stage);
    failure["message"] = error.message;
    failure["hint"] = error.hint;
    object["failure"] = std::move(failure);
    object["failedAt"] = when;
}

// A keytab that cannot be used now is worse than an earlier failure.
json::object credential_of(Source source, const TicketKeeper& tickets, const Keys& in_keytab) {
    const auto state = tickets.state(source);
    const Keys keys = keys_of(source, in_keytab);
    json::object object;
    object["principal"] = source.principal;
    object["keytab"] = source.name;
    object["keys"] = keys ? to_json(*keys) : json::array();
    if (state && state->expires != 0) object["expires"] = state->expires;
    if (state && state->renews != 0) object["renews"] = state->renews;
    if (!keys)
        add_failure(object, keys.error(), now_seconds());
    else if (state && state->failure)
        add_failure(object, *state->failure, state->failed_at);
    return object;
}

// What the caller's own cache holds, without asking anybody.
asio::awaitable<json::object> credential_of_cache(std::shared_ptr<FetcherPool> fetchers, Source source,
                                                  std::chrono::milliseconds timeout) {
    auto held = co_await fetchers->inspect(std::move(source), timeout);
    json::object object;
    object["principal"] = held ? held->client : std::string();
    object["keytab"] = "";
    object["keys"] = json::array();
    if (held)
        object["expires"] = held->end;
    else
        add_failure(object, held.error(), now_seconds());
    co_return object;
}

varlink::Reply reply_with(const Facts& facts) {
    varlink::Reply reply;
    reply.parameters["role"] = facts.role == Role::initiator ? "initiator" : "acceptor";
    reply.parameters["initiator"] = facts.initiator;
    reply.parameters["acceptor"] = facts.acceptor;
    reply.parameters["flags"] = to_json(facts.flags);
    reply.parameters["expires"] = facts.expires;
    return reply;
}

asio::awaitable<varlink::Reply> reply_to(asio::awaitable<Answer> work) {
    Answer answer = co_await std::move(work);
    if (!answer) co_return varlink::failure(interface, answer.error());
    co_return std::move(*answer);
}

}  // namespace

Server::Server(asio::io_context& loop, ChildImage image, IdentityRules rules,
               varlink::Service::Complaint complaint)
    : loop_(loop),
      rules_(std::move(rules)),
      complaint_(std::move(complaint)),
      grants_(loop, facts_, complaint_),
      fetchers_(std::make_shared<FetcherPool>(loop, std::move(image))),
      tickets_(
          loop,
          [fetchers = fetchers_](Source source, Wanted wanted, std::chrono::milliseconds timeout) {
              return fetchers->fetch(std::move(source), std::move(wanted), timeout);
          },
          complaint_) {
    facts_.offer_to([this](const std::string& context, const Facts& facts) { return tell(context, facts); });
}

void Server::add(varlink::Service& service, const char* name,
                 asio::awaitable<Answer> (Server::*method)(varlink::Incoming)) {
    service.method(std::string(interface) + "." + name, [this, method](varlink::Incoming incoming) {
        return reply_to((this->*method)(std::move(incoming)));
    });
}

std::shared_ptr<varlink::Service> Server::service() {
    varlink::Service::About about{"mutual", "mutuald-keys", MUTUAL_VERSION, ""};
    auto service = std::make_shared<varlink::Service>(std::move(about), complaint_);
    service->describe(varlink::keys_interface);
    add(*service, "GrantInitiate", &Server::grant_initiate);
    add(*service, "GrantAccept", &Server::grant_accept);
    add(*service, "RevokeAccept", &Server::revoke_accept);
    add(*service, "Facts", &Server::facts);
    service->streaming_method(std::string(interface) + ".WatchFacts", [this](varlink::Incoming incoming) {
        return watch_facts(std::move(incoming));
    });
    add(*service, "TicketCache", &Server::ticket_cache);
    add(*service, "ListCredentials", &Server::list_credentials);
    add(*service, "Status", &Server::status);
    return service;
}

asio::awaitable<void> Server::sweep() {
    asio::steady_timer timer(loop_);
    unit::ClockWatch watch(Clock::now(), std::chrono::system_clock::now());
    for (;;) {
        timer.expires_after(std::chrono::seconds(1));
        co_await timer.async_wait(asio::use_awaitable);
        const auto now = Clock::now();
        if (watch.was_set(now, std::chrono::system_clock::now())) tickets_.clock_was_set();
        facts_.sweep(now);
        grants_.sweep(now);
        fetchers_->sweep(now);
        tickets_.sweep(now);
    }
}

asio::awaitable<Answer> Server::grant_initiate(varlink::Incoming incoming) {
    auto request = read_initiate(incoming.call);
    if (!request) co_return std::move(request).error();
    // The handshake begins within the request's own time.
    const auto usable_until = Clock::now() + std::max<Clock::duration>(request->timeout, longest_handshake);
    auto source = source_of(request->identity, std::move(request->caller), rules_);
    if (!source) co_return std::move(source).error();
    auto target = canonical_principal(request->wanted.target);
    if (!target) co_return std::move(target).error();
    request->wanted.target = std::move(*target);
    auto fetched = co_await fetch(*source, request->wanted, request->timeout);
    if (!fetched) co_return std::move(fetched).error();

    varlink::Reply reply;
    reply.parameters["grantFileDescriptor"] = 0;
    reply.parameters["principal"] = fetched->ticket.client;
    reply.parameters["expires"] = fetched->ticket.end;
    reply.parameters["cached"] = fetched->cached;
    GrantTerms terms;
    const auto ticket = std::make_shared<Ticket>(std::move(fetched->ticket));
    if (request->one_handshake)
        terms.unused_until = usable_until;
    else
        terms.renew = [this, ticket, source = std::move(*source), wanted = std::move(request->wanted)](
                          std::int64_t lifetime) { return renew(ticket, source, wanted, lifetime); };
    auto stepper = initiating_stepper(ticket, request->protection, request->one_handshake);
    auto end = grants_.add(std::move(terms), std::move(stepper));
    if (!end) co_return std::move(end).error();
    reply.descriptors.push_back(std::move(*end));
    co_return std::move(reply);
}

asio::awaitable<Result<Fetched>> Server::fetch(Source source, Wanted wanted,
                                               std::chrono::milliseconds timeout) {
    return source.kind == Source::Kind::keytab
               ? tickets_.service_ticket(std::move(source), std::move(wanted), timeout)
               : fetchers_->fetch(std::move(source), std::move(wanted), timeout);
}

// For the same credentials, whoever they belong to by now: then it is refused.
asio::awaitable<Result<void>> Server::renew(std::shared_ptr<Ticket> ticket, Source source, Wanted wanted,
                                            std::int64_t lifetime) {
    if (ticket->end - now_seconds() >= lifetime) co_return Result<void>();
    wanted.minimum_lifetime = lifetime;
    auto fetched = co_await fetch(std::move(source), std::move(wanted), longest_renewal);
    if (!fetched) co_return std::move(fetched).error();
    if (fetched->ticket.client != ticket->client)
        co_return Error(Code::wrong_peer, Stage::credentials,
                        "renew the context of a channel of " + ticket->client +
                            ": the credentials are now of " + fetched->ticket.client,
                        "open a new channel, or get tickets of " + ticket->client + " again");
    *ticket = std::move(fetched->ticket);
    co_return Result<void>();
}

asio::awaitable<Answer> Server::grant_accept(varlink::Incoming incoming) {
    auto request = read_accept(incoming.call);
    if (!request) co_return std::move(request).error();
    GrantTerms terms;
    terms.role = Role::acceptor;
    terms.service = request->service;
    auto service = AcceptingService::make(std::move(request->keytab), std::move(request->principals),
                                          request->protection);
    if (!service) co_return std::move(service).error();
    terms.generation = ++generation_;
    varlink::Reply reply;
    json::array indices;
    for (std::int64_t i = 0; i < request->count; ++i) {
        auto end = grants_.add(terms, accepting_stepper(*service));
        if (!end) co_return std::move(end).error();
        indices.push_back(i);
        reply.descriptors.push_back(std::move(*end));
    }
    reply.parameters["grantFileDescriptors"] = std::move(indices);
    reply.parameters["generation"] = terms.generation;
    reply.parameters["keys"] = to_json((*service)->keys());
    co_return std::move(reply);
}

asio::awaitable<Answer> Server::revoke_accept(varlink::Incoming incoming) {
    const auto request = read_revoke(incoming.call);
    if (!request) co_return request.error();
    grants_.revoke(request->service, request->generation);
    co_return varlink::Reply();
}

asio::awaitable<Answer> Server::facts(varlink::Incoming incoming) {
    const auto context = read_context(incoming.call);
    if (!context) co_return context.error();
    const auto facts = facts_.take(*context);
    if (!facts)
        co_return Error(Code::not_found, Stage::handshake,
                        "read the facts of a context: no established context has that id");
    co_return reply_with(*facts);
}

// Until the watcher is gone, unless there is a newer one.
class Server::Watching {
public:
    Watching(Server& server, varlink::Connection& watcher) : server_(server), watcher_(watcher) {}
    ~Watching() {
        if (server_.watcher_.lock().get() == &watcher_) server_.facts_.taker_is_gone();
    }
    Watching(const Watching&) = delete;
    Watching& operator=(const Watching&) = delete;

private:
    Server& server_;
    varlink::Connection& watcher_;
};

// To the newest watcher: an earlier one is of a broker that is about to end, or has ended.
asio::awaitable<varlink::Reply> Server::watch_facts(varlink::Incoming incoming) {
    if (auto read = read_watch(incoming.call); !read) co_return varlink::failure(interface, read.error());
    varlink::Reply begun;
    begun.continues = true;
    if (!incoming.connection->reply_at_once(begun))
        co_return varlink::failure(interface, Error(Code::unavailable, Stage::request, "nobody reads"));
    facts_.taker_is_gone();
    watcher_ = incoming.connection;
    const Watching watching(*this, *incoming.connection);
    asio::steady_timer end(loop_, Clock::time_point::max());  // comes when the watcher hangs up
    co_await end.async_wait(asio::use_awaitable);
    co_return varlink::Reply();
}

bool Server::tell(const std::string& context, const Facts& facts) {
    const auto watcher = watcher_.lock();
    if (!watcher) return false;
    varlink::Reply reply = reply_with(facts);
    reply.parameters["context"] = context;
    reply.continues = true;
    if (watcher->reply_at_once(reply)) return true;
    // It does not keep up, and shall not wait for what it will not be told. What was sent it still reads.
    facts_.forget_taken();
    watcher->close();
    return false;
}

asio::awaitable<Answer> Server::ticket_cache(varlink::Incoming incoming) {
    auto request = read_cache_request(incoming.call);
    if (!request) co_return std::move(request).error();
    UniqueFd no_caller;
    auto source = source_of(request->identity, std::move(no_caller), rules_);
    if (!source) co_return std::move(source).error();
    auto file = co_await tickets_.cache_file(std::move(*source), request->timeout);
    if (!file) co_return std::move(file).error();
    auto sealed = seal(file->content.view());
    if (!sealed) co_return std::move(sealed).error();
    varlink::Reply reply;
    reply.parameters["cacheFileDescriptor"] = 0;
    reply.parameters["principal"] = file->principal;
    reply.parameters["expires"] = file->expires;
    reply.descriptors.push_back(std::move(*sealed));
    co_return std::move(reply);
}

asio::awaitable<Answer> Server::list_credentials(varlink::Incoming incoming) {
    auto request = read_list(incoming.call);
    if (!request) co_return std::move(request).error();
    json::array credentials;
    std::map<std::string, Keys> keytabs;  // each is read once
    for (const Identity& identity : request->identities) {
        if (identity.kind != Identity::Kind::caller) {
            Source source = keytab_source_of(identity, rules_);
            if (!keytabs.contains(source.name)) {
                co_await asio::post(loop_, asio::use_awaitable);  // lets handshakes go on between two files
                keytabs.emplace(source.name, keys_in(source.name));
            }
            const Keys& keys = keytabs.at(source.name);
            credentials.push_back(credential_of(std::move(source), tickets_, keys));
            continue;
        }
        auto source = source_of(identity, std::move(request->caller), rules_);
        if (!source) co_return std::move(source).error();
        json::object credential =
            co_await credential_of_cache(fetchers_, std::move(*source), request->timeout);
        credentials.push_back(std::move(credential));
    }
    varlink::Reply reply;
    reply.parameters["credentials"] = std::move(credentials);
    co_return std::move(reply);
}

asio::awaitable<Answer> Server::status(varlink::Incoming incoming) {
    if (auto read = read_status(incoming.call); !read) co_return std::move(read).error();
    varlink::Reply reply;
    reply.parameters["pid"] = ::getpid();
    reply.parameters["grants"] = grants_.size();
    reply.parameters["contexts"] = facts_.size();
    reply.parameters["fetchers"] = fetchers_->size();
    co_return std::move(reply);
}

}  // namespace mutual::keys
