// SPDX-License-Identifier: Apache-2.0
// The lines by which knc tells a local server who its peer is: "KEY:VALUE\n" in knc's order, then "END\n",
// then the channel's octets. The server answers nothing to them.
#pragma once

#include <string>

#include "daemon/broker/endpoint.h"
#include "mutual/error.h"

namespace mutual::broker {

struct KncIdentity {
    Endpoint from;
    std::string peer;     // the principal as libkrb5 prints it, in which control characters are escaped
    std::string version;  // of the program that speaks
};

// Fails closed: a value that would not stay one line (a control character), an address that is none, and a
// name above 32,767 octets are errors.
Result<std::string> knc_lines(const KncIdentity& identity);

}  // namespace mutual::broker
