// SPDX-License-Identifier: Apache-2.0
// Discovery through service connection points in an LDAP directory. It only finds.
#pragma once

#include <memory>
#include <string_view>

#include "mutual/discovery.h"

namespace mutual::scp {

Result<std::unique_ptr<Discovery>> make_scp(std::string_view json);

}  // namespace mutual::scp
