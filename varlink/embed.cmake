# SPDX-License-Identifier: Apache-2.0
# Writes OUT, a C++ source with one string constant for each interface description in FILES.
set(text "// Generated from the interface descriptions.\n#include \"varlink/interfaces.h\"\n\nnamespace mutual::varlink {\n\n")
foreach(file ${FILES})
  get_filename_component(stem ${file} NAME)
  string(REGEX REPLACE "^org\\.mutuald\\.([A-Za-z]+)\\.varlink$" "\\1" short ${stem})
  string(TOLOWER ${short} short)
  file(READ ${file} body)
  string(APPEND text "const std::string_view ${short}_interface = R\"varlink(${body})varlink\";\n\n")
endforeach()
string(APPEND text "}  // namespace mutual::varlink\n")
file(WRITE ${OUT} "${text}")
