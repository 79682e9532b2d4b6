// SPDX-License-Identifier: Apache-2.0
// Whether a name that Kerberos gave us can be said in JSON. A realm may hold names of any octets; one that is
// not UTF-8 would make an unreadable message of whatever it is put into.
#pragma once

#include <boost/locale/utf.hpp>
#include <string_view>

namespace mutual::keys {

inline bool is_utf8(std::string_view text) {
    namespace utf = boost::locale::utf;
    for (const char *at = text.data(), *end = at + text.size(); at != end;) {
        const utf::code_point point = utf::utf_traits<char>::decode(at, end);
        if (point == utf::illegal || point == utf::incomplete) return false;
    }
    return true;
}

}  // namespace mutual::keys
