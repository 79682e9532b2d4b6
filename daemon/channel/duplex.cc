// SPDX-License-Identifier: Apache-2.0
#include "daemon/channel/duplex.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>

#include "varlink/linger_bound.h"

namespace mutual::channel {

Result<void> Duplex::attach(UniqueFd socket) {
    boost::system::error_code failure;
    socket_.assign(socket.value(), failure);
    if (failure)
        return Error{Code::unavailable, Stage::channel,
                     "watch a socket of the channel: " + failure.message()};
    (void)socket.release();
    return {};
}

ssize_t Duplex::receive(MutableBytes room) {
    if (whose_ == Whose::peer) return ::recv(socket_.native_handle(), room.data(), room.size(), MSG_DONTWAIT);
    iovec data{room.data(), room.size()};
    msghdr message{};
    message.msg_iov = &data;
    message.msg_iovlen = 1;
    const LingerBound::Watch watch;
    const ssize_t got = ::recvmsg(socket_.native_handle(), &message, MSG_DONTWAIT);
    if (got < 0 || (message.msg_flags & MSG_CTRUNC) == 0) return got;
    errno = EMSGSIZE;
    return -1;
}

Duplex::Read Duplex::read(MutableBytes room, std::size_t& size) {
    size = 0;
    for (;;) {
        const ssize_t got = receive(room);
        if (got > 0) {
            size = static_cast<std::size_t>(got);
            return Read::some;
        }
        if (got < 0 && errno == EINTR) continue;
        if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return Read::blocked;
        if (got < 0 && errno == EMSGSIZE) return Read::misused;
        read_ended_ = true;
        return got == 0 ? Read::ended : Read::broken;
    }
}

bool Duplex::sees_end() {
    std::byte first{};
    const ssize_t got = ::recv(socket_.native_handle(), &first, 1, MSG_DONTWAIT | MSG_PEEK);
    const bool nothing_yet = got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR);
    if (got <= 0 && !nothing_yet) read_ended_ = true;
    return read_ended_;
}

Duplex::Flush Duplex::flush() {
    while (!output_.empty()) {
        const Bytes pending = output_.pending();
        const ssize_t sent =
            ::send(socket_.native_handle(), pending.data(), pending.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent >= 0) {
            output_.consume(static_cast<std::size_t>(sent));
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            return Flush::blocked;
        } else if (errno != EINTR) {
            return Flush::broken;
        }
    }
    if (finishing_ && !finished_) {
        finished_ = true;
        ::shutdown(socket_.native_handle(), SHUT_WR);
    }
    return Flush::done;
}

void Duplex::close() {
    output_.clear();
    if (!socket_.is_open()) return;
    ::shutdown(socket_.native_handle(), SHUT_RDWR);
    drain();
    shut();
}

// Closing with octets unread would show the other side a reset instead of the end. Nobody who passes
// descriptors is owed that: each message that brings one may hold us up a little.
void Duplex::drain() {
    std::array<std::byte, 4096> ignored;
    for (int i = 0; i < 256 && receive(ignored) > 0; ++i) {
    }
}

void Duplex::reset() {
    if (socket_.is_open()) {
        const linger none{1, 0};
        ::setsockopt(socket_.native_handle(), SOL_SOCKET, SO_LINGER, &none, sizeof none);
    }
    output_.clear();
    shut();
}

void Duplex::shut() {
    const LingerBound::Watch watch;
    boost::system::error_code failure;
    socket_.close(failure);
}

}  // namespace mutual::channel
