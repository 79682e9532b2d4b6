#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# symbols_test.sh LIBRARY HEADER: the library shows exactly the functions of the header, under version MUTUAL_0, and
# brings no library besides those of the compiler.
set -eu
declared=$(sed -n 's/^MUTUAL_API .*\(mutual_[a-z_]*\)(.*/\1@@MUTUAL_0/p' "$2" | LC_ALL=C sort)
exported=$(nm -D --defined-only --with-symbol-versions "$1" | sed -n 's/^[0-9a-f]* [^A] //p' | LC_ALL=C sort)
if [ -z "$declared" ] || [ "$declared" != "$exported" ]; then
    printf 'declared in %s:\n%s\n\nvisible in %s:\n%s\n' "$2" "$declared" "$1" "$exported" >&2
    exit 1
fi
soname=$(objdump -p "$1" | sed -n 's/^ *SONAME *//p')
[ "$soname" = libmutual.so.0 ] || { echo "the soname is '$soname'" >&2; exit 1; }
needed=$(objdump -p "$1" | sed -n 's/^ *NEEDED *//p' |
    grep -Ev '^(libstdc\+\+|libgcc_s|libc|libm|ld-linux.*|lib[atu]san|libubsan)\.so' || true)
[ -z "$needed" ] || { echo "it needs $needed" >&2; exit 1; }
