// SPDX-License-Identifier: Apache-2.0
// The errors of the C ABI: how one is made, and the border that no exception crosses.
#pragma once

#include <exception>
#include <memory>
#include <new>
#include <string>

#include "client/answer.h"
#include "mutual/mutual.h"

struct mutual_error {
    mutual::Code code;
    std::string stage;
    std::string message;
    std::string hint;
    std::string request;
    std::string explanation;
};

namespace mutual::client {

using Failure = std::unique_ptr<mutual_error>;

Failure failure(const Error& error);
Failure failure(const Error& error, const std::optional<Explanation>& explanation);

mutual_code code_of(const mutual_error& error);

// Runs `action`, which returns null on success. The error is NULL when there is no memory for it.
template <class Action>
mutual_code at_the_border(mutual_error** error, Action action) noexcept {
    if (error != nullptr) *error = nullptr;
    try {
        Failure failed;
        try {
            failed = action();
        } catch (const std::bad_alloc&) {
            throw;
        } catch (const std::exception& defect) {
            failed = failure({Code::internal, Stage::request, defect.what()});
        }
        if (!failed) return MUTUAL_OK;
        const mutual_code code = code_of(*failed);
        if (error != nullptr) *error = failed.release();
        return code;
    } catch (...) {
        return MUTUAL_LIMIT;
    }
}

}  // namespace mutual::client
