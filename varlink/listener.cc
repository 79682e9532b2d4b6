// SPDX-License-Identifier: Apache-2.0
#include "varlink/listener.h"

#include <sys/socket.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <map>

namespace mutual::varlink {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds moment{20};
// So long connections are closed unheard, one after the other, before the loop does something else: whoever
// waits in line behind a flood of them shall not wait for the loop as well.
constexpr std::chrono::milliseconds longest_turn{1};

struct Listening {
    asio::io_context& loop;
    std::shared_ptr<const Service> service;
    Admit admit;
    Limits limits;
    Service::Complaint complaint;
    std::map<uid_t, Clock::time_point> refused;  // until when a uid is not heard
    Clock::time_point turn_began = Clock::now();

    bool is_unheard(uid_t uid) {
        if (refused.empty()) return false;
        const auto now = Clock::now();
        std::erase_if(refused, [now](const auto& one) { return one.second <= now; });
        return refused.contains(uid);
    }
};

// True if the loop should do something else now.
bool serve_one(const std::shared_ptr<Listening>& listening, UniqueFd socket) {
    ucred peer{};
    socklen_t size = sizeof peer;
    if (::getsockopt(socket.value(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return true;
    if (listening->is_unheard(peer.uid)) return Clock::now() - listening->turn_began >= longest_turn;
    auto connection = std::make_shared<Connection>(listening->loop, std::move(socket), listening->limits);
    Result<std::shared_ptr<void>> admitted = listening->admit(connection->peer(), connection->socket());
    if (!admitted) {
        listening->refused[peer.uid] = Clock::now() + moment;
        return true;
    }
    auto ended = [listening, held = std::move(*admitted)](std::exception_ptr) {};
    asio::co_spawn(listening->loop, listening->service->serve(std::move(connection)), std::move(ended));
    return true;
}

}  // namespace

asio::awaitable<void> listen(asio::io_context& loop, UniqueFd listener,
                             std::shared_ptr<const Service> service, Admit admit, Limits limits,
                             Service::Complaint complaint) {
    auto listening = std::make_shared<Listening>(
        Listening{loop, std::move(service), std::move(admit), limits, std::move(complaint), {}});
    asio::posix::stream_descriptor socket(loop, listener.release());
    socket.native_non_blocking(true);
    asio::steady_timer pause(loop);
    int told = 0;  // the error that was told already
    for (;;) {
        UniqueFd accepted(::accept4(socket.native_handle(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
        if (accepted) {
            told = 0;
            bool has_done_enough = true;
            try {
                has_done_enough = serve_one(listening, std::move(accepted));
            } catch (const std::exception& failure) {
                listening->complaint(std::string("refused a connection: ") + failure.what());
            }
            // Those who are connected are served, however many others come.
            if (!has_done_enough) continue;
            co_await asio::post(loop, asio::use_awaitable);
        } else if (errno == EAGAIN) {
            co_await socket.async_wait(asio::posix::stream_descriptor::wait_read, asio::use_awaitable);
        } else if (errno != EINTR && errno != ECONNABORTED) {
            // Without descriptors or memory an immediate retry would only spin.
            if (const int error = errno; error != told) {
                listening->complaint(std::string("accept a connection: ") + std::strerror(error));
                told = error;
            }
            pause.expires_after(std::chrono::milliseconds(100));
            co_await pause.async_wait(asio::use_awaitable);
        }
        listening->turn_began = Clock::now();
    }
}

void say_last(int socket, const Reply& reply) {
    const std::string text = to_text(reply);
    std::size_t sent = 0;
    // A fresh socket's buffer takes it whole.
    send_some(socket, {text.c_str(), text.size() + 1}, {}, sent);
}

Admit only_uid(uid_t uid, Service::Complaint complaint) {
    return [uid, complaint = std::move(complaint)](const PeerCredentials& peer,
                                                   int) -> Result<std::shared_ptr<void>> {
        if (peer.uid == uid) return std::shared_ptr<void>();
        Error error(
            Code::denied, Stage::caller,
            "this socket admits uid " + std::to_string(uid) + " only, not " + std::to_string(peer.uid));
        complaint("refused a connection: " + to_string(error));
        return error;
    };
}

}  // namespace mutual::varlink
