// SPDX-License-Identifier: Apache-2.0
// A stream of Varlink messages: the first octet is the limit, the second the length of the pieces in which
// the rest arrives.
#include <algorithm>

#include "tests/fuzz/input.h"
#include "tests/fuzz/property.h"
#include "varlink/base64.h"
#include "varlink/message.h"

namespace mutual::fuzz {
namespace {

using namespace varlink;

struct Messages {
    std::vector<std::string> given;
    bool refused = false;
    bool operator==(const Messages&) const = default;
};

// As a connection does it: it feeds when there is no message left.
Messages split(std::string_view stream, std::size_t piece, std::size_t limit) {
    MessageSplitter splitter(limit);
    Messages messages;
    for (;;) {
        std::string message;
        const Result<bool> given = splitter.next(message);
        if (!accepted(given)) {
            messages.refused = true;
            return messages;
        }
        if (*given) {
            require(message.size() <= limit, "a message is within its limit");
            messages.given.push_back(std::move(message));
        } else if (stream.empty()) {
            return messages;
        } else {
            splitter.feed(stream.substr(0, piece));
            stream.remove_prefix(std::min(piece, stream.size()));
        }
    }
}

// No message of ours has a number with a fraction or an exponent, and Boost.JSON 1.81 reads what it wrote of
// those with another last digit at times.
bool holds_double(const boost::json::value& value) {
    if (value.is_double()) return true;
    if (const auto* array = value.if_array()) return std::any_of(array->begin(), array->end(), holds_double);
    const auto holds = [](const auto& member) { return holds_double(member.value()); };
    const auto* object = value.if_object();
    return object != nullptr && std::any_of(object->begin(), object->end(), holds);
}

bool same(const boost::json::object& one, const boost::json::object& other) {
    return one == other || holds_double(one);
}

void check_call(const std::string& text, const Limits& limits) {
    const Result<Call> call = parse_call(text, limits);
    if (!accepted(call)) return;
    require(!(call->oneway && (call->more || call->upgrade)), "a oneway call wants no reply");
    const std::string written = to_text(*call);
    const Result<Call> again = parse_call(written, Limits{written.size(), limits.depth, 0});
    require(again.ok(), "a call that was written can be read", written);
    require(again->method == call->method && same(call->parameters, again->parameters) &&
                again->more == call->more && again->oneway == call->oneway && again->upgrade == call->upgrade,
            "a call survives the journey", written);
}

void check_reply(const std::string& text, const Limits& limits) {
    const Result<Reply> reply = parse_reply(text, limits);
    if (!accepted(reply)) return;
    const std::string written = to_text(*reply);
    const Result<Reply> again = parse_reply(written, Limits{written.size(), limits.depth, 0});
    require(again.ok(), "a reply that was written can be read", written);
    require(again->error == reply->error && same(reply->parameters, again->parameters) &&
                again->continues == reply->continues,
            "a reply survives the journey", written);
    if (reply->error.empty()) return;
    const Error error = error_of(*reply);
    require(!error.message.empty(), "an error reply becomes an error with a message");
    require(error_of(failure("org.mutuald.Broker", error)) == error, "an error survives the journey");
}

void check_base64(const std::string& text) {
    if (const auto octets = from_base64(text))
        require(to_base64(*octets) == text, "base64 has one form", text);
    const auto back = from_base64(to_base64(text));
    require(back && *back == text, "octets survive base64");
}

}  // namespace
}  // namespace mutual::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace mutual::fuzz;
    Input input(data, size);
    const std::size_t limit = 4U * input.octet();
    const std::size_t piece = 1U + input.octet();
    const Messages whole = split(input.rest(), std::max<std::size_t>(1, input.rest().size()), limit);
    require(split(input.rest(), 1, limit) == whole, "octet by octet the messages are the same");
    require(split(input.rest(), piece, limit) == whole, "in pieces the messages are the same");
    const Limits limits{limit, 8, 1};
    for (const std::string& message : whole.given) {
        check_call(message, limits);
        check_reply(message, limits);
        check_base64(message);
    }
    return 0;
}
