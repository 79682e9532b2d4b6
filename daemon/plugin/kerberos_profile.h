// SPDX-License-Identifier: Apache-2.0
// How Kerberos is configured in a finder: as on the whole host, but that no name which a server has to prove
// is replaced by what DNS says of it. libkrb5 does that by default, and a plugin's library (Cyrus SASL) has
// no say in it: whoever can forge DNS would choose the directory's name.
#pragma once

#include "mutual/error.h"

namespace mutual::plugin {

// To be called once, before anything of Kerberos is used. Changes KRB5_CONFIG of this process.
Result<void> take_names_as_written();

}  // namespace mutual::plugin
