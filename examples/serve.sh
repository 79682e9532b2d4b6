#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# serve.sh SERVICE: answers the question of each peer that opens a channel to the service, each in a process of its own.
#
# mutualctl starts this script again for each channel, with the channel as standard input, standard output and
# descriptor 3, and the peer's name, proved by Kerberos, in the environment.
if [ $# -ne 1 ]; then
    echo 'usage: serve.sh SERVICE' >&2
    exit 2
fi
if [ -z "${MUTUAL_CHANNEL:-}" ]; then
    exec mutualctl accept "$1" -- "$0" "$1"
fi

question=$(cat)
# Only a proven end makes the question a whole one.
case $(mutualctl whois --fd "$MUTUAL_FD" --json) in
*'"verdict":"authenticated"'*) ;;
*)
    echo "serve: no whole question from $MUTUAL_PEER" >&2
    exit 1
    ;;
esac
printf "%s asked '%s'\n" "$MUTUAL_PEER" "$question"
