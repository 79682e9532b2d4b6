# SPDX-License-Identifier: Apache-2.0
# Run by cpack on what goes into a package: Debian's manual pages are compressed, and always to the same octets.
execute_process(COMMAND find ${CPACK_TEMPORARY_INSTALL_DIRECTORY} -path "*/share/man/*" -name "*.[1-8]"
  -exec gzip --best --no-name {} + COMMAND_ERROR_IS_FATAL ANY)
