// SPDX-License-Identifier: Apache-2.0
#include "daemon/broker/broker.h"
#include "daemon/broker/transports.h"

#include <sys/random.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <cstdlib>

namespace mutual::broker {

namespace {

// The kernel's randomness never fails once the system is up, and cannot be replaced by anything else.
std::uint64_t random_bits() {
    std::uint64_t bits = 0;
    if (::getrandom(&bits, sizeof bits, 0) != sizeof bits) std::abort();
    return bits;
}

}  // namespace

void add_transports(asio::io_context& loop, const config::Configuration& configuration,
                    const std::string& folder, std::map<std::string, ConnectionPool, std::less<>>& channels) {
    for (const auto& [name, plugin] : configuration.plugins) {
        if (plugin.kind != config::PluginKind::transport) continue;
        const std::string socket = folder + "/channel-" + name + ".sock";
        const auto uses_it = [&name = name](const auto& entry) { return entry.second.transport == name; };
        // One that nobody uses any more may still listen as an earlier configuration said.
        if (std::ranges::any_of(configuration.services, uses_it) || ::access(socket.c_str(), F_OK) == 0)
            channels.try_emplace(name, loop, socket, "mutuald-channel@" + name, Stage::connect);
    }
}

Programs::Programs(asio::io_context& loop, const config::Configuration& configuration,
                   const std::string& folder)
    : keys(loop, folder + "/keys.sock", "mutuald-keys", Stage::credentials),
      plugins(loop, folder + "/plugin.sock", "mutuald-plugin", Stage::discovery) {
    add_transports(loop, configuration, folder, channels);
}

Broker::Broker(asio::io_context& event_loop, std::shared_ptr<const config::Configuration> definitions,
               const unit::Log& system_log, const std::string& socket_folder)
    : loop(event_loop),
      configuration(std::move(definitions)),
      monitor(event_loop),
      journal(system_log),
      log(
          [this](const unit::LogLine& line) {
              journal.write(line.priority, line.message, line.fields);
              monitor.tell(line);
          },
          unit::Priority::debug),
      turns(event_loop),
      programs(event_loop, *configuration, socket_folder),
      keys(event_loop, programs.keys),
      plugins(programs.plugins),
      addresses(plugins),
      catalog(keys, plugins) {
    for (auto& [name, pool] : programs.channels) channels.try_emplace(name, pool);
}

boost::json::object wire_options(const config::Service& service) {
    return boost::json::parse(service.options).as_object();
}

std::string random_name() {
    static constexpr std::string_view digits = "0123456789abcdef";
    std::uint64_t bits = random_bits();
    std::string name(16, '0');
    for (char& digit : name) {
        digit = digits[bits & 15U];
        bits >>= 4U;
    }
    return name;
}

std::uint32_t random_up_to(std::uint32_t bound) {
    const std::uint64_t values = std::uint64_t{bound} + 1;
    // 64 random bits over at most 2^32 values: the bias is below 2^-32.
    return static_cast<std::uint32_t>(random_bits() % values);
}

}  // namespace mutual::broker
