// SPDX-License-Identifier: Apache-2.0
// org.mutuald.Keys: what the broker may ask of mutuald-keys, over its tables of fetchers, grants and facts.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <memory>

#include "daemon/keys/facts.h"
#include "daemon/keys/fetcher_pool.h"
#include "daemon/keys/grant.h"
#include "daemon/keys/identity.h"
#include "daemon/keys/ticket_keeper.h"
#include "varlink/service.h"

namespace mutual::keys {

class Server {
public:
    Server(asio::io_context& loop, ChildImage image, IdentityRules rules,
           varlink::Service::Complaint complaint);

    // Its methods refer to this object, which must outlive the loop's run.
    std::shared_ptr<varlink::Service> service();
    // Ends what is over, every second; for ever.
    asio::awaitable<void> sweep();

private:
    using Answer = Result<varlink::Reply>;

    asio::awaitable<Answer> grant_initiate(varlink::Incoming incoming);
    asio::awaitable<Result<Fetched>> fetch(Source source, Wanted wanted, std::chrono::milliseconds timeout);
    asio::awaitable<Result<void>> renew(std::shared_ptr<Ticket> ticket, Source source, Wanted wanted,
                                        std::int64_t lifetime);
    asio::awaitable<Answer> grant_accept(varlink::Incoming incoming);
    asio::awaitable<Answer> revoke_accept(varlink::Incoming incoming);
    asio::awaitable<Answer> facts(varlink::Incoming incoming);
    asio::awaitable<varlink::Reply> watch_facts(varlink::Incoming incoming);
    class Watching;
    bool tell(const std::string& context, const Facts& facts);
    asio::awaitable<Answer> ticket_cache(varlink::Incoming incoming);
    asio::awaitable<Answer> list_credentials(varlink::Incoming incoming);
    asio::awaitable<Answer> status(varlink::Incoming incoming);
    void add(varlink::Service& service, const char* name,
             asio::awaitable<Answer> (Server::*method)(varlink::Incoming));

    asio::io_context& loop_;
    IdentityRules rules_;
    varlink::Service::Complaint complaint_;
    FactsTable facts_;
    std::weak_ptr<varlink::Connection> watcher_;  // the broker's, to which facts are told
    GrantTable grants_;
    std::shared_ptr<FetcherPool> fetchers_;
    TicketKeeper tickets_;
    std::int64_t generation_ = 0;
};

}  // namespace mutual::keys
