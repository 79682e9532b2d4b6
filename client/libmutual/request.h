// SPDX-License-Identifier: Apache-2.0
// Reads what a program asks for from the C ABI's structure.
#pragma once

#include <string>

#include "client/broker_types.h"
#include "mutual/error.h"
#include "mutual/mutual.h"

namespace mutual::client {

// The broker's socket; null: the default one.
std::string socket_of(const char* path);

// A structure of another version is read as far as we know it; what we do not know must not be set.
Result<mutual_request> known_part(const mutual_request* request);

Result<Request> read_open_request(const mutual_request& request);
Result<Request> read_accept_request(const mutual_request& request);

}  // namespace mutual::client
