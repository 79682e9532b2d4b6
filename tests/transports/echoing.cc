// SPDX-License-Identifier: Apache-2.0
#include "tests/transports/echoing.h"

#include <algorithm>
#include <array>

namespace mutual::echoing {
namespace {

constexpr std::size_t longest_line = 1024;
constexpr std::size_t frame_prefix = 2;  // kind and context
constexpr std::string_view heartbeat_text = "still here";

Bytes bytes(std::string_view text) { return std::as_bytes(std::span{text}); }

std::string hex(Bytes octets) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    for (const auto octet : octets) {
        text += digits[std::to_integer<unsigned>(octet) >> 4U];
        text += digits[std::to_integer<unsigned>(octet) & 0xfU];
    }
    return text;
}

}  // namespace

void EchoingSession::start() {
    if (role_ == Role::initiator) host_.step(0, {});
}

// Until the channel is open, what follows the peer's last token waits.
void EchoingSession::network_bytes(MutableBytes octets) {
    while (!octets.empty() && !over_) {
        auto next = reader_.next(octets);
        if (!next) return fail(Code::protocol, next.error().message);
        if (!next->has_value()) return;
        frame(**next);
        if (open_ || over_) continue;
        early_.assign(octets.begin(), octets.end());
        return;
    }
}

void EchoingSession::frame(MutableBytes octets) {
    if (octets.size() < frame_prefix) return fail(Code::protocol, "frame is too short");
    const auto kind = static_cast<Kind>(octets[0]);
    const auto context = std::to_integer<ContextNumber>(octets[1]);
    const auto body = octets.subspan(frame_prefix);
    if (kind == Kind::token) return token(context, body);
    if (!open_ || context >= contexts_.size() || !contexts_[context])
        return fail(Code::protocol, "frame of a context that is not open");
    heard_under(context);
    if (kind == Kind::data) return data(body);
    if (kind == Kind::heartbeat) return heartbeat(body);
    fail(Code::protocol, "unknown kind of frame");
}

void EchoingSession::token(ContextNumber context, Bytes body) {
    const bool complete = context < contexts_.size() && contexts_[context];
    if (context >= max_contexts || complete || body.empty())
        return fail(Code::protocol, "token is out of place");
    host_.step(context, body);
}

// The peer has moved on: so do we, and what it has left behind is forgotten.
void EchoingSession::heard_under(ContextNumber context) {
    heard_ = host_.now();
    if (context <= receiving_) return;
    for (; receiving_ < context; ++receiving_)
        if (std::exchange(contexts_[receiving_], nullptr)) host_.discard(receiving_);
    sending_ = context;
}

void EchoingSession::data(MutableBytes sealed) {
    auto opened = contexts_[receiving_]->open(sealed);
    if (!opened) return fail(opened.error().code, opened.error().message);
    if (!opened->confidential || !opened->supplementary.none())
        return fail(Code::protocol, "record is not acceptable");
    if (!opened->plaintext.empty())
        return tell_program(
            {reinterpret_cast<const char*>(opened->plaintext.data()), opened->plaintext.size()});
    peer_ended_ = true;
    host_.program_end(Verdict::authenticated);
    if (program_ended_) {
        over_ = true;
        host_.end(Verdict::authenticated, std::nullopt);
    }
}

void EchoingSession::heartbeat(Bytes mic) {
    auto verified = contexts_[receiving_]->verify(bytes(heartbeat_text), mic);
    if (!verified || !verified->none()) fail(Code::protocol, "heartbeat is not genuine");
}

void EchoingSession::network_end() {
    if (!peer_ended_) fail(open_ ? Code::protocol : Code::refused_by_peer, "connection ended");
}

void EchoingSession::program_bytes(Bytes octets) {
    for (const auto octet : octets) {
        line_ += static_cast<char>(octet);
        if (line_.size() > longest_line) return fail(Code::limit, "line is too long");
        if (line_.back() == '\n') line(std::exchange(line_, {}));
        if (over_) return;
    }
}

void EchoingSession::line(std::string_view text) {
    if (text == "PING\n") return tell_program("PONG\n");
    if (text == "REKEY\n") return rekey();
    if (text != "KEY\n") return send_data(bytes(text));
    std::array<std::byte, 8> key{};
    if (auto derived = contexts_[sending_]->prf(bytes("echoing"), key); !derived)
        return fail(derived.error().code, derived.error().message);
    tell_program("KEY " + hex(key) + "\n");
}

