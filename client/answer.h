// SPDX-License-Identifier: Apache-2.0
// The broker's reply to one call as a value, and what programs and people may want besides.
#pragma once

#include <optional>
#include <string_view>
#include <utility>

#include "client/broker_types.h"
#include "client/broker_wire.h"
#include "varlink/message.h"

namespace mutual::client {

inline constexpr std::string_view broker_name = "org.mutuald.Broker";

template <class T>
struct Answer {
    Result<T> result;
    varlink::Reply reply;                    // as it came, without descriptors
    std::optional<Explanation> explanation;  // of failures too
    bool connection_lost = false;  // no reply came: calling again on a new connection is worth a try
};

// The answer when there was no reply.
template <class T>
Answer<T> no_answer(const Error& error) {
    return {error, varlink::failure(broker_name, error), {}, error.code == Code::unavailable};
}

template <class T>
Answer<T> answer_of(Result<varlink::Reply> received, Result<T> (*read)(varlink::Reply&)) {
    if (!received) return no_answer<T>(received.error());
    varlink::Reply reply = std::move(*received);
    auto explanation = read_explanation(reply);
    auto result = reply.error.empty() ? read(reply) : Result<T>(varlink::error_of(reply));
    if (result && !explanation) result = explanation.error();
    reply.descriptors.clear();
    return {std::move(result), std::move(reply), explanation ? std::move(*explanation) : std::nullopt, false};
}

}  // namespace mutual::client
