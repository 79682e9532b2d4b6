// SPDX-License-Identifier: Apache-2.0
// One event loop and what its channels share: room to read into, and spare buffers to write from. One thread
// runs it; only post() may be called by others.
#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <functional>
#include <memory>
#include <utility>

#include "daemon/channel/buffer_pool.h"
#include "mutual/transport.h"
#include "varlink/linger_bound.h"

namespace mutual::channel {

namespace asio = boost::asio;

class EventLoop {
public:
    // Large enough for the longest record of any wire, and for four records of the usual size in one read.
    static constexpr std::size_t scratch_size = 72 * 1024;

    EventLoop() : scratch_(std::make_unique_for_overwrite<std::byte[]>(scratch_size)) {}

    asio::io_context& context() { return context_; }
    MutableBytes scratch() { return {scratch_.get(), scratch_size}; }
    BufferPool& buffers() { return buffers_; }

    template <class Work>
    void post(Work&& work) {
        asio::post(context_, std::forward<Work>(work));
    }
    // Until stop(), which any thread may call.
    void run() {
        const LingerBound bound;
        auto guard = asio::make_work_guard(context_);
        context_.run();
    }
    void stop() { context_.stop(); }

private:
    BufferPool buffers_;
    std::unique_ptr<std::byte[]> scratch_;
    asio::io_context context_{1};  // last: what it destroys may give buffers back
};

}  // namespace mutual::channel
