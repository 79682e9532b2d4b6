// SPDX-License-Identifier: Apache-2.0
// Child processes of another uid: starting this program's own executable as that uid, ending it, and
// collecting it without ever waiting.
#pragma once

#include <sys/types.h>

#include <boost/asio/io_context.hpp>
#include <functional>
#include <string>
#include <vector>

#include "daemon/keys/privileges.h"
#include "mutual/error.h"
#include "varlink/unique_fd.h"

namespace mutual::keys {

// What every child needs; made once, at start.
class ChildImage {
public:
    static Result<ChildImage> of_this_program();

    struct Started {
        pid_t pid = -1;
        UniqueFd pidfd;
    };
    // Runs this program anew as `owner`: `socket` is its descriptor 3, nothing else is open, and of the
    // environment only KRB5_CONFIG is left. What fails in the child is told over the socket as an error of
    // `interface`.
    Result<Started> start(Owner owner, const std::vector<std::string>& arguments, UniqueFd socket,
                          std::string_view interface) const;

private:
    UniqueFd executable_;
    UniqueFd null_;
};

// Ends a process of that uid, through a sibling that takes the uid as effective uid only: this process may
// not signal another uid, and a process wholly of that uid could be stopped by its user. False: no sibling
// could be made now; try again later.
[[nodiscard]] bool kill_as(boost::asio::io_context& loop, uid_t uid, int pidfd);

// Collects the child when it has ended, then tells with the status of waitpid().
void collect(boost::asio::io_context& loop, pid_t pid, UniqueFd pidfd, std::function<void(int status)> ended);

}  // namespace mutual::keys
