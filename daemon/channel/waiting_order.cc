// SPDX-License-Identifier: Apache-2.0
#include "daemon/channel/waiting_order.h"

namespace mutual::channel {

WaitingOrder::WaitingOrder(asio::io_context& control, std::shared_ptr<WaitingOrders> orders, Worker& worker,
                           std::uint64_t number)
    : control_(control), orders_(std::move(orders)), worker_(worker), number_(number), event_(control) {
    event_.expires_at(asio::steady_timer::time_point::max());
    (*orders_)[number_] = this;
}

WaitingOrder::~WaitingOrder() {
    orders_->erase(number_);
    if (outcome_ || worker_.loop().context().stopped()) return;
    worker_.loop().post([&worker = worker_, number = number_] { worker.abandon(number); });
}

void WaitingOrder::begin(InitiateOrder what) {
    auto answer = [&control = control_, orders = orders_, number = number_](InitiateOutcome outcome) {
        auto shared = std::make_shared<InitiateOutcome>(std::move(outcome));
        asio::post(control, [orders, number, shared] {
            const auto found = orders->find(number);
            if (found == orders->end()) return;
            found->second->outcome_ = shared;
            found->second->event_.cancel();
        });
    };
    auto shared = std::make_shared<InitiateOrder>(std::move(what));
    worker_.loop().post([&worker = worker_, number = number_, shared, answer = std::move(answer)]() mutable {
        worker.initiate(number, std::move(*shared), std::move(answer));
    });
}

}  // namespace mutual::channel
