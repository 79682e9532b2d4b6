// SPDX-License-Identifier: Apache-2.0
#include "plugins/oncrpc/records.h"

#include <algorithm>

namespace mutual::oncrpc {

Result<void> send_record(Outlet& out, Bytes record) {
    const auto mark = wire::mark_of(record.size());
    const std::size_t size = mark.size() + record.size();
    const MutableBytes room = out.reserve(size);
    if (room.empty()) return Error(Code::limit, Stage::channel, "send a message: the queue is full");
    std::copy(record.begin(), record.end(), std::copy(mark.begin(), mark.end(), room.begin()));
    out.commit(size);
    return {};
}

}  // namespace mutual::oncrpc
