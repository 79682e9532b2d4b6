// SPDX-License-Identifier: Apache-2.0
#include "daemon/channel/harness.h"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/json/array.hpp>
#include <cstring>
#include <future>

#include "daemon/unit/plugin_loader.h"
#include "varlink/base64.h"
#include "varlink/interfaces.h"
#include "varlink/listener.h"

namespace mutual::channel::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using varlink::Incoming;
using varlink::Reply;

constexpr milliseconds patience{10000};

void ignore_end(std::exception_ptr) {}  // of a neighbour's coroutine: it ends with its connection

std::string fresh_socket_path() {
    static std::atomic<int> count{0};
    return "/tmp/mutual-channel-test." + std::to_string(::getpid()) + "." + std::to_string(++count);
}

bool is_ready(int socket, short events, milliseconds time = patience) {
    pollfd wanted{socket, events, 0};
    return ::poll(&wanted, 1, static_cast<int>(time.count())) == 1;
}

std::shared_ptr<varlink::Service> make_service(std::string_view description) {
    auto service = std::make_shared<varlink::Service>(varlink::Service::About{"test", "test", "1", ""},
                                                      [](std::string_view text) { ADD_FAILURE() << text; });
    service->describe(description);
    return service;
}

json::object flags_object(const ContextFlags& flags) {
    json::object object;
    object["mutual"] = flags.mutual;
    object["confidentiality"] = flags.confidentiality;
    object["integrity"] = flags.integrity;
    object["replay"] = flags.replay;
    object["sequence"] = flags.sequence;
    object["delegation"] = flags.delegation;
    return object;
}

}  // namespace

// Neighbours

struct Neighbours::Grant {
    Role role;
    std::map<std::int64_t, std::unique_ptr<Handshake>> handshakes;
};

Neighbours::Neighbours(const ForgedRealm& realm, std::string admission_socket)
    : realm_(realm), admission_socket_(std::move(admission_socket)) {
    admission_ = make_service(varlink::admission_interface);
    admission_->method("org.mutuald.Admission.Admit",
                       [this](Incoming incoming) { return admit(std::move(incoming)); });
    admission_->method("org.mutuald.Admission.Settle",
                       [this](Incoming incoming) { return settle(std::move(incoming)); });
    thread_ = std::thread([this] {
        auto guard = asio::make_work_guard(loop_);
        loop_.run();
    });
    open_admission();
}

Neighbours::~Neighbours() {
    loop_.stop();
    thread_.join();
    ::unlink(admission_socket_.c_str());
}

void Neighbours::run_on_thread(std::function<void()> work) {
    std::promise<void> done;
    asio::post(loop_, [&] {
        work();
        done.set_value();
    });
    done.get_future().wait();
}

UniqueFd Neighbours::grant(Role role) {
    auto pair = varlink::socket_pair();
    auto grant = std::make_shared<Grant>();
    grant->role = role;
    auto service = make_service(varlink::grant_interface);
    service->method("org.mutuald.Grant.Step",
                    [this, grant](Incoming incoming) { return step(grant, std::move(incoming)); });
    struct Drop {
        static asio::awaitable<Reply> run(std::shared_ptr<Grant> from, Incoming incoming) {
            from->handshakes.erase(incoming.call.parameters.at("handshake").as_int64());
            co_return Reply();
        }
    };
    service->method("org.mutuald.Grant.Drop",
                    [grant](Incoming incoming) { return Drop::run(grant, std::move(incoming)); });
    run_on_thread([&] {
        auto connection = std::make_shared<varlink::Connection>(loop_, std::move(pair->second));
        grants_.push_back(connection);
        struct Serve {
            static asio::awaitable<void> run(std::shared_ptr<varlink::Service> service,
                                             std::shared_ptr<varlink::Connection> connection) {
                co_await service->serve(std::move(connection));
            }
        };
        asio::co_spawn(loop_, Serve::run(std::move(service), std::move(connection)), ignore_end);
    });
    return std::move(pair->first);
}

void Neighbours::drop_grants() {
    run_on_thread([this] {
        for (const auto& grant : grants_)
            if (const auto connection = grant.lock()) connection->close();
    });
}

