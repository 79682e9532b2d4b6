// SPDX-License-Identifier: Apache-2.0
// A client of wire `rpcsec_gss` that has valid contexts and calls as its script says: good calls, and calls
// that are protected as they should be and wrong in one point. It knows what may come of them.
#pragma once

#include <algorithm>
#include <map>
#include <set>

#include "tests/fuzz/oncrpc_ends.h"

namespace mutual::fuzz {

class HostileClient {
public:
    explicit HostileClient(wire::GssService service) : service_(service) {}

    // A call that makes a context, with the first token of the fakes' handshake.
    Octets init(std::uint32_t number) {
        Shape shape = make_control(wire::GssProcedure::init);
        last_number_ = number;
        inits_[shape.xid] = key_of(number);
        return last_ = record_of(build(shape, token_of(number)), false);
    }

    // The next octets, as the script says.
    Octets next(Input& script) {
        const auto twist = script.octet();
        const std::string text = script.octets(script.octet() % 64U);
        if (twist == again) return last_;
        if (twist == raw) {
            may_forge_ = true;
            return bytes_of(text);
        }
        if (twist == new_context)
            return init(static_cast<std::uint32_t>(text.empty() ? contexts_.size() : text.size()));
        return last_ = record_of(twisted(twist, text, script), twist == in_two);
    }
    void choose_context(std::uint8_t which) {
        if (!contexts_.empty()) current_ = which % contexts_.size();
    }

    // What a server hears.
    void check_heard(const wire::Call& call) {
        require(call.program == the_program && call.version == the_version,
                "a server hears calls of its program only");
        require(
            call.credential.flavor != wire::AuthFlavor::gss && call.verifier.flavor == wire::AuthFlavor::none,
            "a server hears plain calls");
        require(++heard_ <= sequences_.size() || may_forge_,
                "a server hears one call of each sequence number");
        if (may_forge_ || service_ == wire::GssService::none) return;
        require(arguments_.erase(text_of(call.arguments)) == 1,
                "a server hears each call once, as it was made");
    }
    // What a server answers to the call with these arguments.
    void answered(const std::string& arguments, const std::string& results) {
        results_[arguments].insert(results);
    }
    // It may from now on have answered any call with anything.
    void server_lied() { any_results_ = true; }

    void hear(Octets record) {
        const wire::Reply reply = reply_in(record);
        if (reply.kind != wire::Reply::Kind::accepted || may_forge_) return;
        if (inits_.contains(reply.xid)) return made(reply);
        const auto [begin, end] = sent_.equal_range(reply.xid);
        const auto genuine =
            std::find_if(begin, end, [&](const auto& one) { return is_verified(one.second, reply); });
        require(genuine != end, "each call is answered once, under its own verifier");
        genuine->second.is_answered = true;
        if (reply.status == wire::AcceptStatus::success) check_results(genuine->second, reply);
    }

private:
    enum Twist : std::uint8_t {
        none,
        again,
        raw,
        new_context,
        in_two,
        other_xid,
        other_rpc,
        other_program,
        other_version,
        other_flavor,
        spoilt_credential,
        other_handle,
        earlier,
        later,
        last,
        other_verifier,
        spoilt_verifier,
        other_service,
        other_protection,
        other_inner,
        spoilt_body,
        not_confidential,
        spoilt_message,
        goes_on,
        destroys,
        twists
    };
    struct Context {
        std::unique_ptr<FakeSecurityContext> security;
        Octets handle;
        std::uint32_t next_sequence = 1;
    };
    struct Shape {
        std::uint32_t xid = 0, rpc = wire::rpc_version, program = the_program, version = the_version,
                      procedure = 1;
        wire::AuthFlavor flavor = wire::AuthFlavor::gss, verifier = wire::AuthFlavor::gss;
        wire::GssCredential credential;
        wire::GssService protection = wire::GssService::privacy;
        std::uint32_t inner = 0;
        Twist twist = none;
    };
    // A call whose verifier is good.
    struct Sent {
        std::size_t context = 0;
        std::uint32_t sequence = 0;
        wire::GssService service = wire::GssService::privacy;
        std::string arguments;
        bool destroys = false;
        bool is_answered = false;
    };

    static std::uint64_t key_of(std::uint32_t number) { return 100 + number; }
    static Octets token_of(std::uint32_t number) {
        return bytes_of("hello " + std::to_string(number) + ' ' + std::to_string(key_of(number)) + ' ');
    }

    Context& current() { return contexts_.empty() ? nobody_ : contexts_[current_]; }

    Shape make_control(wire::GssProcedure procedure) {
        Shape shape;
        shape.xid = next_xid_++;
        shape.procedure = 0;
        shape.verifier = wire::AuthFlavor::none;
        shape.credential = {procedure, 0, service_, {}};
        shape.protection = wire::GssService::none;
        return shape;
    }

