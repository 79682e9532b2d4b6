// SPDX-License-Identifier: Apache-2.0
#include "daemon/channel/connector.h"

#include <algorithm>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cerrno>
#include <cstring>

#include "varlink/deadline.h"
#include "varlink/readiness.h"

namespace mutual::channel {
namespace {

using std::chrono::steady_clock;

constexpr auto least_share = std::chrono::milliseconds(250);

Error unreachable(const Endpoint& endpoint, const char* why) {
    return {Code::unreachable, Stage::connect, "connect to " + to_string(endpoint) + ": " + why};
}

asio::awaitable<Result<Connected>> connect_to(asio::io_context& loop, Endpoint endpoint) {
    auto address = to_socket_address(endpoint);
    if (!address) co_return address.error();
    auto socket = tcp_socket(*address);
    if (!socket) co_return socket.error();
    asio::posix::stream_descriptor descriptor(loop, socket->release());
    if (::connect(descriptor.native_handle(), address->get(), address->length) != 0) {
        if (errno != EINPROGRESS) co_return unreachable(endpoint, std::strerror(errno));
        co_await varlink::until_ready(descriptor, asio::posix::stream_descriptor::wait_write);
    }
    int failure = 0;
    socklen_t size = sizeof failure;
    ::getsockopt(descriptor.native_handle(), SOL_SOCKET, SO_ERROR, &failure, &size);
    if (failure != 0) co_return unreachable(endpoint, std::strerror(failure));
    Connected connected;
    connected.socket = UniqueFd(descriptor.release());
    connected.endpoint = std::move(endpoint);
    tune_connection(connected.socket.value());
    co_return connected;
}

// Until when one of `left` endpoints may take.
Instant share_of(Instant now, Instant deadline, std::size_t left) {
    const auto fair = (deadline - now) / static_cast<Instant::rep>(left);
    return std::min(deadline, now + std::max<Instant::duration>(fair, least_share));
}

Error none_worked(const std::vector<Attempt>& attempts) {
    std::string text = "connect to the service";
    for (const auto& attempt : attempts) text += ": " + attempt.message;
    return {Code::unreachable, Stage::connect, std::move(text),
            "is the service running there, and may we reach it?"};
}

}  // namespace

asio::awaitable<Result<Connected>> connect_to_any(asio::io_context& loop, std::vector<Endpoint> endpoints,
                                                  Instant deadline,
                                                  std::shared_ptr<std::vector<Attempt>> attempts) {
    for (std::size_t i = 0; i < endpoints.size(); ++i) {
        const Instant begin = steady_clock::now();
        if (begin >= deadline)
            co_return Error(Code::timed_out, Stage::connect, "connect to the service: its time was over");
        const Error late = unreachable(endpoints[i], "no answer in time");
        auto connecting = connect_to(loop, endpoints[i]);
        Result<Connected> connected = co_await varlink::with_deadline(
            loop, std::move(connecting), share_of(begin, deadline, endpoints.size() - i), late);
        Attempt attempt;
        attempt.endpoint = endpoints[i];
        attempt.took = std::chrono::duration_cast<std::chrono::microseconds>(steady_clock::now() - begin);
        if (!connected) attempt.message = connected.error().message;
        attempts->push_back(std::move(attempt));
        if (connected) co_return std::move(*connected);
    }
    co_return none_worked(*attempts);
}

}  // namespace mutual::channel
