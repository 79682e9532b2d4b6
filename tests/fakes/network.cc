// SPDX-License-Identifier: Apache-2.0
#include "tests/fakes/network.h"

#include <algorithm>
#include <stdexcept>

namespace mutual::fakes {
namespace {

std::unique_ptr<Session> make(Transport& transport, Role role, const std::string& options, FakeHost& host) {
    auto session = transport.session({role, options}, host);
    if (!session) throw std::runtime_error(to_string(session.error()));
    host.session = session->get();
    return std::move(*session);
}

}  // namespace

FakeNetwork::FakeNetwork(Transport& transport, std::string options)
    : initiator_session_(make(transport, Role::initiator, options, initiator)),
      acceptor_session_(make(transport, Role::acceptor, options, acceptor)) {}

void FakeNetwork::start() {
    acceptor.session->start();
    initiator.session->start();
}

void FakeNetwork::run(std::size_t piece) {
    for (bool moved = true; moved;) {
        moved = initiator.answer_one();
        moved = acceptor.answer_one() || moved;
        moved = carry(initiator, acceptor, piece, initiator_end_shown_) || moved;
        moved = carry(acceptor, initiator, piece, acceptor_end_shown_) || moved;
    }
}

void FakeNetwork::send(FakeHost& from, std::string_view text) const {
    from.session->program_bytes(std::as_bytes(std::span{text}));
}

bool FakeNetwork::carry(FakeHost& from, FakeHost& to, std::size_t piece, bool& end_shown) const {
    const auto octets = from.network_out.take();
    if (!octets.empty()) feed(to, octets, piece);
    const bool at_end = (from.network_ended || from.ended) && !end_shown;
    if (at_end) {
        end_shown = true;
        if (!to.ended) to.session->network_end();
    }
    return at_end || !octets.empty();
}

void feed(FakeHost& host, Bytes octets, std::size_t piece) {
    while (!octets.empty() && !host.ended) {
        const auto part = octets.first(std::min(piece, octets.size()));
        std::vector<std::byte> room{part.begin(), part.end()};
        host.session->network_bytes(room);
        host.answer_all();
        octets = octets.subspan(part.size());
    }
}

}  // namespace mutual::fakes
