// SPDX-License-Identifier: Apache-2.0
#include "daemon/unit/log_order.h"

#include "varlink/parameters.h"

namespace mutual::unit {

void add_log_order(varlink::Service& service, std::string_view interface, const Log& log) {
    const std::string name(interface);
    service.method(
        name + ".SetLogLevel",
        [name, log](varlink::Incoming incoming) -> boost::asio::awaitable<varlink::Reply> {
            varlink::Parameters in(incoming.call.parameters, nullptr, "SetLogLevel");
            const std::size_t level = in.choice("level", {"error", "warning", "notice", "info", "debug"});
            if (auto finished = in.finish(); !finished) co_return varlink::failure(name, finished.error());
            log.set_level(levels.at(level));
            co_return varlink::Reply();
        });
}

}  // namespace mutual::unit
