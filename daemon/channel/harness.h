// SPDX-License-Identifier: Apache-2.0
// For tests: mutuald-channel in this process with two event loops, between a mutuald-keys and a broker that
// are played here with real Kerberos contexts. The test itself is the broker that orders, the programs, and
// hostile peers.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "daemon/channel/forged_realm.h"
#include "daemon/channel/orders.h"
#include "varlink/client.h"

namespace mutual::channel::testing {

namespace json = boost::json;

// Plays what mutuald-channel asks of others, on a thread of its own.
class Neighbours {
public:
    explicit Neighbours(const ForgedRealm& realm, std::string admission_socket);
    Neighbours(const Neighbours&) = delete;
    Neighbours& operator=(const Neighbours&) = delete;
    ~Neighbours();

    const std::string& admission_path() const { return admission_socket_; }
    UniqueFd grant(Role role);
    // From now on admissions are answered (in the beginning they are).
    void open_admission();
    void close_admission();
    void refuse_admission(bool refuse) { refuse_ = refuse; }
    void drop_grants();

    // The program's end of the next channel that was admitted.
    UniqueFd next_program();
    std::string last_channel();
    // How many were asked for, whatever the answer.
    int admissions() const { return admissions_; }
    // Waits until so many handshakes were settled in that way.
    bool settled(bool established, int count);

private:
    struct Grant;
    asio::awaitable<varlink::Reply> step(std::shared_ptr<Grant> grant, varlink::Incoming incoming);
    asio::awaitable<varlink::Reply> admit(varlink::Incoming incoming);
    asio::awaitable<varlink::Reply> settle(varlink::Incoming incoming);
    void run_on_thread(std::function<void()> work);

    const ForgedRealm& realm_;
    const std::string admission_socket_;
    asio::io_context loop_{1};
    std::shared_ptr<varlink::Service> admission_;
    asio::cancellation_signal stop_admission_;
    std::vector<std::weak_ptr<varlink::Connection>> grants_;
    std::atomic<bool> refuse_{false};
    std::atomic<int> admissions_{0};
    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<UniqueFd> programs_;
    std::string last_channel_;
    std::map<bool, int> settled_;
    int channels_ = 0;
    std::thread thread_;
};

class Daemon {
public:
    Daemon(std::string admission_socket, const std::string& plugin);
    Daemon(const Daemon&) = delete;
    Daemon& operator=(const Daemon&) = delete;
    ~Daemon();

    varlink::BlockingConnection broker();  // a fresh connection to give orders on
    ChannelTable& table() { return table_; }

private:
    unit::Log log_;
    std::unique_ptr<Transport> transport_;
    ChannelTable table_;
    Surroundings surroundings_;
    Workers workers_;
    std::unique_ptr<Orders> orders_;
    std::shared_ptr<const varlink::Service> service_;
    std::vector<std::thread> threads_;
};

struct ListenSettings {
    std::string service = "ledger";
    Endpoint endpoint{"127.0.0.1", 0};
    int connections = 100;
    int handshakes = 50;
    int handshake_milliseconds = 5000;
    int idle_milliseconds = 0;
};

struct Opened {
    varlink::Reply reply;
    UniqueFd program;
    std::uint64_t cookie = 0;
    std::string channel;
};

class World {
public:
    explicit World(std::chrono::seconds lifetime = std::chrono::hours(1));
    // With another transport than `sockets`, and its options for whatever connects or listens.
    World(const std::string& plugin, json::object options);

    varlink::Reply listen(const ListenSettings& settings = {});
    Endpoint listen_endpoint(const ListenSettings& settings = {});
    // Sends the order only: the reply is read with the connection.
    varlink::Call connect_call(std::vector<Endpoint> endpoints, Opened& opened,
                               int timeout_milliseconds = 5000, int idle_milliseconds = 0);
    Opened connect(std::vector<Endpoint> endpoints, int timeout_milliseconds = 5000,
                   int idle_milliseconds = 0);
    varlink::Reply order(const std::string& method, json::object parameters);
    json::object who_is(const std::string& channel);
    // Waits until the channel has that verdict and has ended.
    ::testing::AssertionResult ends(const std::string& channel, const std::string& verdict);

    ForgedRealm realm;
    Neighbours neighbours;
    Daemon daemon;

private:
    json::object options_;
    int opened_ = 0;
};

std::string verdict_of(const json::object& channel);

// Blocking, with a deadline that fails the test.
void send_all(int socket, std::string_view bytes);
std::string receive_exactly(int socket, std::size_t size);
std::string receive_to_end(int socket);
bool is_closed_within(int socket, std::chrono::milliseconds time);

// A listening socket of the test's own, for servers played by hand.
struct Server {
    Server() : socket(std::move(*listen_tcp({"127.0.0.1", 0}))), endpoint(local_endpoint(socket.value())) {}
    UniqueFd socket;
    Endpoint endpoint;
};

// A peer that speaks frames by hand.
class RawPeer {
public:
    explicit RawPeer(UniqueFd socket) : socket_(std::move(socket)) {}
    static RawPeer connected_to(const Endpoint& endpoint);

    void send_frame(Bytes body);
    Token receive_frame();
    int socket() const { return socket_.value(); }
    void close() { socket_.reset(); }

private:
    UniqueFd socket_;
};

UniqueFd accept_one(int listener);

}  // namespace mutual::channel::testing
