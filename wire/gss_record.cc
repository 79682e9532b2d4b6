// SPDX-License-Identifier: Apache-2.0
#include "wire/gss_record.h"

#include <algorithm>
#include <cstring>

#include "wire/gss_frame.h"

namespace mutual::wire {
namespace {

Error full(Stage stage) { return {Code::limit, stage, "send to the network: its queue is full"}; }

void copy(Bytes from, MutableBytes to) {
    if (!from.empty()) std::memcpy(to.data(), from.data(), from.size());
}

Result<void> send_record(SecurityContext& context, Bytes plaintext, Outlet& out) {
    const auto layout = context.layout(plaintext.size());
    const auto length = layout.header + plaintext.size() + layout.trailer;
    const auto room = out.reserve(frame_header + length);
    if (room.empty()) return full(Stage::channel);
    put_length(room, length);
    const auto record = room.subspan(frame_header, length);
    copy(plaintext, record.subspan(layout.header));
    if (auto sealed = context.seal(record, plaintext.size()); !sealed) return sealed;
    out.commit(frame_header + length);
    return {};
}

std::string_view fault(const Supplementary& status) {
    if (status.duplicate) return "a duplicate";
    if (status.old) return "too old to be checked for replay";
    if (status.unsequenced) return "out of sequence";
    return "preceded by a gap";
}

}  // namespace

Result<void> send_token(Bytes token, Outlet& out) {
    const auto room = out.reserve(frame_header + token.size());
    if (room.empty()) return full(Stage::handshake);
    put_length(room, token.size());
    copy(token, room.subspan(frame_header));
    out.commit(frame_header + token.size());
    return {};
}

Result<void> send_records(SecurityContext& context, Bytes plaintext, Outlet& out) {
    const auto most = std::min(max_sent_plaintext, context.largest_plaintext(max_data_frame));
    if (most == 0)
        return Error{Code::internal, Stage::channel, "seal a record: the context allows no plaintext"};
    while (!plaintext.empty()) {
        const auto piece = plaintext.first(std::min(most, plaintext.size()));
        if (auto sent = send_record(context, piece, out); !sent) return sent;
        plaintext = plaintext.subspan(piece.size());
    }
    return {};
}

Result<void> send_end_of_stream(SecurityContext& context, Outlet& out) {
    return send_record(context, {}, out);
}

Result<MutableBytes> open_record(SecurityContext& context, MutableBytes record) {
    auto opened = context.open(record);
    if (!opened) return std::move(opened).error();
    if (!opened->supplementary.none())
        return Error{Code::protocol, Stage::channel,
                     "open a record: it is " + std::string{fault(opened->supplementary)},
                     "somebody on the network may be replaying, dropping or reordering records"};
    if (!opened->confidential)
        return Error{Code::protocol, Stage::channel, "open a record: integrity-only record",
                     "the peer must encrypt (knc: without -o noprivacy)"};
    return opened->plaintext;
}

}  // namespace mutual::wire
