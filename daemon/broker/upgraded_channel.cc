// SPDX-License-Identifier: Apache-2.0
#include "daemon/broker/upgraded_channel.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace mutual::broker {

namespace {

asio::awaitable<void> pass_on(Broker& broker, std::string transport, std::string channel,
                              UniqueFd connection) {
    Result<void> attached = co_await broker.channel(transport).attach(channel, std::move(connection));
    if (!attached)
        broker.log.notice("did not deliver a channel: " + to_string(attached.error()),
                          {{unit::Field::channel, channel}});
}

asio::awaitable<void> end(Broker& broker, std::string transport, std::string channel) {
    co_await asio::post(broker.loop, asio::use_awaitable);  // whoever drops it is within something else
    // That it was never established, or has ended, is as good.
    Result<void> closed = co_await broker.channel(transport).close(std::move(channel));
    (void)closed;
}

}  // namespace

UpgradedChannel::~UpgradedChannel() {
    // At the program's end mutuald-channel ends what is not attached in time.
    if (attached_ || broker_.loop.stopped()) return;
    asio::co_spawn(broker_.loop, end(broker_, transport_, channel_), [](std::exception_ptr) {});
}

void UpgradedChannel::attach(UniqueFd connection) {
    attached_ = true;
    asio::co_spawn(broker_.loop, pass_on(broker_, transport_, channel_, std::move(connection)),
                   [](std::exception_ptr) {});
}

}  // namespace mutual::broker
