// SPDX-License-Identifier: Apache-2.0
// One channel from its TCP connection to its end: drives a Session, has its handshakes stepped and its peer
// admitted, moves bytes between the network and the program, keeps the time. Lives on one loop, and keeps
// itself alive while anything of it is pending there.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <map>
#include <memory>
#include <optional>

#include "daemon/channel/admission.h"
#include "daemon/channel/channel_table.h"
#include "daemon/channel/duplex.h"
#include "daemon/channel/grant_client.h"

namespace mutual::channel {

struct ChannelSetup {
    ChannelFacts facts;  // acceptor: channel, rule, caller and cookie come with the admission
    std::string options;
    Instant deadline;                   // of the whole handshake
    std::chrono::milliseconds idle{0};  // 0: for ever
    UniqueFd network;
    UniqueFd program;              // initiator only
    bool program_follows = false;  // by attach(), once the channel is established
    std::shared_ptr<GrantClient> grant;
    std::shared_ptr<BrokerConnections> broker;  // acceptor only: to be admitted
};

class Channel final : public SessionHost, public std::enable_shared_from_this<Channel> {
public:
    // Told once each, at the end of the handshake and at the end of everything; never from within a call.
    struct Observer {
        std::function<void(Result<ChannelFacts>)> handshake_finished;
        // With what it ended by, if that was an error after the handshake.
        std::function<void(const std::optional<Error>&)> over;
        // A further context could not be made; the channel lives on, until its ticket's end at the latest.
        std::function<void(const Error&)> not_renewed = {};
    };

    Channel(EventLoop& loop, ChannelTable& table, ChannelSetup setup, Observer observer);
    ~Channel();
    void start(Transport& transport);

    // Gives an established channel the program's end that it waits for; otherwise closes it.
    void attach(UniqueFd program);
    // Ends a live channel from outside; at once if it is ending already.
    void close(Verdict verdict);
    // Ends a handshake that nobody waits for any more; an established channel lives on.
    void abandon();
    // Looks at the ticket's end anew: it is no longer as far away as it was.
    void clock_was_set();

    Outlet& network() override { return network_.output(); }
    Outlet& program() override { return program_.output(); }
    void step(ContextNumber context, Bytes token) override { step(context, token, std::chrono::seconds(0)); }
    void renew(ContextNumber context) override;
    void admit(ContextNumber context, std::string claim) override;
    void established() override;
    void discard(ContextNumber context) override;
    Instant renew_at() const override;
    void hold_program(bool hold) override { program_held_ = hold; }
    void count_calls(std::uint64_t calls) override { calls_ += calls; }
    void network_end() override { network_.finish(); }
    void program_end(Verdict verdict) override;
    void end(Verdict verdict, std::optional<Error> error) override;
    void wake_at(Instant when) override { wake_ = when; }
    Instant now() const override { return std::chrono::steady_clock::now(); }

private:
    enum class Phase { handshake, established, closing, over };
    struct Ending {
        Verdict verdict = Verdict::reset;
        std::optional<Error> error;
    };
    struct Context {
        std::int64_t handshake = 0;
        int unanswered = 0;  // steps
        std::string id;      // once it is complete
        std::unique_ptr<SecurityContext> established;
    };

    // Calls into the session and does what it asked for. Whoever calls this from outside calls rest()
    // afterwards.
    template <class Call>
    void drive(Call call);
    void step(ContextNumber context, Bytes token, std::chrono::seconds lifetime);
    void rest();
    void obey();
    bool is_waiting() const;  // for an answer to a step or an admission
    bool is_live() const { return phase_ == Phase::handshake || phase_ == Phase::established; }
    void stepped(ContextNumber number, std::int64_t handshake, Step step);
    std::optional<Error> complete(Context& context, Step& step);
    void use_expiry();
    void admitted(ContextNumber number, Result<Admitted> answer);
    void finish_establishing();
    void fail(Verdict verdict, Error error);
    void plugin_broke(const std::string& how);

    // channel_bytes.cc
    bool may_read_network() const;
    bool may_watch_for_end() const;
    bool may_read_program() const;
    void watch();
    void network_readable();
    void network_stirred();
    void program_readable();
    void take_from_network(std::size_t size);
    void take_from_program(std::size_t size);
    void program_left();
    void program_misused();
    void network_stopped(bool broken);
    void flush();
    void flush_network();
    void flush_program();
    void show_end();
    void settle(bool established);
    void count();

    // channel_end.cc
    void begin_closing();
    void give_up_handshake(const Ending& ending);
    void finish_closing();
    void close_now(bool at_once);
    Verdict verdict_of_cut() const;
    void arm();
    void timer_fired();
    Instant next_instant() const;
    Instant expiry() const;
    void check_time(Instant now);
    void handshake_timed_out();

    EventLoop& loop_;
    ChannelTable& table_;
    ChannelSetup setup_;
    Observer observer_;
    std::unique_ptr<Session> session_;
    Duplex network_;
    Duplex program_;
    std::map<ContextNumber, Context> contexts_;
    std::shared_ptr<Admission> admission_;
    std::shared_ptr<ChannelRecord> record_;
    asio::steady_timer timer_;
    std::optional<Ending> ending_;
    std::optional<Verdict> peer_verdict_;  // recorded when the program has all that came before it
    Phase phase_ = Phase::handshake;
    bool admitting_ = false;
    bool establishing_ = false;  // the session said so in the call that is under way
    bool settled_ = false;
    bool peer_is_early_ = false;  // it sent something before it was admitted
    bool program_held_ = false;   // the session takes nothing from it for now
    bool program_left_ = false;   // it closed both directions; the peer may still end in order
    bool program_gone_ = false;   // it closed both directions: nobody reads what comes for it
    Instant armed_ = Instant::max();
    Instant wake_ = Instant::max();
    Instant linger_ = Instant::max();
    Instant active_{};
    WallTime expires_ = WallTime::max();
    WallTime issued_{};  // when the newest context was complete
    std::uint64_t bytes_to_peer_ = 0;
    std::uint64_t calls_ = 0;
};

template <class Call>
void Channel::drive(Call call) {
    if (!is_live() || ending_) return;
    try {
        call(*session_);
    } catch (const std::exception& thrown) {
        plugin_broke(thrown.what());
    } catch (...) {
        plugin_broke("something unknown was thrown");
    }
    obey();
}

}  // namespace mutual::channel
