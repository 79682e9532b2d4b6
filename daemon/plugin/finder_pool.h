// SPDX-License-Identifier: Apache-2.0
// The finders of one plugin: started when needed, kept while they work well, each lent to one call at a time.
// What waits for one does so in a bounded queue, within its own deadline. A plugin that cannot be loaded, or
// that crashes, is tried again after a growing pause; until then calls get its last problem.
//
// Pools without a plugin serve host names and rpcbind.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/plugin/backoff.h"
#include "daemon/plugin/finder.h"

namespace mutual::plugin {

struct PluginDefinition {
    std::string name;
    std::string path;     // empty: nothing to load
    std::string options;  // JSON text of one object
    std::size_t finders = 2;
    bool warm = true;  // start one finder at once; false: only when it is needed
    bool operator==(const PluginDefinition&) const = default;
};

struct PluginStatus {
    std::string version;  // empty: never loaded yet
    std::string state;    // ready, failed, backoff
    std::size_t finders = 0;
    std::uint64_t failures = 0;
    std::optional<Error> problem;  // the last one, while the plugin is not ready
};

class FinderPool : public std::enable_shared_from_this<FinderPool> {
public:
    using Complaint = std::function<void(std::string_view)>;
    static constexpr std::size_t longest_queue = 256;

    FinderPool(asio::io_context& loop, PluginDefinition definition, Complaint complaint);

    // Never throws but when cancelled, which kills the finder. Answers at the deadline at the latest.
    asio::awaitable<std::shared_ptr<Findings>> find(FindRequest request, Deadline deadline);
    asio::awaitable<Result<std::vector<std::string>>> resolve(std::string host, Deadline deadline);
    // `port`: rpcbind's.
    asio::awaitable<Result<RpcPlace>> find_rpc(RpcQuery query, std::uint16_t port, Deadline deadline);
    // `socket`: the path of rpcbind's.
    asio::awaitable<Result<void>> register_rpc(std::string socket, RpcRegistration wanted, Deadline deadline);
    asio::awaitable<Result<void>> unregister_rpc(std::string socket, RpcRegistration ours, Deadline deadline);
    // Starts and loads one finder, so that a plugin that does not load is known from the beginning.
    asio::awaitable<Result<void>> warm_up(Deadline deadline);

    const PluginDefinition& definition() const { return definition_; }
    PluginStatus status() const;

private:
    struct Waiter;
    class Loan;

    // One call that is answered by one reply. `doing` ends the message if its process dies; `late` is the
    // answer at the deadline.
    template <class T>
    asio::awaitable<Result<T>> lend(std::function<asio::awaitable<Result<T>>(Finder&)> call,
                                    Deadline deadline, std::string doing, Error late);
    asio::awaitable<Result<void>> tell_rpcbind(FinderRegisterCall request, Deadline deadline);
    asio::awaitable<Result<Loan>> borrow(Deadline deadline);
    asio::awaitable<Result<void>> take_place(Deadline deadline);
    bool waiting_for_place() const;
    void give_place_back();
    asio::awaitable<Result<std::unique_ptr<Finder>>> start_finder(Deadline deadline);
    asio::awaitable<Result<std::string>> load(Finder& finder, Deadline deadline);
    // What became of a call whose finder did not answer.
    asio::awaitable<Error> breakdown(Finder& finder, Error seen, std::string doing);
    void count_failure(const Error& problem, bool loading);
    Error until_retry() const;

    asio::io_context& loop_;
    PluginDefinition definition_;
    Complaint complaint_;
    std::vector<std::unique_ptr<Finder>> idle_;
    std::list<Waiter*> queue_;
    std::size_t busy_ = 0;  // places taken
    Backoff backoff_;
    bool loading_failed_ = false;
    std::uint64_t failures_ = 0;
    std::optional<Error> problem_;
    std::string version_;
};

}  // namespace mutual::plugin
