// SPDX-License-Identifier: Apache-2.0
// A server of wire `rpcsec_gss` that shares a valid context with the initiator and answers as its script
// says: good replies, and replies that are protected as they should be and wrong in one point. It knows what
// may come of them.
#pragma once

#include <map>
#include <set>

#include "tests/fuzz/oncrpc_ends.h"

namespace mutual::fuzz {

class HostileServer {
public:
    HostileServer(wire::GssService service, std::uint64_t key)
        : service_(service), security_(Role::acceptor, key) {}

    // What the initiator sends.
    void hear(Octets record) {
        const wire::Call call = call_in(record);
        require(call.program == the_program && call.version == the_version,
                "calls are of the service's program");
        require(call.credential.flavor == wire::AuthFlavor::gss, "every call is under RPCSEC_GSS");
        const auto credential = wire::read_credential(call.credential.body);
        require(credential.ok(), "an initiator writes good credentials");
        Heard heard{call.xid, credential->procedure, credential->sequence, credential->service, {}};
        const bool makes = heard.makes_context();
        if (!makes) {
            require(sequences_.insert(heard.sequence).second, "no sequence number is used twice");
            require(security_.verify(call.head, call.verifier.body).ok(), "every call has its verifier");
            const auto body = wire::open_protected(security_, heard.service, heard.sequence, call.arguments);
            require(body.ok() && heard.service >= service_, "arguments come under the service's protection");
            heard.arguments = text_of(*body);
        }
        calls_.push_back(std::move(heard));
    }

    // The next octets, as the script says.
    Octets next(Input& script) {
        const auto choice = script.octet();
        const std::string text = script.octets(script.octet() % 64U);
        if (choice == again) return last_;
        if (choice == raw) {
            may_forge_ = true;
            return bytes_of(text);
        }
        const auto twist = static_cast<Twist>(choice % twists);
        Heard call = choose(script, twist);
        if (twist == other_xid) call.xid += script.octet();
        if (twist == other_sequence) call.sequence += script.octet();
        Octets message = call.makes_context() ? context_reply(call, twist, text, script)
                                              : reply(call, twist, text, script);
        if (twist == spoilt_message) spoil(message, script);
        return last_ = record_of(message, twist == in_two);
    }

    // Whether the program may hear this.
    bool may_have_answered(const std::string& results) const {
        return may_forge_ || service_ == wire::GssService::none || results_.contains(results);
    }
    bool may_have_proven(std::size_t replies) const { return may_forge_ || replies <= proven_; }
    bool may_have_completed() const { return may_forge_ || has_completed_; }
    bool may_have_ended() const { return may_forge_ || has_ended_; }

private:
    enum Twist : std::uint8_t {
        none,
        again,
        raw,
        in_two,
        keeps,
        foresees,
        other_xid,
        other_sequence,
        other_status,
        auth_error,
        rpc_mismatch,
        other_verifier,
        spoilt_verifier,
        other_protection,
        other_inner,
        spoilt_body,
        not_confidential,
        spoilt_message,
        a_call,
        goes_on,
        fails,
        twists
    };
    struct Heard {
        std::uint32_t xid = 0;
        wire::GssProcedure procedure = wire::GssProcedure::data;
        std::uint32_t sequence = 0;
        wire::GssService service = wire::GssService::privacy;
        std::string arguments;
        bool makes_context() const {
            return procedure == wire::GssProcedure::init || procedure == wire::GssProcedure::continue_init;
        }
    };

    // A call that was heard; or the one that the initiator may make next.
    Heard choose(Input& script, Twist twist) {
        if (twist == foresees || calls_.empty()) {
            Heard next = last_heard_;
            ++next.xid;
            ++next.sequence;
            next.procedure = wire::GssProcedure::destroy;
            return next;
        }
        const std::size_t at = script.octet() % calls_.size();
        last_heard_ = calls_[at];
        if (twist != keeps) calls_.erase(calls_.begin() + static_cast<std::ptrdiff_t>(at));
        return last_heard_;
    }

