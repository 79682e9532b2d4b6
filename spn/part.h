// SPDX-License-Identifier: Apache-2.0
// The rules for the single parts of an SPN, shared by the files of this folder.
//
// Stricter than MS-ADTS where its grammar would let a mistake through: class, host and instance hold no blank
// and no
// "@" (an "@" there is nearly always a realm that belongs elsewhere), host and instance no ":".
#pragma once

#include <string>
#include <string_view>

#include "mutual/error.h"
#include "mutual/spn.h"

namespace mutual {

Error spn_error(std::string message, std::string hint = {});

// Every rule for the parts of `spn`, alone and together, except its length.
Result<void> check_parts(const Spn& spn);
// The rule for a third part, also for a referrer (which becomes one).
Result<void> check_service_name(std::string_view text, std::string_view what);

// Splits "host", "host:port" or "host:instance" into the fields of `spn`.
Result<void> split_host(std::string_view text, Spn& spn);

}  // namespace mutual
