// SPDX-License-Identifier: Apache-2.0
// The Session of `sockets`.
#include "plugins/sockets/transport.h"
#include "tests/fuzz/stream_session.h"

namespace mutual::fuzz {

Transport& transport() {
    static const std::unique_ptr<Transport> made = std::move(sockets::make_transport("")).value();
    return *made;
}

}  // namespace mutual::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    mutual::fuzz::run_scene(data, size);
    return 0;
}
