// SPDX-License-Identifier: Apache-2.0
#include "daemon/plugin/finder.h"

#include "daemon/plugin/query.h"
#include "daemon/plugin/resolve.h"
#include "varlink/parameters.h"

namespace mutual::plugin {
namespace {

Error broken(std::string why) { return {Code::protocol, Stage::discovery, std::move(why)}; }

// One reply's part of the findings. Sizes are checked here again: the finder may be in anybody's hands.
Result<void> add(const varlink::Reply& reply, std::uint32_t limit, Findings& findings) {
    varlink::Parameters in(reply.parameters, nullptr, "a finder's answer");
    const auto candidate = in.optional_object("candidate");
    const auto note = in.optional_text("note", longest_note * 4);
    const auto problem = in.optional_object("problem");
    if (auto finished = in.finish(); !finished) return finished;
    // Every message but the last counts against a limit, so that their number is bounded.
    if (reply.continues && (problem || candidate.has_value() == note.has_value()))
        return broken("it reported something else than one candidate or one note");
    if (candidate) {
        if (findings.candidates.size() >= limit) return broken("it reported more than was asked for");
        const auto read = read_candidate(*candidate);
        if (!read) return read.error();
        findings.candidates.push_back(*candidate);
    }
    if (note && findings.notes.size() >= most_notes) return broken("it wrote too many notes");
    if (note) findings.notes.push_back(json::string(fit_note(*note)));
    if (!problem) return {};
    findings.problem.emplace();
    return read_problem(*problem, *findings.problem);
}

varlink::Call find_call(FindRequest request, std::chrono::milliseconds timeout) {
    varlink::Call call;
    call.method = "org.mutuald.Finder.Find";
    call.more = true;
    call.parameters["query"] = to_json(request.query);
    call.parameters["timeoutMilliseconds"] = timeout.count();
    if (request.tickets) {
        call.parameters["ticketsFileDescriptor"] = 0;
        call.parameters["ticketsPrincipal"] = request.tickets_principal;
        call.descriptors.push_back(std::move(request.tickets));
    }
    return call;
}

}  // namespace

Result<std::unique_ptr<Finder>> Finder::start(asio::io_context& loop, const std::string& label) {
    UniqueFd socket;
    auto process = Process::start(loop, label, socket);
    if (!process) return process.error();
    return std::unique_ptr<Finder>(new Finder(loop, std::move(*process), std::move(socket)));
}

Error Finder::breaks(Error error) {
    broken_ = true;
    if (error.code != Code::unavailable) error.code = Code::protocol;
    return error;
}

asio::awaitable<Result<varlink::Reply>> Finder::ask(varlink::Call call) {
    auto reply = co_await connection_.call_raw(std::move(call));
    if (!reply) co_return breaks(reply.error());
    if (!reply->error.empty()) co_return varlink::error_of(*reply);
    co_return reply;
}

asio::awaitable<Result<std::string>> Finder::load(std::string name, std::string path, std::string options) {
    varlink::Call call;
    call.method = "org.mutuald.Finder.Load";
    call.parameters["name"] = name;
    call.parameters["path"] = path;
    call.parameters["options"] = options;
    auto reply = co_await ask(std::move(call));
    if (!reply) co_return reply.error();
    varlink::Parameters in(reply->parameters, nullptr, "a finder's answer");
    auto version = in.text("version");
    auto finished = in.finish();
    if (!finished) co_return breaks(finished.error());
    co_return version;
}

asio::awaitable<Result<void>> Finder::find(FindRequest request, std::chrono::milliseconds timeout,
                                           std::shared_ptr<Findings> findings) {
    const auto limit = request.query.limit;
    auto call = find_call(std::move(request), timeout);
    auto reply = co_await connection_.call_raw(std::move(call));
    while (true) {
        if (!reply) co_return breaks(reply.error());
        if (!reply->error.empty()) co_return varlink::error_of(*reply);
        auto added = add(*reply, limit, *findings);
        if (!added) co_return breaks(added.error());
        if (!reply->continues) break;
        reply = co_await connection_.next();
    }
    findings->complete = !findings->problem;
    co_return Result<void>();
}

asio::awaitable<Result<std::vector<std::string>>> Finder::resolve(std::string host) {
    varlink::Call call;
    call.method = "org.mutuald.Finder.Resolve";
    call.parameters["host"] = host;
    auto reply = co_await ask(std::move(call));
    if (!reply) co_return reply.error();
    varlink::Parameters in(reply->parameters, nullptr, "a finder's answer");
    auto addresses = in.texts("addresses", most_addresses, 64);
    auto finished = in.finish();
    if (!finished) co_return breaks(finished.error());
    co_return addresses;
}

asio::awaitable<std::string> Finder::end() {
    // What ended it before this stays the reason.
    process_->kill();
    co_return co_await process_->ended();
}

}  // namespace mutual::plugin
