// SPDX-License-Identifier: Apache-2.0
#include "daemon/plugin/child.h"

#include <boost/json/array.hpp>
#include <exception>

#include "daemon/plugin/query.h"
#include "daemon/plugin/requests.h"
#include "daemon/plugin/resolve.h"
#include "daemon/plugin/rpc_lookup.h"
#include "daemon/plugin/rpc_registration.h"
#include "daemon/plugin/rpc_requests.h"
#include "daemon/unit/plugin_loader.h"

namespace mutual::plugin {
namespace {

constexpr std::string_view interface = "org.mutuald.Finder";

// Passes on what the plugin reports, at once and bounded.
class Outlet final : public CandidateSink {
public:
    Outlet(varlink::BlockingConnection& connection, std::uint32_t limit)
        : connection_(connection), limit_(limit) {}

    bool found(Candidate candidate) override {
        if (reported_ == limit_ || broken_) return false;
        if (auto fit = check_candidate(candidate); !fit) {
            note("a candidate was refused: " + fit.error().message);
            return true;
        }
        ++reported_;
        send("candidate", to_json(candidate));
        return reported_ < limit_ && !broken_;
    }
    void note(std::string text) override {
        if (notes_++ < most_notes && !broken_) send("note", json::string(fit_note(text)));
    }

private:
    void send(std::string_view field, json::value value) {
        varlink::Reply reply;
        reply.continues = true;
        reply.parameters[field] = std::move(value);
        broken_ = !connection_.reply(std::move(reply));
    }

    varlink::BlockingConnection& connection_;
    std::uint32_t limit_;
    std::uint32_t reported_ = 0;
    std::size_t notes_ = 0;
    bool broken_ = false;
};

Error threw(const std::string& name, const std::string& what) {
    return {Code::plugin_failed, Stage::discovery, "plugin " + name + " threw: " + fit_note(what)};
}

}  // namespace

int Child::run() {
    while (true) {
        auto call = connection_.receive();
        if (!call) return 1;
        if (!*call) return 0;
        if (!serve(std::move(**call))) return 2;
    }
}

bool Child::serve(varlink::Call call) {
    if (call.method == "org.mutuald.Finder.Find") return find(call);
    if (call.method == "org.mutuald.Finder.Load") return send(load(call));
    if (call.method == "org.mutuald.Finder.FindRpc") return send(find_rpc(call));
    if (call.method == "org.mutuald.Finder.Register") return send(register_rpc(call));
    return send(resolve_host(call));
}

varlink::Reply Child::load(const varlink::Call& call) {
    const auto request = read_load(call);
    if (!request) return varlink::failure(interface, request.error());
    name_ = request->name;
    const auto loaded = unit::load_plugin(request->path, PluginKind::discovery);
    if (!loaded) return varlink::failure(interface, loaded.error());
    auto made = unit::make_discovery(**loaded, request->options);
    if (!made) return varlink::failure(interface, made.error());
    plugin_ = std::move(*made);
    varlink::Reply reply;
    reply.parameters["version"] = fit_note((*loaded)->version);
    return reply;
}

bool Child::find(varlink::Call& call) {
    const auto request = read_finder_find(call);
    if (!request) return send(varlink::failure(interface, request.error()));
    TicketCache cache;
    cache.principal = request->find.tickets_principal;
    if (const auto& tickets = request->find.tickets)
        cache.name = "FILE:/proc/self/fd/" + std::to_string(tickets.value());
    const auto deadline = std::chrono::steady_clock::now() + request->timeout;
    const auto problem = run_plugin(request->find.query, cache, deadline);
    varlink::Reply last;
    if (problem) last.parameters["problem"] = to_json(*problem);
    return send(std::move(last)) && !(problem && problem->code == Code::plugin_failed);
}

std::optional<Error> Child::run_plugin(const Query& query, const TicketCache& tickets, Deadline deadline) {
    Outlet outlet(connection_, query.limit);
    try {
        auto answer = plugin_->find(query, tickets, deadline, outlet);
        if (answer) return std::nullopt;
        return std::move(answer).error();
    } catch (const std::exception& thrown) {
        return threw(name_, thrown.what());
    } catch (...) {
        return threw(name_, "something unknown");
    }
}

varlink::Reply Child::resolve_host(const varlink::Call& call) {
    const auto host = read_finder_resolve(call);
    if (!host) return varlink::failure(interface, host.error());
    const auto addresses = resolve(*host);
    if (!addresses) return varlink::failure(interface, addresses.error());
    varlink::Reply reply;
    reply.parameters["addresses"] = json::array(addresses->begin(), addresses->end());
    return reply;
}

varlink::Reply Child::find_rpc(const varlink::Call& call) {
    const auto request = read_finder_find_rpc(call);
    if (!request) return varlink::failure(interface, request.error());
    const auto deadline = std::chrono::steady_clock::now() + request->timeout;
    const auto place = look_up_rpc(request->query, request->port, deadline);
    return place ? to_reply(*place) : varlink::failure(interface, place.error());
}

varlink::Reply Child::register_rpc(const varlink::Call& call) {
    const auto request = read_finder_register(call);
    if (!request) return varlink::failure(interface, request.error());
    const auto deadline = std::chrono::steady_clock::now() + request->timeout;
    const auto act = request->is_wanted ? plugin::register_rpc : plugin::unregister_rpc;
    const auto done = act(request->socket, request->registration, deadline);
    return done ? varlink::Reply() : varlink::failure(interface, done.error());
}

}  // namespace mutual::plugin
