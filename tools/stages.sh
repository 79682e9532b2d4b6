# SPDX-License-Identifier: Apache-2.0
# Stages of a long run, for tools/test and .ci/run (sourced): each is timed, a failed one does not hide the next,
# and a table with the sum of passed and failed stages ends the run.
stage_rows=()
stages_passed=0
stages_failed=0

# stage NAME COMMAND...
stage() {
    local name=$1 begun=$SECONDS status=0 word=ok
    shift
    printf '\n=== %s: %s\n' "$name" "$*"
    "$@" </dev/null || status=$?
    if [ $status -eq 0 ]; then
        stages_passed=$((stages_passed + 1))
    else
        stages_failed=$((stages_failed + 1))
        word="FAILED ($status)"
    fi
    stage_rows+=("$(printf '%-28s %6d s  %s' "$name" $((SECONDS - begun)) "$word")")
    return $status
}

# Prints the table; the status is 0 only when something ran and nothing failed.
report_stages() {
    printf '\n%-28s %8s  %s\n' stage time result
    printf '%s\n' "${stage_rows[@]}"
    printf '%-28s %6d s\n' 'in all' $SECONDS
    printf '%d passed, %d failed\n' $stages_passed $stages_failed
    [ $stages_failed -eq 0 ] && [ $stages_passed -gt 0 ]
}

# Sanitizers want the address space as it was before kernels randomized 32 bits of it; inherited by all children.
plain_addresses() {
    setarch "$(uname -m)" --addr-no-randomize "$@"
}

# build_and_test PRESET: configure, build, unit tests, system tests, each a stage. A failed one ends the row.
build_and_test() {
    local preset=$1
    local run=(plain_addresses ctest --test-dir "build/$preset" --output-on-failure --no-tests=error -j "$(nproc)")
    stage "$preset: configure" cmake --preset "$preset" &&
        stage "$preset: build" plain_addresses ninja -C "build/$preset" &&
        {
            stage "$preset: unit tests" "${run[@]}" -L unit
            stage "$preset: system tests" "${run[@]}" -L system
        }
}
