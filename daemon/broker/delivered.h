// SPDX-License-Identifier: Apache-2.0
// What Open and Accept give to their callers.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "daemon/broker/endpoint.h"
#include "varlink/unique_fd.h"

namespace mutual::broker {

class UpgradedChannel;

struct Delivered {
    UniqueFd program;                           // the program's end, or
    std::shared_ptr<UpgradedChannel> upgraded;  // where its API connection becomes that
    std::string channel;
    std::string peer;
    std::string self;
    std::string spn;
    std::int64_t expires = 0;  // seconds since the epoch
};

struct Opened : Delivered {};

struct Accepted : Delivered {
    Endpoint endpoint;  // of the peer
};

}  // namespace mutual::broker
