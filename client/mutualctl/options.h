// SPDX-License-Identifier: Apache-2.0
// The command line of mutualctl as a value. The only place that knows CLI11.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "client/broker_types.h"

namespace mutual::ctl {

enum class Verb {
    short_status,
    open,
    accept,
    plan,
    find,
    whois,
    list_channels,
    close_channel,
    list_services,
    list_credentials,
    list_plugins,
    explain,
    list_requests,
    monitor,
    metrics,
    status,
    check_config,
    cat_config,
    reload,
    log_level,
    call,
    introspect,
};

struct Options {
    Verb verb = Verb::short_status;
    std::string socket;
    bool json = false;
    bool legend = true;
    bool quiet = false;

    client::Request request;  // of open, plan and find; accept uses its service and timeout
    bool explain = false;
    std::vector<std::string> command;  // what follows "--"
    bool stdio = false;                // the command gets the channel as its standard input and output, too
    bool once = false;                 // accept: one channel, also with a command
    std::size_t parallel = 64;

    std::string channel;                 // of whois and close-channel
    std::string past;                    // of explain: a request's id
    std::string level;                   // of log-level; empty: show it
    std::optional<int> fd;               // of whois
    std::optional<std::uint32_t> stamp;  // of whois, with the request's service
    std::string method;                  // of call
    std::string parameters = "{}";
    std::string interface;           // of introspect; empty: what there is
    std::vector<std::string> paths;  // of check-config and cat-config
};

struct CommandLine {
    Options options;
    std::optional<int> exit;  // nothing is left to do but to show the two texts
    std::string output;
    std::string complaint;
};

// `cache` is the caller's KRB5CCNAME, if set.
CommandLine parse_command_line(std::vector<std::string> arguments, const char* cache);

// What --help tells, as values: the manual page is checked against it, and the shells' completion is made
// from it.
struct GrammarOption {
    std::vector<std::string> spellings;  // "-j", "--json"
    std::string value;                   // the name of what it takes; empty: nothing
    std::string description;
    bool is_repeatable = false;
};

struct GrammarVerb {
    std::string name;  // empty: what every verb takes
    std::string description;
    std::vector<GrammarOption> options;
    std::vector<std::string> arguments;  // the names of the words that follow
};

// What every verb takes comes first.
std::vector<GrammarVerb> grammar();

}  // namespace mutual::ctl
