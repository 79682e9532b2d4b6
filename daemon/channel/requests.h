// SPDX-License-Identifier: Apache-2.0
// What the broker asks of mutuald-channel, as it reads it: the calls of org.mutuald.Channel.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "daemon/channel/channel_table.h"
#include "daemon/channel/endpoint.h"
#include "mutual/error.h"
#include "varlink/message.h"
#include "varlink/unique_fd.h"

namespace mutual::channel {

struct InitiateOrder {
    ChannelFacts facts;
    std::string options;
    std::vector<Endpoint> endpoints;
    Instant deadline;
    std::chrono::milliseconds idle{0};
    UniqueFd grant;
    UniqueFd program;  // none: it follows by attach()
};

struct AcceptLimits {
    std::size_t connections = 0;
    std::size_t handshakes = 0;
    std::chrono::milliseconds handshake_time{0};
    std::chrono::milliseconds idle{0};
};

struct AttachRequest {
    std::string channel;
    UniqueFd program;
};

struct ListenRequest {
    std::string service;
    Endpoint endpoint;
    std::string options;
    AcceptLimits limits;
    std::vector<UniqueFd> grants;  // one for each event loop
};

struct WhoIsRequest {
    std::optional<std::string> channel;
    std::uint64_t cookie = 0;  // without a channel,
    std::uint32_t stamp = 0;   // and without a cookie
};

struct CloseRequest {
    std::string channel;
    Verdict verdict = Verdict::denied;
};

// The calls' descriptors are taken.
Result<InitiateOrder> read_connect(varlink::Call& call);
Result<AttachRequest> read_attach(varlink::Call& call);
Result<ListenRequest> read_listen(varlink::Call& call, std::size_t loops);
Result<std::string> read_unlisten(const varlink::Call& call);
Result<void> read_list(const varlink::Call& call);
Result<WhoIsRequest> read_whois(const varlink::Call& call);
Result<CloseRequest> read_close(const varlink::Call& call);
Result<void> read_status(const varlink::Call& call);

}  // namespace mutual::channel
