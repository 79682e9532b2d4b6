// SPDX-License-Identifier: Apache-2.0
#include "daemon/broker/credentials.h"

#include <algorithm>
#include <boost/json/array.hpp>
#include <ctime>
#include <set>

#include "varlink/deadline.h"

namespace mutual::broker {

namespace json = boost::json;

namespace {

constexpr std::chrono::milliseconds answer_time{1000};
constexpr std::chrono::milliseconds read_time{900};  // so that what was not read in time is in the answer
constexpr std::size_t most_at_once = 256;            // identities of one call

struct Wanted {
    std::vector<std::string> names;
    std::vector<Identity> identities;
    void add(std::string name, Identity identity) {
        names.push_back(std::move(name));
        identities.push_back(std::move(identity));
    }
};

Wanted configured(const config::Configuration& configuration) {
    std::set<std::string> used;
    for (const auto& [name, service] : configuration.services)
        if (!service.discovery.empty()) used.insert(service.identity);
    for (const auto& [name, plugin] : configuration.plugins)
        if (plugin.enabled) used.insert(plugin.identity);
    Wanted wanted;
    for (const auto& [name, identity] : configuration.identities) {
        const bool built_in_unused = identity.kind == config::IdentityKind::host && !used.contains(name);
        if (identity.kind == config::IdentityKind::caller || built_in_unused) continue;
        wanted.add(name, identity_of(identity, ""));
    }
    for (const auto& [name, service] : configuration.services) {
        if (!service.accept) continue;
        for (const std::string& principal : service.accept->principals)
            wanted.add("service " + name,
                       Identity{Identity::Kind::keytab, principal, service.accept->keytab, ""});
    }
    return wanted;
}

asio::awaitable<Result<std::vector<Credential>>> ask(Broker& broker, std::vector<Identity> identities,
                                                     UniqueFd caller) {
    Error late(
        Code::timed_out, Stage::credentials,
        "list credentials: mutuald-keys did not answer within " + std::to_string(answer_time.count()) + " ms",
        "see its log, and whether a keytab or cache lies on a file system that hangs");
    const auto deadline = std::chrono::steady_clock::now() + answer_time;
    const std::size_t asked = identities.size();
    auto work = broker.keys.list_credentials(std::move(identities), std::move(caller), read_time);
    Result<std::vector<Credential>> answered =
        co_await varlink::with_deadline(broker.loop, std::move(work), deadline, std::move(late));
    if (answered && answered->size() != asked)
        co_return Error(Code::internal, Stage::credentials,
                        "list credentials: mutuald-keys told of " + std::to_string(answered->size()) +
                            ", not of " + std::to_string(asked),
                        "restart mutuald and mutuald-keys, which seem to be of different versions");
    co_return answered;
}

NamedCredential not_told(const std::string& name, const Identity& identity, const Error& why) {
    NamedCredential row{name, {}, false};
    row.credential.principal = identity.principal;
    row.credential.keytab = identity.keytab;
    row.credential.failure = why;
    row.credential.failed_at = static_cast<std::int64_t>(std::time(nullptr));
    return row;
}

}  // namespace

json::object to_json(const NamedCredential& row) {
    const Credential& credential = row.credential;
    json::object object;
    object["identity"] = row.identity;
    object["principal"] = credential.principal;
    if (!credential.keytab.empty()) object["keytab"] = credential.keytab;
    json::array keys;
    for (const Credential::Key& key : credential.keys)
        keys.push_back(
            json::object{{"principal", key.principal}, {"kvno", key.kvno}, {"enctype", key.enctype}});
    object["keys"] = std::move(keys);
    if (credential.expires) object["expires"] = *credential.expires;
    if (credential.renews) object["renews"] = *credential.renews;
    if (!credential.failure) return object;
    object["failure"] = std::string(name(credential.failure->code)) + ": " + credential.failure->message;
    object["hint"] = credential.failure->hint;
    object["failedAt"] = credential.failed_at;
    return object;
}

asio::awaitable<std::vector<NamedCredential>> list_configured_credentials(Broker& broker) {
    const Wanted wanted = configured(*broker.configuration);
    std::vector<NamedCredential> rows;
    std::optional<Error> problem;
    while (!problem && rows.size() < wanted.names.size()) {
        const std::size_t from = rows.size();
        const std::size_t count = std::min(most_at_once, wanted.names.size() - from);
        const auto begin = wanted.identities.begin() + static_cast<std::ptrdiff_t>(from);
        std::vector<Identity> some(begin, begin + static_cast<std::ptrdiff_t>(count));
        Result<std::vector<Credential>> answered = co_await ask(broker, std::move(some), UniqueFd());
        if (!answered) problem = answered.error();
        for (std::size_t i = 0; answered && i < count; ++i)
            rows.push_back({wanted.names[from + i], std::move((*answered)[i])});
    }
    for (std::size_t i = rows.size(); i < wanted.names.size(); ++i)
        rows.push_back(not_told(wanted.names[i], wanted.identities[i], *problem));
    co_return rows;
}

asio::awaitable<std::vector<NamedCredential>> RecentCredentials::list() {
    const std::shared_ptr<const config::Configuration> configuration = broker_.configuration;
    if (configuration_ == configuration && std::chrono::steady_clock::now() < until_) co_return rows_;
    std::vector<NamedCredential> rows = co_await list_configured_credentials(broker_);
    const auto is_known = [](const NamedCredential& row) { return row.is_known; };
    if (std::all_of(rows.begin(), rows.end(), is_known)) {
        rows_ = rows;
        configuration_ = configuration;
        until_ = std::chrono::steady_clock::now() + kept_for;
    }
    co_return rows;
}

asio::awaitable<NamedCredential> inspect_cache(Broker& broker, UniqueFd caller, std::string cache) {
    Identity identity;
    identity.credential_cache = std::move(cache);
    std::vector<Identity> identities{identity};
    Result<std::vector<Credential>> answered = co_await ask(broker, std::move(identities), std::move(caller));
    if (!answered) co_return not_told("caller", identity, answered.error());
    NamedCredential row{"caller", std::move(answered->front())};
    co_return row;
}

}  // namespace mutual::broker
