// SPDX-License-Identifier: Apache-2.0
#include "daemon/broker/catalog.h"

#include <algorithm>

#include "daemon/unit/text.h"

namespace mutual::broker {

namespace {

using std::chrono::duration_cast;
using std::chrono::milliseconds;

milliseconds time_left(Catalog::Clock::time_point deadline, milliseconds at_most) {
    const auto left = duration_cast<milliseconds>(deadline - Catalog::Clock::now());
    return std::clamp(left, milliseconds(1), at_most);
}

// Every field, each ended by a character that none of them can hold.
std::string key_of(const config::Plugin& plugin, const Query& query) {
    std::string key;
    const auto add = [&key](std::string_view text) { key.append(text).push_back('\0'); };
    add(plugin.name);
    add(query.service_class);
    for (const std::string& keyword : query.keywords) add(keyword);
    add("\1");
    add(query.instance);
    add(query.host);
    add(query.base);
    add(std::to_string(query.rpc_program) + ":" + std::to_string(query.rpc_version));
    return key;
}

}  // namespace

Identity identity_of(const config::Identity& identity, const std::string& cache) {
    Identity result;
    switch (identity.kind) {
        case config::IdentityKind::caller:
            result.kind = Identity::Kind::caller;
            result.credential_cache = cache;
            break;
        case config::IdentityKind::host:
            result.kind = Identity::Kind::host;
            break;
        case config::IdentityKind::keytab:
            result.kind = Identity::Kind::keytab;
            result.keytab = identity.keytab;
            result.principal = identity.principal;
            break;
    }
    return result;
}

void Catalog::forget() {
    entries_.clear();
    ++forgotten_;
}

asio::awaitable<Catalog::Answer> Catalog::ask(const config::Configuration& configuration,
                                              const config::Plugin& plugin, Query query,
                                              Clock::time_point deadline, Explanation& explanation) {
    Answer answer;
    UniqueFd tickets;
    std::string principal;
    if (!plugin.identity.empty()) {
        const config::Identity* identity = configuration.identity(plugin.identity);
        Identity wanted = identity_of(*identity, "");
        Result<TicketCacheFile> file =
            co_await keys_.ticket_cache(std::move(wanted), time_left(deadline, plugin.timeout));
        if (!file) {
            answer.problem = file.error();
            answer.problem->message = "tickets of identity '" + plugin.identity + "' for plugin '" +
                                      plugin.name + "': " + answer.problem->message;
            co_return answer;
        }
        tickets = std::move(file->cache);
        principal = file->principal;
        explanation.add(Stage::discovery, "identity",
                        "plugin '" + plugin.name + "' searches as " + principal);
    }
    Found found = co_await plugins_.find(plugin.name, std::move(query), std::move(tickets),
                                         std::move(principal), time_left(deadline, plugin.timeout));
    for (const std::string& note : found.notes)
        explanation.add(Stage::discovery, "note", plugin.name + ": " + unit::one_line(note, 1024));
    answer.candidates = std::move(found.candidates);
    answer.problem = std::move(found.problem);
    co_return answer;
}

void Catalog::remember(const config::Daemon& daemon, std::string key, const Answer& answer) {
    std::chrono::seconds keep = answer.candidates.empty() ? daemon.negative_cache : daemon.longest_cache;
    for (const Candidate& candidate : answer.candidates) keep = std::min(keep, candidate.ttl);
    if (answer.problem || keep.count() <= 0) return;
    const auto now = Clock::now();
    if (entries_.size() >= most_entries) {
        std::erase_if(entries_, [now](const auto& entry) { return entry.second.until <= now; });
        const auto sooner = [](const auto& a, const auto& b) { return a.second.until < b.second.until; };
        if (entries_.size() >= most_entries)
            entries_.erase(std::min_element(entries_.begin(), entries_.end(), sooner));
    }
    entries_[std::move(key)] = Entry{answer.candidates, now + keep};
}

asio::awaitable<Catalog::Answer> Catalog::ask_or_remember(const config::Configuration& configuration,
                                                          const config::Plugin& plugin, Query query,
                                                          Clock::time_point deadline,
                                                          Explanation& explanation) {
    std::string key = key_of(plugin, query);
    const auto known = entries_.find(key);
    if (known != entries_.end() && known->second.until > Clock::now()) {
        Answer answer;
        answer.candidates = known->second.candidates;
        explanation.add(Stage::discovery, "cached",
                        "plugin '" + plugin.name + "' answered this a short time ago");
        co_return answer;
    }
    const std::uint64_t asked = forgotten_;
    Answer answer = co_await ask(configuration, plugin, std::move(query), deadline, explanation);
    if (asked == forgotten_) remember(configuration.daemon, std::move(key), answer);
    co_return answer;
}

asio::awaitable<Result<std::vector<Judged>>> Catalog::find(Configuration configuration,
                                                           const config::Service& service, Query query,
                                                           Clock::time_point deadline,
                                                           Explanation& explanation) {
    StageTime time(explanation, Stage::discovery);
    std::vector<Judged> judged;
    std::optional<Error> problem;
    for (const std::string& name : service.discovery) {
        const config::Plugin* plugin = configuration->plugin(name);
        if (!plugin->enabled) {
            explanation.add(Stage::discovery, "skipped", "plugin '" + name + "' is disabled");
            continue;
        }
        Answer answer = co_await ask_or_remember(*configuration, *plugin, query, deadline, explanation);
        if (answer.problem) {
            explanation.add(Stage::discovery, "failed", "plugin '" + name + "': " + answer.problem->message);
            if (!problem) problem = std::move(answer.problem);
        }
        explanation.add(
            Stage::discovery, "found",
            "plugin '" + name + "' knows " + std::to_string(answer.candidates.size()) + " instance(s)");
        for (Candidate& candidate : answer.candidates)
            judged.push_back(judge(std::move(candidate), name, service));
        if (!judged.empty()) break;
    }
    if (judged.empty() && problem) co_return std::move(*problem);
    co_return judged;
}

}  // namespace mutual::broker
