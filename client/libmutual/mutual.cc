// SPDX-License-Identifier: Apache-2.0
// The functions of the C ABI that ask the broker.
#include "mutual/mutual.h"

#include "client/broker_client.h"
#include "client/libmutual/channel.h"
#include "client/libmutual/error.h"
#include "client/libmutual/request.h"
#include "client/pending_channel.h"

using namespace mutual;
using namespace mutual::client;

struct mutual_pending {
    PendingChannel call;
    std::string service;
    bool is_finished = false;
};

namespace {

enum class Side { opening, accepting };

Failure begin(Side side, const mutual_request* asked, mutual_pending** pending) {
    auto known = known_part(asked);
    if (!known) return failure(known.error());
    auto request = side == Side::opening ? read_open_request(*known) : read_accept_request(*known);
    if (!request) return failure(request.error());
    std::string path = socket_of(known->socket);
    auto call = side == Side::opening
                    ? PendingChannel::open(std::move(path), *request)
                    : PendingChannel::accept(std::move(path), request->service, request->timeout);
    if (!call) return failure(call.error());
    *pending = new mutual_pending{std::move(*call), request->service};
    return nullptr;
}

// What an opened or accepted channel's reply tells.
ChannelFacts facts_of(const OpenChannel& opened, const std::string& service) {
    ChannelFacts facts;
    facts.channel = opened.channel;
    facts.service = service;
    facts.peer = opened.peer;
    facts.self = opened.self;
    facts.spn = opened.spn;
    facts.address = opened.address;
    facts.port = opened.port;
    facts.expires = opened.expires;
    return facts;
}

Failure give(Answer<OpenChannel> answer, const std::string& service, mutual_channel** channel) {
    if (!answer.result) return failure(answer.result.error(), answer.explanation);
    // Only the broker knows which service an RPC program is.
    const bool is_told = service.empty() && answer.explanation;
    ChannelFacts facts = facts_of(*answer.result, is_told ? answer.explanation->service : service);
    *channel = new mutual_channel{std::move(answer.result->fd), std::move(facts)};
    return nullptr;
}

Failure open_or_accept(Side side, const mutual_request* request, mutual_channel** channel) {
    mutual_pending* begun = nullptr;
    if (Failure failed = begin(side, request, &begun)) return failed;
    const std::unique_ptr<mutual_pending> pending(begun);
    return give(pending->call.wait(), pending->service, channel);
}

// `ask` calls WhoIs one way or the other.
template <class Ask>
Failure whois(const char* socket, mutual_channel** channel, Ask ask) {
    auto broker = BrokerClient::connect(socket_of(socket));
    if (!broker) return failure(broker.error());
    auto answer = ask(*broker);
    if (!answer.result) return failure(answer.result.error());
    *channel = new mutual_channel{{}, std::move(*answer.result)};
    return nullptr;
}

Failure whois_fd(int fd, const char* socket, mutual_channel** channel) {
    const auto cookie = cookie_of(fd);
    if (!cookie) return failure(cookie.error());
    return whois(socket, channel, [&](BrokerClient& broker) { return broker.whois_cookie(*cookie); });
}

Failure missing(const char* what) {
    return failure({Code::invalid_request, Stage::request, std::string(what) + " is NULL"});
}

}  // namespace

mutual_code mutual_open(const mutual_request* request, mutual_channel** channel, mutual_error** error) {
    if (channel != nullptr) *channel = nullptr;
    return at_the_border(error, [&] {
        return channel == nullptr ? missing("channel") : open_or_accept(Side::opening, request, channel);
    });
}

mutual_code mutual_accept(const mutual_request* request, mutual_channel** channel, mutual_error** error) {
    if (channel != nullptr) *channel = nullptr;
    return at_the_border(error, [&] {
        return channel == nullptr ? missing("channel") : open_or_accept(Side::accepting, request, channel);
    });
}

mutual_code mutual_open_begin(const mutual_request* request, mutual_pending** pending, mutual_error** error) {
    if (pending != nullptr) *pending = nullptr;
    return at_the_border(error, [&] {
        return pending == nullptr ? missing("pending") : begin(Side::opening, request, pending);
    });
}

mutual_code mutual_accept_begin(const mutual_request* request, mutual_pending** pending,
                                mutual_error** error) {
    if (pending != nullptr) *pending = nullptr;
    return at_the_border(error, [&] {
        return pending == nullptr ? missing("pending") : begin(Side::accepting, request, pending);
    });
}

int mutual_pending_fd(const mutual_pending* pending) { return pending->call.fd(); }

mutual_code mutual_finish(mutual_pending* pending, mutual_channel** channel, mutual_error** error) {
    if (channel != nullptr) *channel = nullptr;
    bool goes_on = false;
    const mutual_code code = at_the_border(error, [&]() -> Failure {
        if (channel == nullptr) return missing("channel");
        if (pending->is_finished)
            return failure({Code::invalid_request, Stage::request, "the request was finished before"});
        auto answer = pending->call.advance();
        goes_on = !answer;
        pending->is_finished = !goes_on;
        return goes_on ? nullptr : give(std::move(*answer), pending->service, channel);
    });
    return goes_on ? MUTUAL_AGAIN : code;
}

void mutual_pending_free(mutual_pending* pending) { delete pending; }

mutual_code mutual_whois(const char* id, const char* socket, mutual_channel** channel, mutual_error** error) {
    if (channel != nullptr) *channel = nullptr;
    return at_the_border(error, [&] {
        if (id == nullptr || channel == nullptr) return missing(id == nullptr ? "id" : "channel");
        return whois(socket, channel, [&](BrokerClient& broker) { return broker.whois(id); });
    });
}

mutual_code mutual_whois_fd(int fd, const char* socket, mutual_channel** channel, mutual_error** error) {
    if (channel != nullptr) *channel = nullptr;
    return at_the_border(
        error, [&] { return channel == nullptr ? missing("channel") : whois_fd(fd, socket, channel); });
}

mutual_code mutual_whois_stamp(const char* service, uint32_t stamp, const char* socket,
                               mutual_channel** channel, mutual_error** error) {
    if (channel != nullptr) *channel = nullptr;
    return at_the_border(error, [&] {
        if (service == nullptr || channel == nullptr)
            return missing(service == nullptr ? "service" : "channel");
        return whois(socket, channel,
                     [&](BrokerClient& broker) { return broker.whois_stamp(service, stamp); });
    });
}

mutual_verdict mutual_end(int fd, const char* socket, mutual_error** error) {
    mutual_verdict verdict = MUTUAL_END_UNKNOWN;
    at_the_border(error, [&]() -> Failure {
        mutual_channel* told = nullptr;
        if (Failure failed = whois_fd(fd, socket, &told)) return failed;
        const std::unique_ptr<mutual_channel> channel(told);
        verdict = verdict_of(channel->facts);
        if (verdict != MUTUAL_END_UNKNOWN) return nullptr;
        return failure({Code::protocol, Stage::channel,
                        "the broker calls the end '" + channel->facts.verdict.value_or("") + "'",
                        "check that libmutual and mutuald are of the same version"});
    });
    return verdict;
}
