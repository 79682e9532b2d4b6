// SPDX-License-Identifier: Apache-2.0
#include "daemon/plugin/requests.h"

#include "varlink/interfaces.h"
#include "varlink/parameters.h"

namespace mutual::plugin {
namespace {

using std::chrono::milliseconds;

Result<void> check_version(std::int64_t version) {
    if (version == varlink::internal_version) return {};
    return Error{Code::unavailable, Stage::request,
                 "this mutuald-plugin speaks version " + std::to_string(varlink::internal_version) +
                     " of the internal protocol, the caller version " + std::to_string(version),
                 "restart all of mutuald's programs after an upgrade"};
}

}  // namespace

Result<void> finish_call(varlink::Parameters& in, std::int64_t version) {
    if (auto checked = check_version(version); !checked) return checked;
    return in.finish();
}

Result<FindCall> read_find(varlink::Call& call) {
    varlink::Parameters in(call.parameters, &call.descriptors, "Find");
    const auto version = in.number("version");
    FindCall find;
    find.plugin = in.text("plugin", 256);
    const auto query = in.object("query");
    find.timeout = milliseconds(in.number("timeoutMilliseconds", 1, longest_timeout));
    find.request.tickets = in.optional_descriptor("ticketsFileDescriptor");
    find.request.tickets_principal = in.optional_text("ticketsPrincipal").value_or("");
    if (auto finished = finish_call(in, version); !finished) return finished.error();
    auto read = read_query(query);
    if (!read) return read.error();
    find.request.query = std::move(*read);
    return find;
}

Result<ResolveCall> read_resolve(const varlink::Call& call) {
    varlink::Parameters in(call.parameters, nullptr, "Resolve");
    const auto version = in.number("version");
    ResolveCall resolve;
    resolve.host = in.text("host", 255);
    resolve.timeout = milliseconds(in.number("timeoutMilliseconds", 1, longest_timeout));
    if (auto finished = finish_call(in, version); !finished) return finished.error();
    return resolve;
}

Result<std::string> read_configuration_call(const varlink::Call& call) {
    varlink::Parameters in(call.parameters, nullptr, call.method);
    const auto version = in.number("version");
    std::string fingerprint = in.text("fingerprint", 64);
    if (auto finished = finish_call(in, version); !finished) return finished.error();
    return fingerprint;
}

Result<void> read_status(const varlink::Call& call) {
    varlink::Parameters in(call.parameters, nullptr, "Status");
    const auto version = in.number("version");
    return finish_call(in, version);
}

Result<LoadCall> read_load(const varlink::Call& call) {
    varlink::Parameters in(call.parameters, nullptr, "Load");
    LoadCall load;
    load.name = in.text("name", 256);
    load.path = in.text("path");
    load.options = in.text("options", 1U << 20);
    if (auto finished = in.finish(); !finished) return finished.error();
    return load;
}

Result<FinderFindCall> read_finder_find(varlink::Call& call) {
    varlink::Parameters in(call.parameters, &call.descriptors, "Find");
    FinderFindCall request;
    const auto query = in.object("query");
    request.timeout = milliseconds(in.number("timeoutMilliseconds", 0, 3'600'000));
    request.find.tickets = in.optional_descriptor("ticketsFileDescriptor");
    request.find.tickets_principal = in.optional_text("ticketsPrincipal").value_or("");
    if (auto finished = in.finish(); !finished) return finished.error();
    auto read = read_query(query);
    if (!read) return read.error();
    request.find.query = std::move(*read);
    return request;
}

Result<std::string> read_finder_resolve(const varlink::Call& call) {
    varlink::Parameters in(call.parameters, nullptr, "Resolve");
    auto host = in.text("host", 1024);
    if (auto finished = in.finish(); !finished) return finished.error();
    return host;
}

}  // namespace mutual::plugin
