// SPDX-License-Identifier: Apache-2.0
#include "client/mutualctl/exit_status.h"

namespace mutual::ctl {

std::string exit_status_text() {
    std::string text = "Exit status:\n";
    for (std::size_t number = 0; number < exit_meanings.size(); ++number)
        text.append("  ")
            .append(std::to_string(number))
            .append("  ")
            .append(exit_meanings[number])
            .append("\n");
    return text +
           "  Of 'open -- COMMAND' and 'accept --once -- COMMAND': the status of the command, once it was "
           "started.\n";
}

}  // namespace mutual::ctl