    Octets reply(const Heard& call, Twist twist, const std::string& text, Input& script) {
        wire::XdrWriter out;
        if (denied(out, call.xid, twist, script)) return out.take();
        const auto status = twist == other_status ? script.octet() % 8U : 0U;
        if (put_head(out, call.xid, wire::to_xdr(call.sequence), status, twist, script)) ++proven_;
        if (call.procedure == wire::GssProcedure::destroy) has_ended_ = true;
        if (status != 0) {
            for (std::uint32_t i = script.octet() % 4U; i > 0; --i) out.number(i);
            return out.take();
        }
        const auto protection = twist == other_protection ? service_of(script.octet()) : service_;
        const std::uint32_t inner = call.sequence + (twist == other_inner ? script.octet() : 0U);
        const std::string results = call.arguments + text;
        const bool is_sound = protection == service_ && inner == call.sequence &&
                              (twist != not_confidential || service_ == wire::GssService::integrity);
        if (is_sound) results_.insert(results);
        wire::XdrWriter body;
        security_.seals_integrity_only = twist == not_confidential;
        require(wire::put_protected(body, security_, protection, inner, bytes_of(results)).ok(),
                "the fake seals");
        security_.seals_integrity_only = false;
        Octets octets = body.take();
        if (twist == spoilt_body) spoil(octets, script);
        out.raw(octets);
        return out.take();
    }

    // A reply to INIT or CONTINUE_INIT, with the last token of the fakes' handshake.
    Octets context_reply(const Heard& call, Twist twist, const std::string& text, Input& script) {
        wire::XdrWriter out;
        if (denied(out, call.xid, twist, script)) return out.take();
        const auto status = twist == other_status ? script.octet() % 8U : 0U;
        wire::InitResult result;
        Octets handle = bytes_of(text), token = bytes_of("welcome 0 42 ");
        if (twist == spoilt_body) spoil(token, script);
        result.handle = handle;
        result.token = token;
        result.window = twist == other_inner ? 0 : 128;
        if (twist == goes_on) result.major = 1;
        if (twist == fails) result.major = static_cast<std::uint32_t>(script.two_octets()) << 10U;
        const std::uint32_t proven = result.window + (twist == other_sequence ? 1 : 0);
        const bool is_genuine = put_head(out, call.xid, wire::to_xdr(proven), status, twist, script);
        has_completed_ = has_completed_ || (is_genuine && twist != other_sequence && twist != goes_on);
        wire::put_init_result(out, result);
        return out.take();
    }

    bool denied(wire::XdrWriter& out, std::uint32_t xid, Twist twist, Input& script) {
        if (twist == auth_error)
            wire::put_auth_error(out, xid, static_cast<wire::AuthStatus>(script.octet()));
        if (twist == rpc_mismatch) wire::put_rpc_mismatch(out, xid);
        if (twist == a_call) out.raw(plain_call(xid, 1, {}));
        return twist == auth_error || twist == rpc_mismatch || twist == a_call;
    }

    // Returns whether its verifier is good.
    bool put_head(wire::XdrWriter& out, std::uint32_t xid, Bytes proven, std::uint32_t status, Twist twist,
                  Input& script) {
        const Octets genuine = security_.mic(proven).value();
        Octets verifier = genuine;
        if (twist == spoilt_verifier) spoil(verifier, script);
        auto flavor = wire::AuthFlavor::gss;
        if (twist == other_verifier) flavor = static_cast<wire::AuthFlavor>(script.octet());
        wire::put_accepted(out, xid, {flavor, verifier}, static_cast<wire::AcceptStatus>(status));
        return flavor == wire::AuthFlavor::gss && verifier == genuine;
    }

    const wire::GssService service_;
    FakeSecurityContext security_;
    std::vector<Heard> calls_;  // that may be answered
    Heard last_heard_;
    std::set<std::uint32_t> sequences_;
    std::set<std::string> results_;  // that were sent
    Octets last_;
    std::size_t proven_ = 0;      // replies, by their verifiers
    bool has_completed_ = false;  // a context, by its verifier
    bool has_ended_ = false;      // answered DESTROY
    bool may_forge_ = false;      // octets of any kind were sent
};

}  // namespace mutual::fuzz
