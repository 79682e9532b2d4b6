// SPDX-License-Identifier: Apache-2.0
#include "daemon/broker/request.h"

#include <algorithm>

#include "varlink/parameters.h"

namespace mutual::broker {

namespace {

constexpr std::size_t most_keywords = 16;
constexpr std::int64_t longest_timeout = 600'000;  // milliseconds; what the other programs accept, too
constexpr std::size_t longest_keyword = 256;       // as in the directory (SCP-4)

Result<void> narrow_to(std::string& fixed, const std::string& wanted, std::string_view what) {
    if (wanted.empty() || wanted == fixed) return {};
    if (!fixed.empty())
        return Error(
            Code::invalid_request, Stage::request,
            std::string(what) + " '" + wanted + "' contradicts the definition, which says '" + fixed + "'");
    fixed = wanted;
    return {};
}

std::optional<std::uint32_t> optional_number32(varlink::Parameters& fields, std::string_view field) {
    const auto number = fields.optional_number(field, 0, 0xffffffffLL);
    return number ? std::optional(static_cast<std::uint32_t>(*number)) : std::nullopt;
}

Error contradiction(const std::string& message) { return {Code::invalid_request, Stage::request, message}; }

}  // namespace

Result<Request> read_request(const boost::json::object& parameters, std::string_view method) {
    varlink::Parameters outer(parameters, nullptr, method);
    const boost::json::object object = outer.object("request");
    if (Result<void> finished = outer.finish(); !finished) return finished.error();
    varlink::Parameters fields(object, nullptr, method);
    Request request;
    request.service = fields.optional_text("service", 64).value_or("");
    request.rpc_program = optional_number32(fields, "rpcProgram");
    request.rpc_version = optional_number32(fields, "rpcVersion");
    if (request.service.empty() && !request.rpc_program) fields.fault("service", "or 'rpcProgram' is needed");
    request.keywords = fields.optional_texts("keywords", most_keywords, longest_keyword);
    request.instance = fields.optional_text("instance", 256).value_or("");
    request.host = fields.optional_text("host", 255).value_or("");
    request.credential_cache = fields.optional_text("credentialCache", 4096).value_or("");
    request.minimum_lifetime =
        std::chrono::seconds(fields.optional_number("minimumLifetimeSeconds", 0, 31'536'000).value_or(0));
    if (const auto timeout = fields.optional_number("timeoutMilliseconds", 1, longest_timeout))
        request.timeout = std::chrono::milliseconds(*timeout);
    if (Result<void> finished = fields.finish(); !finished) return finished.error();
    if (std::any_of(request.keywords.begin(), request.keywords.end(),
                    [](const auto& k) { return k.empty(); }))
        return Error(Code::invalid_request, Stage::request, std::string(method) + ": a keyword is empty");
    return request;
}

Result<std::uint32_t> rpc_version(const config::Service& service, const Request& request) {
    const std::string name = "service '" + service.name + "'";
    if (!service.rpc && (request.rpc_program || request.rpc_version))
        return contradiction(name + " is no ONC RPC program");
    if (!service.rpc) return std::uint32_t{0};
    const config::Rpc& rpc = *service.rpc;
    if (request.rpc_program && *request.rpc_program != rpc.program)
        return contradiction(name + " is program " + std::to_string(rpc.program) + ", not " +
                             std::to_string(*request.rpc_program));
    if (!request.rpc_version) return rpc.versions.back();
    if (std::ranges::binary_search(rpc.versions, *request.rpc_version)) return *request.rpc_version;
    std::string known;
    for (const std::uint32_t version : rpc.versions)
        known.append(known.empty() ? "" : ", ").append(std::to_string(version));
    return contradiction(name + " has no version " + std::to_string(*request.rpc_version) +
                         " of its program; the definition lists " + known);
}

Result<Query> narrow(const config::Service& service, const Request& request) {
    Query query;
    query.service_class = service.service_class;
    query.keywords = service.keywords;
    query.keywords.insert(query.keywords.end(), request.keywords.begin(), request.keywords.end());
    query.instance = service.instance;
    query.host = service.host;
    query.base = service.base;
    if (Result<void> done = narrow_to(query.instance, request.instance, "instance"); !done)
        return done.error();
    if (Result<void> done = narrow_to(query.host, request.host, "host"); !done) return done.error();
    return query;
}

}  // namespace mutual::broker
