// SPDX-License-Identifier: Apache-2.0
#include "daemon/plugin/definitions.h"

#include <boost/asio/co_spawn.hpp>
#include <exception>

#include "daemon/plugin/requests.h"
#include "daemon/unit/notify.h"
#include "varlink/interfaces.h"

namespace mutual::plugin {
namespace {

constexpr std::string_view interface = "org.mutuald.Plugins";
// Within that of the broker's (daemon/broker/reload.h).
constexpr std::chrono::milliseconds longest_reading{10'000};
constexpr const char* serving = "serving plugins";

}  // namespace

Definitions::Definitions(asio::io_context& loop, config::ConfigurationPaths paths, Supervisor& supervisor,
                         const unit::Log& log)
    : loop_(loop),
      paths_(std::move(paths)),
      supervisor_(supervisor),
      log_(log),
      for_broker_(loop, "read the configuration"),
      for_signal_(loop, "read the configuration") {}

Result<Definitions::Read> Definitions::definitions_of(const config::Loaded& loaded) const {
    for (std::size_t i = 1; i < loaded.errors.size(); ++i) log_.error(to_string(loaded.errors[i]));
    if (!loaded.configuration) return loaded.errors.front();
    Read read{{}, loaded.configuration->fingerprint};
    for (const auto& [name, plugin] : loaded.configuration->plugins) {
        if (!plugin.enabled || plugin.kind != config::PluginKind::discovery) continue;
        // A built-in plugin that nobody wrote anything about may never be asked, and may lack its options.
        const bool mentioned = plugin.where.line != 0;
        read.plugins.push_back({name, plugin.path, plugin.options, plugin.finders, mentioned});
    }
    return read;
}

Result<void> Definitions::start() {
    const Result<Read> read = definitions_of(config::load(paths_));
    if (!read) return read.error();
    supervisor_.use(read->plugins, read->fingerprint);
    return {};
}

asio::awaitable<Result<Definitions::Read>> Definitions::read_in(Reading& reading) {
    Reading::Work work = [paths = paths_] { return config::load(paths); };
    Result<config::Loaded> loaded = co_await reading.run(std::move(work), longest_reading);
    if (!loaded) co_return loaded.error();
    co_return definitions_of(*loaded);
}

void Definitions::serve(varlink::Service& service) {
    service.method("org.mutuald.Plugins.PrepareConfiguration",
                   [this](varlink::Incoming in) { return prepare(std::move(in)); });
    service.method("org.mutuald.Plugins.UseConfiguration",
                   [this](varlink::Incoming in) { return use_prepared(std::move(in)); });
}

asio::awaitable<varlink::Reply> Definitions::prepare(varlink::Incoming incoming) {
    const Result<std::string> fingerprint = read_configuration_call(incoming.call);
    if (!fingerprint) co_return varlink::failure(interface, fingerprint.error());
    prepared_.reset();
    Result<Read> read = co_await read_in(for_broker_);
    if (!read) co_return varlink::failure(interface, read.error());
    const bool is_same = read->fingerprint == *fingerprint;
    if (is_same) prepared_ = Prepared{std::move(*read), incoming.connection};
    varlink::Reply reply;
    reply.parameters["isSame"] = is_same;
    co_return reply;
}

asio::awaitable<varlink::Reply> Definitions::use_prepared(varlink::Incoming incoming) {
    const Result<std::string> fingerprint = read_configuration_call(incoming.call);
    if (!fingerprint) co_return varlink::failure(interface, fingerprint.error());
    const bool is_there = prepared_ && prepared_->connection.lock() == incoming.connection &&
                          prepared_->read.fingerprint == *fingerprint;
    if (!is_there)
        co_return varlink::failure(interface, Error(Code::not_found, Stage::request,
                                                    "no configuration of that fingerprint was prepared"));
    supervisor_.use(prepared_->read.plugins, prepared_->read.fingerprint);
    prepared_.reset();
    co_return varlink::Reply();
}

void Definitions::reload() {
    is_wanted_ = true;
    if (std::exchange(is_reloading_, true)) return;
    asio::co_spawn(loop_, reload_while_wanted(), [this](std::exception_ptr failure) {
        is_reloading_ = false;
        if (!failure) return;
        log_.error("reload: it failed for want of memory or descriptors");
        unit::notify_ready(serving);
    });
}

asio::awaitable<void> Definitions::reload_while_wanted() {
    while (std::exchange(is_wanted_, false)) {
        unit::notify_reloading();
        const Result<Read> read = co_await read_in(for_signal_);
        if (read)
            supervisor_.use(read->plugins, read->fingerprint);
        else
            log_.error("reload: " + to_string(read.error()));
        unit::notify_ready(serving);
    }
}

}  // namespace mutual::plugin
