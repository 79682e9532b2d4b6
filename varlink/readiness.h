// SPDX-License-Identifier: Apache-2.0
// Asio's wait for a descriptor may end although nothing is ready: the reactor can hand on an event of one
// that was closed in the same turn of the loop, to the one that took its place. Whoever reads or writes then
// is told EAGAIN and waits again; whoever draws another conclusion from the wait's end waits with this.
#pragma once

#include <poll.h>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>
#include <cerrno>

namespace mutual::varlink {

namespace asio = boost::asio;

// Whether a wait of that kind would end at once. Errors and hang-ups end any.
inline bool is_ready(int descriptor, asio::posix::stream_descriptor::wait_type what) {
    using Descriptor = asio::posix::stream_descriptor;
    const int events = what == Descriptor::wait_read ? POLLIN : what == Descriptor::wait_write ? POLLOUT : 0;
    pollfd asked{descriptor, static_cast<short>(events), 0};
    int ready = 0;
    do ready = ::poll(&asked, 1, 0);
    while (ready < 0 && errno == EINTR);  // a signal that comes now says nothing of the descriptor
    return ready != 0;
}

// Ends with the reactor's error, if it is cancelled above all, or when the descriptor is ready indeed.
inline asio::awaitable<boost::system::error_code> end_of_wait(
    asio::posix::stream_descriptor& descriptor, asio::posix::stream_descriptor::wait_type what) {
    for (;;) {
        boost::system::error_code failure;
        co_await descriptor.async_wait(what, asio::redirect_error(asio::use_awaitable, failure));
        if (failure || !descriptor.is_open() || is_ready(descriptor.native_handle(), what)) co_return failure;
    }
}

// The same, throwing the error, as a wait of Asio's does.
inline asio::awaitable<void> until_ready(asio::posix::stream_descriptor& descriptor,
                                         asio::posix::stream_descriptor::wait_type what) {
    const boost::system::error_code failure = co_await end_of_wait(descriptor, what);
    if (failure) throw boost::system::system_error(failure);
}

}  // namespace mutual::varlink
