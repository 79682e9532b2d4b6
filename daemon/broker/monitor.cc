// SPDX-License-Identifier: Apache-2.0
#include "daemon/broker/monitor.h"

#include <algorithm>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>
#include <charconv>
#include <chrono>
#include <string>

namespace mutual::broker {

namespace asio = boost::asio;
namespace json = boost::json;

namespace {

std::string value_of(const unit::LogLine& line, unit::Field field) {
    for (const unit::LogField& one : line.fields)
        if (one.field == field) return one.value;
    return {};
}

json::object event_of(const unit::LogLine& line) {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    json::object event;
    event["milliseconds"] = std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
    event["message"] = line.message;
    // The journal's fields, spelled as the API spells them.
    for (const unit::LogField& one : line.fields) {
        std::int64_t uid = 0;
        if (one.field == unit::Field::caller_unit)
            event["callerUnit"] = one.value;
        else if (one.field != unit::Field::caller_uid)
            event[name(one.field)] = one.value;
        else if (std::from_chars(one.value.data(), one.value.data() + one.value.size(), uid).ec ==
                 std::errc())
            event["callerUid"] = uid;
    }
    return event;
}

}  // namespace

void Monitor::Watcher::tell(const json::object& event, const std::string& caller_uid) {
    if (!sees_all_ && caller_uid != std::to_string(uid_)) return;
    if (waiting_.size() >= most_waiting) {
        ++lost_;
        return;
    }
    waiting_.push_back(event);
    event_.cancel();
}

asio::awaitable<json::object> Monitor::Watcher::next() {
    while (waiting_.empty()) {
        event_.expires_at(asio::steady_timer::time_point::max());
        boost::system::error_code ended;
        co_await event_.async_wait(asio::redirect_error(asio::use_awaitable, ended));
        const asio::cancellation_state state = co_await asio::this_coro::cancellation_state;
        if (state.cancelled() != asio::cancellation_type::none)
            throw boost::system::system_error(asio::error::operation_aborted);
    }
    json::object event = std::move(waiting_.front());
    waiting_.pop_front();
    if (lost_ > 0) event["lost"] = std::exchange(lost_, 0);
    co_return event;
}

std::shared_ptr<Monitor::Watcher> Monitor::watch(uid_t uid, bool sees_all) {
    std::erase_if(watchers_, [](const std::weak_ptr<Watcher>& one) { return one.expired(); });
    auto watcher = std::make_shared<Watcher>(loop_, uid, sees_all);
    watchers_.push_back(watcher);
    return watcher;
}

void Monitor::tell(const unit::LogLine& line) {
    if (watchers_.empty() || value_of(line, unit::Field::decision).empty()) return;
    const json::object event = event_of(line);
    const std::string caller_uid = value_of(line, unit::Field::caller_uid);
    for (const auto& one : watchers_)
        if (const auto watcher = one.lock()) watcher->tell(event, caller_uid);
}

}  // namespace mutual::broker
