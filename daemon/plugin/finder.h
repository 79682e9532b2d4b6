// SPDX-License-Identifier: Apache-2.0
// The supervisor's end of one finder. One call at a time; once it is broken, or a call was cancelled, it can
// only be destroyed, which kills the process.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <memory>
#include <string>
#include <vector>

#include "daemon/plugin/findings.h"
#include "daemon/plugin/process.h"
#include "daemon/plugin/requests.h"
#include "daemon/plugin/rpc_requests.h"
#include "varlink/connection.h"

namespace mutual::plugin {

class Finder {
public:
    static Result<std::unique_ptr<Finder>> start(asio::io_context& loop, const std::string& label);

    // The plugin's version. What the plugin itself answers comes as it is.
    asio::awaitable<Result<std::string>> load(std::string name, std::string path, std::string options);
    // The plugin's own problem is among the findings.
    asio::awaitable<Result<void>> find(FindRequest request, std::chrono::milliseconds timeout,
                                       std::shared_ptr<Findings> findings);
    asio::awaitable<Result<std::vector<std::string>>> resolve(std::string host);
    asio::awaitable<Result<RpcPlace>> find_rpc(FinderFindRpcCall request);
    asio::awaitable<Result<void>> register_rpc(FinderRegisterCall request);

    // What was asked last was answered, by a value or an error, and it can be asked again.
    bool is_free() const { return is_free_ && !broken_; }
    // The last failure was that of the process or of its protocol, not an answer.
    bool broken() const { return broken_; }
    bool has_ended() const { return process_->has_ended(); }
    // Makes sure that it has ended, and says how.
    asio::awaitable<std::string> end();

private:
    Finder(asio::io_context& loop, std::unique_ptr<Process> process, UniqueFd socket)
        : process_(std::move(process)), connection_(loop, std::move(socket)) {}

    asio::awaitable<Result<varlink::Reply>> ask(varlink::Call call);
    Error breaks(Error error);

    std::unique_ptr<Process> process_;
    varlink::Connection connection_;
    bool is_free_ = true;
    bool broken_ = false;
};

}  // namespace mutual::plugin
