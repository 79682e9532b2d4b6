// SPDX-License-Identifier: Apache-2.0
// The verbs that ask the broker and show its answer.
#include <algorithm>
#include <ctime>

#include "client/mutualctl/exit_status.h"
#include "client/mutualctl/output.h"
#include "client/mutualctl/reports.h"
#include "client/mutualctl/verbs.h"
#include "varlink/socket.h"

namespace mutual::ctl {

namespace {

using client::Answer;
using client::BrokerClient;
using client::Candidate;

// Connects, asks, and shows: `show` gives the text for people.
template <class Ask, class Show>
int answer(const Options& options, const std::string& what_for, const Ask& ask, const Show& show) {
    auto broker = BrokerClient::connect(options.socket);
    if (!broker) return fail(options, what_for, broker.error(), exit_not_running);
    const auto answered = ask(*broker);
    if (!answered.result) return fail(options, what_for, answered);
    return print(options.json ? json_line(answered.reply) : show(answered));
}

template <class T>
std::string explanation_of(const Options& options, const Answer<T>& answered) {
    if (!answered.explanation || options.quiet) return {};
    return explanation_text(*answered.explanation);
}

// What a script wants to know of candidates: none, none that may be used, or one.
int status_of(const std::vector<Candidate>& candidates) {
    if (candidates.empty()) return exit_not_found;
    const bool any =
        std::any_of(candidates.begin(), candidates.end(), [](const auto& c) { return c.usable; });
    return any ? exit_ok : exit_denied;
}

std::string quoted(const std::string& service) { return "'" + service + "'"; }

}  // namespace

int plan(const Options& options) {
    const std::string target = target_text(options.request);
    int verdict = exit_ok;
    const auto ask = [&](BrokerClient& broker) {
        auto asked = broker.plan(options.request);
        if (asked.result)
            verdict = asked.result->allowed ? status_of(asked.result->found.candidates) : exit_denied;
        return asked;
    };
    const auto show = [&](const auto& answered) {
        std::string text = target;
        text += answered.result->allowed ? " is allowed\n" : " is not allowed\n";
        if (!answered.result->found.candidates.empty())
            text += found_text(answered.result->found, options.legend);
        return text + explanation_of(options, answered);
    };
    const int shown = answer(options, "plan a channel to " + target, ask, show);
    return shown == exit_ok ? verdict : shown;
}

int find(const Options& options) {
    int verdict = exit_ok;
    const auto ask = [&](BrokerClient& broker) {
        auto asked = broker.find(options.request);
        if (asked.result && asked.result->candidates.empty()) verdict = exit_not_found;
        return asked;
    };
    const auto show = [&](const auto& answered) {
        if (options.explain) complain(explanation_of(options, answered));
        return found_text(*answered.result, options.legend);
    };
    const int shown = answer(options, "find " + target_text(options.request), ask, show);
    return shown == exit_ok ? verdict : shown;
}

int whois(const Options& options) {
    const std::uint64_t cookie = options.fd ? varlink::socket_cookie(*options.fd) : 0;
    const std::string what_for = "tell whose channel it is";
    if (options.fd && cookie == 0) {
        const Error error(Code::invalid_request, Stage::request,
                          "descriptor " + std::to_string(*options.fd) + " is not a socket of this process",
                          "pass the channel's descriptor on when you run mutualctl");
        return fail(options, what_for, error, exit_usage);
    }
    const auto ask = [&](BrokerClient& broker) {
        if (options.stamp) return broker.whois_stamp(options.request.service, *options.stamp);
        return options.fd ? broker.whois_cookie(cookie) : broker.whois(options.channel);
    };
    const auto show = [](const auto& answered) { return channel_text(*answered.result, std::time(nullptr)); };
    return answer(options, what_for, ask, show);
}

int list_channels(const Options& options) {
    const auto ask = [](BrokerClient& broker) { return broker.list_channels(); };
    const auto show = [&](const auto& answered) {
        return channels_text(*answered.result, options.legend, std::time(nullptr));
    };
    return answer(options, "list the channels", ask, show);
}

int close_channel(const Options& options) {
    const auto ask = [&](BrokerClient& broker) { return broker.close_channel(options.channel); };
    const auto show = [](const auto&) { return std::string(); };
    return answer(options, "close channel " + quoted(options.channel), ask, show);
}

int list_services(const Options& options) {
    const auto ask = [](BrokerClient& broker) { return broker.list_services(); };
    const auto show = [&](const auto& answered) { return services_text(*answered.result, options.legend); };
    return answer(options, "list the services", ask, show);
}

int list_credentials(const Options& options) {
    const auto ask = [&](BrokerClient& broker) {
        return broker.list_credentials(options.request.credential_cache);
    };
    const auto show = [&](const auto& answered) {
        return credentials_text(*answered.result, options.legend, std::time(nullptr));
    };
    return answer(options, "list the credentials", ask, show);
}

int list_plugins(const Options& options) {
    const auto ask = [](BrokerClient& broker) { return broker.list_plugins(); };
    const auto show = [&](const auto& answered) { return plugins_text(*answered.result, options.legend); };
    return answer(options, "list the plugins", ask, show);
}

int explain(const Options& options) {
    const auto ask = [&](BrokerClient& broker) { return broker.explain(options.past); };
    const auto show = [&](const auto& answered) {
        return past_request_text(*answered.result) + explanation_of(options, answered);
    };
    return answer(options, "explain request " + quoted(options.past), ask, show);
}

int list_requests(const Options& options) {
    const auto ask = [](BrokerClient& broker) { return broker.list_requests(); };
    const auto show = [&](const auto& answered) {
        return requests_text(*answered.result, options.legend, std::time(nullptr));
    };
    return answer(options, "list the requests", ask, show);
}

int metrics(const Options& options) {
    const auto ask = [](BrokerClient& broker) { return broker.metrics(); };
    const auto show = [](const auto& answered) { return *answered.result; };
    return answer(options, "tell the metrics", ask, show);
}

int reload(const Options& options) {
    const auto ask = [](BrokerClient& broker) { return broker.reload(); };
    const auto show = [&](const auto& answered) {
        return options.quiet ? std::string() : reloaded_text(*answered.result);
    };
    return answer(options, "reload the configuration", ask, show);
}

int log_level(const Options& options) {
    const auto ask = [&](BrokerClient& broker) { return broker.log_level(options.level); };
    const auto show = [&](const auto& answered) {
        return options.quiet ? std::string() : log_level_text(*answered.result);
    };
    return answer(options, options.level.empty() ? "tell the log level" : "set the log level", ask, show);
}

int monitor(const Options& options) {
    const std::string what_for = "monitor the daemon";
    auto broker = BrokerClient::connect(options.socket);
    if (!broker) return fail(options, what_for, broker.error(), exit_not_running);
    auto answered = broker->monitor();
    for (; answered.result; answered = broker->next_event()) {
        if (!answered.result->has_value()) continue;
        const std::string text = options.json ? json_line(answered.reply) : event_text(**answered.result);
        if (const int shown = print(text); shown != exit_ok) return shown;
    }
    return fail(options, what_for, answered);
}

int status(const Options& options) {
    const auto ask = [](BrokerClient& broker) { return broker.status(); };
    const auto show = [&](const auto& answered) {
        return options.verb == Verb::status ? status_text(*answered.result, options.legend)
                                            : short_status_text(*answered.result);
    };
    return answer(options, "tell the status", ask, show);
}

}  // namespace mutual::ctl
