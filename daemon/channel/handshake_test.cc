// SPDX-License-Identifier: Apache-2.0
// Handshakes that go wrong: silent, slow, malformed and vanishing peers, and neighbours that are not there.
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <future>

#include "daemon/channel/harness.h"
#include "varlink/interfaces.h"

namespace mutual::channel {
namespace {

using namespace testing;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

Token bytes_of(std::string_view text) {
    const auto* begin = reinterpret_cast<const std::byte*>(text.data());
    return {begin, begin + text.size()};
}

std::string error_of(const Opened& opened) { return opened.reply.error; }
std::string message_of(const Opened& opened) {
    return std::string(opened.reply.parameters.at("message").as_string());
}

// An endpoint that refuses connections and stays so: nobody else gets its port.
struct ClosedPort {
    ClosedPort() : socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        EXPECT_EQ(::bind(socket.value(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
        endpoint = local_endpoint(socket.value());
    }
    UniqueFd socket;
    Endpoint endpoint;
};

// Acceptor

TEST(Acceptor, FT_084_DropsAPeerThatSaysNothing) {
    World world;
    ListenSettings settings;
    settings.handshake_milliseconds = 200;
    auto peer = RawPeer::connected_to(world.listen_endpoint(settings));
    const auto begin = steady_clock::now();
    EXPECT_TRUE(is_closed_within(peer.socket(), milliseconds(5000)));
    EXPECT_GE(steady_clock::now() - begin, milliseconds(150));
}

TEST(Acceptor, FT_084_DropsAPeerThatStopsWithinAFrame) {
    World world;
    ListenSettings settings;
    settings.handshake_milliseconds = 200;
    auto peer = RawPeer::connected_to(world.listen_endpoint(settings));
    send_all(peer.socket(), std::string_view("\0\0\1\0half", 8));
    EXPECT_TRUE(is_closed_within(peer.socket(), milliseconds(5000)));
}

TEST(Acceptor, FT_084_DropsAPeerThatDripsAtTheEndOfTheWholeHandshake) {
    World world;
    ListenSettings settings;
    settings.handshake_milliseconds = 400;
    auto peer = RawPeer::connected_to(world.listen_endpoint(settings));
    const auto begin = steady_clock::now();
    send_all(peer.socket(), std::string_view("\0\0\x40\0", 4));
    while (!is_closed_within(peer.socket(), milliseconds(10)) &&
           steady_clock::now() < begin + milliseconds(5000))
        send_all(peer.socket(), "x");
    EXPECT_LT(steady_clock::now() - begin, milliseconds(3000));
}

TEST(Acceptor, FT_083_ClosesAtOnceOnAnImpossibleLength) {
    World world;
    const auto endpoint = world.listen_endpoint();
    for (const auto& header :
         {std::string("\xff\xff\xff\xff", 4), std::string("\0\0\0\0", 4), std::string("\0\2\0\1", 4)}) {
        auto peer = RawPeer::connected_to(endpoint);
        send_all(peer.socket(), header);
        EXPECT_TRUE(is_closed_within(peer.socket(), milliseconds(2000)));
    }
}

TEST(Acceptor, RefusesATokenThatIsNone) {
    World world;
    auto peer = RawPeer::connected_to(world.listen_endpoint());
    peer.send_frame(bytes_of("nonsense"));
    EXPECT_TRUE(is_closed_within(peer.socket(), milliseconds(2000)));
}

TEST(Acceptor, LetsAPeerGoThatClosesInAnyPhase) {
    World world;
    const auto endpoint = world.listen_endpoint();
    const auto first = world.realm.handshake(Role::initiator)->step({}).token;
    for (const std::size_t length :
         {std::size_t{0}, std::size_t{2}, std::size_t{4}, first.size() / 2, first.size() + 4}) {
        auto peer = RawPeer::connected_to(endpoint);
        std::string frame("\0\0", 2);
        frame += static_cast<char>(first.size() >> 8);
        frame += static_cast<char>(first.size() & 255U);
        frame.append(reinterpret_cast<const char*>(first.data()), first.size());
        send_all(peer.socket(), frame.substr(0, length));
        peer.close();
    }
    // It still serves.
    EXPECT_EQ(error_of(world.connect({endpoint})), "");
}

TEST(Acceptor, GivesARefusedPeerNoLastToken) {
    World world;
    world.neighbours.refuse_admission(true);
    auto peer = RawPeer::connected_to(world.listen_endpoint());
    peer.send_frame(world.realm.handshake(Role::initiator)->step({}).token);
    EXPECT_TRUE(peer.receive_frame().empty());
    EXPECT_TRUE(is_closed_within(peer.socket(), milliseconds(2000)));
}

TEST(Acceptor, WaitsForABrokerUntilTheHandshakesDeadline) {
    World world;
    ListenSettings settings;
    const auto endpoint = world.listen_endpoint(settings);
    world.neighbours.close_admission();
    auto opening = std::async(std::launch::async, [&] { return world.connect({endpoint}); });
    EXPECT_EQ(opening.wait_for(milliseconds(100)), std::future_status::timeout);
    world.neighbours.open_admission();
    EXPECT_EQ(error_of(opening.get()), "");
    EXPECT_TRUE(world.neighbours.settled(true, 1));
}

TEST(Acceptor, RefusesAtTheDeadlineWhenNoBrokerAnswers) {
    World world;
    ListenSettings settings;
    settings.handshake_milliseconds = 300;
    const auto endpoint = world.listen_endpoint(settings);
    world.neighbours.close_admission();
    EXPECT_EQ(error_of(world.connect({endpoint})), "org.mutuald.Channel.RefusedByPeer");
}

// How many are in progress, once that is `expected` or the time is over.
std::int64_t handshakes_until(World& world, std::int64_t expected) {
    json::object version;
    version["version"] = varlink::internal_version;
    const auto deadline = steady_clock::now() + milliseconds(5000);
    for (;;) {
        const auto now = world.order("Status", version).parameters.at("handshakes").to_number<std::int64_t>();
        if (now == expected || steady_clock::now() > deadline) return now;
    }
}

TEST(Acceptor, LetsAPeerGoThatClosesBeforeItIsAdmitted) {
    World world;
    ListenSettings settings;
    settings.handshake_milliseconds = 60'000;
    const auto endpoint = world.listen_endpoint(settings);
    world.neighbours.close_admission();
    auto peer = RawPeer::connected_to(endpoint);
    peer.send_frame(world.realm.handshake(Role::initiator)->step({}).token);
    EXPECT_EQ(handshakes_until(world, 1), 1);
    EXPECT_FALSE(is_closed_within(peer.socket(), milliseconds(50)));
    peer.close();
    EXPECT_EQ(handshakes_until(world, 0), 0);
}

TEST(Acceptor, HangsUpOnTheBrokerWhenItsGrantIsLost) {
    World world;
    const auto endpoint = world.listen_endpoint();
    const UniqueFd watched = world.daemon.broker().release();
    world.neighbours.drop_grants();
    EXPECT_FALSE(is_closed_within(watched.value(), milliseconds(20)));
    EXPECT_EQ(error_of(world.connect({endpoint})), "org.mutuald.Channel.RefusedByPeer");
    EXPECT_TRUE(is_closed_within(watched.value(), milliseconds(5000)));
    // Offered again, it accepts again.
    EXPECT_EQ(error_of(world.connect({world.listen_endpoint()})), "");
}

TEST(Acceptor, APeerThatSendsMoreThanItsTokenWhenTheGrantIsLostHarmsNobody) {
    World world;
    const auto endpoint = world.listen_endpoint();
    world.neighbours.drop_grants();
    // Two for each event loop at least: the first one notices the loss, the next ones come after it.
    for (int i = 0; i < 8; ++i) {
        auto peer = RawPeer::connected_to(endpoint);
        send_all(peer.socket(), std::string_view("\0\0\0\5tokenand more", 17));
        EXPECT_TRUE(is_closed_within(peer.socket(), milliseconds(4000)));
    }
    EXPECT_EQ(error_of(world.connect({world.listen_endpoint()})), "");
}

TEST(Acceptor, KeepsToTheLimitOnHandshakesAndConnections) {
    World world;
    ListenSettings settings;
    settings.handshakes = 2;
    settings.connections = 3;
    const auto endpoint = world.listen_endpoint(settings);
    auto first = RawPeer::connected_to(endpoint);
    auto second = RawPeer::connected_to(endpoint);
    auto third = RawPeer::connected_to(endpoint);
    EXPECT_TRUE(is_closed_within(third.socket(), milliseconds(2000)));
    EXPECT_FALSE(is_closed_within(first.socket(), milliseconds(20)));
    first.close();
    second.close();
    std::vector<Opened> opened;
    const auto deadline = steady_clock::now() + milliseconds(5000);
    while (opened.size() < 3 && steady_clock::now() < deadline) {
        auto one = world.connect({endpoint});
        if (error_of(one).empty()) opened.push_back(std::move(one));
    }
    EXPECT_EQ(opened.size(), 3U);
    EXPECT_EQ(error_of(world.connect({endpoint})), "org.mutuald.Channel.RefusedByPeer");
}

// Initiator

TEST(Initiator, FT_084_GivesUpOnAServerThatSaysNothing) {
    World world;
    Server server;
    const auto begin = steady_clock::now();
    const auto opened = world.connect({server.endpoint}, 1000);
    EXPECT_EQ(error_of(opened), "org.mutuald.Channel.TimedOut");
    EXPECT_NE(message_of(opened).find("waiting for the peer"), std::string::npos);
    EXPECT_LT(steady_clock::now() - begin, milliseconds(5000));
    EXPECT_EQ(receive_to_end(opened.program.value()), "") << "nothing for the program";
}

TEST(Initiator, SaysRefusedWhenTheServerCloses) {
    World world;
    Server server;
    auto opening = std::async(std::launch::async, [&] { return world.connect({server.endpoint}); });
    RawPeer peer(accept_one(server.socket.value()));
    EXPECT_FALSE(peer.receive_frame().empty());
    peer.close();
    EXPECT_EQ(error_of(opening.get()), "org.mutuald.Channel.RefusedByPeer");
}

TEST(Initiator, SaysWhichTokenItRefused) {
    World world;
    Server server;
    auto opening = std::async(std::launch::async, [&] { return world.connect({server.endpoint}); });
    RawPeer peer(accept_one(server.socket.value()));
    EXPECT_FALSE(peer.receive_frame().empty());
    peer.send_frame(bytes_of("nonsense"));
    EXPECT_EQ(error_of(opening.get()), "org.mutuald.Channel.WrongPeer");
}

TEST(Initiator, TriesTheNextAddressWhenOneRefuses) {
    World world;
    const auto endpoint = world.listen_endpoint();
    const ClosedPort port;
    const Endpoint& closed = port.endpoint;
    const auto opened = world.connect({closed, endpoint});
    ASSERT_EQ(error_of(opened), "");
    const auto& attempts = opened.reply.parameters.at("attempts").as_array();
    ASSERT_EQ(attempts.size(), 2U);
    EXPECT_NE(attempts[0].as_object().at("message").as_string(), "");
    EXPECT_EQ(attempts[1].as_object().at("message").as_string(), "");
}

TEST(Initiator, GivesUpAtOnceWhenThereIsNoTime) {
    World world;
    Server server;
    const auto opened = world.connect({server.endpoint, server.endpoint}, 1);
    EXPECT_EQ(error_of(opened), "org.mutuald.Channel.TimedOut");
    EXPECT_EQ(receive_to_end(opened.program.value()), "");
}

TEST(Initiator, NamesEveryAddressThatRefused) {
    World world;
    const ClosedPort port;
    const Endpoint& closed = port.endpoint;
    const auto opened = world.connect({closed, closed});
    EXPECT_EQ(error_of(opened), "org.mutuald.Channel.Unreachable");
    EXPECT_EQ(opened.reply.parameters.at("attempts").as_array().size(), 2U);
    EXPECT_NE(message_of(opened).find(to_string(closed)), std::string::npos);
}

TEST(Initiator, EndsTheHandshakeWhenTheBrokerHangsUp) {
    World world;
    Server server;
    Opened opened;
    auto call = world.connect_call({server.endpoint}, opened);
    auto broker = world.daemon.broker();
    const auto answer = broker.call_raw(std::move(call), steady_clock::now() + milliseconds(50));
    EXPECT_FALSE(answer) << "nobody has answered yet";
    RawPeer peer(accept_one(server.socket.value()));
    EXPECT_FALSE(peer.receive_frame().empty());
    broker.release().reset();
    EXPECT_TRUE(is_closed_within(peer.socket(), milliseconds(2000)));
    EXPECT_EQ(receive_to_end(opened.program.value()), "");
}

TEST(Initiator, SaysThatKeysIsGoneWhenItsGrantEnds) {
    World world;
    Server server;
    auto opening = std::async(std::launch::async, [&] { return world.connect({server.endpoint}); });
    RawPeer peer(accept_one(server.socket.value()));
    EXPECT_FALSE(peer.receive_frame().empty());
    world.neighbours.drop_grants();
    peer.send_frame(bytes_of("answer"));
    EXPECT_EQ(error_of(opening.get()), "org.mutuald.Channel.Unavailable");
}

TEST(Initiator, RefusesMalformedOrders) {
    World world;
    json::object parameters;
    parameters["version"] = 99;
    EXPECT_EQ(world.order("Status", parameters).error, "org.mutuald.Channel.InvalidRequest");
    EXPECT_EQ(world.order("Connect", {}).error, "org.mutuald.Channel.InvalidRequest");
    Opened opened;
    auto call = world.connect_call({{"not-numeric.example", 1}}, opened);
    const auto reply =
        world.daemon.broker().call_raw(std::move(call), steady_clock::now() + milliseconds(5000));
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->error, "org.mutuald.Channel.Unreachable");
}

// Listeners

TEST(Listen, AgainOnTheSameEndpointKeepsTheSocket) {
    World world;
    const auto first = world.listen_endpoint();
    EXPECT_EQ(world.listen_endpoint(), first);
    EXPECT_EQ(error_of(world.connect({first})), "");
}

TEST(Listen, ElsewhereReplacesTheListenerButNoChannel) {
    World world;
    const auto first = world.listen_endpoint();
    const auto opened = world.connect({first});
    auto program = world.neighbours.next_program();
    ListenSettings settings;
    settings.endpoint.address = "127.0.0.2";
    const auto second = world.listen_endpoint(settings);
    EXPECT_EQ(error_of(world.connect({first})), "org.mutuald.Channel.Unreachable");
    EXPECT_EQ(error_of(world.connect({second})), "");
    send_all(opened.program.value(), "still there");
    EXPECT_EQ(receive_exactly(program.value(), 11), "still there");
}

TEST(Listen, OnAnAddressWithinTheEarlierOneReplacesTheListener) {
    World world;
    ListenSettings settings;
    settings.endpoint.address = "0.0.0.0";
    auto everywhere = world.listen_endpoint(settings);
    const auto opened = world.connect({{"127.0.0.2", everywhere.port}});
    auto program = world.neighbours.next_program();
    settings.endpoint = {"127.0.0.1", everywhere.port};
    EXPECT_EQ(error_of(world.connect({world.listen_endpoint(settings)})), "");
    EXPECT_EQ(error_of(world.connect({{"127.0.0.2", everywhere.port}})), "org.mutuald.Channel.Unreachable");
    send_all(opened.program.value(), "still there");
    EXPECT_EQ(receive_exactly(program.value(), 11), "still there");
}

TEST(Listen, OnAPortInUseSaysWhereAndWhy) {
    World world;
    Server server;
    ListenSettings settings;
    settings.endpoint = server.endpoint;
    const auto reply = world.listen(settings);
    EXPECT_EQ(reply.error, "org.mutuald.Channel.InvalidConfiguration");
    const std::string message(reply.parameters.at("message").as_string());
    EXPECT_NE(message.find(to_string(server.endpoint)), std::string::npos) << message;
}

TEST(Listen, UnlistenClosesTheSocket) {
    World world;
    const auto endpoint = world.listen_endpoint();
    json::object parameters;
    parameters["service"] = "ledger";
    EXPECT_EQ(world.order("Unlisten", parameters).error, "");
    EXPECT_EQ(error_of(world.connect({endpoint})), "org.mutuald.Channel.Unreachable");
    EXPECT_EQ(world.order("Unlisten", parameters).error, "org.mutuald.Channel.UnknownService");
}

}  // namespace
}  // namespace mutual::channel
