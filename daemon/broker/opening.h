// SPDX-License-Identifier: Apache-2.0
// One Open, Plan or Find from start to end: policy, discovery, trust, SPN, then for each candidate in turn
// credentials, addresses, connection, handshake, and the check of what mutuald-keys knows about the context.
#pragma once

#include <string>
#include <vector>

#include "daemon/broker/broker.h"
#include "daemon/broker/caller.h"
#include "daemon/broker/candidates.h"
#include "daemon/broker/delivered.h"
#include "daemon/broker/explanation.h"
#include "daemon/broker/policy.h"
#include "daemon/broker/request.h"
#include "daemon/broker/upgraded_channel.h"

namespace mutual::broker {

class Opening {
public:
    using Clock = std::chrono::steady_clock;

    // `connection` is the caller's API connection, from which mutuald-keys learns who the caller is.
    Opening(Broker& broker, Request request, Caller caller, UniqueFd connection);

    asio::awaitable<Result<Opened>> open();
    // Policy, discovery, trust and SPNs: the candidates in the order in which they would be tried.
    asio::awaitable<Result<std::vector<Judged>>> plan();
    // Discovery and judgement alone.
    asio::awaitable<Result<std::vector<Judged>>> find();

    Explanation& explanation() { return explanation_; }
    const Decision& decision() const { return decision_; }
    // Of a service that was found: null, it is not an RPC program; otherwise its version that is asked for.
    const config::Rpc* rpc() const { return service_->rpc ? &*service_->rpc : nullptr; }
    std::uint32_t asked_version() const { return rpc_version_; }
    CallerUnit& unit() { return unit_; }

private:
    template <class T>
    asio::awaitable<Result<T>> in_time(asio::awaitable<Result<T>> work);
    asio::awaitable<Result<std::vector<Judged>>> candidates();
    asio::awaitable<Result<std::vector<Judged>>> ordered_candidates();
    asio::awaitable<Result<Opened>> try_candidates();
    Error no_such_service();
    const std::string& named_service();
    asio::awaitable<Result<std::vector<Judged>>> with_ports(
        asio::awaitable<Result<std::vector<Judged>>> work);
    asio::awaitable<Result<std::vector<Judged>>> discovered(const Query& query);
    asio::awaitable<Result<std::vector<std::string>>> addresses_of(const std::string& host);
    asio::awaitable<Result<RpcPlace>> rpc_place_of(const std::string& host);
    asio::awaitable<void> add_ports(std::vector<Judged>& candidates);
    Result<void> check_policy();
    asio::awaitable<Result<Opened>> try_each(std::vector<Judged> candidates);
    asio::awaitable<Result<Opened>> try_one(Judged judged);
    asio::awaitable<Result<InitiatingGrant>> grant_for(const Judged& judged);
    asio::awaitable<Result<std::vector<Endpoint>>> endpoints_of(const Candidate& candidate);
    asio::awaitable<Result<Opened>> connect(const Judged& judged, InitiatingGrant grant,
                                            std::vector<Endpoint> endpoints);
    asio::awaitable<void> take_turn();
    Result<void> make_ends(ConnectOrder& order, Opened& opened);
    Result<ConnectOrder> order_for(const Judged& judged, Opened& opened);
    asio::awaitable<Result<Facts>> verified_facts(const Judged& judged, std::string context,
                                                  std::string self);
    std::chrono::milliseconds time_left() const;
    Error late() const;
    void log_outcome(const Result<Opened>& outcome) const;
    // For who asks later, and for the metrics.
    void remember(std::string_view method, const std::optional<Error>& failure) const;
    template <class T>
    asio::awaitable<Result<T>> remembered(std::string_view method, asio::awaitable<Result<T>> work);

    Broker& broker_;
    Request request_;
    Caller caller_;
    UniqueFd connection_;
    CallerUnit unit_;
    std::shared_ptr<const config::Configuration> configuration_;  // that it began with
    const config::Service* service_ = nullptr;                    // null: there is none of that name
    config::Protection protection_ = config::Protection::stream;
    std::uint32_t rpc_version_ = 0;
    std::optional<Error> unnamed_;  // the request names no service, and its RPC program not one of them
    Clock::time_point began_;
    Clock::time_point deadline_;
    Clock::time_point work_ends_;  // before the deadline: its answer has to arrive by then
    Clock::time_point share_ends_ = Clock::time_point::max();  // of the time, for the present candidate
    Explanation explanation_;
    Decision decision_;
    Turns::Turn at_work_;
};

}  // namespace mutual::broker
