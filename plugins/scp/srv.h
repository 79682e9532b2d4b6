// SPDX-License-Identifier: Apache-2.0
// DNS SRV records (RFC 2782), by the system's resolver configuration. Nothing vouches for what plain DNS
// says.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mutual/discovery.h"

namespace mutual::scp {

struct SrvRecord {
    std::string target;
    std::uint16_t port = 0;
    std::uint16_t priority = 0;
    std::uint16_t weight = 0;
    bool operator==(const SrvRecord&) const = default;
};

// Letters, digits, hyphens, underscores (as SRV names have) and dots: what a host's or SRV name may be made
// of. DNS itself allows every octet, and a name that is put into a URL or a principal must not.
bool is_dns_name(std::string_view name);

// Blocks. No record of that name is an empty answer; so is the target "." (RFC 2782: decidedly not
// available).
Result<std::vector<SrvRecord>> lookup_srv(const std::string& name, Deadline deadline);

// The SRV records in the answer section of a DNS message.
Result<std::vector<SrvRecord>> parse_srv(std::span<const unsigned char> message);

// Lower priority first; among equals at random in proportion to weight. `random(n)` gives 0..n.
std::vector<SrvRecord> ordered(std::vector<SrvRecord> records,
                               const std::function<std::uint32_t(std::uint32_t)>& random);

}  // namespace mutual::scp
