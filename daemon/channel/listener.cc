// SPDX-License-Identifier: Apache-2.0
#include "daemon/channel/listener.h"

#include <cerrno>
#include <cstring>

namespace mutual::channel {
namespace {

using std::chrono::steady_clock;

constexpr auto accept_pause = std::chrono::milliseconds(100);
constexpr auto between_complaints = std::chrono::seconds(10);
constexpr int at_once = 64;

}  // namespace

Listener::Listener(asio::io_context& loop, const unit::Log& log, Workers& workers, UniqueFd socket)
    : socket_(loop), pause_(loop), log_(log), workers_(workers) {
    socket_.assign(socket.release());
}

void Listener::serve(std::shared_ptr<const AcceptingService> service) { service_ = std::move(service); }

void Listener::start() { wait(); }

void Listener::stop() {
    boost::system::error_code ignored;
    pause_.cancel();
    socket_.close(ignored);
}

void Listener::wait() {
    socket_.async_wait(asio::posix::stream_descriptor::wait_read,
                       [self = shared_from_this()](boost::system::error_code failure) {
                           if (!failure && self->socket_.is_open()) self->accept_some();
                       });
}

void Listener::accept_some() {
    for (int i = 0; i < at_once; ++i) {
        SocketAddress peer;
        peer.length = sizeof peer.storage;
        UniqueFd socket(
            ::accept4(socket_.native_handle(), peer.get(), &peer.length, SOCK_CLOEXEC | SOCK_NONBLOCK));
        if (socket)
            deal(std::move(socket), to_endpoint(peer));
        else if (errno == EAGAIN || errno == EWOULDBLOCK)
            break;
        else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
            return pause(errno);  // what failed would fail again at once
        // Everything else concerns the one connection that is gone already (accept(2)).
    }
    wait();
}

void Listener::pause(int failure) {
    if (steady_clock::now() >= complained_ + between_complaints) {
        complained_ = steady_clock::now();
        log_.error(std::string("accept a connection: ") + std::strerror(failure),
                   {{unit::Field::service, service_->name}});
    }
    pause_.expires_after(accept_pause);
    pause_.async_wait([self = shared_from_this()](boost::system::error_code cancelled) {
        if (!cancelled && self->socket_.is_open()) self->wait();
    });
}

bool Listener::take_place() {
    AcceptCounts& counts = *service_->counts;
    const bool is_full = counts.connections >= service_->limits.connections ||
                         counts.handshakes >= service_->limits.handshakes;
    if (is_full) return false;
    ++counts.connections;
    ++counts.handshakes;
    return true;
}

void Listener::deal(UniqueFd socket, Endpoint peer) {
    if (!take_place()) {
        if (steady_clock::now() < complained_ + between_complaints) return;
        complained_ = steady_clock::now();
        log_.warning("refused a connection: the service is at its limit",
                     {{unit::Field::service, service_->name}, {unit::Field::peer, to_string(peer)}});
        return;
    }
    tune_connection(socket.value());
    Worker& worker = *workers_[next_++ % workers_.size()];
    auto shared = std::make_shared<UniqueFd>(std::move(socket));
    worker.loop().post([&worker, service = service_, shared, peer, now = steady_clock::now()] {
        worker.accept(service, std::move(*shared), peer, now);
    });
}

}  // namespace mutual::channel
