// SPDX-License-Identifier: Apache-2.0
// The part of Channel that moves bytes: what may be read when, and what becomes of it.
#include <algorithm>
#include <utility>

#include "daemon/channel/channel.h"

namespace mutual::channel {
namespace {

// Reads of one socket before others on the loop have their turn.
constexpr int rounds = 4;
// Four records of the usual size.
constexpr std::size_t program_read = 64 * 1024;
// The peer may still end its stream in order when the program is gone.
constexpr auto farewell = std::chrono::seconds(2);
// What a session may answer to the program without the network stops its own input here, well below the
// bound. What comes from the network stays lower: one low mark and one read.
constexpr std::size_t program_mark = OutputQueue::low_mark + 2 * EventLoop::scratch_size;

}  // namespace

bool Channel::may_read_network() const {
    if (!is_live() || network_.read_ended()) return false;
    if (phase_ == Phase::handshake) return !is_waiting();
    return program_.is_open() && program_.output().is_low();
}

// Admission may wait for a local server, and no longer than there is a peer to be served.
bool Channel::may_watch_for_end() const {
    return phase_ == Phase::handshake && admitting_ && !peer_is_early_ && !network_.read_ended();
}

bool Channel::may_read_program() const {
    return phase_ == Phase::established && program_.is_open() && !program_.read_ended() && !program_held_ &&
           network_.output().is_low() && program_.output().size() <= program_mark;
}

void Channel::watch() {
    if (may_read_network() || may_watch_for_end())
        network_.wait_readable([self = shared_from_this()] { self->network_stirred(); });
    if (may_read_program()) program_.wait_readable([self = shared_from_this()] { self->program_readable(); });
    // Half-closed it may still read; closed it never will, and a peer that says nothing would keep all this
    // alive.
    const bool is_unread = program_.read_ended() || program_held_;
    if (phase_ == Phase::established && is_unread && !program_.finished() && !program_left_)
        program_.wait_gone([self = shared_from_this()] { self->program_left(); });
    const auto writable = [self = shared_from_this()] {
        self->phase_ == Phase::closing ? self->finish_closing() : self->flush();
        if (self->ending_ && self->is_live()) self->begin_closing();
        self->rest();
    };
    if (!network_.output().empty()) network_.wait_writable(writable);
    if (!program_.output().empty()) program_.wait_writable(writable);
}

void Channel::network_stirred() {
    if (may_read_network()) return network_readable();
    if (may_watch_for_end()) {
        // What came early stays in the socket until the answer.
        peer_is_early_ = !network_.sees_end();
        if (!peer_is_early_) network_stopped(false);
    }
    rest();
}

void Channel::network_readable() {
    const MutableBytes room = loop_.scratch();
    std::size_t size = room.size();
    for (int i = 0; i < rounds && size == room.size() && may_read_network(); ++i) {
        const auto read = network_.read(room, size);
        if (read == Duplex::Read::some)
            take_from_network(size);
        else if (read != Duplex::Read::blocked)
            network_stopped(read == Duplex::Read::broken);
    }
    rest();
}

void Channel::take_from_network(std::size_t size) {
    active_ = now();
    const MutableBytes bytes = loop_.scratch().first(size);
    drive([bytes](Session& session) { session.network_bytes(bytes); });
}

void Channel::network_stopped(bool broken) {
    // In the handshake a peer that refuses may break the connection; the session knows how to tell.
    if (!broken || phase_ == Phase::handshake) {
        drive([](Session& session) { session.network_end(); });
        return;
    }
    fail(Verdict::reset, {Code::protocol, Stage::channel, "the connection to the peer broke"});
    obey();
}

void Channel::program_readable() {
    const MutableBytes room = loop_.scratch().first(program_read);
    std::size_t size = room.size();
    for (int i = 0; i < rounds && size == room.size() && may_read_program(); ++i) {
        const auto read = program_.read(room, size);
        if (read == Duplex::Read::some)
            take_from_program(size);
        else if (read == Duplex::Read::misused)
            program_misused();
        else if (read != Duplex::Read::blocked)
            drive([](Session& session) { session.program_end(); });
    }
    rest();
}

void Channel::program_misused() {
    fail(Verdict::reset, {Code::invalid_request, Stage::channel,
                          "the program passed a descriptor over the channel, which carries octets only"});
    obey();
}

void Channel::program_left() {
    program_left_ = true;  // waited for again it would come again, at once
    if (phase_ == Phase::established && !program_.finished()) linger_ = std::min(linger_, now() + farewell);
    rest();
}

void Channel::take_from_program(std::size_t size) {
    active_ = now();
    bytes_to_peer_ += size;
    const Bytes bytes = loop_.scratch().first(size);
    drive([bytes](Session& session) { session.program_bytes(bytes); });
}

void Channel::flush() {
    flush_network();
    if (phase_ == Phase::established && program_.is_open()) flush_program();
    count();
    // Nobody is left to take what the peer sends, and all that the program wrote is on its way.
    if (program_gone_ && program_.read_ended() && network_.output().empty() && !ending_)
        fail(Verdict::unauthenticated, {Code::cancelled, Stage::channel, "the program closed the channel"});
}

void Channel::count() {
    if (record_) record_->count(program_.output().committed(), bytes_to_peer_, calls_);
}

void Channel::flush_network() {
    const std::size_t before = network_.output().size();
    const auto flushed = network_.flush();
    if (network_.output().size() != before) active_ = now();
    if (flushed == Duplex::Flush::broken) {
        network_.output().clear();
        if (record_) settle(false);
        // In the handshake the next read tells more than this write.
        if (phase_ == Phase::established && !ending_)
            fail(Verdict::reset, {Code::protocol, Stage::channel, "the connection to the peer broke"});
    }
    if (flushed == Duplex::Flush::done && record_) settle(true);  // the last token is out
}

void Channel::flush_program() {
    const std::size_t before = program_.output().size();
    const auto flushed = program_.flush();
    if (program_.output().size() != before) active_ = now();
    if (flushed == Duplex::Flush::broken) {
        program_gone_ = true;
        program_.output().clear();
    } else if (flushed == Duplex::Flush::done && peer_verdict_ && !program_gone_ && !program_.finished()) {
        show_end();
    }
}

// The verdict is there before the program sees the end, and only if it has all that came before.
void Channel::show_end() {
    count();
    if (record_) record_->record(*peer_verdict_);
    program_.finish();
    program_.flush();
}

void Channel::settle(bool established) {
    if (!admission_ || setup_.facts.channel.empty() || std::exchange(settled_, true)) return;
    admission_->settle(established);
}

}  // namespace mutual::channel
