// SPDX-License-Identifier: Apache-2.0
#include "plugins/sockets/gss_session.h"

#include <cstring>

#include "plugins/sockets/knc_command.h"
#include "wire/context_flags.h"
#include "wire/gss_record.h"

namespace mutual::sockets {
namespace {

constexpr ContextNumber the_context = 0;
// While a step is under way at most one read of the host arrives, as its contract says; no more than one
// token's worth of it is kept.
constexpr std::size_t max_early = wire::frame_header + wire::max_handshake_token;

Error broken(Stage stage, std::string message, std::string_view hint = {}) {
    return {Code::protocol, stage, std::move(message), std::string(hint)};
}

constexpr std::string_view maybe_libknc =
    "this end speaks dialect cli of wire gss; a peer of dialect libknc sends commands there: set the same at "
    "both ends";
constexpr std::string_view maybe_cli =
    "this end speaks dialect libknc of wire gss; a peer of dialect cli ends so: set the same at both ends";

Bytes bytes_of(const std::string& text) { return std::as_bytes(std::span(text)); }

Error too_early() { return broken(Stage::handshake, "peer sent data before the handshake was complete"); }

}  // namespace

void GssSession::start() {
    if (role_ == Role::initiator) step({});
}

void GssSession::network_bytes(MutableBytes bytes) {
    if (phase_ == Phase::open)
        record_bytes(bytes);
    else if (phase_ != Phase::over)
        handshake_bytes(bytes);
}

void GssSession::network_end() {
    if (phase_ == Phase::over) return;
    network_ended_ = true;
    if (phase_ == Phase::open)
        record_stream_ended();
    else if (role_ == Role::acceptor || phase_ == Phase::receiving)
        handshake_cut();
}

// Handshake

void GssSession::handshake_bytes(MutableBytes bytes) {
    if (phase_ == Phase::receiving && !bytes.empty()) {
        auto token = reader_.next(bytes);
        if (!token) return fail(std::move(token).error());
        if (token->has_value()) step(**token);
    }
    if (!bytes.empty()) keep_early(bytes);
}

void GssSession::step(Bytes token) {
    phase_ = Phase::stepping;
    host_.step(the_context, token);
}

// The acceptor's last token may be followed at once by its first records. Nothing may follow any other token.
void GssSession::keep_early(Bytes bytes) {
    if (role_ == Role::acceptor) return fail(too_early());
    if (bytes.size() > max_early - early_.size())
        return fail({Code::limit, Stage::handshake, "peer sent too much before the handshake was complete"});
    early_.insert(early_.end(), bytes.begin(), bytes.end());
}

void GssSession::handshake_cut() {
    if (!reader_.at_boundary())
        return fail(broken(Stage::handshake, "connection ended within a token: " + reader_.progress(),
                           "see the peer's log: it, or something between, ended the connection"));
    if (role_ == Role::acceptor)
        return fail(broken(Stage::handshake, "peer closed the connection before the handshake was complete"));
    fail({Code::refused_by_peer, Stage::handshake, "peer closed the connection without its last token",
          "the peer's log says why: it may have refused admission or the ticket, or have stopped"});
}

void GssSession::stepped(ContextNumber context, StepAnswer answer) {
    if (context != the_context || phase_ != Phase::stepping) return;
    if (answer.error)
        step_failed(answer);
    else if (answer.established)
        completed(answer);
    else
        continue_handshake(answer);
}

void GssSession::step_failed(StepAnswer& answer) {
    if (answer.token.empty() || !send_token(answer.token)) {
        if (phase_ != Phase::over) fail(std::move(*answer.error));
        return;
    }
    phase_ = Phase::over;
    host_.end(Verdict::unauthenticated, std::move(answer.error));
}

void GssSession::continue_handshake(const StepAnswer& answer) {
    if (answer.token.empty())
        return fail({Code::internal, Stage::handshake, "step gave neither a token nor a complete context"});
    if (!early_.empty()) return fail(early_fault());
    phase_ = Phase::receiving;
    if (send_token(answer.token) && network_ended_) handshake_cut();
}

// A peer of another protocol that speaks first is told apart by what it said.
Error GssSession::early_fault() {
    MutableBytes octets{early_};
    auto token = reader_.next(octets);
    return token ? too_early() : std::move(token).error();
}

void GssSession::completed(StepAnswer& answer) {
    context_ = answer.established;
    if (const auto missing = wire::missing_flags(context_->facts().flags, true); !missing.empty())
        return fail({Code::unprotected, Stage::handshake, "check the finished context: it lacks " + missing,
                     "wire gss needs mutual, confidentiality, integrity and sequence from both ends"});
    if (role_ == Role::acceptor) {
        last_token_ = std::move(answer.token);
        phase_ = Phase::admitting;
        return host_.admit(the_context, {});
    }
    if (answer.token.empty() || send_token(answer.token)) open();
}

void GssSession::admitted(ContextNumber context, AdmissionAnswer answer) {
    if (context != the_context || phase_ != Phase::admitting) return;
    if (!answer.admitted) {
        phase_ = Phase::over;
        return host_.end(Verdict::denied, std::move(answer.error));
    }
    const auto token = std::exchange(last_token_, {});
    if (token.empty() || send_token(token)) open();
}

bool GssSession::send_token(Bytes token) {
    auto sent = wire::send_token(token, host_.network());
    if (sent) return true;
    fail(std::move(sent).error());
    return false;
}

void GssSession::open() {
    phase_ = Phase::open;
    reader_.expect(wire::FrameKind::data);
    host_.established();
    auto early = std::exchange(early_, {});
    record_bytes(early);
    if (network_ended_ && phase_ == Phase::open) record_stream_ended();
}

// Records from the peer

void GssSession::record_bytes(MutableBytes bytes) {
    while (!bytes.empty()) {
        if (peer_end_ && dialect_ == Dialect::cli)
            return fail(broken(Stage::channel, "peer sent data after its end of stream", maybe_libknc));
        auto sealed = reader_.next(bytes);
        if (!sealed) return fail(std::move(sealed).error());
        if (!sealed->has_value()) return;
        record(**sealed);
        if (phase_ == Phase::over) return;
    }
}

void GssSession::record(MutableBytes sealed) {
    auto plaintext = wire::open_record(*context_, sealed);
    if (!plaintext) return fail(std::move(plaintext).error());
    if (std::exchange(command_follows_, false)) return command(*plaintext);
    if (!plaintext->empty()) return deliver(*plaintext);
    if (dialect_ == Dialect::cli) return peer_finished(Verdict::authenticated);
    command_follows_ = true;
}

void GssSession::command(Bytes body) {
    auto command = read_knc_command(body);
    if (!command) return fail(std::move(command).error());
    if (command->fault)
        return fail(
            broken(Stage::channel, "peer reports an error: " + wire::quoted(bytes_of(*command->fault), 200)));
    if (!command->answer.empty()) say_command(command->answer);
    if (command->reads_no_more) {
        peer_reads_no_more_ = true;
        say_end_of_stream();
    }
    if (phase_ == Phase::over) return;
    if (command->sends_no_more && !peer_end_) return peer_finished(Verdict::authenticated);
    end_if_both_finished();
}

void GssSession::deliver(Bytes plaintext) {
    if (peer_end_) return fail(broken(Stage::channel, "peer sent data after its end of stream"));
    const auto room = host_.program().reserve(plaintext.size());
    if (room.empty()) return fail({Code::limit, Stage::channel, "deliver to the program: its queue is full"});
    std::memcpy(room.data(), plaintext.data(), plaintext.size());
    host_.program().commit(plaintext.size());
}

void GssSession::record_stream_ended() {
    if (peer_end_) return;
    if (!reader_.at_boundary())
        return fail(broken(Stage::channel, "connection ended within a record: " + reader_.progress()));
    if (dialect_ == Dialect::cli) return peer_finished(Verdict::unauthenticated);
    const bool cli = command_follows_;  // such a peer ends with an empty record
    phase_ = Phase::over;
    host_.end(Verdict::unauthenticated,
              broken(Stage::channel,
                     cli ? "peer ended its stream as dialect cli does, this end speaks dialect libknc"
                         : "connection ended without the command of dialect libknc that ends a stream",
                     maybe_cli));
}

void GssSession::peer_finished(Verdict verdict) {
    peer_end_ = verdict;
    host_.program_end(verdict);
    end_if_both_finished();
}

// Data from the program

void GssSession::program_bytes(Bytes bytes) {
    if (phase_ != Phase::open) return;
    if (peer_reads_no_more_)
        return fail({Code::cancelled, Stage::channel,
                     "the program sends, and the peer has said that it reads no more"});
    if (program_ended_) return;
    if (auto sent = wire::send_records(*context_, bytes, host_.network()); !sent)
        fail(std::move(sent).error());
}

void GssSession::program_end() {
    if (phase_ != Phase::open || program_ended_) return;
    say_end_of_stream();
    end_if_both_finished();
}

void GssSession::say_end_of_stream() {
    if (std::exchange(program_ended_, true)) return;
    // A peer of libknc takes the end of the connection for the end of both streams.
    if (dialect_ == Dialect::libknc) return say_command(knc_end_of_stream);
    if (auto sent = wire::send_end_of_stream(*context_, host_.network()); !sent)
        return fail(std::move(sent).error());
    host_.network_end();
}

void GssSession::say_command(Bytes body) {
    auto sent = wire::send_end_of_stream(*context_, host_.network());  // an empty record announces it
    if (sent) sent = wire::send_records(*context_, body, host_.network());
    if (!sent) fail(std::move(sent).error());
}

// The end

void GssSession::end_if_both_finished() {
    if (!peer_end_ || !program_ended_ || phase_ == Phase::over) return;
    phase_ = Phase::over;
    host_.end(*peer_end_, std::nullopt);
}

void GssSession::fail(Error error) {
    if (phase_ == Phase::over) return;
    phase_ = Phase::over;
    const auto verdict = error.code == Code::expired ? Verdict::expired : Verdict::reset;
    host_.end(verdict, std::move(error));
}

}  // namespace mutual::sockets
