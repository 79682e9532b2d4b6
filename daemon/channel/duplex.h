// SPDX-License-Identifier: Apache-2.0
// One of the two sockets of a channel: reads without blocking, writes what its output queue holds, and closes
// its direction behind that. Knows nothing of the other socket, nor of what the bytes mean.
#pragma once

#include <boost/asio/posix/stream_descriptor.hpp>

#include "daemon/channel/event_loop.h"
#include "daemon/channel/output_queue.h"
#include "varlink/readiness.h"
#include "varlink/unique_fd.h"

namespace mutual::channel {

class Duplex {
public:
    enum class Read { some, blocked, ended, broken, misused };
    enum class Flush { done, blocked, broken };
    using Socket = asio::posix::stream_descriptor;

    // The peer's is of the network and carries octets only; the program's may bring what we have to beware
    // of.
    enum class Whose { peer, program };

    Duplex(EventLoop& loop, Whose whose) : whose_(whose), output_(loop.buffers()), socket_(loop.context()) {}
    ~Duplex() { shut(); }
    Duplex(const Duplex&) = delete;
    Duplex& operator=(const Duplex&) = delete;

    Result<void> attach(UniqueFd socket);
    bool is_open() const { return socket_.is_open(); }

    // misused: with the octets, which are lost, came a descriptor, which is dropped.
    Read read(MutableBytes room, std::size_t& size);
    // Whether the other side has ended with nothing left to read; takes no octet.
    bool sees_end();
    // Writes until the queue is empty or the socket is full; shuts its direction down behind the last octet
    // if finish() was called.
    Flush flush();
    void finish() { finishing_ = true; }
    bool finished() const { return finished_; }
    void close();
    // Closes without the last octets; the other side learns of it by a reset, where there is such a thing.
    void reset();

    OutputQueue& output() { return output_; }
    const OutputQueue& output() const { return output_; }
    bool read_ended() const { return read_ended_; }

    // Calls `then` once when there may be something to read (to write). While a wait is pending, asking again
    // is nothing. `then` keeps its owner alive.
    template <class Then>
    void wait_readable(Then then) {
        if (reading_ || !socket_.is_open()) return;
        reading_ = true;
        socket_.async_wait(Socket::wait_read,
                           [this, then = std::move(then)](boost::system::error_code failure) mutable {
                               reading_ = false;
                               if (!failure) then();
                           });
    }
    // Calls `then` once when the other side has closed both directions (or the socket is broken).
    template <class Then>
    void wait_gone(Then then) {
        if (parting_ || !socket_.is_open()) return;
        parting_ = true;
        socket_.async_wait(Socket::wait_error,
                           [this, then = std::move(then)](boost::system::error_code failure) mutable {
                               parting_ = false;
                               if (failure || !socket_.is_open()) return;
                               if (varlink::is_ready(socket_.native_handle(), Socket::wait_error))
                                   then();
                               else
                                   wait_gone(std::move(then));
                           });
    }
    template <class Then>
    void wait_writable(Then then) {
        if (writing_ || !socket_.is_open()) return;
        writing_ = true;
        socket_.async_wait(Socket::wait_write,
                           [this, then = std::move(then)](boost::system::error_code failure) mutable {
                               writing_ = false;
                               if (!failure) then();
                           });
    }

private:
    // As recv(); -1 and EMSGSIZE: with the octets, which are lost, came a descriptor, which is dropped.
    ssize_t receive(MutableBytes room);
    void drain();
    void shut();

    const Whose whose_;
    OutputQueue output_;
    Socket socket_;
    bool reading_ = false;
    bool writing_ = false;
    bool parting_ = false;
    bool read_ended_ = false;
    bool finishing_ = false;
    bool finished_ = false;
};

}  // namespace mutual::channel
