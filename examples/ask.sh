#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# ask.sh SERVICE QUESTION: opens a channel to a service, sends the question, shows the answer.
#
# mutualctl tells on standard error what went wrong, and a hint; its exit status tells the kind (see mutualctl(1)). It
# is 8 if the answer may be incomplete, because the peer did not prove the end of its stream.
if [ $# -ne 2 ]; then
    echo 'usage: ask.sh SERVICE QUESTION' >&2
    exit 2
fi
printf %s "$2" | mutualctl --quiet open "$1"
