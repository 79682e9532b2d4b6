// SPDX-License-Identifier: Apache-2.0
#include "client/pending_channel.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "client/broker_client.h"

namespace mutual::client {

namespace {

using std::chrono::milliseconds;
using varlink::Deadline;

constexpr milliseconds longest_pause{2000};

bool watch(int epoll, int descriptor) {
    epoll_event event{};
    event.events = EPOLLIN;
    return ::epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event) == 0;
}

Error lacks_descriptors() {
    return {Code::limit, Stage::request, std::string("wait for the broker: ") + std::strerror(errno)};
}

}  // namespace

PendingChannel::PendingChannel(std::string path, Method method, json::object parameters,
                               std::optional<milliseconds> timeout)
    : path_(std::move(path)),
      method_(method),
      parameters_(std::move(parameters)),
      deadline_(varlink::no_deadline) {
    if (!timeout) return;
    end_ = Clock::now() + *timeout;
    deadline_ = *end_ + grace;
}

Result<PendingChannel> PendingChannel::open(std::string path, const Request& request) {
    return begin({std::move(path), Method::open, {{"request", to_json(request)}}, request.timeout});
}

Result<PendingChannel> PendingChannel::accept(std::string path, const std::string& service,
                                              std::optional<milliseconds> timeout) {
    return begin({std::move(path), Method::accept, {{"service", service}}, timeout});
}

Result<PendingChannel> PendingChannel::begin(PendingChannel call) {
    if (Result<void> made = call.make_descriptors(); !made) return made.error();
    const Result<bool> connected = call.connect();
    if (!connected) return connected.error();
    call.wake_at(*connected ? call.deadline_ : Clock::now() + call.pause_);
    return call;
}

Result<void> PendingChannel::make_descriptors() {
    epoll_.reset(::epoll_create1(EPOLL_CLOEXEC));
    if (!epoll_) return lacks_descriptors();
    timer_.reset(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
    if (!timer_ || !watch(epoll_.value(), timer_.value())) return lacks_descriptors();
    return {};
}

Result<bool> PendingChannel::connect() {
    auto socket = varlink::connect_unix(path_, Deadline::min());
    if (!socket && socket.error().code == Code::limit) return false;
    if (!socket) return not_served(std::move(socket).error(), path_);
    if (!watch(epoll_.value(), socket->value())) return lacks_descriptors();
    connection_.emplace(std::move(*socket), reply_limits);
    if (Result<void> sent = send(); !sent) return sent.error();
    return true;
}

Result<void> PendingChannel::send() {
    varlink::Call call;
    call.method.append(broker_name).append(method_ == Method::open ? ".Open" : ".Accept");
    call.parameters = parameters_;
    if (method_ == Method::accept && end_) {
        const auto left = std::chrono::ceil<milliseconds>(*end_ - Clock::now());
        call.parameters["timeoutMilliseconds"] = std::max(left, milliseconds(1)).count();
    }
    // What the broker accepts fits into the buffer of a fresh socket.
    Result<void> sent = connection_->start(std::move(call), Clock::now());
    if (!sent && sent.error().code == Code::timed_out)
        return Error(Code::limit, Stage::request, "the request is longer than the broker accepts");
    return sent;
}

std::optional<Answer<OpenChannel>> PendingChannel::advance() {
    calm_timer();
    if (connection_) return receive();
    const Result<bool> connected = connect();
    const bool may_come_back = method_ == Method::accept;
    if (!connected && !(may_come_back && connected.error().code == Code::unavailable))
        return no_answer<OpenChannel>(connected.error());
    if (!connected || !*connected) return try_later();
    wake_at(deadline_);
    return receive();
}

std::optional<Answer<OpenChannel>> PendingChannel::receive() {
    auto received = connection_->next(Clock::now());
    if (!received && received.error().code == Code::timed_out && Clock::now() < deadline_)
        return std::nullopt;
    auto answer = answer_of(std::move(received), method_ == Method::open ? read_opened : read_accepted);
    if (answer.connection_lost && method_ == Method::accept) return try_later();
    return answer;
}

std::optional<Answer<OpenChannel>> PendingChannel::try_later() {
    connection_.reset();
    const auto next = Clock::now() + pause_;
    pause_ = std::min(pause_ * 2, longest_pause);
    if (next >= end_.value_or(varlink::no_deadline))
        return no_answer<OpenChannel>({Code::timed_out, Stage::request,
                                       "the broker did not take the call within the time",
                                       "see whether mutuald runs: systemctl status mutuald"});
    wake_at(next);
    return std::nullopt;
}

void PendingChannel::calm_timer() {
    std::uint64_t expirations = 0;
    // It fails where the timer has not expired; what time it is the clock tells.
    [[maybe_unused]] const auto size = ::read(timer_.value(), &expirations, sizeof expirations);
}

void PendingChannel::wake_at(Deadline time) {
    itimerspec setting{};  // zero: never
    if (time != varlink::no_deadline) {
        const auto count = std::max<std::int64_t>(
            std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count(), 1);
        setting.it_value.tv_sec = count / 1'000'000'000;
        setting.it_value.tv_nsec = count % 1'000'000'000;
    }
    ::timerfd_settime(timer_.value(), TFD_TIMER_ABSTIME, &setting, nullptr);
}

Answer<OpenChannel> PendingChannel::wait() {
    for (;;) {
        if (auto answer = advance()) return std::move(*answer);
        pollfd entry{fd(), POLLIN, 0};
        ::poll(&entry, 1, -1);
    }
}

}  // namespace mutual::client
