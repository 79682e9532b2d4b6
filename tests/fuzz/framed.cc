// SPDX-License-Identifier: Apache-2.0
// The example of a transport plugin, linked as it is.
#include "mutual/plugin.h"
#include "tests/fuzz/stream_session.h"

extern "C" const mutual::Plugin mutual_plugin;

namespace mutual::fuzz {

Transport& transport() {
    static const std::unique_ptr<Transport> made = std::move(mutual_plugin.transport({"{}"})).value();
    return *made;
}

}  // namespace mutual::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    mutual::fuzz::run_scene(data, size);
    return 0;
}
