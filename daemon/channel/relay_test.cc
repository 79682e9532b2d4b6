// SPDX-License-Identifier: Apache-2.0
// Whole channels: two ends in one daemon, over loopback, with real contexts.
#include <gtest/gtest.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <boost/json/serialize.hpp>
#include <ctime>
#include <future>

#include "daemon/channel/harness.h"
#include "varlink/socket.h"

namespace mutual::channel {
namespace {

using namespace testing;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

// Both ends of an established channel.
struct Pair {
    Opened initiator;
    UniqueFd acceptor;
    std::string accepted;
};

Pair open_pair(World& world, const Endpoint& endpoint) {
    Pair pair;
    pair.initiator = world.connect({endpoint});
    EXPECT_EQ(pair.initiator.reply.error, "") << boost::json::serialize(pair.initiator.reply.parameters);
    pair.acceptor = world.neighbours.next_program();
    pair.accepted = world.neighbours.last_channel();
    return pair;
}

std::string pattern(std::size_t size, unsigned seed) {
    std::string text(size, '\0');
    for (auto& octet : text) octet = static_cast<char>((seed = seed * 1664525U + 1013904223U) >> 24);
    return text;
}

// Of all threads of this process.
steady_clock::duration processor_time() {
    timespec used{};
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return std::chrono::seconds(used.tv_sec) + std::chrono::nanoseconds(used.tv_nsec);
}

TEST(Channel, CarriesOctetsBothWays) {
    World world;
    auto pair = open_pair(world, world.listen_endpoint());
    send_all(pair.initiator.program.value(), "question");
    EXPECT_EQ(receive_exactly(pair.acceptor.value(), 8), "question");
    send_all(pair.acceptor.value(), "answer");
    EXPECT_EQ(receive_exactly(pair.initiator.program.value(), 6), "answer");
    EXPECT_TRUE(world.neighbours.settled(true, 1));
    const auto& reply = pair.initiator.reply.parameters;
    EXPECT_EQ(reply.at("context").as_string(), std::string(32, '7'));
    EXPECT_GT(reply.at("connectMicroseconds").to_number<int>(), 0);
    EXPECT_GT(reply.at("handshakeMicroseconds").to_number<int>(), 0);
}

TEST(Channel, HalfClosesBothWaysWithoutLosingAnOctet) {
    World world;
    auto pair = open_pair(world, world.listen_endpoint());
    const std::string up = pattern(5'000'001, 1);
    const std::string down = pattern(3'000'017, 2);
    const int ours = pair.initiator.program.value();
    const int theirs = pair.acceptor.value();
    auto sending = std::async(std::launch::async, [&] {
        send_all(ours, up);
        ::shutdown(ours, SHUT_WR);
    });
    EXPECT_EQ(receive_to_end(theirs), up);
    sending.get();
    // One direction is over; the other still works.
    auto answering = std::async(std::launch::async, [&] {
        send_all(theirs, down);
        ::shutdown(theirs, SHUT_WR);
    });
    EXPECT_EQ(receive_to_end(ours), down);
    answering.get();
    EXPECT_TRUE(world.ends(pair.initiator.channel, "authenticated"));
    EXPECT_TRUE(world.ends(pair.accepted, "authenticated"));
    EXPECT_EQ(world.who_is(pair.initiator.channel).at("bytesToPeer").to_number<std::size_t>(), up.size());
    EXPECT_EQ(world.who_is(pair.initiator.channel).at("bytesFromPeer").to_number<std::size_t>(), down.size());
}

// A channel that was ordered without its program's end, which is still here.
struct Waiting {
    explicit Waiting(World& world) {
        auto call = world.connect_call({world.listen_endpoint()}, opened);
        call.parameters.erase("programFileDescriptor");
        end = std::move(call.descriptors.at(1));
        call.descriptors.pop_back();
        auto broker = world.daemon.broker();
        opened.reply = std::move(*broker.call_raw(std::move(call)));
        EXPECT_EQ(opened.reply.error, "");
        acceptor = world.neighbours.next_program();
    }
    std::string attach(World& world) {
        varlink::Call call;
        call.method = "org.mutuald.Channel.Attach";
        call.parameters = {{"channel", opened.channel}, {"programFileDescriptor", 0}};
        call.descriptors.push_back(std::move(end));
        auto broker = world.daemon.broker();
        return broker.call_raw(std::move(call))->error;
    }
    Opened opened;
    UniqueFd end;
    UniqueFd acceptor;
};

TEST(Channel, WaitsForAProgramThatFollowsAndGivesItAllThatCameBefore) {
    World world;
    Waiting waiting(world);
    const std::string down = pattern(24'000'017, 3);
    auto sending = std::async(std::launch::async, [&] {
        send_all(waiting.acceptor.value(), down);
        ::shutdown(waiting.acceptor.value(), SHUT_WR);
    });
    // More than all buffers hold: so it waits.
    EXPECT_EQ(sending.wait_for(milliseconds(100)), std::future_status::timeout);
    send_all(waiting.opened.program.value(), "early");
    EXPECT_EQ(waiting.attach(world), "");
    EXPECT_EQ(receive_exactly(waiting.acceptor.value(), 5), "early");
    EXPECT_EQ(receive_to_end(waiting.opened.program.value()), down);
    sending.get();
    waiting.opened.program.reset();
    EXPECT_TRUE(world.ends(waiting.opened.channel, "authenticated"));
}

TEST(Channel, TakesOnlyTheProgramThatItWaitsFor) {
    World world;
    Waiting waiting(world);
    EXPECT_EQ(waiting.attach(world), "");
    auto more = varlink::socket_pair();
    waiting.end = std::move(more->second);
    EXPECT_EQ(waiting.attach(world), "");
    EXPECT_EQ(receive_to_end(more->first.value()), "");  // closed
    send_all(waiting.opened.program.value(), "ours");
    EXPECT_EQ(receive_exactly(waiting.acceptor.value(), 4), "ours");
    waiting.opened.channel = "unknown";
    waiting.end = std::move(varlink::socket_pair()->first);
    EXPECT_EQ(waiting.attach(world), "org.mutuald.Channel.NotFound");
}

TEST(Channel, EndsByOrderWhileItWaitsForItsProgram) {
    World world;
    Waiting waiting(world);
    world.order("Close", {{"channel", waiting.opened.channel}, {"verdict", "denied"}});
    EXPECT_TRUE(world.ends(waiting.opened.channel, "denied"));
    EXPECT_EQ(receive_to_end(waiting.acceptor.value()), "");
}

TEST(Channel, CarriesBothDirectionsAtOnceOnManyChannels) {
    World world;
    const auto endpoint = world.listen_endpoint();
    std::vector<std::future<void>> work;
    std::vector<Pair> pairs;
    pairs.reserve(8);
    for (int i = 0; i < 8; ++i) pairs.push_back(open_pair(world, endpoint));
    const std::string text = pattern(400'000, 3);
    for (const auto& pair : pairs) {
        for (const int socket : {pair.initiator.program.value(), pair.acceptor.value()}) {
            work.push_back(std::async(std::launch::async, [&text, socket] {
                send_all(socket, text);
                ::shutdown(socket, SHUT_WR);
            }));
            work.push_back(
                std::async(std::launch::async, [&text, socket] { EXPECT_EQ(receive_to_end(socket), text); }));
        }
    }
    for (auto& one : work) one.get();
    for (const auto& pair : pairs) EXPECT_TRUE(world.ends(pair.initiator.channel, "authenticated"));
}

TEST(Channel, RecordsTheVerdictBeforeTheProgramSeesTheEnd) {
    World world;
    auto pair = open_pair(world, world.listen_endpoint());
    ::shutdown(pair.initiator.program.value(), SHUT_WR);
    EXPECT_EQ(receive_to_end(pair.acceptor.value()), "");
    EXPECT_EQ(verdict_of(world.who_is(pair.accepted)), "authenticated");
    EXPECT_EQ(verdict_of(world.who_is(pair.initiator.channel)), "") << "the other direction is still open";
}

TEST(Channel, IsFoundByIdAndCookieAfterItsEnd) {
    World world;
    auto pair = open_pair(world, world.listen_endpoint());
    pair.acceptor.reset();
    pair.initiator.program.reset();
    EXPECT_TRUE(world.ends(pair.initiator.channel, "authenticated"));
    json::object parameters;
    parameters["cookie"] = pair.initiator.cookie;
    const auto reply = world.order("WhoIs", parameters);
    ASSERT_EQ(reply.error, "");
    const auto& channel = reply.parameters.at("channel").as_object();
    EXPECT_EQ(channel.at("channel").as_string(), pair.initiator.channel);
    EXPECT_EQ(channel.at("acceptor").as_string(), service_principal);
    EXPECT_EQ(channel.at("initiator").as_string(), client_principal);
    EXPECT_EQ(channel.at("callerUid").to_number<int>(), 1000);
    parameters["channel"] = "x";
    EXPECT_EQ(world.order("WhoIs", parameters).error, "org.mutuald.Channel.InvalidRequest");
    json::object unknown;
    unknown["channel"] = "nobody";
    EXPECT_EQ(world.order("WhoIs", unknown).error, "org.mutuald.Channel.NotFound");
}

TEST(Channel, ListShowsLiveChannelsOnly) {
    World world;
    auto pair = open_pair(world, world.listen_endpoint());
    EXPECT_TRUE(world.neighbours.settled(true, 1));
    EXPECT_EQ(world.order("List", {}).parameters.at("channels").as_array().size(), 2U);
    pair.acceptor.reset();
    pair.initiator.program.reset();
    EXPECT_TRUE(world.ends(pair.initiator.channel, "authenticated"));
    EXPECT_TRUE(world.ends(pair.accepted, "authenticated"));
    EXPECT_EQ(world.order("List", {}).parameters.at("channels").as_array().size(), 0U);
}

TEST(Channel, CloseEndsItWithTheGivenVerdict) {
    World world;
    auto pair = open_pair(world, world.listen_endpoint());
    json::object parameters;
    parameters["channel"] = pair.initiator.channel;
    parameters["verdict"] = "denied";
    EXPECT_EQ(world.order("Close", parameters).error, "");
    EXPECT_EQ(receive_to_end(pair.initiator.program.value()), "");
    EXPECT_TRUE(world.ends(pair.initiator.channel, "denied"));
    // The other end was not told under protection that this is the end.
    EXPECT_EQ(receive_to_end(pair.acceptor.value()), "");
    EXPECT_EQ(verdict_of(world.who_is(pair.accepted)), "unauthenticated");
    EXPECT_EQ(world.order("Close", parameters).error, "org.mutuald.Channel.NotFound");
}

TEST(Channel, FT_091_EndsWhenTheTicketDoes) {
    World world(std::chrono::seconds(4));
    auto pair = open_pair(world, world.listen_endpoint());
    send_all(pair.initiator.program.value(), "last words");
    EXPECT_EQ(receive_to_end(pair.acceptor.value()), "last words");
    EXPECT_EQ(receive_to_end(pair.initiator.program.value()), "");
    const auto ours = verdict_of(world.who_is(pair.initiator.channel));
    const auto theirs = verdict_of(world.who_is(pair.accepted));
    EXPECT_TRUE(ours == "expired" || theirs == "expired") << ours << " " << theirs;
    EXPECT_GE(std::chrono::system_clock::now() + milliseconds(1000), world.realm.facts().expires);
}

// What of the octets sent to the program of `pair.acceptor` the daemon itself still holds.
std::size_t held(World& world, const Pair& pair) {
    const auto taken = world.who_is(pair.accepted).at("bytesFromPeer").to_number<std::size_t>();
    int delivered = 0;
    ::ioctl(pair.acceptor.value(), FIONREAD, &delivered);
    return taken - static_cast<std::size_t>(delivered);
}

// The peer has ended its stream, under protection; a little of it waits for the acceptor's slow program.
std::size_t end_before_a_slow_program(World& world, const Pair& pair) {
    std::size_t sent = 0;
    while (held(world, pair) == 0 && sent < 2'000'000) {
        send_all(pair.initiator.program.value(), pattern(8192, 6));
        sent += 8192;
        for (auto seen = world.who_is(pair.accepted);
             seen.at("bytesFromPeer").to_number<std::size_t>() < sent; seen = world.who_is(pair.accepted)) {
            if (seen.at("ended").to_number<std::int64_t>() != 0)
                throw std::runtime_error("it ended meanwhile");
            std::this_thread::yield();
        }
    }
    ::shutdown(pair.initiator.program.value(), SHUT_WR);
    return sent;
}

TEST(Channel, FT_091_DoesNotCallAStreamAuthenticatedThatTheTicketsEndCut) {
    World world(std::chrono::seconds(10));
    auto pair = open_pair(world, world.listen_endpoint());
    const std::size_t sent = end_before_a_slow_program(world, pair);
    EXPECT_TRUE(world.ends(pair.accepted, "expired"));
    EXPECT_LT(receive_to_end(pair.acceptor.value()).size(), sent);
}

TEST(Channel, RecordsAuthenticatedOnlyWhenTheProgramHasItAll) {
    World world;
    auto pair = open_pair(world, world.listen_endpoint());
    const std::size_t sent = end_before_a_slow_program(world, pair);
    EXPECT_EQ(verdict_of(world.who_is(pair.accepted)), "");
    EXPECT_EQ(receive_to_end(pair.acceptor.value()).size(), sent);
    EXPECT_EQ(verdict_of(world.who_is(pair.accepted)), "authenticated");
}

TEST(Channel, CloseCutsAChannelThatWaitsForASlowProgram) {
    World world;
    auto pair = open_pair(world, world.listen_endpoint());
    end_before_a_slow_program(world, pair);
    ::shutdown(pair.acceptor.value(), SHUT_WR);  // now both directions are over, and it only lingers
    EXPECT_EQ(receive_to_end(pair.initiator.program.value()), "");
    json::object parameters;
    parameters["channel"] = pair.accepted;
    parameters["verdict"] = "denied";
    EXPECT_EQ(world.order("Close", parameters).error, "");
    EXPECT_TRUE(world.ends(pair.accepted, "denied"));
}

TEST(Channel, EndsWhenNothingMovesForTooLong) {
    World world;
    ListenSettings settings;
    settings.idle_milliseconds = 150;
    auto pair = open_pair(world, world.listen_endpoint(settings));
    EXPECT_EQ(receive_to_end(pair.acceptor.value()), "");
    EXPECT_TRUE(world.ends(pair.accepted, "unauthenticated"));
}

TEST(Channel, HoldsBoundedMemoryForAProgramThatDoesNotRead) {
    World world;
    auto pair = open_pair(world, world.listen_endpoint());
    const int ours = pair.initiator.program.value();
    const std::string text = pattern(48'000'000, 4);
    auto sending = std::async(std::launch::async, [&] {
        send_all(ours, text);
        ::shutdown(ours, SHUT_WR);
    });
    // The acceptor's daemon stops reading once its queue and the program's socket buffer are full.
    std::size_t last = 0;
    for (int quiet = 0; quiet < 20;) {
        const auto now = world.who_is(pair.accepted).at("bytesFromPeer").to_number<std::size_t>();
        quiet = now == last && now > 0 ? quiet + 1 : 0;
        last = now;
        std::this_thread::sleep_for(milliseconds(5));
    }
    EXPECT_LT(last, 2U * 1024 * 1024);
    EXPECT_EQ(sending.wait_for(milliseconds(0)), std::future_status::timeout) << "everything was taken";
    EXPECT_EQ(receive_to_end(pair.acceptor.value()), text);
    sending.get();
}

TEST(Channel, AProgramThatPassesADescriptorEndsItAndNotAsIfItWereItsEnd) {
    World world;
    auto pair = open_pair(world, world.listen_endpoint());
    std::vector<UniqueFd> descriptors;
    descriptors.emplace_back(::dup(STDERR_FILENO));
    std::size_t sent = 0;
    ASSERT_EQ(varlink::send_some(pair.initiator.program.value(), "x", descriptors, sent),
              varlink::Transfer::done);
    EXPECT_EQ(receive_to_end(pair.acceptor.value()), "");
    EXPECT_TRUE(world.ends(pair.initiator.channel, "reset"));
    EXPECT_TRUE(world.ends(pair.accepted, "reset"));
}

TEST(Channel, AProgramThatIsGoneEndsItForThePeerToo) {
    World world;
    auto pair = open_pair(world, world.listen_endpoint());
    send_all(pair.initiator.program.value(), "bye");
    pair.initiator.program.reset();
    EXPECT_EQ(receive_to_end(pair.acceptor.value()), "bye");
    EXPECT_EQ(verdict_of(world.who_is(pair.accepted)), "authenticated");
    // Nobody takes what the peer sends now; that must not be kept.
    send_all(pair.acceptor.value(), pattern(1'000'000, 5));
    pair.acceptor.reset();
    EXPECT_TRUE(world.ends(pair.initiator.channel, "unauthenticated"));
}

TEST(Channel, AProgramThatIsGoneDoesNotWaitForASilentPeer) {
    World world;
    auto pair = open_pair(world, world.listen_endpoint());
    pair.initiator.program.reset();
    EXPECT_TRUE(world.ends(pair.initiator.channel, "unauthenticated"));
    EXPECT_EQ(receive_to_end(pair.acceptor.value()), "");
    EXPECT_EQ(verdict_of(world.who_is(pair.accepted)), "authenticated");
}

TEST(Channel, AProgramThatIsGoneKeepsNoCoreBusyUntilThePeerEnds) {
    World world;
    auto pair = open_pair(world, world.listen_endpoint());
    const auto began = steady_clock::now();
    const auto used = processor_time();
    pair.initiator.program.reset();
    EXPECT_TRUE(world.ends(pair.initiator.channel, "unauthenticated"));
    // A loop that spins uses as much as passes.
    EXPECT_LT(processor_time() - used, (steady_clock::now() - began) / 2);
}

TEST(Channel, AProgramThatOnlyEndedItsOwnDirectionMayWaitForLong) {
    World world;
    auto pair = open_pair(world, world.listen_endpoint());
    ::shutdown(pair.initiator.program.value(), SHUT_WR);
    EXPECT_EQ(receive_to_end(pair.acceptor.value()), "");
    EXPECT_FALSE(is_closed_within(pair.initiator.program.value(), milliseconds(2500)));
    send_all(pair.acceptor.value(), "at last");
    EXPECT_EQ(receive_exactly(pair.initiator.program.value(), 7), "at last");
}

}  // namespace
}  // namespace mutual::channel
