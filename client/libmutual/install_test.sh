#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# install_test.sh BUILD TREE SANITIZERS: installs libmutual into a folder of its own and builds the examples and the plugins
# of docs/plugin-guide.md against that: with nothing but pkg-config, and with nothing but its CMake package. Each program
# then has to find its library, and each plugin has to load. The guide's test and fuzz target have to run, too.
set -eu
build=$1 examples=$2/examples guide=$2/docs/plugin-guide.md sanitizers=$3
sanitize=${sanitizers:+-fsanitize=$sanitizers}
root=$build/installed-libmutual
rm -rf "$root"
mkdir -p "$root/by-pkg-config" "$root/plugin"
for component in libmutual0 libmutual-dev; do
    cmake --install "$build" --prefix "$root/usr" --component $component >"$root/install.log"
done
library=$(dirname "$(find "$root/usr" -name libmutual.so.0)")

# Shows what a command said if it fails.
quietly() {
    "$@" >"$root/log" 2>&1 || { cat "$root/log" >&2; exit 1; }
}

build_by_cmake() {
    quietly cmake -S "$1" -B "$root/$2" -DCMAKE_PREFIX_PATH="$root/usr" -DCMAKE_C_FLAGS="$3" -DCMAKE_CXX_FLAGS="$3"
    quietly cmake --build "$root/$2"
}

# A program of ours that asks nobody: it has to run, and to say how it is used.
says_its_usage() {
    status=0
    said=$(LD_LIBRARY_PATH=$library "$1" 2>&1) || status=$?
    case $status:$said in
    2:usage:*) ;;
    *) echo "$1 ended with $status: $said" >&2; exit 1 ;;
    esac
}

PKG_CONFIG_PATH=$library/pkgconfig
export PKG_CONFIG_PATH
flags=$(pkg-config --cflags --libs mutual)
for name in ask serve; do
    # shellcheck disable=SC2086 # these are words
    ${CC:-cc} -std=c99 -Wall -Wextra -Werror $sanitize -o "$root/by-pkg-config/${name}_c" "$examples/$name.c" $flags
    # shellcheck disable=SC2086
    ${CXX:-c++} -std=c++17 -Wall -Wextra -Werror $sanitize -o "$root/by-pkg-config/${name}_cc" "$examples/$name.cc" \
        $flags
done
build_by_cmake "$examples" by-cmake "$sanitize"
for folder in by-pkg-config by-cmake; do
    for name in ask_c ask_cc serve_c serve_cc; do
        says_its_usage "$root/$folder/$name"
    done
done
says_its_usage "$root/by-cmake/rpc/payroll_ask"

# block N: the guide's Nth piece of C++.
block() {
    awk -v wanted="$1" '/^```cpp$/ { inside = ++count == wanted; next } /^```$/ { inside = 0 } inside' "$guide"
}

# by_the_guide OUTPUT: runs the guide's own command that makes this file.
by_the_guide() {
    command=$(grep -E -e "^(g|clang)[+][+] .* -o $1 " "$guide")
    quietly bash -c "$command"  # which knows braces
    test -e "$1"
}

loads() {
    python3 -c 'import ctypes, os, sys; ctypes.CDLL(sys.argv[1], os.RTLD_NOW).mutual_plugin' "$1"
}

# The guide's discovery plugin.
cd "$root/plugin"
block 1 >example.cc
by_the_guide example.so
cat >CMakeLists.txt <<'END'
cmake_minimum_required(VERSION 3.16)
project(example LANGUAGES CXX)
find_package(mutual REQUIRED)
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
add_library(example MODULE example.cc)
set_target_properties(example PROPERTIES PREFIX "")
target_link_libraries(example PRIVATE mutual::contract)
END
build_by_cmake "$root/plugin" plugin-by-cmake ""
loads "$root/plugin/example.so"
loads "$root/plugin-by-cmake/example.so"

# Its transport plugin, which is an example.
mkdir "$root/transport"
cd "$root/transport"
cp "$examples/transport/framed.cc" "$examples/transport/CMakeLists.txt" .
by_the_guide framed.so
build_by_cmake "$root/transport" transport-by-cmake ""
loads "$root/transport/framed.so"
loads "$root/transport-by-cmake/framed.so"
block 2 >framed_test.cc
block 3 >framed_fuzz.cc
MUTUALD=$2
export MUTUALD
by_the_guide framed_test
quietly ./framed_test
by_the_guide framed_fuzz
quietly ./framed_fuzz -max_total_time=2
