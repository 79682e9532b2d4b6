// SPDX-License-Identifier: Apache-2.0
// An example of a transport plugin: a stream of octets in frames. A frame is a 32-bit big-endian length and
// so many octets: first the tokens of the handshake, then RFC 4121 wrap tokens, each confidential and in
// sequence. An empty plaintext is the end of its sender's stream. docs/plugin-guide.md walks through it.
#include <algorithm>

#include "mutual/plugin.h"
#include "mutual/transport.h"

namespace {

using namespace mutual;

constexpr std::size_t header = 4;
constexpr std::size_t longest_token = 128 << 10;  // of a handshake
constexpr std::size_t longest_record = 64 << 10;
constexpr std::size_t longest_plaintext = 16 << 10;  // that we put into one

class FramedSession final : public Session {
public:
    FramedSession(Role role, SessionHost& host) : role_(role), host_(host) {}
    void start() override {
        if (role_ == Role::initiator) step({});
    }
    void stepped(ContextNumber, StepAnswer answer) override {
        if (phase_ != Phase::waiting) return;
        if (answer.established) return completed(answer);
        if (!answer.token.empty() && !send_token(answer.token)) return;
        if (answer.error)  // which the token may tell the peer
            return end(answer.token.empty() ? Verdict::reset : Verdict::unauthenticated, answer.error);
        phase_ = Phase::receiving;
        read();
    }
    void admitted(ContextNumber, AdmissionAnswer answer) override {
        if (phase_ != Phase::waiting) return;
        if (!answer.admitted) return end(Verdict::denied, std::move(answer.error));
        if (last_token_.empty() || send_token(last_token_)) open();
    }
    void network_bytes(MutableBytes bytes) override {
        input_.insert(input_.end(), bytes.begin(), bytes.end());
        read();
    }
    void network_end() override {
        network_ended_ = true;
        read();
    }
    void program_bytes(Bytes bytes) override {
        while (phase_ == Phase::open && !program_ended_ && !bytes.empty()) {
            const auto most = std::min(longest_plaintext, context_->largest_plaintext(longest_record));
            const Bytes piece = bytes.first(std::min(most, bytes.size()));
            if (piece.empty()) return fail(Code::internal, "seal: nothing is short enough");
            bytes = bytes.subspan(piece.size());
            send_record(piece);
        }
    }
    void program_end() override {
        if (phase_ != Phase::open || program_ended_) return;
        program_ended_ = true;
        if (!send_record({})) return;
        host_.network_end();
        end_if_both_finished();
    }
    void wake() override {}  // no time-out of its own

private:
    enum class Phase { receiving, waiting, open, over };  // waiting: the host owes an answer

