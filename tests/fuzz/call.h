// SPDX-License-Identifier: Apache-2.0
// Calls and replies between the programs, for fuzzing how they are read: a line with the method's name, and
// then the parameters as JSON. Two descriptors come along.
#pragma once

#include <fcntl.h>

#include <boost/json/parse.hpp>
#include <optional>
#include <span>

#include "tests/fuzz/input.h"
#include "tests/fuzz/property.h"
#include "varlink/message.h"

namespace mutual::fuzz {

namespace json = boost::json;

inline UniqueFd a_descriptor() {
    static const UniqueFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
    return UniqueFd(::fcntl(null.value(), F_DUPFD_CLOEXEC, 3));
}

// Reads a call and its parameters as a program of ours would get them.
inline std::optional<varlink::Call> read_call(Input& input) {
    varlink::Call call;
    call.method = input.line();
    boost::system::error_code problem;
    json::parse_options options;
    options.max_depth = 16;
    const json::value value = json::parse(input.rest(), problem, {}, options);
    if (problem || !value.is_object()) return std::nullopt;
    call.parameters = value.as_object();
    call.descriptors.push_back(a_descriptor());
    call.descriptors.push_back(a_descriptor());
    return call;
}

// The same as a reply; a method "ERROR METHOD" makes it one that is an error.
inline constexpr std::string_view error_prefix = "ERROR ";
inline varlink::Reply as_reply(varlink::Call& call) {
    varlink::Reply reply;
    if (call.method.starts_with(error_prefix)) reply.error = "org.mutuald.Keys.WrongPeer";
    reply.parameters = std::move(call.parameters);
    reply.descriptors = std::move(call.descriptors);
    return reply;
}

struct Reader {
    std::string_view method;
    void (*check)(varlink::Call& call);
};

// Gives the input to the reader of its method; -1: there is none, and the input is not worth keeping.
inline int read_with(std::span<const Reader> readers, const std::uint8_t* data, std::size_t size) {
    Input input(data, size);
    auto call = read_call(input);
    if (!call) return -1;
    std::string_view method = call->method;
    if (method.starts_with(error_prefix)) method.remove_prefix(error_prefix.size());
    const auto found = std::find_if(readers.begin(), readers.end(),
                                    [method](const Reader& reader) { return reader.method == method; });
    if (found == readers.end()) return -1;
    found->check(*call);
    return 0;
}

// A refusal of a call is the caller's fault, or one of versions.
template <class T>
bool accepted_call(const Result<T>& result) {
    if (accepted(result)) return true;
    const Code code = result.error().code;
    require(code == Code::invalid_request || code == Code::unavailable || code == Code::plugin_failed,
            "a malformed call is refused as one", result.error().message);
    return false;
}

}  // namespace mutual::fuzz
