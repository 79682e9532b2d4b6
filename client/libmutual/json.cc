// SPDX-License-Identifier: Apache-2.0
// Boost.JSON, compiled into libmutual: a program may use another version of it, or be linked with that.
#include <boost/json/src.hpp>