    void step(Bytes token) {
        phase_ = Phase::waiting;
        host_.step(0, token);
    }
    void completed(StepAnswer& answer) {
        const ContextFlags& flags = answer.established->facts().flags;
        if (!flags.mutual || !flags.confidentiality || !flags.integrity || !flags.sequence)
            return fail(Code::unprotected, "check the context: it lacks protection");
        context_ = answer.established;
        if (role_ == Role::acceptor) {
            last_token_ = std::move(answer.token);  // held back until the peer is admitted
            return host_.admit(0, {});
        }
        if (answer.token.empty() || send_token(answer.token)) open();
    }
    void open() {
        phase_ = Phase::open;
        host_.established();
        read();  // the peer's first records may have come with its last token
    }
    void read() {  // every whole frame that is there
        MutableBytes left = input_;
        while ((phase_ == Phase::receiving || phase_ == Phase::open) && left.size() >= header) {
            std::size_t length = 0;
            for (const auto one : left.first(header)) length = length << 8 | std::to_integer<unsigned>(one);
            if (length == 0 || length > (phase_ == Phase::open ? longest_record : longest_token))
                return fail(Code::protocol, "peer announced " + std::to_string(length) + " octets");
            if (left.size() - header < length) break;
            const MutableBytes body = left.subspan(header, length);
            left = left.subspan(header + length);
            phase_ == Phase::open ? record(body) : step(body);
        }
        input_.erase(input_.begin(), input_.end() - static_cast<std::ptrdiff_t>(left.size()));
        if (network_ended_) connection_ended();
    }
    void record(MutableBytes token) {
        if (peer_end_) return fail(Code::protocol, "peer sent a record after its end of stream");
        auto opened = context_->open(token);
        if (!opened) return fail(std::move(opened).error());
        if (!opened->confidential || !opened->supplementary.none())
            return fail(Code::protocol, "peer sent a record that is not confidential, or not the next one");
        if (opened->plaintext.empty()) return peer_finished(Verdict::authenticated);
        const MutableBytes room = reserve(host_.program(), opened->plaintext.size());
        if (room.empty()) return;
        std::ranges::copy(opened->plaintext, room.begin());
        host_.program().commit(room.size());
    }
    void connection_ended() {
        if (phase_ == Phase::waiting && role_ == Role::initiator) return;  // what is there may yet open it
        if (phase_ == Phase::over || peer_end_) return;
        if (phase_ == Phase::open && input_.empty()) return peer_finished(Verdict::unauthenticated);
        const bool is_refusal = !context_ && role_ == Role::initiator && input_.empty();
        fail(is_refusal ? Code::refused_by_peer : Code::protocol, "peer closed the connection too early");
    }
    void peer_finished(Verdict verdict) {
        peer_end_ = verdict;
        host_.program_end(verdict);
        end_if_both_finished();
    }
    void end_if_both_finished() {
        if (!peer_end_ || !program_ended_) return;
        phase_ = Phase::over;
        host_.end(*peer_end_, std::nullopt);
    }
    bool send_token(Bytes token) {
        const MutableBytes room = frame(token.size());
        if (room.empty()) return false;
        std::ranges::copy(token, room.begin());
        host_.network().commit(header + token.size());
        return true;
    }
    bool send_record(Bytes plaintext) {
        const auto layout = context_->layout(plaintext.size());
        const MutableBytes room = frame(layout.header + plaintext.size() + layout.trailer);
        if (room.empty()) return false;
        std::ranges::copy(plaintext, room.subspan(layout.header).begin());
        auto sealed = context_->seal(room, plaintext.size());
        sealed ? host_.network().commit(header + room.size()) : fail(std::move(sealed).error());
        return phase_ == Phase::open;
    }
    MutableBytes frame(std::size_t length) {  // room behind a length; empty: the channel is over
        const MutableBytes room = reserve(host_.network(), header + length);
        if (room.empty()) return {};
        for (std::size_t i = 0; i < header; ++i) room[i] = static_cast<std::byte>(length >> (24 - 8 * i));
        return room.subspan(header);
    }
    MutableBytes reserve(Outlet& outlet, std::size_t size) {
        const MutableBytes room = outlet.reserve(size);
        if (room.empty()) fail(Code::limit, "write: the queue is full");
        return room;
    }
    void end(Verdict verdict, std::optional<Error> error) {
        phase_ = Phase::over;
        host_.end(verdict, std::move(error));
    }
    void fail(Error error) {
        const Verdict verdict = error.code == Code::expired ? Verdict::expired : Verdict::reset;
        end(verdict, std::move(error));
    }
    void fail(Code code, std::string message) {
        fail(Error(code, context_ ? Stage::channel : Stage::handshake, std::move(message)));
    }

    const Role role_;
    SessionHost& host_;
    Phase phase_ = Phase::receiving;
    SecurityContext* context_ = nullptr;
    std::vector<std::byte> input_;  // what has arrived, from the beginning of a frame
    std::vector<std::byte> last_token_;
    bool network_ended_ = false;
    bool program_ended_ = false;
    std::optional<Verdict> peer_end_;
};

Error no_options() { return {Code::invalid_configuration, Stage::request, "framed has no options"}; }

class FramedTransport final : public Transport {
    Result<std::unique_ptr<Session>> session(const SessionParameters& given, SessionHost& host) override {
        if (given.options != "{}") return no_options();
        return std::unique_ptr<Session>(std::make_unique<FramedSession>(given.role, host));
    }
};

Result<std::unique_ptr<Transport>> make(const PluginConfiguration& configuration) {
    if (configuration.json != "{}") return no_options();
    return std::unique_ptr<Transport>(std::make_unique<FramedTransport>());
}

}  // namespace

extern "C" __attribute__((visibility("default"))) constinit const Plugin mutual_plugin{
    plugin_magic, plugin_contract, PluginKind::transport, "framed", "1", nullptr, &make, nullptr};
