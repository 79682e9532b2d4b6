// SPDX-License-Identifier: Apache-2.0
// libmutual for C++17 and later: mutual.h with values that free themselves and with exceptions. Header only;
// what each function does and promises is told in mutual.h.
#pragma once

#include <chrono>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "mutual/mutual.h"

namespace mutual {

// What every function here throws, besides std::bad_alloc for want of memory on this side.
class Failure : public std::runtime_error {
public:
    // Takes the error over.
    explicit Failure(mutual_error* error)
        : std::runtime_error(mutual_error_message(error)), error_(error, mutual_error_free) {}

    mutual_code code() const noexcept { return mutual_error_code(error_.get()); }
    const char* stage() const noexcept { return mutual_error_stage(error_.get()); }
    const char* hint() const noexcept { return mutual_error_hint(error_.get()); }
    const char* request() const noexcept { return mutual_error_request(error_.get()); }
    const char* explanation() const noexcept { return mutual_error_explanation(error_.get()); }

private:
    std::shared_ptr<mutual_error> error_;  // exceptions are copied
};

struct Request {
    std::string service = {};
    std::vector<std::string> keywords = {};
    std::optional<std::string> instance = {};
    std::optional<std::string> host = {};
    std::optional<std::string> credential_cache = {};
    std::optional<std::chrono::seconds> minimum_lifetime = {};
    std::optional<std::chrono::milliseconds> timeout = {};
    std::optional<std::string> socket = {};
    std::uint32_t rpc_program = 0;  // 0: not given
    std::uint32_t rpc_version = 0;
};

class Channel {
public:
    // Takes it over; not null.
    explicit Channel(mutual_channel* channel) : channel_(channel) {}

    int fd() const { return mutual_channel_fd(channel_.get()); }
    [[nodiscard]] int take_fd() { return mutual_channel_take_fd(channel_.get()); }
    const char* id() const { return mutual_channel_id(channel_.get()); }
    const char* service() const { return mutual_channel_service(channel_.get()); }
    const char* peer() const { return mutual_channel_peer(channel_.get()); }
    const char* self() const { return mutual_channel_self(channel_.get()); }
    const char* spn() const { return mutual_channel_spn(channel_.get()); }
    const char* address() const { return mutual_channel_address(channel_.get()); }
    std::uint16_t port() const { return mutual_channel_port(channel_.get()); }
    std::chrono::system_clock::time_point expires() const {
        return std::chrono::system_clock::time_point(
            std::chrono::seconds(mutual_channel_expires(channel_.get())));
    }
    mutual_verdict verdict() const { return mutual_channel_verdict(channel_.get()); }

private:
    struct Free {
        void operator()(mutual_channel* channel) const noexcept { mutual_channel_free(channel); }
    };
    std::unique_ptr<mutual_channel, Free> channel_;
};

namespace detail {

// The C ABI's view of a Request; valid as long as that lives and stays as it is.
class RequestView {
public:
    explicit RequestView(const Request& request) {
        for (const std::string& keyword : request.keywords) keywords_.push_back(keyword.c_str());
        keywords_.push_back(nullptr);
        view_.service = request.service.empty() ? nullptr : request.service.c_str();
        view_.keywords = request.keywords.empty() ? nullptr : keywords_.data();
        view_.instance = text(request.instance);
        view_.host = text(request.host);
        view_.credential_cache = text(request.credential_cache);
        view_.socket = text(request.socket);
        view_.rpc_program = request.rpc_program;
        view_.rpc_version = request.rpc_version;
        if (request.minimum_lifetime)
            view_.minimum_lifetime_seconds = count(request.minimum_lifetime->count());
        if (request.timeout) view_.timeout_milliseconds = count(request.timeout->count());
    }
    RequestView(const RequestView&) = delete;
    RequestView& operator=(const RequestView&) = delete;

    const mutual_request* view() const { return &view_; }

private:
    static const char* text(const std::optional<std::string>& value) {
        return value ? value->c_str() : nullptr;
    }
    // Given, so never 0; what is out of range becomes the nearest that is not.
    static std::uint32_t count(std::int64_t value) {
        constexpr std::int64_t most = std::numeric_limits<std::uint32_t>::max();
        return static_cast<std::uint32_t>(value < 1 ? 1 : value > most ? most : value);
    }

    std::vector<const char*> keywords_;
    mutual_request view_ = MUTUAL_REQUEST_INIT;
};

// Calls a function that gives a channel and an error.
template <class Function, class... Arguments>
Channel channel_from(Function function, Arguments... arguments) {
    mutual_channel* channel = nullptr;
    mutual_error* error = nullptr;
    if (function(arguments..., &channel, &error) != MUTUAL_OK) throw Failure(error);
    return Channel(channel);
}

inline const char* socket_text(const std::string& socket) {
    return socket.empty() ? nullptr : socket.c_str();
}

}  // namespace detail

inline Channel open(const Request& request) {
    return detail::channel_from(mutual_open, detail::RequestView(request).view());
}

// Of the request's fields only service, timeout and socket may be given.
inline Channel accept(const Request& request) {
    return detail::channel_from(mutual_accept, detail::RequestView(request).view());
}

// A request under way; destroying it cancels it.
class Pending {
public:
    static Pending open(const Request& request) { return begin(mutual_open_begin, request); }
    static Pending accept(const Request& request) { return begin(mutual_accept_begin, request); }

    // Whenever it is readable, call finish().
    int fd() const { return mutual_pending_fd(pending_.get()); }
    // Never waits. No value: not yet.
    std::optional<Channel> finish() {
        mutual_channel* channel = nullptr;
        mutual_error* error = nullptr;
        const mutual_code code = mutual_finish(pending_.get(), &channel, &error);
        if (code == MUTUAL_AGAIN) return std::nullopt;
        if (code != MUTUAL_OK) throw Failure(error);
        return Channel(channel);
    }

private:
    struct Free {
        void operator()(mutual_pending* pending) const noexcept { mutual_pending_free(pending); }
    };
    explicit Pending(mutual_pending* pending) : pending_(pending) {}

    template <class Function>
    static Pending begin(Function function, const Request& request) {
        mutual_pending* pending = nullptr;
        mutual_error* error = nullptr;
        if (function(detail::RequestView(request).view(), &pending, &error) != MUTUAL_OK)
            throw Failure(error);
        return Pending(pending);
    }

    std::unique_ptr<mutual_pending, Free> pending_;
};

// socket: empty for the default one.
inline Channel whois(const std::string& id, const std::string& socket = {}) {
    return detail::channel_from(mutual_whois, id.c_str(), detail::socket_text(socket));
}

inline Channel whois(int fd, const std::string& socket = {}) {
    return detail::channel_from(mutual_whois_fd, fd, detail::socket_text(socket));
}

// By the stamp of the AUTH_SYS credential that a call to the RPC service brought.
inline Channel whois_stamp(const std::string& service, std::uint32_t stamp, const std::string& socket = {}) {
    return detail::channel_from(mutual_whois_stamp, service.c_str(), stamp, detail::socket_text(socket));
}

// How the peer's stream ended; never MUTUAL_END_UNKNOWN, which is a Failure here.
inline mutual_verdict end(int fd, const std::string& socket = {}) {
    mutual_error* error = nullptr;
    const mutual_verdict verdict = mutual_end(fd, detail::socket_text(socket), &error);
    if (verdict == MUTUAL_END_UNKNOWN) throw Failure(error);
    return verdict;
}

}  // namespace mutual
