// SPDX-License-Identifier: Apache-2.0
#include "daemon/channel/options.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <thread>

namespace mutual::channel {

int read_options(int argc, char** argv, Options& options) {
    CLI::App app{"Connects, listens and moves the bytes of channels, as mutuald orders.", "mutuald-channel"};
    app.add_option("--transport", options.transport, "Name of the transport")->capture_default_str();
    app.add_option("--plugin", options.plugin, "File of the plugin [as the configuration says]");
    app.add_option("--plugin-configuration", options.plugin_configuration,
                   "With --plugin: the plugin's own options, a JSON object");
    app.add_option("--config-root", options.config_root, "Read the configuration below this folder");
    app.add_option("--loops", options.loops, "Event loops [one for each core]")
        ->check(CLI::Range(std::size_t{1}, most_loops));
    app.add_option("--broker-user", options.broker_user, "The one user who may order")->capture_default_str();
    app.add_option("--admission-socket", options.admission_socket, "Where mutuald admits peers")
        ->capture_default_str();
    app.add_option("--socket", options.socket, "Where to take orders [the passed socket named \"channel\"]");
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error);
    }
    if (options.loops == 0)
        options.loops = std::clamp<std::size_t>(std::thread::hardware_concurrency(), 1, most_loops);
    return -1;
}

}  // namespace mutual::channel
