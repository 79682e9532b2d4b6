# SPDX-License-Identifier: Apache-2.0
# Warnings, hardening and sanitizers for every target of this tree.
# Designated initializers leave the rest to the members' defaults on purpose.
add_compile_options(-Wall -Wextra -Wshadow -Wconversion -Wno-sign-conversion -Wno-missing-field-initializers
  $<$<COMPILE_LANGUAGE:CXX>:-Wnon-virtual-dtor> $<$<COMPILE_LANGUAGE:CXX>:-Woverloaded-virtual>)
# GCC 12 says -Wrestrict of every "literal" + std::string that it inlines (GCC bug 105651).
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  add_compile_options($<$<COMPILE_LANGUAGE:CXX>:-Wno-restrict>)
endif()
if(MUTUAL_WERROR)
  add_compile_options(-Werror)
endif()
add_compile_definitions(_GLIBCXX_ASSERTIONS)
if(MUTUAL_SANITIZE)
  add_compile_options(-fsanitize=${MUTUAL_SANITIZE} -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${MUTUAL_SANITIZE})
  if(MUTUAL_SANITIZE MATCHES thread)
    add_compile_options(-Wno-tsan)
  else()
    add_compile_options(-fno-sanitize-recover=all)
    # Recycled coroutine frames and handler blocks would hide a use after free.
    add_compile_definitions(BOOST_ASIO_DISABLE_AWAITABLE_FRAME_RECYCLING BOOST_ASIO_DISABLE_SMALL_BLOCK_RECYCLING)
  endif()
elseif(CMAKE_BUILD_TYPE STREQUAL "Release")
  add_compile_options(-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2 -fstack-protector-strong)
  add_link_options(-Wl,-z,relro,-z,now)
endif()
include(CheckPIESupported)
check_pie_supported()
