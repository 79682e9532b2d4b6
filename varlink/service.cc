// SPDX-License-Identifier: Apache-2.0
#include "varlink/service.h"

#include <sys/socket.h>

#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <cstring>

#include "varlink/deadline.h"

namespace mutual::varlink {

namespace {

// A caller that never reads its reply loses its connection.
constexpr std::chrono::seconds longest_reply{10};

constexpr unsigned units_of_a_call = 1;
// Such as the closing of descriptors that nobody asked for.
constexpr unsigned units_of_a_misuse = 8;

constexpr std::string_view get_info = "org.varlink.service.GetInfo";
constexpr std::string_view get_description = "org.varlink.service.GetInterfaceDescription";

constexpr std::string_view service_description = R"(# Every Varlink service offers this.
interface org.varlink.service

method GetInfo() -> (vendor: string, product: string, version: string, url: string, interfaces: []string)

method GetInterfaceDescription(interface: string) -> (description: string)

error InterfaceNotFound (interface: string)

error MethodNotFound (method: string)

error MethodNotImplemented (method: string)

error InvalidParameter (parameter: string)

error PermissionDenied ()

error ExpectedMore ()
)";

Reply standard_error(std::string_view name, std::string_view parameter, std::string_view value) {
    Reply reply;
    reply.error = std::string("org.varlink.service.").append(name);
    if (!parameter.empty()) reply.parameters[parameter] = value;
    return reply;
}

std::string_view interface_of(std::string_view method) { return method.substr(0, method.rfind('.')); }

}  // namespace

std::string interface_name(std::string_view idl) {
    constexpr std::string_view keyword = "interface ";
    std::size_t at = idl.starts_with(keyword) ? 0 : idl.find(std::string("\n").append(keyword));
    if (at == std::string_view::npos) return {};
    at = idl.find(keyword, at) + keyword.size();
    return std::string(idl.substr(at, idl.find_first_of(" \t\r\n", at) - at));
}

Service::Service(About about, Complaint complaint)
    : about_(std::move(about)), complaint_(std::move(complaint)) {
    describe(service_description);
}

void Service::describe(std::string_view idl) { descriptions_[interface_name(idl)] = std::string(idl); }

void Service::method(std::string name, Method method) { methods_[std::move(name)] = std::move(method); }

void Service::streaming_method(std::string name, Method method) {
    streaming_.insert(name);
    methods_[std::move(name)] = std::move(method);
}

void Service::upgradable_method(std::string name, Method method) {
    upgradable_.insert(name);
    methods_[std::move(name)] = std::move(method);
}

Reply Service::information() const {
    Reply reply;
    reply.parameters["vendor"] = about_.vendor;
    reply.parameters["product"] = about_.product;
    reply.parameters["version"] = about_.version;
    reply.parameters["url"] = about_.url;
    json::array names;
    for (const auto& [name, text] : descriptions_) names.emplace_back(name);
    reply.parameters["interfaces"] = std::move(names);
    return reply;
}

Reply Service::description(const json::object& parameters) const {
    const json::value* interface = parameters.if_contains("interface");
    if (interface == nullptr || !interface->is_string())
        return standard_error("InvalidParameter", "parameter", "interface");
    const auto found = descriptions_.find(std::string_view(interface->as_string()));
    if (found == descriptions_.end())
        return standard_error("InterfaceNotFound", "interface", std::string_view(interface->as_string()));
    Reply reply;
    reply.parameters["description"] = found->second;
    return reply;
}

// Of a call that asks for another kind of answer than its method gives.
std::optional<Reply> Service::refusal_of(const Incoming& incoming) const {
    const Call& call = incoming.call;
    const bool is_upgradable = upgradable_.contains(call.method);
    if (call.upgrade && !is_upgradable)
        return standard_error("InvalidParameter", "parameter", "upgrade: this method keeps to messages");
    if (call.upgrade && incoming.connection->has_leftovers())
        return standard_error("InvalidParameter", "parameter",
                              "upgrade: octets came behind the call, before its reply");
    const bool is_streaming = streaming_.contains(call.method);
    if (is_streaming && !call.more) return standard_error("ExpectedMore", "", "");
    if (!call.more || is_streaming || !methods_.contains(call.method)) return std::nullopt;
    const Error error(Code::invalid_request, Stage::request, "this method gives one reply");
    return failure(interface_of(call.method), error);
}

