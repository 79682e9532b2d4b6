// SPDX-License-Identifier: Apache-2.0
#include "daemon/broker/reload.h"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <thread>

#include "daemon/broker/changed_keys.h"
#include "daemon/broker/transports.h"
#include "daemon/unit/notify.h"
#include "varlink/deadline.h"
#include "varlink/interfaces.h"
#include "varlink/parameters.h"

namespace mutual::broker {

namespace {

constexpr std::chrono::seconds longest_answer{10};
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

// What a program reads at its start only.
std::string waits_for(const std::string& key, const config::Configuration& before,
                      const config::Configuration& after) {
    if (begins_with_any(key, {"daemon.limits.message", "daemon.limits.depth"})) return "mutuald";
    if (key == "daemon.plugin_folder") return "mutuald-channel@sockets";
    if (!key.starts_with("plugin.")) return {};
    for (const config::Configuration* configuration : {&before, &after})
        for (const auto& [name, plugin] : configuration->plugins)
            if (plugin.kind == config::PluginKind::transport && key.starts_with("plugin." + name + "."))
                return "mutuald-channel@" + name;
    return {};
}

}  // namespace

class Reload::Reading {
public:
    Reading(asio::io_context& loop, const Read& read)
        : over_(loop, asio::steady_timer::time_point::max()), thread_([this, &loop, read] {
              loaded_ = read();
              asio::post(loop, [this] {
                  is_over_ = true;
                  over_.cancel();
              });
          }) {}
    ~Reading() {
        if (thread_.joinable()) thread_.join();
    }
    Reading(const Reading&) = delete;
    Reading& operator=(const Reading&) = delete;

    asio::awaitable<config::Loaded> result() {
        while (!is_over_) {
            boost::system::error_code ended;
            co_await over_.async_wait(asio::redirect_error(asio::use_awaitable, ended));
        }
        co_return std::move(loaded_);
    }

private:
    asio::steady_timer over_;
    bool is_over_ = false;
    config::Loaded loaded_;
    std::thread thread_;
};

Reload::~Reload() = default;

Reload::Reload(Broker& broker, std::string written, std::string folder, Read read, Apply apply)
    : broker_(broker),
      written_(std::move(written)),
      folder_(std::move(folder)),
      read_(std::move(read)),
      apply_(std::move(apply)) {}

std::shared_ptr<Reload::Run> Reload::ask() {
    if (!next_) next_ = std::make_shared<Run>(broker_.loop);
    std::shared_ptr<Run> run = next_;
    if (!is_running_) {
        is_running_ = true;
        asio::co_spawn(broker_.loop, work(), rethrow);
    }
    return run;
}

void Reload::start() { ask(); }

asio::awaitable<Result<Reload::Outcome>> Reload::run() {
    const std::shared_ptr<Run> run = ask();
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
        report(outcome);
        run->outcome = std::move(outcome);
        run->over.cancel();
    }
    is_running_ = false;
}

asio::awaitable<Result<Reload::Outcome>> Reload::once() {
    for (int round = 0; round < most_rounds; ++round) {
        reading_ = std::make_unique<Reading>(broker_.loop, read_);
        config::Loaded loaded = co_await reading_->result();
        reading_.reset();
        if (!loaded.configuration) co_return first_of(loaded.errors);
        Result<Told> told = co_await tell_plugins(loaded.fingerprint);
        if (!told) co_return told.error();
        if (!told->is_same) continue;
        Outcome outcome = use(std::move(loaded));
        if (!told->note.empty()) outcome.notes.push_back(std::move(told->note));
        co_return outcome;
    }
    co_return Error(
        Code::invalid_configuration, Stage::request,
        "mutuald-plugin reads another configuration than mutuald: its files change all the time, or it is "
        "told to read other folders",
        "let the files rest, then reload again");
}

asio::awaitable<Result<Reload::Told>> Reload::tell_plugins(std::string fingerprint) {
    varlink::Call call;
    call.method = "org.mutuald.Plugins.Reload";
    call.parameters["version"] = varlink::internal_version;
    call.parameters["fingerprint"] = fingerprint;
    Error late(Code::timed_out, Stage::request, "mutuald-plugin did not take the configuration within 10 s",
               "restart mutuald-plugin, then reload again");
    const auto deadline = std::chrono::steady_clock::now() + longest_answer;
    Result<varlink::Reply> reply = co_await varlink::with_deadline(
        broker_.loop, broker_.programs.plugins.call(std::move(call)), deadline, std::move(late));
    Told told;
    if (reply) {
        varlink::Parameters read(reply->parameters, nullptr, "Reload");
        told.is_same = read.flag("isSame");
        if (Result<void> finished = read.finish_loosely(); !finished) co_return finished.error();
        co_return told;
    }
    // It went away, or is not there: as soon as it starts it reads what we have just read.
    if (reply.error().code != Code::unavailable) co_return reply.error();
    told.note = "mutuald-plugin reads the configuration when it starts: " + reply.error().message;
    co_return told;
}

Reload::Outcome Reload::use(config::Loaded loaded) {
    const auto before = broker_.configuration;
    broker_.configuration = std::make_shared<const config::Configuration>(std::move(*loaded.configuration));
    Outcome outcome;
    bool concerns_discovery = false;
    for (std::string& key : changed_keys(written_, loaded.written)) {
        concerns_discovery |= begins_with_any(key, {"daemon.", "identity.", "plugin.", "service."});
        std::string program = waits_for(key, *before, *broker_.configuration);
        outcome.changes.push_back({std::move(key), std::move(program)});
    }
    written_ = std::move(loaded.written);
    if (concerns_discovery) broker_.catalog.forget();
    add_transports(broker_.loop, *broker_.configuration, folder_, broker_.programs.channels);
    for (auto& [name, pool] : broker_.programs.channels) broker_.channels.try_emplace(name, pool);
    apply_();
    return outcome;
}

void Reload::report(const Result<Outcome>& outcome) const {
    const std::string serving =
        "serving " + std::to_string(broker_.configuration->services.size()) + " service(s)";
    if (!outcome) {
        const std::string text = "the configuration was not reloaded: " + to_string(outcome.error());
        broker_.log.error(text, {{unit::Field::decision, "not_reloaded"}});
        unit::notify_ready(serving + " with the earlier configuration: " + text);
        return;
    }
    std::string text =
        "reloaded the configuration: " + std::to_string(outcome->changes.size()) + " key(s) changed";
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
