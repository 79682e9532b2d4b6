// SPDX-License-Identifier: Apache-2.0
// The verbs that show the protocol itself.
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "client/mutualctl/exit_status.h"
#include "client/mutualctl/output.h"
#include "client/mutualctl/table.h"
#include "client/mutualctl/verbs.h"
#include "varlink/parameters.h"

namespace mutual::ctl {

namespace {

namespace json = boost::json;
using client::BrokerClient;

// One call on a connection of its own; `received` gets a reply that is no error. The exit status.
int call_once(const Options& options, const std::string& what_for, const std::string& method,
              json::object parameters, varlink::Reply& received) {
    auto broker = BrokerClient::connect(options.socket);
    if (!broker) return fail(options, what_for, broker.error(), exit_not_running);
    auto reply = broker->call(method, std::move(parameters));
    if (!reply) return fail(options, what_for, reply.error(), exit_status(reply.error().code));
    if (!reply->error.empty())
        return fail(options, what_for, varlink::error_of(*reply), *reply, std::nullopt);
    received = std::move(*reply);
    return exit_ok;
}

int show_interfaces(const Options& options, const varlink::Reply& reply) {
    varlink::Parameters information(reply.parameters, nullptr, "GetInfo");
    Table table({{""}, {""}});
    for (const char* field : {"vendor", "product", "version", "url"})
        table.row({std::string(field) + ":", information.text(field)});
    for (const auto& interface : information.texts("interfaces")) table.row({"interface:", interface});
    if (auto complete = information.finish_loosely(); !complete)
        return fail(options, "show the interfaces", complete.error(), exit_failed);
    return print(table.text(false));
}

}  // namespace

int call(const Options& options) {
    json::error_code problem;
    const json::value parameters = json::parse(options.parameters, problem);
    const std::string what_for = "call '" + options.method + "'";
    if (problem || !parameters.is_object()) {
        const Error error(Code::invalid_request, Stage::request,
                          "read the parameters: " + (problem ? problem.message() : "not a JSON object"),
                          R"(write them like '{"service": "ledger"}')");
        return fail(options, what_for, error, exit_usage);
    }
    const bool is_full = options.method.find('.') != std::string::npos;
    const std::string method =
        is_full ? options.method : std::string(client::broker_name) + "." + options.method;
    varlink::Reply reply;
    const int called = call_once(options, what_for, method, parameters.get_object(), reply);
    if (called != exit_ok) return called;
    if (!reply.descriptors.empty() && !options.quiet)
        complain("mutualctl: " + std::to_string(reply.descriptors.size()) +
                 " descriptor(s) came with the reply, and were closed\n");
    return print(json::serialize(reply.parameters) + "\n");
}

int introspect(const Options& options) {
    varlink::Reply reply;
    const bool is_one = !options.interface.empty();
    const std::string method =
        is_one ? "org.varlink.service.GetInterfaceDescription" : "org.varlink.service.GetInfo";
    const std::string what_for = is_one ? "describe '" + options.interface + "'" : "show the interfaces";
    json::object parameters;
    if (is_one) parameters["interface"] = options.interface;
    const int called = call_once(options, what_for, method, std::move(parameters), reply);
    if (called != exit_ok) return called;
    if (options.json) return print(json_line(reply));
    if (!is_one) return show_interfaces(options, reply);
    varlink::Parameters description(reply.parameters, nullptr, "GetInterfaceDescription");
    std::string text = description.text("description", 1024 * 1024);
    if (auto complete = description.finish_loosely(); !complete)
        return fail(options, what_for, complete.error(), exit_failed);
    if (!text.ends_with('\n')) text += '\n';
    return print(text);
}

}  // namespace mutual::ctl
