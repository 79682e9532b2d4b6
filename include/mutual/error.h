// SPDX-License-Identifier: Apache-2.0
// What goes wrong, as a value. Used by every part of mutual and by plugins.
//
// Two kinds of failure, never mixed: a condition that a caller handles is a Result; a bug or a cancellation
// is an exception, which is caught only where a plugin is called, around one request, and in main.
#pragma once

#include <array>
#include <cstddef>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace mutual {

// The whole vocabulary of failure; also the names of the API's errors. Two codes exist only where a caller
// acts differently on them.
enum class Code {
    invalid_request,        // the request itself is malformed or contradicts itself
    invalid_configuration,  // a file, line and key of the configuration, or an installed part, must be mended
    denied,                 // a policy rule, or the absence of one, refused the caller
    unknown_service,        // no definition of that name here
    not_found,              // discovery worked and found no instance
    discovery_failed,       // discovery itself did not work
    untrusted,              // instances were found, but no reason in the definition lets us trust their names
    no_credentials,         // the identity has no usable ticket or key (absent, expired, unreadable)
    unknown_target,         // the KDC knows no principal for the SPN
    kdc_unreachable,        // no KDC answered in time
    clock_skew,             // the clocks of two hosts differ too much
    unreachable,            // no transport connection to the peer
    wrong_peer,             // the peer did not prove the name that we asked for
    unprotected,            // a required protection flag is missing from the finished context
    refused_by_peer,        // the peer ended the handshake without its last token
    protocol,               // the peer broke the wire's rules
    timed_out,              // the deadline passed
    cancelled,              // whoever asked is gone
    limit,                  // a bound on size, number or rate was reached
    expired,                // the lifetime of a ticket or context is over
    unavailable,            // a part of the daemon, or a local server, is not there
    plugin_failed,          // a plugin crashed, threw, or broke its contract
    internal,               // a defect of ours
};

// Where in one request it happened (the order in which a request passes them).
enum class Stage {
    request,
    caller,
    policy,
    discovery,
    trust,
    spn,
    credentials,
    addresses,
    connect,
    handshake,
    admission,
    delivery,
    channel,
};

// In the order of Code: the API's spelling.
inline constexpr std::array<std::string_view, 23> code_names{"InvalidRequest", "InvalidConfiguration",
                                                             "Denied",         "UnknownService",
                                                             "NotFound",       "DiscoveryFailed",
                                                             "Untrusted",      "NoCredentials",
                                                             "UnknownTarget",  "KdcUnreachable",
                                                             "ClockSkew",      "Unreachable",
                                                             "WrongPeer",      "Unprotected",
                                                             "RefusedByPeer",  "Protocol",
                                                             "TimedOut",       "Cancelled",
                                                             "Limit",          "Expired",
                                                             "Unavailable",    "PluginFailed",
                                                             "Internal"};
// In the order of Stage.
inline constexpr std::array<std::string_view, 13> stage_names{
    "request",   "caller",  "policy",    "discovery", "trust",    "spn",    "credentials",
    "addresses", "connect", "handshake", "admission", "delivery", "channel"};

constexpr std::string_view name(Code code) { return code_names[static_cast<std::size_t>(code)]; }
constexpr std::string_view name(Stage stage) { return stage_names[static_cast<std::size_t>(stage)]; }

constexpr std::optional<Code> code_named(std::string_view text) {
    for (std::size_t i = 0; i < code_names.size(); ++i)
        if (code_names[i] == text) return static_cast<Code>(i);
    return std::nullopt;
}
constexpr std::optional<Stage> stage_named(std::string_view text) {
    for (std::size_t i = 0; i < stage_names.size(); ++i)
        if (stage_names[i] == text) return static_cast<Stage>(i);
    return std::nullopt;
}

struct Error {
    Code code = Code::internal;
    Stage stage = Stage::request;
    std::string message;  // "what we did: what they said"; lower case, no period
    std::string hint;     // what a person can do about it; may be empty

    Error(Code code_, Stage stage_, std::string message_, std::string hint_ = {})
        : code(code_), stage(stage_), message(std::move(message_)), hint(std::move(hint_)) {}
    Error() = default;
    bool operator==(const Error&) const = default;
};

// One line for logs: "UnknownTarget at credentials: message (hint)".
inline std::string to_string(const Error& error) {
    std::string text{name(error.code)};
    text.append(" at ").append(name(error.stage)).append(": ").append(error.message);
    if (!error.hint.empty()) text.append(" (").append(error.hint).append(")");
    return text;
}

// Either a value or an Error. Asking for the one that is not there ends the process: it is a bug.
template <class T>
class [[nodiscard]] Result {
public:
    using value_type = T;
    Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
    Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}
    explicit operator bool() const { return state_.index() == 0; }
    bool ok() const { return state_.index() == 0; }
    T& value() & { return ok() ? *std::get_if<0>(&state_) : die(); }
    const T& value() const& { return ok() ? *std::get_if<0>(&state_) : const_cast<Result*>(this)->die(); }
    T&& value() && { return std::move(ok() ? *std::get_if<0>(&state_) : die()); }
    T& operator*() & { return value(); }
    const T& operator*() const& { return value(); }
    T&& operator*() && { return std::move(*this).value(); }
    T* operator->() { return &value(); }
    const T* operator->() const { return &value(); }
    const Error& error() const& {
        if (ok()) std::abort();
        return *std::get_if<1>(&state_);
    }
    Error&& error() && {
        if (ok()) std::abort();
        return std::move(*std::get_if<1>(&state_));
    }

private:
    [[noreturn]] T& die() { std::abort(); }
    std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
public:
    using value_type = void;
    Result() = default;
    Result(Error error) : error_(std::move(error)) {}
    explicit operator bool() const { return !error_; }
    bool ok() const { return !error_; }
    const Error& error() const& {
        if (!error_) std::abort();
        return *error_;
    }
    Error&& error() && {
        if (!error_) std::abort();
        return std::move(*error_);
    }

private:
    std::optional<Error> error_;
};

}  // namespace mutual
