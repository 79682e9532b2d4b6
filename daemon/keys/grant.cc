// SPDX-License-Identifier: Apache-2.0
#include "daemon/keys/grant.h"

#include <boost/asio/co_spawn.hpp>

#include "daemon/keys/requests.h"
#include "daemon/keys/sealed_file.h"
#include "varlink/base64.h"
#include "varlink/interfaces.h"

namespace mutual::keys {

namespace {

constexpr std::string_view interface = "org.mutuald.Grant";
static_assert(grant_limits.message > max_token * 4 / 3 + 1024);
constexpr std::chrono::seconds facts_kept{60};  // after the handshake's deadline

using Time = std::chrono::steady_clock::time_point;

}  // namespace

class Grant {
public:
    Grant(GrantTerms terms, Stepper stepper, FactsTable& facts)
        : terms_(std::move(terms)), stepper_(std::move(stepper)), facts_(facts) {}

    varlink::Reply step(const StepRequest& request);
    varlink::Reply drop(varlink::Call call);

    bool is_over(Time now) const { return stepper_.in_progress() == 0 && now >= terms_.unused_until; }
    const GrantTerms& terms() const { return terms_; }
    Stepper& stepper() { return stepper_; }
    void close() {
        if (connection) connection->close();
    }
    std::shared_ptr<varlink::Connection> connection;

private:
    Result<varlink::Reply> reply_of(StepAnswer answer, bool is_further, Time now);
    Result<varlink::Reply> reply_of(Established established, bool is_further, Time now);

    GrantTerms terms_;
    Stepper stepper_;
    FactsTable& facts_;
};

namespace {

varlink::Reply failure_with(const Error& error, const std::string& token) {
    varlink::Reply reply = varlink::failure(interface, error);
    if (!token.empty()) reply.parameters["errorToken"] = varlink::to_base64(token);
    return reply;
}

asio::awaitable<varlink::Reply> step_grant(std::shared_ptr<Grant> grant, varlink::Call call) {
    const auto request = read_step(call);
    if (!request) co_return failure_with(request.error(), {});
    if (request->minimum_lifetime > 0 && grant->terms().renew) {
        const Result<void> renewed = co_await grant->terms().renew(request->minimum_lifetime);
        if (!renewed) co_return failure_with(renewed.error(), {});
    }
    co_return grant->step(*request);
}

asio::awaitable<varlink::Reply> drop_handshake(std::shared_ptr<Grant> grant, varlink::Call call) {
    co_return grant->drop(std::move(call));
}

}  // namespace

varlink::Reply Grant::step(const StepRequest& request) {
    const Time now = std::chrono::steady_clock::now();
    StepAnswer answer = stepper_.step(request.handshake, request.token, now);
    if (answer.error) return failure_with(*answer.error, answer.token);
    auto reply = reply_of(std::move(answer), request.is_further, now);
    if (!reply) return failure_with(reply.error(), {});
    if (stepper_.is_exhausted()) reply->parameters["last"] = true;
    return std::move(*reply);
}

varlink::Reply Grant::drop(varlink::Call call) {
    const auto handshake = read_drop(call);
    if (!handshake) return failure_with(handshake.error(), {});
    stepper_.drop(*handshake);
    return {};
}

Result<varlink::Reply> Grant::reply_of(StepAnswer answer, bool is_further, Time now) {
    varlink::Reply reply;
    if (answer.established) {
        auto finished = reply_of(std::move(*answer.established), is_further, now);
        if (!finished) return std::move(finished).error();
        reply = std::move(*finished);
    } else {
        reply.parameters["done"] = false;
    }
    if (!answer.token.empty()) reply.parameters["token"] = varlink::to_base64(answer.token);
    return reply;
}

Result<varlink::Reply> Grant::reply_of(Established established, bool is_further, Time now) {
    auto sealed = seal(established.context.view());
    if (!sealed) return std::move(sealed).error();
    Facts facts{terms_.role, established.initiator, established.acceptor, established.flags,
                established.expires};
    auto id = is_further ? Result<std::string>(random_context_id())
                         : facts_.add(std::move(facts), now + longest_handshake + facts_kept);
    if (!id) return std::move(id).error();
    varlink::Reply reply;
    reply.parameters["done"] = true;
    reply.parameters["context"] = *id;
    reply.parameters["contextFileDescriptor"] = 0;
    reply.parameters["initiator"] = established.initiator;
    reply.parameters["acceptor"] = established.acceptor;
    reply.parameters["flags"] = to_json(established.flags);
    reply.parameters["expires"] = established.expires;
    reply.descriptors.push_back(std::move(*sealed));
    return reply;
}

GrantTable::GrantTable(asio::io_context& loop, FactsTable& facts, varlink::Service::Complaint complaint)
    : loop_(loop),
      facts_(facts),
      service_(varlink::Service::About{"mutual", "mutuald-keys", MUTUAL_VERSION, ""}, std::move(complaint)) {
    service_.describe(varlink::grant_interface);
    service_.method("org.mutuald.Grant.Step", [this](varlink::Incoming incoming) {
        return step_grant(grants_.at(incoming.connection.get()), std::move(incoming.call));
    });
    service_.method("org.mutuald.Grant.Drop", [this](varlink::Incoming incoming) {
        return drop_handshake(grants_.at(incoming.connection.get()), std::move(incoming.call));
    });
}

Result<UniqueFd> GrantTable::add(GrantTerms terms, Stepper stepper) {
    auto pair = varlink::socket_pair();
    if (!pair) return std::move(pair).error();
    auto grant = std::make_shared<Grant>(std::move(terms), std::move(stepper), facts_);
    grant->connection = std::make_shared<varlink::Connection>(loop_, std::move(pair->first), grant_limits);
    grants_.emplace(grant->connection.get(), grant);
    auto ended = [this, key = grant->connection.get()](std::exception_ptr) { grants_.erase(key); };
    asio::co_spawn(loop_, service_.serve(grant->connection), std::move(ended));
    return std::move(pair->second);
}

void GrantTable::revoke(const std::string& service, std::int64_t generation) {
    for (const auto& [connection, grant] : grants_)
        if (grant->terms().role == Role::acceptor && grant->terms().service == service &&
            grant->terms().generation < generation)
            grant->close();
}

void GrantTable::sweep(Time now) {
    for (const auto& [connection, grant] : grants_) {
        grant->stepper().sweep(now);
        if (grant->is_over(now)) grant->close();
    }
}

}  // namespace mutual::keys