asio::awaitable<Reply> Neighbours::step(std::shared_ptr<Grant> grant, Incoming incoming) {
    const json::object& parameters = incoming.call.parameters;
    auto& handshake = grant->handshakes[parameters.at("handshake").as_int64()];
    if (!handshake) handshake = realm_.handshake(grant->role);
    Token token;
    if (const auto* text = parameters.if_contains("token"))
        token = varlink::bytes_from_base64(text->as_string()).value();
    auto answer = handshake->step(token);
    if (answer.failed) {
        const Error error(Code::wrong_peer, Stage::handshake, "the token is not for us");
        co_return varlink::failure("org.mutuald.Grant", error);
    }
    Reply reply;
    if (!answer.token.empty()) reply.parameters["token"] = varlink::to_base64(answer.token);
    reply.parameters["done"] = answer.done;
    if (answer.done) {
        const ContextFacts facts = realm_.facts();
        reply.parameters["context"] = std::string(32, '7');
        reply.parameters["contextFileDescriptor"] = 0;
        reply.parameters["initiator"] = facts.initiator;
        reply.parameters["acceptor"] = facts.acceptor;
        reply.parameters["flags"] = flags_object(answer.flags);
        reply.parameters["expires"] =
            std::chrono::duration_cast<std::chrono::seconds>(facts.expires.time_since_epoch()).count();
        reply.descriptors.push_back(handshake->exported());
    }
    co_return reply;
}

void Neighbours::open_admission() {
    auto listener = varlink::listen_unix(admission_socket_, 0600);
    run_on_thread([&] {
        auto listening = varlink::listen(
            loop_, std::move(*listener), admission_,
            [](const auto&, int) { return Result<std::shared_ptr<void>>(nullptr); }, varlink::internal_limits,
            [](std::string_view) {});
        asio::co_spawn(loop_, std::move(listening),
                       asio::bind_cancellation_slot(stop_admission_.slot(), ignore_end));
    });
}

void Neighbours::close_admission() {
    run_on_thread([this] { stop_admission_.emit(asio::cancellation_type::terminal); });
    ::unlink(admission_socket_.c_str());
}

asio::awaitable<Reply> Neighbours::admit(Incoming incoming) {
    ++admissions_;
    if (refuse_)
        co_return varlink::failure("org.mutuald.Admission",
                                   Error(Code::denied, Stage::admission, "no rule matches"));
    auto pair = varlink::socket_pair();
    Reply reply;
    const std::lock_guard lock(mutex_);
    last_channel_ = "accepted" + std::to_string(++channels_);
    reply.parameters["context"] = incoming.call.parameters.at("context");
    reply.parameters["channel"] = last_channel_;
    reply.parameters["programFileDescriptor"] = 0;
    reply.parameters["rule"] = "everyone";
    reply.parameters["cookie"] = varlink::socket_cookie(pair->first.value());
    reply.parameters["callerUid"] = 0;
    reply.descriptors.push_back(std::move(pair->second));
    programs_.push_back(std::move(pair->first));
    changed_.notify_all();
    co_return reply;
}

asio::awaitable<Reply> Neighbours::settle(Incoming incoming) {
    const std::lock_guard lock(mutex_);
    ++settled_[incoming.call.parameters.at("established").as_bool()];
    changed_.notify_all();
    co_return Reply();
}

UniqueFd Neighbours::next_program() {
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, patience, [this] { return !programs_.empty(); })) return {};
    UniqueFd program = std::move(programs_.front());
    programs_.erase(programs_.begin());
    return program;
}

std::string Neighbours::last_channel() {
    const std::lock_guard lock(mutex_);
    return last_channel_;
}

bool Neighbours::settled(bool established, int count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, patience, [&] { return settled_[established] >= count; });
}

// Daemon

Daemon::Daemon(std::string admission_socket, const std::string& path)
    : log_([](const unit::LogLine&) {}),
      transport_([&path] {
          auto plugin = unit::load_plugin(path, PluginKind::transport);
          if (!plugin) throw std::runtime_error(to_string(plugin.error()));
          return std::move(*unit::make_transport(**plugin, "{}"));
      }()),
      surroundings_{*transport_, table_, log_, std::move(admission_socket)} {
    for (std::size_t i = 0; i < 2; ++i) workers_.push_back(std::make_unique<Worker>(i, surroundings_));
    orders_ = std::make_unique<Orders>(surroundings_, workers_, "sockets", unit::PassedSockets());
    service_ = orders_->service();
    surroundings_.ask_for_offers = [this] {
        workers_.front()->loop().post([service = service_] { service->hang_up(); });
    };
    for (const auto& worker : workers_) threads_.emplace_back([&worker = *worker] { worker.loop().run(); });
}

Daemon::~Daemon() {
    for (const auto& worker : workers_) worker->loop().stop();
    for (auto& thread : threads_) thread.join();
}

