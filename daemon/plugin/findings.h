// SPDX-License-Identifier: Apache-2.0
// What a finder reports of one search, and how its replies are read: it may be in anybody's hands.
#pragma once

#include <boost/json/array.hpp>
#include <cstdint>
#include <optional>

#include "mutual/error.h"
#include "varlink/message.h"

namespace mutual::plugin {

namespace json = boost::json;

// What came of it so far; it survives the end of the finder.
struct Findings {
    json::array candidates;
    json::array notes;
    bool complete = false;         // the plugin itself said that this is all
    std::optional<Error> problem;  // the plugin's answer, or what became of it
};

// Adds one reply's part. Types, sizes and numbers are checked, and at most `limit` candidates taken. An
// error: the finder broke the protocol, and nothing more of it is to be read.
Result<void> add_reply(const varlink::Reply& reply, std::uint32_t limit, Findings& findings);

}  // namespace mutual::plugin
