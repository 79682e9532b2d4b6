// SPDX-License-Identifier: Apache-2.0
// Both Sessions of `oncrpc`, a good program, a good server, and between them a network that does what it
// likes. The first octet chooses the service, the rest is the script.
#include <map>
#include <set>

#include "tests/fuzz/oncrpc_ends.h"

namespace mutual::fuzz {
namespace {

constexpr std::string_view answer = "answer to ";

// What each side has said, and what the other may hear of it.
class Talk {
public:
    explicit Talk(wire::GssService service) : service_(service), ends_(service) {}

    void step(Input& script) {
        const auto what = script.octet() % 16U;
        if (what < 5)
            call(script.octets(script.octet() % 64U));
        else if (what < 8)
            reply(script.octet());
        else if (what == 8)
            end();
        else
            carry(what % 2 == 0 ? ends_.net.initiator : ends_.net.acceptor, what < 12 ? 0 : what, script);
        collect();
    }
    void finish() {
        for (FakeHost* host : {&ends_.net.initiator, &ends_.net.acceptor}) {
            if (!host->ended) host->session->network_end();
            collect();
            require(host->ended || host->program_verdict,
                    "after the connection's end the program's stream has one");
        }
    }

private:
    FakeHost& other(FakeHost& host) {
        return &host == &ends_.net.initiator ? ends_.net.acceptor : ends_.net.initiator;
    }

    void call(const std::string& text) {
        if (ends_.net.initiator.ended || program_ended_) return;
        const std::uint32_t xid = static_cast<std::uint32_t>(calls_.size());
        calls_[xid] = std::to_string(xid) + ' ' + text;
        ends_.net.initiator.session->program_bytes(marked(plain_call(xid, 1, bytes_of(calls_[xid]))));
    }
    void reply(std::size_t which) {
        if (heard_.empty() || ends_.net.acceptor.ended) return;
        const auto at = heard_.begin() + static_cast<std::ptrdiff_t>(which % heard_.size());
        const Octets results = bytes_of(std::string(answer) + at->second);
        const Octets message = plain_reply(at->first, wire::AcceptStatus::success, results);
        heard_.erase(at);
        ends_.net.acceptor.session->program_bytes(marked(message));
    }
    void end() {
        if (!ends_.net.initiator.ended && !std::exchange(program_ended_, true))
            ends_.net.initiator.session->program_end();
    }

    // What one end has sent comes to the other: as it is, altered, in part, or twice.
    void carry(FakeHost& from, std::uint32_t how, Input& script) {
        Octets octets = from.network_out.take();
        if (how != 0 && !octets.empty()) {
            is_good_ = false;
            const std::size_t at = script.two_octets() % octets.size();
            const std::size_t size = script.two_octets() % (octets.size() - at + 1);
            const auto place = octets.begin() + static_cast<std::ptrdiff_t>(at);
            const Octets piece(place, place + static_cast<std::ptrdiff_t>(size));
            if (how < 14)
                octets[at] ^= std::byte{1} << (size % 8U);
            else if (how == 14)
                octets.erase(place, place + static_cast<std::ptrdiff_t>(size));
            else
                octets.insert(place, piece.begin(), piece.end());
        }
        feed(other(from), octets, 1U + script.octet());
    }

    void collect() {
        for (Octets& record : records_of(ends_.net.acceptor.program_out.take())) {
            const wire::Call call = call_in(record);
            const std::string arguments = text_of(call.arguments);
            heard_.push_back({call.xid, arguments});
            require(calls_.size() >= ++heard_calls_, "a server hears no more calls than were made");
            if (!is_proven()) continue;
            require(asked_.insert(arguments).second, "a server hears each call once");
            require(std::any_of(calls_.begin(), calls_.end(),
                                [&](const auto& one) { return one.second == arguments; }),
                    "a server hears the calls that were made");
        }
        for (Octets& record : records_of(ends_.net.initiator.program_out.take())) {
            const wire::Reply reply = reply_in(record);
            require(calls_.contains(reply.xid) && answered_.insert(reply.xid).second,
                    "each call is answered once");
            if (is_proven() && reply.status == wire::AcceptStatus::success)
                require(text_of(reply.results) == std::string(answer) + calls_[reply.xid],
                        "by its own reply");
        }
        if (ends_.net.initiator.program_verdict == Verdict::authenticated)
            require(program_ended_ && answered_.size() == calls_.size(),
                    "an authenticated end comes after all replies");
        if (ends_.net.acceptor.program_verdict == Verdict::authenticated)
            require(program_ended_, "an authenticated end is one that the program made");
    }
    // Without protection the network may change what is said, but not what is called.
    bool is_proven() const { return service_ != wire::GssService::none || is_good_; }

    const wire::GssService service_;
    Ends ends_;
    std::map<std::uint32_t, std::string> calls_;
    std::vector<std::pair<std::uint32_t, std::string>> heard_;  // by the server, which owes an answer
    std::size_t heard_calls_ = 0;
    std::set<std::string> asked_;
    std::set<std::uint32_t> answered_;
    bool program_ended_ = false;
    bool is_good_ = true;  // so far the network has carried everything as it was
};

}  // namespace
}  // namespace mutual::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace mutual::fuzz;
    Input script(data, size);
    Talk talk(service_of(script.octet()));
    for (int i = 0; i < 256 && !script.empty(); ++i) talk.step(script);
    talk.finish();
    return 0;
}
