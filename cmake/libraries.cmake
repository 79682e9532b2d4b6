# SPDX-License-Identifier: Apache-2.0
# Libraries of the system, each as one target. The header-only parts of Asio are compiled once, into `asio`.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(Boost 1.81 REQUIRED COMPONENTS json)
pkg_check_modules(gssapi REQUIRED IMPORTED_TARGET mit-krb5-gssapi)
pkg_check_modules(krb5 REQUIRED IMPORTED_TARGET mit-krb5)
pkg_check_modules(systemd REQUIRED IMPORTED_TARGET libsystemd)
pkg_check_modules(ldap REQUIRED IMPORTED_TARGET ldap)
find_package(CLI11 REQUIRED)
find_package(tomlplusplus REQUIRED)

add_library(asio STATIC ${CMAKE_SOURCE_DIR}/cmake/asio.cc)
target_compile_definitions(asio PUBLIC BOOST_ASIO_SEPARATE_COMPILATION BOOST_ASIO_NO_DEPRECATED)
target_link_libraries(asio PUBLIC Boost::headers Threads::Threads)
# Coroutine frames come from Asio's own pool, which GCC 12 takes for a mismatch once it has inlined half of it.
target_compile_options(asio PUBLIC $<$<COMPILE_LANG_AND_ID:CXX,GNU>:-Wno-mismatched-new-delete>)

add_library(json INTERFACE)
target_link_libraries(json INTERFACE Boost::json)

add_library(dll INTERFACE)
target_compile_definitions(dll INTERFACE BOOST_DLL_USE_STD_FS)
target_link_libraries(dll INTERFACE Boost::headers ${CMAKE_DL_LIBS})

# mutual_test(name SOURCES ... LIBRARIES ... [KIND kind]): one GoogleTest program, each of its tests known to ctest. The
# label is `unit`, or `unit_KIND`: ctest -L takes a pattern, so both words find it.
function(mutual_test name)
  cmake_parse_arguments(arg "" "KIND" "SOURCES;LIBRARIES" ${ARGN})
  if(MUTUAL_TESTS)
    add_executable(${name} ${arg_SOURCES})
    target_link_libraries(${name} PRIVATE ${arg_LIBRARIES} GTest::gtest_main)
    set(label unit)
    if(arg_KIND)
      set(label unit_${arg_KIND})
    endif()
    gtest_discover_tests(${name} PROPERTIES LABELS ${label} DISCOVERY_TIMEOUT 60)
  endif()
endfunction()
