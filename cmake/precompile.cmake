# SPDX-License-Identifier: Apache-2.0
# The headers that cost a compiler the most, read once: a third of the time of an instrumented build. Every target that
# uses Asio gets them, unless it has sources in C, or is an example, which is in another C++. The other builds go without,
# so that each file is seen to include what it needs.

# One set of headers serves libraries and programs only if they are compiled alike.
set(CMAKE_CXX_COMPILE_OPTIONS_PIE -fPIC)
add_compile_definitions(GTEST_HAS_PTHREAD=1 BOOST_CONTAINER_DYN_LINK BOOST_CONTAINER_NO_LIB BOOST_JSON_DYN_LINK BOOST_JSON_NO_LIB)
add_library(precompiled STATIC cmake/precompiled.cc)
target_link_libraries(precompiled PRIVATE asio json GTest::gtest)
target_precompile_headers(precompiled PRIVATE cmake/precompiled.h)
add_compile_options($<$<COMPILE_LANG_AND_ID:CXX,GNU>:-fpch-preprocess>)  # ccache wants it

# Whether the target links the library, itself or through others.
function(links_to target library answer)
  set(${answer} FALSE PARENT_SCOPE)
  get_target_property(linked ${target} LINK_LIBRARIES)
  foreach(each IN LISTS linked)
    if(each STREQUAL library)
      set(${answer} TRUE PARENT_SCOPE)
      return()
    endif()
    if(TARGET ${each})
      links_to(${each} ${library} found)
      if(found)
        set(${answer} TRUE PARENT_SCOPE)
        return()
      endif()
    endif()
  endforeach()
endfunction()

function(precompile_in folder)
  get_property(targets DIRECTORY ${folder} PROPERTY BUILDSYSTEM_TARGETS)
  foreach(each IN LISTS targets)
    get_target_property(type ${each} TYPE)
    get_target_property(sources ${each} SOURCES)
    links_to(${each} asio uses_asio)
    if(uses_asio AND NOT each STREQUAL precompiled AND NOT type MATCHES "INTERFACE|UTILITY" AND NOT sources MATCHES "\\.c(;|$)")
      target_precompile_headers(${each} REUSE_FROM precompiled)
    endif()
  endforeach()
  get_property(folders DIRECTORY ${folder} PROPERTY SUBDIRECTORIES)
  list(FILTER folders EXCLUDE REGEX "/examples$")
  foreach(each IN LISTS folders)
    precompile_in(${each})
  endforeach()
endfunction()
