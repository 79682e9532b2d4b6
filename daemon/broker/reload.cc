// SPDX-License-Identifier: Apache-2.0
#include "daemon/broker/reload.h"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <new>
#include <utility>

#include "daemon/broker/changed_keys.h"
#include "daemon/broker/transports.h"
#include "daemon/unit/notify.h"
#include "varlink/deadline.h"
#include "varlink/interfaces.h"
#include "varlink/parameters.h"

namespace mutual::broker {

namespace {

// In one line of the log.
constexpr std::size_t most_askers = 4;
// A file may be changed between our reading and that of mutuald-plugin.
constexpr int most_rounds = 4;

void rethrow(std::exception_ptr failure) {
    if (failure) std::rethrow_exception(failure);
}

Error first_of(const std::vector<Error>& errors) {
    Error error = errors.front();
    if (errors.size() > 1) error.message += " (and " + std::to_string(errors.size() - 1) + " more)";
    if (error.hint.empty()) error.hint = "all that is wrong is told by: mutualctl check-config";
    return error;
}

bool begins_with_any(const std::string& key, std::initializer_list<std::string_view> beginnings) {
    return std::any_of(beginnings.begin(), beginnings.end(),
                       [&key](std::string_view beginning) { return key.starts_with(beginning); });
}

std::string programs_of_transports(const config::Configuration& configuration) {
    std::string programs;
    for (const auto& [name, plugin] : configuration.plugins)
        if (plugin.kind == config::PluginKind::transport && plugin.enabled)
            programs.append(programs.empty() ? "" : ", ").append("mutuald-channel@" + name);
    return programs;
}

// What a program reads at its start only.
std::string waits_for(const std::string& key, const config::Configuration& before,
                      const config::Configuration& after) {
    if (begins_with_any(key, {"daemon.limits.message", "daemon.limits.depth"})) return "mutuald";
    if (key == "daemon.plugin_folder") return programs_of_transports(after);
    if (!key.starts_with("plugin.")) return {};
    for (const config::Configuration* configuration : {&before, &after})
        for (const auto& [name, plugin] : configuration->plugins)
            if (plugin.kind == config::PluginKind::transport && key.starts_with("plugin." + name + "."))
                return "mutuald-channel@" + name;
    return {};
}

}  // namespace

Reload::Reload(Broker& broker, std::string written, std::string folder, Read read, Apply apply, Times times)
    : broker_(broker),
      written_(std::move(written)),
      folder_(std::move(folder)),
      read_(std::move(read)),
      apply_(std::move(apply)),
      times_(times),
      reading_(broker.loop, "read the configuration") {}

std::shared_ptr<Reload::Run> Reload::ask(const std::string& who) {
    if (!next_) next_ = std::make_shared<Run>(broker_.loop);
    std::shared_ptr<Run> run = next_;
    std::vector<std::string>& askers = run->asked_by;
    if (askers.size() < most_askers && std::find(askers.begin(), askers.end(), who) == askers.end())
        askers.push_back(who);
    if (!is_running_) {
        is_running_ = true;
        asio::co_spawn(broker_.loop, work(), rethrow);
    }
    return run;
}

void Reload::start(const std::string& who) { ask(who); }

asio::awaitable<Result<Reload::Outcome>> Reload::run(std::string who) {
    const std::shared_ptr<Run> run = ask(who);
    while (!run->outcome) {
        boost::system::error_code ended;
        co_await run->over.async_wait(asio::redirect_error(asio::use_awaitable, ended));
    }
    co_return *run->outcome;
}

asio::awaitable<void> Reload::work() {
    while (next_) {
        const std::shared_ptr<Run> run = std::move(next_);
        next_.reset();
        unit::notify_reloading();
        Result<Outcome> outcome = co_await once();
        run->outcome = std::move(outcome);
        run->over.cancel();
        try {
            report(*run->outcome, *run);
        } catch (const std::bad_alloc&) {
            unit::notify_ready("no memory was left to tell how the configuration was reloaded");
        }
    }
    is_running_ = false;
}

// Whatever goes wrong, the broker lives, and has the configuration that it had.
asio::awaitable<Result<Reload::Outcome>> Reload::once() {
    std::string why;
    try {
        Result<Outcome> outcome = co_await read_and_use();
        co_return outcome;
    } catch (const std::exception& failure) {
        why = failure.what();
    }
    co_return Error(Code::limit, Stage::request, "the reload failed: " + why,
                    "memory or descriptors may be lacking; reload again");
}

asio::awaitable<Result<Reload::Outcome>> Reload::read_and_use() {
    for (int round = 0; round < most_rounds; ++round) {
        Result<config::Loaded> loaded = co_await reading_.run(read_, times_.reading);
        if (!loaded) co_return loaded.error();
        if (!loaded->configuration) co_return first_of(loaded->errors);
        const std::string fingerprint = loaded->configuration->fingerprint;
        Result<Prepared> prepared = co_await prepare_plugins(fingerprint);
        if (!prepared) co_return prepared.error();
        if (!prepared->is_same) continue;
        Prepared committed = co_await commit_plugins(std::move(*prepared), fingerprint);
        if (!committed.is_same) continue;
        Outcome outcome = use(std::move(*loaded));
        if (!committed.note.empty()) outcome.notes.push_back(std::move(committed.note));
        co_return outcome;
    }
    co_return Error(
        Code::invalid_configuration, Stage::request,
        "mutuald-plugin reads another configuration than mutuald: its files change all the time, or it is "
        "told to read other folders",
        "let the files rest, then reload again");
}

asio::awaitable<Result<varlink::Reply>> Reload::call_plugins(varlink::Connection& connection,
                                                             std::string method, std::string fingerprint) {
    varlink::Call call;
    call.method = "org.mutuald.Plugins." + method;
    call.parameters["version"] = varlink::internal_version;
    call.parameters["fingerprint"] = fingerprint;
    Error late(Code::timed_out, Stage::request,
               "mutuald-plugin did not answer " + method + " within " +
                   std::to_string(times_.answer.count()) + " ms",
               "restart mutuald-plugin, then reload again");
    const auto deadline = std::chrono::steady_clock::now() + times_.answer;
    co_return co_await varlink::with_deadline(broker_.loop, connection.call_raw(std::move(call)), deadline,
                                              std::move(late));
}

asio::awaitable<Result<Reload::Prepared>> Reload::prepare_plugins(std::string fingerprint) {
    Prepared prepared;
    Result<std::unique_ptr<varlink::Connection>> connection = broker_.programs.plugins.connect();
    Error failure;
    if (connection) {
        Result<varlink::Reply> reply =
            co_await call_plugins(**connection, "PrepareConfiguration", std::move(fingerprint));
        if (reply && !reply->error.empty()) co_return varlink::error_of(*reply);
        if (reply) {
            varlink::Parameters read(reply->parameters, nullptr, "PrepareConfiguration");
            prepared.is_same = read.flag("isSame");
            if (Result<void> finished = read.finish_loosely(); !finished) co_return finished.error();
            prepared.connection = std::move(*connection);
            co_return prepared;
        }
        failure = reply.error();
    } else {
        failure = connection.error();
    }
    // It went away, or is not there: as soon as it starts it reads what we have just read.
    if (failure.code != Code::unavailable) co_return failure;
    prepared.note = "mutuald-plugin reads the configuration when it starts: " + failure.message;
    co_return prepared;
}

// From here on there is no way back: it may use the new one, whatever is heard of it.
asio::awaitable<Reload::Prepared> Reload::commit_plugins(Prepared prepared, std::string fingerprint) {
    if (!prepared.connection) co_return prepared;
    broker_.plugins_fingerprint =
        fingerprint;  // it may be seen to use that before we do: no difference to log
    Result<varlink::Reply> reply =
        co_await call_plugins(*prepared.connection, "UseConfiguration", std::move(fingerprint));
    Error failure;
    if (!reply)
        failure = reply.error();
    else if (!reply->error.empty())
        failure = varlink::error_of(*reply);
    else
        co_return prepared;
    // It has nothing prepared any more, and uses what it had.
    prepared.is_same = failure.code != Code::not_found;
    prepared.note =
        "mutuald-plugin did not say that it uses the configuration, which mutualctl status tells: " +
        failure.message;
    co_return prepared;
}

Reload::Outcome Reload::use(config::Loaded loaded) {
    const auto before = broker_.configuration;
    const auto after = std::make_shared<const config::Configuration>(std::move(*loaded.configuration));
    Outcome outcome;
    bool concerns_discovery = false;
    for (std::string& key : changed_keys(written_, loaded.written)) {
        concerns_discovery |= begins_with_any(key, {"daemon.", "identity.", "plugin.", "service."});
        std::string program = waits_for(key, *before, *after);
        outcome.changes.push_back({std::move(key), std::move(program)});
    }
    add_transports(broker_.loop, *after, folder_, broker_.programs.channels);
    for (auto& [name, pool] : broker_.programs.channels) broker_.channels.try_emplace(name, pool);
    if (concerns_discovery) broker_.catalog.forget();
    broker_.configuration = after;
    try {
        apply_();
    } catch (...) {
        broker_.configuration = before;
        throw;
    }
    written_ = std::move(loaded.written);
    return outcome;
}

void Reload::report(const Result<Outcome>& outcome, const Run& run) const {
    const std::string serving =
        "serving " + std::to_string(broker_.configuration->services.size()) + " service(s)";
    std::string asked = " (asked by ";
    const char* between = "";
    for (const std::string& who : run.asked_by) asked.append(std::exchange(between, ", ")).append(who);
    asked += ")";
    if (!outcome) {
        const std::string text = "the configuration was not reloaded: " + to_string(outcome.error()) + asked;
        broker_.log.error(text, {{unit::Field::decision, "not_reloaded"}});
        unit::notify_ready(serving + " with the earlier configuration: " + text);
        return;
    }
    std::string text = "reloaded the configuration" + asked + ": " + std::to_string(outcome->changes.size()) +
                       " key(s) changed";
    const char* before = ": ";
    for (const Change& change : outcome->changes) {
        text.append(std::exchange(before, ", ")).append(change.key);
        if (!change.waits_for.empty()) text.append(" (waits for a restart of " + change.waits_for + ")");
        if (text.size() > 2048) break;
    }
    for (const std::string& note : outcome->notes) text.append("; ").append(note);
    broker_.log.notice(text, {{unit::Field::decision, "reloaded"}});
    unit::notify_ready(serving);
}

}  // namespace mutual::broker
