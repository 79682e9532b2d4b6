// SPDX-License-Identifier: Apache-2.0
// One child process that runs this same program as a finder: started with a clean environment and one socket,
// killed when its owner lets go of it, and always reaped without blocking the loop.
#pragma once

#include <sys/types.h>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <memory>
#include <string>

#include "mutual/error.h"
#include "varlink/unique_fd.h"

namespace mutual::plugin {

namespace asio = boost::asio;

class Process {
public:
    // `label` is the last argument, for those who list processes. `socket`: our end of the pair.
    static Result<std::unique_ptr<Process>> start(asio::io_context& loop, const std::string& label,
                                                  UniqueFd& socket);
    ~Process();
    Process(const Process&) = delete;
    Process& operator=(const Process&) = delete;

    pid_t pid() const { return pid_; }
    bool has_ended() const;
    void kill();
    // Waits for its end: "was killed by signal 11 (Segmentation fault)".
    asio::awaitable<std::string> ended();

private:
    Process(asio::io_context& loop, pid_t pid, UniqueFd pidfd);

    asio::io_context& loop_;
    pid_t pid_;
    asio::posix::stream_descriptor pidfd_;
};

}  // namespace mutual::plugin