void EchoingSession::rekey() {
    if (role_ == Role::acceptor || contexts_.size() == max_contexts) return tell_program("NO\n");
    host_.step(static_cast<ContextNumber>(contexts_.size()), {});
}

void EchoingSession::program_end() {
    program_ended_ = true;
    send_data({});
    if (over_) return;
    host_.network_end();
    if (!peer_ended_) return;
    over_ = true;
    host_.end(Verdict::authenticated, std::nullopt);
}

void EchoingSession::stepped(ContextNumber context, StepAnswer answer) {
    if (answer.error) return fail(answer.error->code, answer.error->message);
    if (answer.established) {
        contexts_.resize(std::max<std::size_t>(contexts_.size(), context + 1U));
        contexts_[context] = answer.established;
        if (open_) return renewed(context, answer);
        last_token_ = std::move(answer.token);
        return role_ == Role::acceptor ? host_.admit(context, "echo in lines") : open();
    }
    send(Kind::token, context, answer.token);
}

// The initiator moves at once; the acceptor when it hears the initiator under the new context.
void EchoingSession::renewed(ContextNumber context, const StepAnswer& answer) {
    const auto& before = contexts_[sending_]->facts();
    const auto& now = answer.established->facts();
    if (before.initiator != now.initiator || before.acceptor != now.acceptor)
        return fail(Code::wrong_peer, "new context is between others than the first");
    if (!answer.token.empty()) send(Kind::token, context, answer.token);
    if (role_ == Role::initiator) sending_ = context;
}

void EchoingSession::admitted(ContextNumber context, AdmissionAnswer answer) {
    if (answer.admitted) {
        send(Kind::token, context, last_token_);
        return open();
    }
    over_ = true;
    host_.end(Verdict::denied, std::move(answer.error));
}

void EchoingSession::open() {
    open_ = true;
    host_.established();
    heard_ = host_.now();
    host_.wake_at(heard_ + heartbeat_interval);
    auto early = std::exchange(early_, {});
    network_bytes(early);
}

void EchoingSession::wake() {
    if (host_.now() - heard_ >= patience) return fail(Code::timed_out, "peer was silent for too long");
    auto mic = contexts_[sending_]->mic(bytes(heartbeat_text));
    if (!mic) return fail(mic.error().code, mic.error().message);
    if (!program_ended_) send(Kind::heartbeat, sending_, *mic);
    host_.wake_at(host_.now() + heartbeat_interval);
}

void EchoingSession::send(Kind kind, ContextNumber context, Bytes body) {
    const auto length = frame_prefix + body.size();
    const auto room = host_.network().reserve(wire::frame_header + length);
    if (room.empty()) return fail(Code::limit, "queue to the network is full");
    wire::put_length(room, length);
    room[wire::frame_header] = static_cast<std::byte>(kind);
    room[wire::frame_header + 1] = static_cast<std::byte>(context);
    std::copy(body.begin(), body.end(), room.begin() + wire::frame_header + frame_prefix);
    host_.network().commit(wire::frame_header + length);
}

void EchoingSession::send_data(Bytes plaintext) {
    auto& context = *contexts_[sending_];
    const auto layout = context.layout(plaintext.size());
    std::vector<std::byte> record(layout.header + plaintext.size() + layout.trailer);
    std::copy(plaintext.begin(), plaintext.end(),
              record.begin() + static_cast<std::ptrdiff_t>(layout.header));
    if (auto sealed = context.seal(record, plaintext.size()); !sealed)
        return fail(sealed.error().code, sealed.error().message);
    send(Kind::data, sending_, record);
}

void EchoingSession::tell_program(std::string_view text) {
    const auto room = host_.program().reserve(text.size());
    if (room.empty()) return fail(Code::limit, "queue to the program is full");
    std::copy_n(bytes(text).begin(), text.size(), room.begin());
    host_.program().commit(text.size());
}

void EchoingSession::fail(Code code, std::string message) {
    if (std::exchange(over_, true)) return;
    host_.end(Verdict::reset, Error{code, open_ ? Stage::channel : Stage::handshake, std::move(message)});
}

namespace {

class EchoingTransport final : public Transport {
public:
    Result<std::unique_ptr<Session>> session(const SessionParameters& parameters,
                                             SessionHost& host) override {
        return std::unique_ptr<Session>{std::make_unique<EchoingSession>(parameters.role, host)};
    }
};

}  // namespace

Result<std::unique_ptr<Transport>> make_transport() {
    return std::unique_ptr<Transport>{std::make_unique<EchoingTransport>()};
}

}  // namespace mutual::echoing
