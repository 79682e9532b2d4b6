// SPDX-License-Identifier: Apache-2.0
// The initiator of `oncrpc` between a hostile program and a hostile server, with security contexts that are
// fakes: so the fuzzer gets through the protection and to what lies inside. The first octet chooses the scene
// and the service, the rest is its script.
#include "tests/fuzz/hostile_server.h"

namespace mutual::fuzz {
namespace {

constexpr std::uint64_t the_key = 42;  // of the fakes

// The program behind the initiator. It calls as the script says, and knows what it may hear.
class Program {
public:
    Octets next(Input& script) {
        const auto twist = script.octet() % 12U;
        const std::string text = script.octets(script.octet() % 64U);
        if (twist == 0) {
            may_call_ = true;
            return bytes_of(text);
        }
        const std::uint32_t xid = script.octet();
        ++calls_[xid];
        if (twist == 1) return marked(plain_reply(xid, {}, bytes_of(text)));
        if (twist > 5) return record_of(plain_call(xid, twist, bytes_of(text)), twist == 6);
        wire::XdrWriter out;
        for (const std::uint32_t word : {xid, 0U, twist == 2 ? 3U : 2U, the_program + (twist == 3 ? 1U : 0U),
                                         the_version + (twist == 4 ? 1U : 0U)})
            out.number(word);
        out.number(1);
        wire::put_auth(out, static_cast<wire::AuthFlavor>(twist == 5 ? script.octet() : 1), bytes_of(text));
        wire::put_auth(out, wire::AuthFlavor::none, {});
        Octets message = out.take();
        if (script.octet() % 2U != 0) {
            may_call_ = true;
            spoil(message, script);
        }
        return marked(message);
    }

    void hear(Octets record, const HostileServer& server) {
        const wire::Reply reply = reply_in(record);
        if (reply.kind != wire::Reply::Kind::accepted) return;
        require(reply.verifier.flavor == wire::AuthFlavor::none, "a program hears plain replies");
        require(may_call_ || calls_[reply.xid]-- > 0, "each call is answered once");
        const bool may_be_local = reply.status == wire::AcceptStatus::program_unavailable ||
                                  reply.status == wire::AcceptStatus::program_mismatch;
        if (!may_be_local) require(server.may_have_proven(++heard_), "a program hears proven replies");
        if (reply.status == wire::AcceptStatus::success)
            require(server.may_have_answered(text_of(reply.results)), "results are those of the server");
    }

private:
    std::map<std::uint32_t, int> calls_;  // how many, by their numbers
    std::size_t heard_ = 0;               // replies that only a server can have made
    bool may_call_ = false;               // octets of any kind were sent
};

class Scene {
public:
    explicit Scene(wire::GssService service) : server(service, the_key) {
        auto made = transport().session({Role::initiator, options_of(service)}, host);
        require(made.ok(), "a Session is made");
        session_ = std::move(*made);
        host.session = session_.get();
        set_flags(host);
        session_->start();
    }

    void send(Octets octets) { host.session->network_bytes(octets); }
    void collect() {
        for (const Octets& record : records_of(host.network_out.take())) server.hear(record);
        for (const Octets& record : records_of(host.program_out.take())) program.hear(record, server);
        if (host.is_established) require(server.may_have_completed(), "only a proven context is established");
        if (host.program_verdict == Verdict::authenticated)
            require(server.may_have_ended(), "only the answer to DESTROY is an authenticated end");
    }
    void finish() {
        host.answer_all();
        if (!host.ended && !network_ended) session_->network_end();
        collect();
        require_contract(host);
        require(host.ended.has_value(), "the connection's end is the channel's");
        if (host.is_established) require(host.flags.mutual, "only a full context is established");
    }

    FakeHost host{Role::initiator};
    HostileServer server;
    Program program;
    bool network_ended = false;

private:
    std::unique_ptr<Session> session_;
};

Outcome receive(wire::GssService service, Input script, std::size_t piece) {
    Scene scene(service);
    FakeHost& host = scene.host;
    host.answer_all();
    scene.collect();
    Input good(reinterpret_cast<const std::uint8_t*>("\0\1h"), 3);
    scene.send(scene.server.next(good));
    host.answer_all();
    require(host.is_established, "a good server proves itself");
    for (std::uint32_t xid = script.octet() % 16U; xid > 0; --xid)
        host.session->program_bytes(
            marked(plain_call(xid, 1, bytes_of(script.octets(script.octet() % 16U)))));
    if (script.octet() % 2U != 0) host.session->program_end();
    scene.collect();
    Octets stream;
    for (int i = 0; i < 64 && !script.empty(); ++i) append(stream, scene.server.next(script));
    feed(host, stream, std::max<std::size_t>(1, std::min(piece, stream.size())));
    if (!host.ended) host.session->network_end();
    require_contract(host);
    return outcome_of(host);
}

// Whatever way the server's stream is cut, the same comes of it; unless it has another context made.
void hostile_stream(wire::GssService service, Input& script) {
    const std::size_t piece = 2U + script.octet();
    const Outcome whole = receive(service, script, std::string::npos);
    if (steps_in(whole) > 2) return;
    require(receive(service, script, 1) == whole, "octet by octet the same is received");
    require(receive(service, script, piece) == whole, "in pieces the same is received");
}

void set_knobs(FakeHost& host, std::uint8_t knobs) {
    host.flags.mutual = (knobs & 1U) == 0;
    if ((knobs & 2U) != 0) host.step_error = Error{Code::no_credentials, Stage::credentials, "step: refused"};
    host.more_tokens = knobs >> 2U & 3U;
    if ((knobs & 16U) != 0) host.network_out.bound = 512;
    if ((knobs & 32U) != 0) host.program_out.bound = 512;
}

// Both sides as they like, before and behind the handshake, and a host that answers when it likes.
void hostile_ends(wire::GssService service, Input& script) {
    Scene scene(service);
    FakeHost& host = scene.host;
    set_knobs(host, script.octet());
    bool program_ended = false;
    for (int i = 0; i < 512 && !script.empty() && !host.ended; ++i) {
        const auto what = script.octet() % 8U;
        const bool may_send = !scene.network_ended && (host.is_established || !host.owes_answers());
        if (what <= 2 && may_send) {
            scene.send(scene.server.next(script));
        } else if (what <= 4 && host.is_established && !program_ended) {
            host.session->program_bytes(scene.program.next(script));
        } else if (what == 5) {
            host.answer_one();
        } else if (what == 6) {
            host.advance(std::chrono::seconds(script.two_octets()));
        } else if (what == 7) {
            const auto end = script.octet();
            if (end == 1 && !scene.network_ended) host.session->network_end();
            scene.network_ended = scene.network_ended || end == 1;
            if (end == 2 && host.is_established && !std::exchange(program_ended, true))
                host.session->program_end();
        }
        scene.collect();
    }
    scene.finish();
}

}  // namespace
}  // namespace mutual::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace mutual::fuzz;
    Input script(data, size);
    const auto scene = script.octet();
    const auto service = service_of(scene / 4);
    if (scene % 4 == 0)
        hostile_stream(service, script);
    else
        hostile_ends(service, script);
    return 0;
}