varlink::BlockingConnection Daemon::broker() {
    auto pair = varlink::socket_pair();
    auto theirs = std::make_shared<UniqueFd>(std::move(pair->second));
    auto& loop = workers_.front()->loop();
    loop.post([this, &loop, theirs] {
        auto connection = std::make_shared<varlink::Connection>(loop.context(), std::move(*theirs));
        asio::co_spawn(loop.context(), service_->serve(std::move(connection)), ignore_end);
    });
    return varlink::BlockingConnection(std::move(pair->first), varlink::internal_limits);
}

// World

World::World(std::chrono::seconds lifetime)
    : realm(lifetime),
      neighbours(realm, fresh_socket_path()),
      daemon(neighbours.admission_path(), SOCKETS_PLUGIN) {}

World::World(const std::string& plugin, json::object options)
    : neighbours(realm, fresh_socket_path()),
      daemon(neighbours.admission_path(), plugin),
      options_(std::move(options)) {}

Reply World::order(const std::string& method, json::object parameters) {
    varlink::Call call;
    call.method = "org.mutuald.Channel." + method;
    call.parameters = std::move(parameters);
    auto reply = daemon.broker().call_raw(std::move(call), steady_clock::now() + patience);
    if (!reply) throw std::runtime_error(to_string(reply.error()));
    return std::move(*reply);
}

Reply World::listen(const ListenSettings& settings) {
    varlink::Call call;
    call.method = "org.mutuald.Channel.Listen";
    json::object endpoint;
    endpoint["address"] = settings.endpoint.address;
    endpoint["port"] = settings.endpoint.port;
    json::object limits;
    limits["connections"] = settings.connections;
    limits["handshakes"] = settings.handshakes;
    limits["handshakeMilliseconds"] = settings.handshake_milliseconds;
    limits["idleMilliseconds"] = settings.idle_milliseconds;
    call.parameters["version"] = varlink::internal_version;
    call.parameters["service"] = settings.service;
    call.parameters["endpoint"] = std::move(endpoint);
    call.parameters["options"] = options_;
    call.parameters["limits"] = std::move(limits);
    json::array grants{0, 1};
    call.parameters["grantFileDescriptors"] = std::move(grants);
    for (int i = 0; i < 2; ++i) call.descriptors.push_back(neighbours.grant(Role::acceptor));
    auto reply = daemon.broker().call_raw(std::move(call), steady_clock::now() + patience);
    if (!reply) throw std::runtime_error(to_string(reply.error()));
    return std::move(*reply);
}

Endpoint World::listen_endpoint(const ListenSettings& settings) {
    const Reply reply = listen(settings);
    if (!reply.error.empty()) throw std::runtime_error(to_string(varlink::error_of(reply)));
    const json::object& endpoint = reply.parameters.at("endpoint").as_object();
    return {std::string(endpoint.at("address").as_string()),
            static_cast<std::uint16_t>(endpoint.at("port").as_int64())};
}

varlink::Call World::connect_call(std::vector<Endpoint> endpoints, Opened& opened, int timeout_milliseconds,
                                  int idle_milliseconds) {
    auto pair = varlink::socket_pair();
    opened.channel = "opened" + std::to_string(++opened_);
    opened.cookie = varlink::socket_cookie(pair->first.value());
    opened.program = std::move(pair->first);
    json::array list;
    for (const auto& endpoint : endpoints) {
        json::object object;
        object["address"] = endpoint.address;
        object["port"] = endpoint.port;
        list.emplace_back(std::move(object));
    }
    varlink::Call call;
    call.method = "org.mutuald.Channel.Connect";
    call.parameters["version"] = varlink::internal_version;
    call.parameters["channel"] = opened.channel;
    call.parameters["service"] = "ledger";
    call.parameters["rule"] = "staff";
    call.parameters["callerUid"] = 1000;
    call.parameters["spn"] = "ledger/one.forged.test";
    call.parameters["endpoints"] = std::move(list);
    call.parameters["options"] = options_;
    call.parameters["timeoutMilliseconds"] = timeout_milliseconds;
    call.parameters["idleMilliseconds"] = idle_milliseconds;
    call.parameters["grantFileDescriptor"] = 0;
    call.parameters["programFileDescriptor"] = 1;
    call.parameters["cookie"] = opened.cookie;
    call.descriptors.push_back(neighbours.grant(Role::initiator));
    call.descriptors.push_back(std::move(pair->second));
    return call;
}

