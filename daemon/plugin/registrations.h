// SPDX-License-Identifier: Apache-2.0
// Which of this host's services rpcbind is to know: told to it when that changes, again when it was
// restarted, and looked after now and then. Whoever asked may be gone: what was asked for stays until it is
// replaced, removed, or the program ends. What rpcbind says is read in a child.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "daemon/plugin/finder_pool.h"
#include "daemon/plugin/rpc_place.h"
#include "daemon/plugin/rpc_requests.h"

namespace mutual::plugin {

struct RpcbindHere {
    std::string socket = "/run/rpcbind.sock";
    // Somebody may remove an entry without restarting rpcbind.
    std::chrono::seconds between_checks{60};
};

class Registrations {
public:
    static constexpr std::size_t most = most_rpc_services;

    Registrations(asio::io_context& loop, RpcbindHere rpcbind, FinderPool::Complaint complaint);

    // Answers when it was tried, which it is at once. What did not succeed stays wanted, and is tried again.
    // Whoever hangs up meanwhile changes nothing.
    asio::awaitable<Result<void>> set(std::string service, RpcRegistration wanted);
    // Of a service that has none: nothing to do. What rpcbind could not be told is tried again, too.
    asio::awaitable<Result<void>> remove(std::string service);
    // Begins to remove those of all other services.
    void keep(const std::vector<std::string>& services);
    // At the program's end.
    asio::awaitable<Result<void>> remove_all(Deadline deadline);

private:
    struct Entry {
        std::optional<RpcRegistration> wanted;  // none: it is to be removed
        std::optional<RpcRegistration> told;    // what rpcbind may know of
        std::uint64_t asked = 0;                // how often it was changed
        std::uint64_t done = 0;                 // up to which of these changes it was tried
        bool is_due = false;
        Result<void> outcome;
    };

    // Notes it; begin() has it done.
    static void want(Entry& entry, std::optional<RpcRegistration> wanted);
    asio::awaitable<Result<void>> change(std::shared_ptr<Entry> entry, std::optional<RpcRegistration> wanted);
    void begin();
    void all_are_due();
    // While there are entries: tells rpcbind what is due, one at a time.
    asio::awaitable<void> work();
    asio::awaitable<void> work_off(const std::string& service, std::shared_ptr<Entry> entry);
    asio::awaitable<Result<void>> tell(Entry& entry);
    std::map<std::string, std::shared_ptr<Entry>>::iterator next_due();
    // Meanwhile: holds a connection to rpcbind, whose end says that it was restarted.
    asio::awaitable<void> watch();
    asio::awaitable<void> pause(std::chrono::milliseconds time);
    asio::awaitable<Result<void>> until_tried();

    asio::io_context& loop_;
    RpcbindHere rpcbind_;
    FinderPool::Complaint complaint_;
    std::shared_ptr<FinderPool> pool_;
    std::map<std::string, std::shared_ptr<Entry>> entries_;  // by service
    bool is_working_ = false;
    bool is_watching_ = false;
    asio::steady_timer work_;     // cancelled when something is due
    asio::steady_timer changed_;  // cancelled when something was tried
    asio::steady_timer retry_;
    asio::posix::stream_descriptor watched_;
};

}  // namespace mutual::plugin
