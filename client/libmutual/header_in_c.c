/* SPDX-License-Identifier: Apache-2.0 */
/* mutual.h is C99, and a request is the same thing in both languages. */
#include "mutual/mutual.h"

size_t request_size_in_c(void) {
    mutual_request request = MUTUAL_REQUEST_INIT;
    return request.service == NULL && request.socket == NULL ? request.size : 0;
}
