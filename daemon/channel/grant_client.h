// SPDX-License-Identifier: Apache-2.0
// Has mutuald-keys perform the steps of handshakes over one grant. Calls on a grant are answered at once and
// in order, so handshakes share it: one for a Connect, one for a service's accepting on one event loop.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "daemon/channel/event_loop.h"
#include "mutual/transport.h"
#include "varlink/connection.h"

namespace mutual::channel {

// What a step gave; with an error, `token` may be what the peer should see.
struct Step {
    std::vector<std::byte> token;
    std::unique_ptr<SecurityContext> established;
    std::string context;  // the id by which the broker reads the facts
    bool last = false;    // the grant is used up
    std::optional<Error> error;
};

struct StepTerms {
    // A handshake that begins: its ticket has to last so much longer at least. 0: that of the grant will do.
    std::chrono::seconds lifetime{0};
    bool is_further = false;  // of a channel that has a context: nobody will ask for its facts
};

class GrantClient : public std::enable_shared_from_this<GrantClient> {
public:
    using Stepped = std::function<void(Step)>;

    using Lost = std::function<void(const Error&)>;

    // `lost` is told once, when no further step can be had.
    GrantClient(EventLoop& loop, UniqueFd socket, Lost lost = {});

    // The number of a new handshake.
    std::int64_t begin() { return ++last_; }
    // An empty token: the first step of an initiator. `stepped` is called later, never from within.
    void step(std::int64_t handshake, Bytes token, StepTerms terms, Stepped stepped);
    // Forgets a handshake that was not finished: nobody is told of its steps any more.
    void drop(std::int64_t handshake);

private:
    struct Work {
        std::int64_t handshake = 0;
        varlink::Call call;
        std::chrono::seconds patience{0};
        Stepped stepped;  // empty: the answer interests nobody
    };
    void enqueue(Work work);
    static asio::awaitable<void> perform_all(std::shared_ptr<GrantClient> self);
    void finish(Work work, Result<varlink::Reply> reply);
    void lose(const Error& why);
    void fail_all(const Error& error);

    EventLoop& loop_;
    varlink::Connection connection_;
    Lost told_;
    std::deque<Work> waiting_;
    std::int64_t last_ = 0;
    std::int64_t under_way_ = 0;  // handshake whose step is being performed
    bool dropped_ = false;        // the one under way was dropped meanwhile
    bool performing_ = false;
    bool lost_ = false;
};

}  // namespace mutual::channel
