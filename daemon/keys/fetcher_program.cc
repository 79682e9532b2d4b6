// SPDX-License-Identifier: Apache-2.0
#include "daemon/keys/fetcher_program.h"

#include <sys/prctl.h>
#include <sys/resource.h>

#include <csignal>

#include "daemon/keys/privileges.h"
#include "daemon/keys/requests.h"
#include "daemon/keys/sealed_file.h"
#include "daemon/keys/ticket_source.h"
#include "daemon/keys/utf8.h"
#include "daemon/unit/hardening.h"
#include "daemon/unit/krb5_conf.h"
#include "daemon/unit/text.h"
#include "varlink/client.h"

namespace mutual::keys {

namespace {

constexpr int exit_unsafe = 110;  // capabilities are left
constexpr int exit_usage = 111;
constexpr int exit_broken = 112;  // the connection does not work, or there is no memory
constexpr std::string_view interface = "org.mutuald.Fetcher";

// Beyond what every program of ours does: it ends with its parent, and has no use for processes or large
// files. The bound of its descriptors stays: by it the kernel counts all that its user has under way in any
// socket, and would refuse it to pass on a ticket.
bool confine() {
    const rlimit none{0, 0}, file_size{64UL << 20, 64UL << 20};
    return unit::harden().ok() && ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == 0 &&
           ::setrlimit(RLIMIT_NPROC, &none) == 0 && ::setrlimit(RLIMIT_FSIZE, &file_size) == 0 &&
           has_no_capability();
}

// Else libkrb5 takes the difference that it once saw to the KDC's clock, or finds noted in a cache, for one
// that stays, and when the clock is set right, it is wrong by that.
Result<void> go_by_this_hosts_clock() {
    return unit::overrule_krb5_conf("[libdefaults]\nkdc_timesync = 0\n");
}

std::unique_ptr<TicketSource> source_of(std::span<const std::string> arguments) {
    if (arguments.size() == 2 && arguments[0] == "cache") return source_from_cache(arguments[1]);
    if (arguments.size() == 3 && arguments[0] == "keytab")
        return source_from_keytab(arguments[1], arguments[2]);
    return nullptr;
}

Result<varlink::Reply> reply_with(Found found) {
    if (!is_utf8(found.client))
        return Error(Code::wrong_peer, Stage::credentials,
                     "read the credentials: their principal " + unit::shown(found.client) + " is not UTF-8",
                     "principals must be named in UTF-8");
    varlink::Reply reply;
    reply.parameters["principal"] = found.client;
    if (found.expires != 0) reply.parameters["expires"] = found.expires;
    if (!found.ticket) return reply;
    auto sealed = seal(found.ticket->marshalled.view());
    if (!sealed) return std::move(sealed).error();
    reply.parameters["ticketFileDescriptor"] = 0;
    reply.descriptors.push_back(std::move(*sealed));
    return reply;
}

Result<std::shared_ptr<const Ticket>> ticket_from(const UniqueFd& sealed) {
    auto bytes = unseal(sealed.value());
    if (!bytes) return std::move(bytes).error();
    auto ticket = unmarshal(std::move(*bytes));
    if (!ticket) return std::move(ticket).error();
    return std::make_shared<const Ticket>(std::move(*ticket));
}

Result<varlink::Reply> answer(TicketSource& source, varlink::Call& call) {
    auto request = read_fetch(call);
    if (!request) return std::move(request).error();
    Wanted& wanted = request->wanted;
    if (request->granting) {
        auto granting = ticket_from(request->granting);
        if (!granting) return std::move(granting).error();
        wanted.granting = std::move(*granting);
    }
    if (call.method == "org.mutuald.Fetcher.Ask") {
        auto ticket = source.ask(wanted);
        if (!ticket) return std::move(ticket).error();
        std::string client = ticket->client;
        return reply_with(Found{std::move(client), std::move(*ticket), 0});
    }
    auto found = source.look(wanted);
    if (!found) return std::move(found).error();
    return reply_with(std::move(*found));
}

int serve(TicketSource& source, varlink::BlockingConnection& connection) {
    for (;;) {
        auto call = connection.receive();
        if (!call) return exit_broken;
        if (!*call) return 0;
        auto reply = answer(source, **call);
        if (!reply) reply = varlink::failure(interface, reply.error());
        if (!connection.reply(std::move(*reply))) return exit_broken;
    }
}

}  // namespace

int run_fetcher(std::span<const std::string> arguments) {
    varlink::BlockingConnection connection{UniqueFd(fetcher_socket)};
    if (!confine()) return exit_unsafe;
    if (!go_by_this_hosts_clock()) return exit_broken;
    const auto source = source_of(arguments);
    return source ? serve(*source, connection) : exit_usage;
}

}  // namespace mutual::keys
