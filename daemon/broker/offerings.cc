// SPDX-License-Identifier: Apache-2.0
#include "daemon/broker/offerings.h"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace mutual::broker {

namespace {

using std::chrono::milliseconds;

constexpr milliseconds first_pause{100};
constexpr milliseconds longest_pause{5000};
// So long a new offering waits for others to give up what it may need, such as their port.
constexpr milliseconds patience{2000};

// An exception that leaves a coroutine which runs as long as it is needed is a defect.
void rethrow(std::exception_ptr failure) {
    if (failure) std::rethrow_exception(failure);
}

// Whether the configuration has this service accept over this transport.
bool accepts(const Broker& broker, const std::string& name, const std::string& transport) {
    const config::Service* service = broker.configuration->service(name);
    return service != nullptr && service->accept && service->transport == transport;
}

// mutuald-channel outlives a broker, and so does what that broker offered.
asio::awaitable<Result<void>> withdraw_others(Broker& broker, std::string transport) {
    ChannelClient& channel = broker.channel(transport);
    Result<ChannelProgram> program = co_await channel.status();
    if (!program) co_return program.error();
    for (const std::string& service : program->services) {
        if (accepts(broker, service, transport)) continue;
        Result<void> withdrawn = co_await channel.unlisten(service);
        if (!withdrawn) co_return withdrawn.error();
        Result<void> revoked = co_await broker.keys.revoke(service, every_generation);
        if (!revoked) co_return revoked.error();
        broker.log.info("does not offer '" + service + "' any more",
                        {{unit::Field::service, service}, {unit::Field::decision, "withdrawn"}});
    }
    co_return Result<void>();
}

// mutuald-plugin outlives it, too, with what it registered in rpcbind. Away, it has taken that with it.
asio::awaitable<void> keep_registered(Broker& broker) {
    std::vector<std::string> services;
    for (const auto& [name, service] : broker.configuration->services)
        if (service.rpc && service.accept && service.accept->rpc.is_registered) services.push_back(name);
    [[maybe_unused]] const Result<void> kept = co_await broker.plugins.keep_rpc(std::move(services));
}

}  // namespace

Offerings::Offerings(Broker& broker) : broker_(broker), ended_(broker.loop) {}

std::shared_ptr<Offering> Offerings::add(const config::Service& service) {
    auto offering = std::make_shared<Offering>(broker_, service);
    offerings_[service.name] = offering;
    return offering;
}

void Offerings::start() {
    for (const auto& [name, service] : broker_.configuration->services)
        if (service.accept) add(service);
    asio::co_spawn(broker_.loop, keep_registered(broker_), rethrow);
    for (const auto& [transport, client] : broker_.channels)
        asio::co_spawn(broker_.loop, clear(transport), rethrow);
}

asio::awaitable<void> Offerings::clear(std::string transport) {
    std::vector<std::shared_ptr<Offering>> waiting;
    for (const auto& [name, offering] : offerings_)
        if (accepts(broker_, name, transport)) waiting.push_back(offering);
    asio::steady_timer timer(broker_.loop);
    milliseconds pause = first_pause;
    for (;;) {
        Result<void> withdrawn = co_await withdraw_others(broker_, transport);
        if (withdrawn) break;
        for (const auto& offering : waiting) offering->complain(withdrawn.error());
        timer.expires_after(pause);
        co_await timer.async_wait(asio::use_awaitable);
        pause = std::min(pause * 2, longest_pause);
    }
    for (const auto& offering : waiting) asio::co_spawn(broker_.loop, run(offering), rethrow);
}

bool Offerings::some_end() const {
    const auto ends = [](const auto& entry) { return entry.second->is_withdrawn(); };
    return std::any_of(offerings_.begin(), offerings_.end(), ends);
}

asio::awaitable<void> Offerings::run(std::shared_ptr<Offering> offering) {
    while (some_end() && !offering->is_withdrawn()) {
        boost::system::error_code cancelled;
        co_await ended_.async_wait(asio::redirect_error(asio::use_awaitable, cancelled));
        if (!cancelled) break;
    }
    co_await offering->run();
    offerings_.erase(offering->service());
    broker_.log.info("does not offer '" + offering->service() + "' any more",
                     {{unit::Field::service, offering->service()}, {unit::Field::decision, "withdrawn"}});
    ended_.cancel();
}

void Offerings::use_configuration() {
    const std::shared_ptr<const config::Configuration> configuration = broker_.configuration;
    ended_.expires_after(patience);
    for (const auto& [name, offering] : offerings_) {
        const config::Service* service = configuration->service(name);
        if (service != nullptr && service->accept)
            offering->use(*service);
        else
            offering->withdraw();
    }
    for (const auto& [name, service] : configuration->services)
        if (service.accept && !offerings_.contains(name))
            asio::co_spawn(broker_.loop, run(add(service)), rethrow);
}

}  // namespace mutual::broker
