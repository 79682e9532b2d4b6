// SPDX-License-Identifier: Apache-2.0
// A blocking client of org.mutuald.Broker with one typed function per method. Used by mutualctl and
// libmutual. One call at a time; a time-out ends the connection's use.
#pragma once

#include <string>
#include <string_view>

#include "client/answer.h"
#include "varlink/client.h"

namespace mutual::client {

inline constexpr std::string_view default_socket = "/run/mutuald/mutuald.sock";
// Replies come from a program that we trust; lists may be long.
inline constexpr varlink::Limits reply_limits{16 * 1024 * 1024, 16, 8};
// The broker keeps a request's deadline itself; we stop waiting a little later.
inline constexpr std::chrono::seconds grace{2};

// What failed, as an error that tells the socket and how to start a daemon there.
Error not_served(Error error, const std::string& path);

class BrokerClient {
public:
    // A failure means that no daemon serves the socket; its hint says how to start one.
    static Result<BrokerClient> connect(const std::string& path);

    Answer<OpenChannel> open(const Request& request);
    // No timeout: waits for ever.
    Answer<OpenChannel> accept(const std::string& service, std::optional<std::chrono::milliseconds> timeout);
    Answer<Plan> plan(const Request& request);
    Answer<Found> find(const Request& request);
    Answer<ChannelFacts> whois(const std::string& channel);
    Answer<ChannelFacts> whois_cookie(std::uint64_t cookie);
    Answer<ChannelFacts> whois_stamp(const std::string& service, std::uint32_t stamp);
    Answer<std::vector<ChannelFacts>> list_channels();
    Answer<Status> status();

    Answer<bool> close_channel(const std::string& channel);
    Answer<std::vector<Service>> list_services();
    Answer<std::vector<Plugin>> list_plugins();
    Answer<std::vector<Credential>> list_credentials(const std::optional<std::string>& cache);
    Answer<PastRequest> explain(const std::string& request);
    Answer<std::vector<RequestSummary>> list_requests();
    Answer<std::string> metrics();
    Answer<Reloaded> reload();
    // Empty: changes nothing.
    Answer<LogLevel> log_level(const std::string& level);
    // No value: it has begun, and nothing is missed from here on. Then next_event() for ever.
    Answer<std::optional<Event>> monitor();
    Answer<std::optional<Event>> next_event();

    // Any method by its full name; error replies come as they are.
    Result<varlink::Reply> call(std::string method, json::object parameters);

private:
    explicit BrokerClient(UniqueFd socket);

    template <class T>
    Answer<T> ask(std::string_view method, json::object parameters, varlink::Deadline deadline,
                  Result<T> (*read)(varlink::Reply&));

    varlink::BlockingConnection connection_;
};

}  // namespace mutual::client