Opened World::connect(std::vector<Endpoint> endpoints, int timeout_milliseconds, int idle_milliseconds) {
    Opened opened;
    auto call = connect_call(std::move(endpoints), opened, timeout_milliseconds, idle_milliseconds);
    auto reply = daemon.broker().call_raw(std::move(call), steady_clock::now() + patience);
    if (!reply) throw std::runtime_error(to_string(reply.error()));
    opened.reply = std::move(*reply);
    return opened;
}

json::object World::who_is(const std::string& channel) {
    json::object parameters;
    parameters["channel"] = channel;
    const Reply reply = order("WhoIs", std::move(parameters));
    return reply.error.empty() ? reply.parameters.at("channel").as_object() : json::object();
}

std::string verdict_of(const json::object& channel) {
    const auto* verdict = channel.if_contains("verdict");
    return verdict ? std::string(verdict->as_string()) : std::string();
}

::testing::AssertionResult World::ends(const std::string& channel, const std::string& verdict) {
    const auto deadline = steady_clock::now() + patience;
    json::object state;
    while (steady_clock::now() < deadline) {
        state = who_is(channel);
        if (state.empty()) return ::testing::AssertionFailure() << "there is no channel " << channel;
        if (state.at("ended").to_number<std::int64_t>() != 0) break;
        std::this_thread::sleep_for(milliseconds(5));
    }
    if (state.at("ended").to_number<std::int64_t>() == 0)
        return ::testing::AssertionFailure() << channel << " lives on";
    if (verdict_of(state) == verdict) return ::testing::AssertionSuccess();
    return ::testing::AssertionFailure() << channel << " ended " << verdict_of(state) << ", not " << verdict;
}

// Sockets

void send_all(int socket, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t sent = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent > 0)
            bytes.remove_prefix(static_cast<std::size_t>(sent));
        else if (errno != EAGAIN)
            return;
        else if (!is_ready(socket, POLLOUT))
            throw std::runtime_error("send_all: too slow");
    }
}

std::string receive_exactly(int socket, std::size_t size) {
    std::string bytes(size, '\0');
    std::size_t got = 0;
    while (got < size) {
        if (!is_ready(socket, POLLIN)) throw std::runtime_error("receive_exactly: too slow");
        const ssize_t some = ::recv(socket, bytes.data() + got, size - got, MSG_DONTWAIT);
        if (some <= 0) break;
        got += static_cast<std::size_t>(some);
    }
    bytes.resize(got);
    return bytes;
}

std::string receive_to_end(int socket) {
    std::string bytes;
    for (;;) {
        std::string some = receive_exactly(socket, 65536);
        bytes += some;
        if (some.size() < 65536) return bytes;
    }
}

bool is_closed_within(int socket, milliseconds time) {
    const auto deadline = steady_clock::now() + time;
    char ignored[4096];
    while (steady_clock::now() < deadline) {
        const auto left = std::chrono::duration_cast<milliseconds>(deadline - steady_clock::now());
        if (!is_ready(socket, POLLIN, left + milliseconds(1))) return false;
        if (::recv(socket, ignored, sizeof ignored, MSG_DONTWAIT) <= 0) return true;
    }
    return false;
}

RawPeer RawPeer::connected_to(const Endpoint& endpoint) {
    auto address = to_socket_address(endpoint);
    auto socket = tcp_socket(*address);
    (void)::connect(socket->value(), address->get(), address->length);
    if (!is_ready(socket->value(), POLLOUT)) throw std::runtime_error("connected_to: too slow");
    return RawPeer(std::move(*socket));
}

void RawPeer::send_frame(Bytes body) {
    const std::uint32_t length = htonl(static_cast<std::uint32_t>(body.size()));
    std::string frame(reinterpret_cast<const char*>(&length), sizeof length);
    frame.append(reinterpret_cast<const char*>(body.data()), body.size());
    send_all(socket(), frame);
}

Token RawPeer::receive_frame() {
    const std::string header = receive_exactly(socket(), 4);
    if (header.size() != 4) return {};
    std::uint32_t length = 0;
    std::memcpy(&length, header.data(), sizeof length);
    const std::string body = receive_exactly(socket(), ntohl(length));
    const auto* begin = reinterpret_cast<const std::byte*>(body.data());
    return {begin, begin + body.size()};
}

UniqueFd accept_one(int listener) {
    if (!is_ready(listener, POLLIN)) throw std::runtime_error("accept_one: too slow");
    return UniqueFd(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
}

}  // namespace mutual::channel::testing