asio::awaitable<Reply> Service::answer(Incoming incoming) const {
    const std::string method = incoming.call.method;
    const bool is_standard = method == get_info || method == get_description;
    const auto found = methods_.find(method);
    if (!is_standard && found == methods_.end()) {
        if (!descriptions_.contains(interface_of(method)))
            co_return standard_error("InterfaceNotFound", "interface", interface_of(method));
        co_return standard_error("MethodNotFound", "method", method);
    }
    std::optional<Reply> refusal = refusal_of(incoming);
    if (refusal) co_return std::move(*refusal);
    if (method == get_info) co_return information();
    if (method == get_description) co_return description(incoming.call.parameters);
    co_return co_await found->second(std::move(incoming));
}

asio::awaitable<Reply> Service::answer_unless_hung_up(Incoming incoming) const {
    asio::io_context& loop = incoming.connection->loop();
    const std::shared_ptr<Connection> connection = incoming.connection;
    const std::string interface(interface_of(incoming.call.method));
    auto beside = std::make_shared<detail::Beside<Reply>>(loop);
    struct Watch {
        static asio::awaitable<bool> run(std::shared_ptr<Connection> watched,
                                         std::shared_ptr<detail::Beside<Reply>> worker) {
            const bool is_gone = co_await watched->hung_up_unless_cancelled();
            if (is_gone) worker->event.cancel();
            co_return is_gone;
        }
    };
    beside->event.expires_at(std::chrono::steady_clock::time_point::max());
    detail::start(loop, beside, answer(std::move(incoming)));
    if (!beside->finished) {
        auto watcher = std::make_shared<detail::Beside<bool>>(loop);
        detail::start(loop, watcher, Watch::run(connection, beside));
        boost::system::error_code ended;
        co_await beside->event.async_wait(asio::redirect_error(asio::use_awaitable, ended));
        const bool gone = !beside->finished;
        co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
        co_await detail::stop(beside);
        co_await detail::stop(watcher);
        if (gone) throw boost::system::system_error(asio::error::operation_aborted);
    }
    if (beside->result) co_return std::move(*beside->result);
    try {
        std::rethrow_exception(beside->failure);
    } catch (const std::exception& defect) {
        complaint_(std::string("a method failed: ") + defect.what());
    }
    co_return failure(interface, Error(Code::internal, Stage::request, "the method failed; see the journal"));
}

asio::awaitable<void> Service::in_turn(Connection& connection, unsigned units) const {
    const auto now = Pace::Clock::now();
    const auto when = pace_.take(connection.peer().uid, units, now);
    if (when <= now) co_return;
    asio::steady_timer turn(connection.loop(), when);
    co_await turn.async_wait(asio::use_awaitable);
}

struct Service::Serving {
    std::shared_ptr<Connection> connection;
    bool is_idle = false;
};

asio::awaitable<void> Service::serve(std::shared_ptr<Connection> connection) const {
    std::erase_if(serving_, [](const std::weak_ptr<Serving>& one) { return one.expired(); });
    const auto serving = std::make_shared<Serving>();
    serving->connection = connection;
    serving_.push_back(serving);
    co_await in_turn(*connection, units_of_a_call);
    for (;;) {
        serving->is_idle = true;
        Result<std::optional<Call>> received = co_await connection->receive();
        serving->is_idle = false;
        co_await in_turn(*connection, received ? units_of_a_call : units_of_a_misuse);
        if (!received) {
            const Error& error = received.error();
            if (error.code != Code::protocol && error.code != Code::limit && error.code != Code::timed_out)
                co_return;
            // The stream cannot be used further, but whoever speaks it wrongly should learn why.
            Reply last = standard_error("InvalidParameter", "parameter", error.message);
            co_await connection->reply(std::move(last));
            co_return;
        }
        if (!*received) co_return;
        const bool oneway = (*received)->oneway;
        const bool upgrade = (*received)->upgrade;
        Incoming incoming{std::move(**received), connection};
        Reply reply = co_await answer_unless_hung_up(std::move(incoming));
        // Whoever sends many calls at once is served in turn with the others.
        if (oneway) {
            co_await asio::post(connection->loop(), asio::use_awaitable);
            continue;
        }
        const auto take_over = std::exchange(reply.take_over, nullptr);
        // What came behind a call that was not granted its upgrade is no message.
        const bool is_spoilt = upgrade && !take_over && connection->has_leftovers();
        Error never_read(Code::timed_out, Stage::request, "the caller does not read");
        Result<void> sent =
            co_await with_deadline(connection->loop(), connection->reply(std::move(reply)),
                                   std::chrono::steady_clock::now() + longest_reply, std::move(never_read));
        if (!sent || is_spoilt) co_return;
        if (take_over) {
            take_over(connection->release());
            co_return;
        }
        co_await asio::post(connection->loop(), asio::use_awaitable);
    }
}

void Service::hang_up() const {
    for (const auto& one : serving_) {
        const auto serving = one.lock();
        if (serving && serving->is_idle) serving->connection->close();
    }
}

}  // namespace mutual::varlink
