// SPDX-License-Identifier: Apache-2.0
// What GSS-API says about a failure. Must be asked in the thread that failed, at once.
#pragma once

#include <gssapi/gssapi.h>

#include <string>
#include <string_view>

#include "mutual/error.h"

namespace mutual::channel {

// "what we did: major text: minor text", with the code that the major status calls for.
Error gss_error(std::string_view what, OM_uint32 major, OM_uint32 minor);

}  // namespace mutual::channel
