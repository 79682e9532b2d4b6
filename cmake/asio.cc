// SPDX-License-Identifier: Apache-2.0
// The one translation unit that compiles Asio's own functions.
#include <boost/asio/impl/src.hpp>
