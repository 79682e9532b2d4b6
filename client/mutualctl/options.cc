// SPDX-License-Identifier: Apache-2.0
#include "client/mutualctl/options.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <sstream>

#include "client/broker_client.h"
#include "client/credential_cache.h"
#include "client/mutualctl/exit_status.h"
#include "client/mutualctl/rpc_target.h"
#include "client/mutualctl/times.h"

namespace mutual::ctl {

namespace {

// The parser and what it fills. Spans of time and the words after "--" need a second look.
struct Grammar {
    Options options;
    std::string minimum_lifetime;
    std::string timeout;
    std::string cache;
    std::string instance;
    std::string host;
    std::string rpc;
    int fd = -1;
    std::uint32_t stamp = 0;  // not given
    bool no_stdio = false;
    std::size_t parallel = 0;  // not given
    std::vector<std::string> stray;
    CLI::App app{"Opens, accepts and shows mutually authenticated channels, by asking mutuald.", "mutualctl"};

    Grammar();

private:
    CLI::App* verb(Verb verb, const std::string& name, const std::string& description);
    void add_global();
    void add_cache(CLI::App& verb);
    void add_request(CLI::App& verb);
    void add_command(CLI::App& verb, const std::string& description);
    void add_channel_verbs();
    void add_question_verbs();
    void add_other_verbs();
};

std::string check_span(const std::string& text) {
    return parse_span(text) ? "" : "'" + text + "' is not a span of time like 10s, 500ms, 5min or 8h";
}

CLI::App* Grammar::verb(Verb verb, const std::string& name, const std::string& description) {
    CLI::App* added = app.add_subcommand(name, description);
    added->callback([this, verb] { options.verb = verb; });
    return added;
}

void Grammar::add_global() {
    app.require_subcommand(0, 1);
    app.fallthrough();
    app.set_help_flag("-h,--help", "Show this help");
    app.set_version_flag("--version", "mutualctl " MUTUAL_VERSION, "Show the version");
    app.add_flag("-j,--json", options.json, "Show the broker's reply as JSON");
    app.add_option("--socket", options.socket,
                   "The broker's socket (" + std::string(client::default_socket) + ")")
        ->type_name("PATH");
    app.add_flag_callback(
        "--no-legend", [this] { options.legend = false; }, "Show tables without titles and sums");
    app.add_flag("-q,--quiet", options.quiet, "Show no explanation and no remark besides errors");
    app.footer(exit_status_text());
}

void Grammar::add_cache(CLI::App& verb) {
    verb.add_option("--cache", cache,
                    "Credential cache to use (otherwise $KRB5CCNAME, or the user's default)")
        ->type_name("NAME");
}

void Grammar::add_request(CLI::App& verb) {
    CLI::Option* service =
        verb.add_option("SERVICE", options.request.service, "The service's name in the configuration");
    verb.add_option("--rpc", rpc,
                    "Instead of SERVICE: the RPC program, by its number or its name in /etc/rpc")
        ->type_name("PROGRAM[:VERSION][@HOST]")
        ->excludes(service);
    verb.add_option("--keyword", options.request.keywords,
                    "Only instances with that keyword (may be repeated)")
        ->type_name("KEYWORD")
        ->expected(1)
        ->take_all();
    verb.add_option("--instance", instance, "Only the instance of that name")->type_name("NAME");
    verb.add_option("--host", host, "Only instances on that host")->type_name("HOST");
    verb.add_option("--min-lifetime", minimum_lifetime, "The ticket must last that long (8h)")
        ->type_name("TIME")
        ->check(check_span);
    verb.add_option("--timeout", timeout, "Give up after that time (10s)")
        ->type_name("TIME")
        ->check(check_span);
    add_cache(verb);
    verb.add_flag("--explain", options.explain, "Tell on standard error how it went, also on success");
}

void Grammar::add_command(CLI::App& verb, const std::string& description) {
    verb.add_option("COMMAND", stray, "After '--': " + description);
}

void Grammar::add_channel_verbs() {
    CLI::App* open = verb(Verb::open, "open", "Open a channel; connect it to standard input and output");
    add_request(*open);
    open->add_flag("--stdio", options.stdio, "The command's standard input and output are the channel, too");
    add_command(*open, "run it with the channel as descriptor 3, named in $MUTUAL_FD");

    CLI::App* accept =
        verb(Verb::accept, "accept", "Wait for the channels that peers open to a service of this host");
    accept->add_option("SERVICE", options.request.service, "The service's name in the configuration")
        ->required();
    accept->add_option("--timeout", timeout, "Give up after that time (never)")
        ->type_name("TIME")
        ->check(check_span);
    accept->add_flag("--once", options.once, "End with the first channel's command, and with its status");
    accept->add_option("--parallel", parallel, "At most that many commands at a time (64)")
        ->type_name("N")
        ->check(CLI::Range(1, 100000));
    accept->add_flag("--no-stdio", no_stdio, "The command's standard input and output are not the channel");
    add_command(*accept, "run it for each channel: its standard input, output and descriptor 3 ($MUTUAL_FD)");
}

void Grammar::add_question_verbs() {
    add_request(*verb(Verb::plan, "plan", "Tell what open would do, without connecting"));
    add_request(*verb(Verb::find, "find", "Tell what discovery finds for a service"));
    CLI::App* whois = verb(Verb::whois, "whois", "Tell whose channel it is and how it ended");
    CLI::Option* channel = whois->add_option("CHANNEL", options.channel, "The channel's id");
    whois->add_option("--fd", fd, "The channel that is this process's descriptor N")
        ->type_name("N")
        ->check(CLI::NonNegativeNumber)
        ->excludes(channel);
    CLI::Option* service = whois->add_option("--service", options.request.service,
                                             "With --stamp: the RPC service that the calls came to");
    service->type_name("SERVICE")->excludes(channel)->excludes("--fd");
    whois->add_option("--stamp", stamp, "The stamp of the calls' AUTH_SYS credential")
        ->type_name("N")
        ->check(CLI::PositiveNumber)
        ->needs(service);
    service->needs("--stamp");
    verb(Verb::list_channels, "list-channels", "List your channels; for administrators, all");
    verb(Verb::close_channel, "close-channel", "End one of your channels; for administrators, any")
        ->add_option("CHANNEL", options.channel, "The channel's id")
        ->required();
    verb(Verb::list_services, "list-services", "List the services that you may open or accept for");
    add_cache(*verb(Verb::list_credentials, "list-credentials",
                    "List your own tickets; for administrators, all that mutuald proves itself with"));
    verb(Verb::list_plugins, "list-plugins", "List the plugins and how they are (for administrators)");
    verb(Verb::list_requests, "list-requests", "List your requests that are over; for administrators, all");
    verb(Verb::explain, "explain", "Tell what became of a request that is over")
        ->add_option("REQUEST", options.past, "The request's id, as errors and the journal tell it")
        ->required();
    verb(Verb::monitor, "monitor", "Show decisions as they are made, until it is interrupted");
    verb(Verb::metrics, "metrics", "Show the metrics as OpenMetrics text (for administrators)");
    verb(Verb::status, "status", "Show the daemon, its parts and its services");
}

void Grammar::add_other_verbs() {
    CLI::App* check = verb(Verb::check_config, "check-config", "Check the configuration, by mutuald itself");
    check->add_option("PATH", options.paths, "Folders to check instead of the installed ones, later wins");
    verb(Verb::cat_config, "cat-config", "Show the files that make the configuration, by mutuald itself")
        ->add_option("PATH", options.paths, "Folders to show instead of the installed ones, later wins");
    verb(Verb::reload, "reload", "Let the daemon use the configuration as it is now (for administrators)");
    verb(Verb::log_level, "log-level",
         "Tell how much is logged, or set it until the next restart (for administrators)")
        ->add_option("LEVEL", options.level, "error, warning, notice, info or debug")
        ->check(CLI::IsMember({"error", "warning", "notice", "info", "debug"}));
    CLI::App* call = verb(Verb::call, "call", "Call a Varlink method of the broker and show its reply");
    call->add_option("METHOD", options.method, "Full name, or the name in org.mutuald.Broker")->required();
    call->add_option("JSON", options.parameters, "The parameters, an object ({})");
    CLI::App* introspect =
        verb(Verb::introspect, "introspect", "Show the broker's interfaces, or one's description");
    introspect->add_option("INTERFACE", options.interface, "The interface to describe");
}

Grammar::Grammar() {
    options.socket = client::default_socket;
    add_global();
    add_channel_verbs();
    add_question_verbs();
    add_other_verbs();
}

template <class T>
std::optional<T> unless_empty(const T& text) {
    return text.empty() ? std::nullopt : std::optional<T>(text);
}

std::optional<std::chrono::milliseconds> span(const std::string& text) {
    return text.empty() ? std::nullopt : parse_span(text);
}

// What open, plan and find are about. A complaint, or nothing.
std::string complete_target(Grammar& grammar) {
    const Options& options = grammar.options;
    client::Request& request = grammar.options.request;
    const bool asks = options.verb == Verb::open || options.verb == Verb::plan || options.verb == Verb::find;
    if (asks && request.service.empty() && grammar.rpc.empty())
        return "name the SERVICE, or an RPC program by --rpc";
    if (grammar.rpc.empty()) return {};
    const auto target = parse_rpc_target(grammar.rpc);
    if (!target) return "--rpc: " + target.error().message + ": " + target.error().hint;
    if (target->host && request.host && *target->host != *request.host)
        return "--rpc names host '" + *target->host + "', and --host names '" + *request.host + "'";
    request.rpc_program = target->program;
    request.rpc_version = target->version;
    if (target->host) request.host = target->host;
    return {};
}

// What the parser cannot know by itself. A complaint, or nothing.
std::string complete(Grammar& grammar, const char* cache) {
    Options& options = grammar.options;
    client::Request& request = options.request;
    request.instance = unless_empty(grammar.instance);
    request.host = unless_empty(grammar.host);
    request.timeout = span(grammar.timeout);
    if (const auto lifetime = span(grammar.minimum_lifetime))
        request.minimum_lifetime = std::chrono::ceil<std::chrono::seconds>(*lifetime);
    if (grammar.cache.empty() && cache != nullptr) grammar.cache = cache;
    if (!grammar.cache.empty()) request.credential_cache = client::absolute_cache(grammar.cache);
    if (grammar.fd >= 0) options.fd = grammar.fd;
    if (grammar.stamp != 0) options.stamp = grammar.stamp;
    if (std::string complaint = complete_target(grammar); !complaint.empty()) return complaint;
    const bool takes_command = options.verb == Verb::open || options.verb == Verb::accept;
    if (!grammar.stray.empty()) return "put '--' before the command '" + grammar.stray.front() + "'";
    if (!takes_command && !options.command.empty()) return "only open and accept run a command";
    if (options.command.empty()) {
        if (options.stdio) return "--stdio needs a command after '--'";
        if (options.once) return "--once needs a command after '--'";
        if (grammar.no_stdio) return "--no-stdio needs a command after '--'";
        if (grammar.parallel != 0) return "--parallel needs a command after '--'";
    }
    if (options.once && grammar.parallel != 0) return "--once accepts one channel: it takes no --parallel";
    if (grammar.parallel != 0) options.parallel = grammar.parallel;
    if (options.verb == Verb::accept) options.stdio = !grammar.no_stdio;
    if (options.verb == Verb::whois && options.channel.empty() && !options.fd && !options.stamp)
        return "whois needs CHANNEL, --fd N, or --service SERVICE --stamp N";
    return {};
}

CommandLine usage_error(CommandLine line, const std::string& complaint) {
    line.exit = exit_usage;
    line.complaint = "mutualctl: " + complaint + "\nhint: see 'mutualctl --help'\n";
    return line;
}

// Everything after the first "--" is a command's, whatever it looks like.
std::vector<std::string> take_command(std::vector<std::string>& arguments, bool& was_marked) {
    const auto mark = std::find(arguments.begin(), arguments.end(), "--");
    was_marked = mark != arguments.end();
    if (!was_marked) return {};
    std::vector<std::string> command(mark + 1, arguments.end());
    arguments.erase(mark, arguments.end());
    return command;
}

}  // namespace

CommandLine parse_command_line(std::vector<std::string> arguments, const char* cache) {
    CommandLine line;
    const auto grammar = std::make_unique<Grammar>();
    bool was_marked = false;
    grammar->options.command = take_command(arguments, was_marked);
    std::reverse(arguments.begin(), arguments.end());  // as CLI11 wants them
    try {
        grammar->app.parse(std::move(arguments));
    } catch (const CLI::ParseError& error) {
        if (error.get_exit_code() != 0) return usage_error(std::move(line), error.what());
        std::ostringstream output;
        grammar->app.exit(error, output, output);
        line.exit = exit_ok;
        line.output = output.str();
        return line;
    }
    std::string complaint = complete(*grammar, cache);
    if (complaint.empty() && was_marked && grammar->options.command.empty())
        complaint = "no command after '--'";
    line.options = std::move(grammar->options);
    return complaint.empty() ? line : usage_error(std::move(line), complaint);
}

namespace {

GrammarVerb described(const std::string& name, const CLI::App& app) {
    GrammarVerb verb{name, app.get_description(), {}, {}};
    for (const CLI::Option* option : app.get_options()) {
        if (!name.empty() && option == app.get_help_ptr()) continue;  // all verbs have it
        if (option->get_positional()) {
            verb.arguments.push_back(option->get_name(true));
            continue;
        }
        GrammarOption described{{}, {}, option->get_description(), false};
        for (const auto& letter : option->get_snames()) described.spellings.push_back("-" + letter);
        for (const auto& word : option->get_lnames()) described.spellings.push_back("--" + word);
        // The name of the value's type is followed by what may be added to it, or by what its checks say.
        const std::string type = option->get_type_name();
        if (option->get_items_expected_max() > 0) described.value = type.substr(0, type.find_first_of(":["));
        described.is_repeatable = option->get_multi_option_policy() == CLI::MultiOptionPolicy::TakeAll;
        verb.options.push_back(std::move(described));
    }
    return verb;
}

}  // namespace

std::vector<GrammarVerb> grammar() {
    const auto grammar = std::make_unique<Grammar>();
    std::vector<GrammarVerb> verbs{described("", grammar->app)};
    for (const CLI::App* verb : std::as_const(grammar->app).get_subcommands({}))
        verbs.push_back(described(verb->get_name(), *verb));
    return verbs;
}

}  // namespace mutual::ctl
