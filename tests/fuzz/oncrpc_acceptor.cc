// SPDX-License-Identifier: Apache-2.0
// The acceptor of `oncrpc` between a hostile client and a hostile server, with security contexts that are
// fakes: so the fuzzer gets through the protection and to what lies inside. The first octet chooses the scene
// and the service, the rest is its script.
#include <sys/random.h>

#include <cstring>

#include "tests/fuzz/hostile_client.h"

namespace {

std::uint64_t next_random = 0;

}  // namespace

// The same handles in every run: a client whose stream is out of step makes marks of them.
extern "C" ssize_t getrandom(void* room, std::size_t size, unsigned) {
    std::memset(room, 'r', size);
    std::memcpy(room, &next_random, std::min(size, sizeof next_random));
    ++next_random;
    return static_cast<ssize_t>(size);
}

namespace mutual::fuzz {
namespace {

// The server behind the acceptor. It has heard calls, and answers them as the script says.
class Server {
public:
    void hear(const wire::Call& call) { calls_.push_back({call.xid, text_of(call.arguments)}); }

    Octets next(Input& script, HostileClient& client) {
        const auto twist = script.octet() % 8U;
        const std::string text = script.octets(script.octet() % 64U);
        if (twist <= 2 || twist == 6 || calls_.empty()) client.server_lied();
        if (twist == 0) return bytes_of(text);
        if (twist == 1) return marked(bytes_of(text));
        if (twist == 2 || calls_.empty()) return marked(plain_reply(script.octet(), {}, bytes_of(text)));
        const std::size_t at = script.octet() % calls_.size();
        const Heard call = calls_[at];
        if (twist == 3) return marked(plain_call(call.xid, 1, bytes_of(text)));
        if (twist != 4) calls_.erase(calls_.begin() + static_cast<std::ptrdiff_t>(at));
        const auto status = static_cast<wire::AcceptStatus>(twist == 5 ? script.octet() % 8U : 0);
        Octets reply = plain_reply(call.xid, status, bytes_of(text));
        if (twist == 6) spoil(reply, script);
        client.answered(call.arguments, text);
        return record_of(reply, twist == 7);
    }

private:
    struct Heard {
        std::uint32_t xid = 0;
        std::string arguments;
    };
    std::vector<Heard> calls_;
};

class Scene {
public:
    explicit Scene(wire::GssService service) : client(service) {
        next_random = 0;
        auto made = transport().session({Role::acceptor, options_of(service)}, host);
        require(made.ok(), "a Session is made");
        session_ = std::move(*made);
        host.session = session_.get();
        set_flags(host);
        session_->start();
    }

    void establish() {
        feed(host, client.init(0));
        require(host.is_established, "a good client is admitted");
        collect();
    }
    void collect() {
        for (Octets& record : records_of(host.program_out.take())) {
            const wire::Call call = call_in(record);
            client.check_heard(call);
            server.hear(call);
        }
        for (const Octets& record : records_of(host.network_out.take())) client.hear(record);
    }
    void finish() {
        host.answer_all();
        if (!host.ended && !network_ended) session_->network_end();
        host.answer_all();
        collect();
        require_contract(host);
        require(host.ended || host.program_verdict,
                "after the connection's end the program's stream has one");
        if (host.is_established)
            require(host.admits && host.flags.mutual, "only a full context is established");
    }

    FakeHost host{Role::acceptor};
    HostileClient client;
    Server server;
    bool network_ended = false;

private:
    std::unique_ptr<Session> session_;
};

Outcome receive(wire::GssService service, Input script, std::size_t piece) {
    Scene scene(service);
    scene.establish();
    Octets stream;
    for (int i = 0; i < 64 && !script.empty(); ++i) append(stream, scene.client.next(script));
    feed(scene.host, stream, std::max<std::size_t>(1, std::min(piece, stream.size())));
    if (!scene.host.ended) scene.host.session->network_end();
    const FakeHost& host = scene.host;
    require_contract(host);
    require(host.ended || host.program_verdict, "after the connection's end the program's stream has one");
    return outcome_of(scene.host);
}

// Whatever way the client's stream is cut, the same comes of it; unless it makes another context.
void hostile_stream(wire::GssService service, Input& script) {
    const std::size_t piece = 2U + script.octet();
    const Outcome whole = receive(service, script, std::string::npos);
    if (steps_in(whole) > 1) return;
    require(receive(service, script, 1) == whole, "octet by octet the same is received");
    require(receive(service, script, piece) == whole, "in pieces the same is received");
}

void set_knobs(FakeHost& host, std::uint8_t knobs) {
    host.admits = (knobs & 1U) == 0;
    host.flags.mutual = (knobs & 2U) == 0;
    if ((knobs & 4U) != 0) host.step_error = Error{Code::wrong_peer, Stage::handshake, "step: refused"};
    if ((knobs & 8U) != 0) host.error_token = bytes_of("error");
    host.more_tokens = knobs >> 4U & 3U;
    if ((knobs & 64U) != 0) host.network_out.bound = 512;
    if ((knobs & 128U) != 0) host.program_out.bound = 512;
}

// Both sides as they like, before and behind the handshake, and a host that answers when it likes.
void hostile_ends(wire::GssService service, Input& script) {
    Scene scene(service);
    FakeHost& host = scene.host;
    set_knobs(host, script.octet());
    for (int i = 0; i < 512 && !script.empty() && !host.ended; ++i) {
        const auto what = script.octet() % 8U;
        const bool may_send = !scene.network_ended && (host.is_established || !host.owes_answers());
        if (what <= 2 && may_send) {
            Octets octets = scene.client.next(script);
            host.session->network_bytes(octets);
        } else if (what == 3 && host.is_established) {
            host.session->program_bytes(scene.server.next(script, scene.client));
        } else if (what == 4) {
            host.answer_one();
        } else if (what == 5) {
            scene.client.choose_context(script.octet());
        } else if (what == 6) {
            host.advance(std::chrono::seconds(script.two_octets()));
        } else if (what == 7) {
            const auto end = script.octet();
            if (end == 1 && !scene.network_ended) host.session->network_end();
            scene.network_ended = scene.network_ended || end == 1;
            if (end == 2 && host.is_established && !host.ended) host.session->program_end();
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