    Octets twisted(std::uint8_t choice, const std::string& text, Input& script) {
        const auto twist = static_cast<Twist>(choice % twists);
        Context& context = current();
        Shape shape;
        shape.twist = twist;
        shape.xid = next_xid_++;
        shape.credential = {wire::GssProcedure::data, context.next_sequence++, service_, context.handle};
        if (twist == other_xid) shape.xid = script.octet();
        if (twist == other_rpc) shape.rpc = script.octet();
        if (twist == other_program) ++shape.program;
        if (twist == other_version) ++shape.version;
        if (twist == other_flavor) shape.flavor = static_cast<wire::AuthFlavor>(script.octet());
        if (twist == earlier) shape.credential.sequence -= script.two_octets();
        if (twist == later) context.next_sequence = shape.credential.sequence += script.two_octets();
        if (twist == last) shape.credential.sequence = wire::max_sequence - 128 + script.octet();
        if (twist == other_verifier) shape.verifier = static_cast<wire::AuthFlavor>(script.octet());
        if (twist == other_service) shape.credential.service = service_of(script.octet());
        shape.protection = shape.credential.service;
        if (twist == other_protection) shape.protection = service_of(script.octet());
        shape.inner = shape.credential.sequence + (twist == other_inner ? script.octet() : 0U);
        const Octets other = bytes_of(text);
        if (twist == other_handle) shape.credential.handle = other;
        if (twist == goes_on) {
            shape = make_control(wire::GssProcedure::continue_init);
            shape.credential.handle = last_handle_;
            inits_[shape.xid] = key_of(last_number_);
            return build(shape, text.empty() ? token_of(last_number_) : bytes_of("no token " + text));
        }
        if (twist == destroys) {
            shape.credential.procedure = wire::GssProcedure::destroy;
            shape.procedure = 0;
        }
        Octets arguments = bytes_of(std::to_string(next_xid_) + ' ' + text);
        Octets message = build(shape, arguments, &script);
        if (twist == spoilt_message) spoil(message, script);
        return message;
    }

    Octets build(Shape shape, const Octets& arguments, Input* script = nullptr) {
        wire::XdrWriter out;
        put_head(out, shape, script);
        if (shape.verifier == wire::AuthFlavor::none && shape.procedure == 0)
            out.opaque(arguments);
        else
            out.raw(body_of(shape, arguments, script));
        return out.take();
    }

    void put_head(wire::XdrWriter& out, Shape& shape, Input* script) {
        for (const std::uint32_t word :
             {shape.xid, 0U, shape.rpc, shape.program, shape.version, shape.procedure})
            out.number(word);
        Octets credential = wire::to_xdr(shape.credential);
        if (shape.twist == spoilt_credential) {
            spoil(credential, *script);
            if (auto said = wire::read_credential(credential)) shape.credential = *said;
            shape.credential.handle = {};
        }
        wire::put_auth(out, shape.flavor, credential);
        Octets verifier;
        if (shape.verifier == wire::AuthFlavor::gss) verifier = current().security->mic(out.view()).value();
        if (shape.twist == spoilt_verifier) spoil(verifier, *script);
        wire::put_auth(out, shape.verifier, verifier);
    }

    Octets body_of(const Shape& shape, const Octets& arguments, Input* script) {
        note(shape, text_of(arguments));
        FakeSecurityContext& security = *current().security;
        wire::XdrWriter body;
        security.seals_integrity_only = shape.twist == not_confidential;
        require(wire::put_protected(body, security, shape.protection, shape.inner, arguments).ok(),
                "the fake seals");
        security.seals_integrity_only = false;
        Octets octets = body.take();
        if (shape.twist == spoilt_body) spoil(octets, *script);
        return octets;
    }

    void note(const Shape& shape, const std::string& arguments) {
        const wire::GssCredential& credential = shape.credential;
        sent_.insert({shape.xid,
                      {current_, credential.sequence, credential.service, arguments,
                       credential.procedure == wire::GssProcedure::destroy}});
        sequences_.insert({current_, credential.sequence});
        const bool is_covered =
            shape.twist != not_confidential || credential.service == wire::GssService::integrity;
        const bool is_sound = credential.service >= service_ && shape.protection == credential.service &&
                              shape.inner == credential.sequence && is_covered;
        if (is_sound) arguments_.insert(arguments);
    }

    void made(const wire::Reply& reply) {
        if (reply.status != wire::AcceptStatus::success) return;
        const auto result = wire::read_init_result(reply.results);
        require(result.ok(), "the result of INIT is well-formed");
        last_handle_.assign(result->handle.begin(), result->handle.end());
        if (result->major != 0) return;
        Context context{std::make_unique<FakeSecurityContext>(Role::initiator, inits_.at(reply.xid)),
                        last_handle_};
        require(context.security->verify(wire::to_xdr(result->window), reply.verifier.body).ok(),
                "the reply that completes a context proves its window");
        contexts_.push_back(std::move(context));
    }

    bool is_verified(const Sent& sent, const wire::Reply& reply) {
        if (sent.context >= contexts_.size() || sent.is_answered) return false;
        return reply.verifier.flavor == wire::AuthFlavor::gss &&
               contexts_[sent.context]
                   .security->verify(wire::to_xdr(sent.sequence), reply.verifier.body)
                   .ok();
    }

    void check_results(const Sent& sent, const wire::Reply& reply) {
        if (sent.destroys) return;
        const auto results = wire::open_protected(*contexts_[sent.context].security, sent.service,
                                                  sent.sequence, reply.results);
        require(results.ok(), "results come under the service of their call");
        if (!any_results_ && service_ != wire::GssService::none)
            require(results_[sent.arguments].contains(text_of(*results)), "results are those of their call");
    }

    const wire::GssService service_;
    Context nobody_{std::make_unique<FakeSecurityContext>(Role::initiator, 1), {}};
    std::vector<Context> contexts_;
    std::size_t current_ = 0;
    std::uint32_t last_number_ = 0;                 // of the context that was begun last
    std::map<std::uint32_t, std::uint64_t> inits_;  // by number of the call: the key of its context
    Octets last_handle_;
    std::uint32_t next_xid_ = 1000;
    Octets last_;
    std::multimap<std::uint32_t, Sent> sent_;
    std::set<std::pair<std::size_t, std::uint32_t>> sequences_;  // by context
    std::set<std::string> arguments_;  // of calls that no server has heard yet, and may
    std::map<std::string, std::set<std::string>> results_;
    std::size_t heard_ = 0;
    bool may_forge_ = false;  // octets of any kind were sent
    bool any_results_ = false;
};

}  // namespace mutual::fuzz
