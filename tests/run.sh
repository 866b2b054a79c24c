#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Installs what the tests need, builds, runs every suite; the last line is the count over all of them.
set -u
usage="usage: tests/run.sh [--quick] [--keep]
  --quick  lint, unit tests and fuzz replay only (no sanitizers, clang-tidy, end-to-end tests or benchmark smoke run)
  --keep   leave the build directories where they are, and say where
Root on Debian: missing packages are installed. Anybody else: what is missing is named, and its tests skip."
quick=false
keep=false
for argument in "$@"; do
    case $argument in
    --quick) quick=true ;;
    --keep) keep=true ;;
    -h | --help) echo "$usage" && exit 0 ;;
    *) echo "$usage" >&2 && exit 2 ;;
    esac
done
cd "$(dirname "$0")/.." || exit 2
root=$(pwd)

# Limits in seconds: no step may hang.
update_max=120
install_max=360
build_max=240 # each of the two builds
lint_max=180
unit_max=150 # each of: unit, fuzz, unit and fuzz under sanitizers
tidy_max=400
e2e_max=480
quickstart_max=60
bench_max=120

export LC_ALL=C.UTF-8 PYTHONDONTWRITEBYTECODE=1
passed=0
failed=0
skipped=0
work=$(mktemp -d "${TMPDIR:-/tmp}/usher-tests.XXXXXX") || exit 2
chmod 755 "$work" # some tests run as nobody

policy=
child=
finish() {
    [ -z "$child" ] || kill "$child" 2>/dev/null # timeout(1), which passes it on to all that it started
    [ -z "$policy" ] || rm -f "$policy"
    if $keep; then
        echo "left in place: $work"
    else
        rm -rf "$work"
    fi
}
trap finish EXIT
trap 'exit 130' INT TERM

# bounded SECONDS LOG COMMAND...: its output to LOG; its status, 124 or 137 when the time was up. In the background, so
# that an interrupt is acted on at once.
bounded() {
    local max=$1 log=$2 status
    shift 2
    timeout -k 10 "$max" "$@" >>"$log" 2>&1 </dev/null &
    child=$!
    wait "$child"
    status=$?
    child=
    return $status
}

# say SUITE SECONDS-AT-START PASSED FAILED SKIPPED: one line a suite, and the totals.
say() {
    passed=$((passed + $3))
    failed=$((failed + $4))
    skipped=$((skipped + $5))
    echo "$1: $3 ok, $4 not, $5 skipped ($((SECONDS - $2)) s)"
}

# The last lines of a log, set off so that they can't be taken for ours.
show_log() {
    tail -n "${2:-60}" "$1" | sed 's/^/    | /'
}

packages() {
    sed -n "s/^$1 //p" tools/packages
}

missing_packages() {
    local package
    for package in $(packages build) $(packages test); do
        [ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || echo "$package"
    done
}

install_missing() {
    local start=$SECONDS missing
    command -v dpkg-query >/dev/null || {
        echo "install: not Debian: nothing is installed, what is missing will say so"
        return
    }
    missing=$(missing_packages | tr '\n' ' ')
    [ -n "$missing" ] || return
    if [ "$(id -u)" != 0 ]; then
        echo "install: not root, so these stay missing: $missing"
        return
    fi
    # haproxy and nginx are wanted as programs: their services must not start
    if [ ! -e /usr/sbin/policy-rc.d ]; then
        policy=/usr/sbin/policy-rc.d
        printf '#!/bin/sh\nexit 101\n' >"$policy"
        chmod 755 "$policy"
    fi
    export DEBIAN_FRONTEND=noninteractive
    bounded $update_max "$work/install.log" apt-get -q -o DPkg::Lock::Timeout=60 update
    # shellcheck disable=SC2086 # a list of names
    if ! bounded $install_max "$work/install.log" \
        apt-get -q -y -o DPkg::Lock::Timeout=60 --no-install-recommends install $missing; then
        show_log "$work/install.log" 20
        echo "install: apt-get failed; still missing: $(missing_packages | tr '\n' ' ')"
    fi
    [ -z "$policy" ] || rm -f "$policy"
    policy=
    echo "install: $missing($((SECONDS - start)) s)"
}

# build NAME OPTION...: into $work/NAME. Its failure counts as one failed test.
build() {
    local name=$1 start=$SECONDS
    shift
    if bounded 60 "$work/$name.log" meson setup "$work/$name" "$@" &&
        bounded $build_max "$work/$name.log" ninja -C "$work/$name"; then
        echo "build $name: $((SECONDS - start)) s"
        return 0
    fi
    show_log "$work/$name.log"
    echo "  FAIL build $name (within $build_max s)"
    say "build $name" "$start" 0 1 0
    return 1
}

# meson_suite LABEL SECONDS BUILD SUITE...: a run of meson test, counted by tests/tally.py.
meson_suite() {
    local label=$1 max=$2 dir=$work/$3 start=$SECONDS status name suites=()
    local ok not skip
    shift 3
    name=$(echo "$label" | tr -c 'a-z\n' _)
    for suite in "$@"; do suites+=(--suite "$suite"); done
    bounded "$max" "$work/$name.log" meson test -C "$dir" --no-rebuild --logbase "$name" "${suites[@]}"
    status=$?
    tests/tally.py "$dir/meson-logs/$name.json" >"$work/$name.tally"
    sed '$d' "$work/$name.tally"
    read -r ok not skip < <(tail -n 1 "$work/$name.tally")
    if [ $status = 124 ] || [ $status = 137 ]; then
        echo "  FAIL $label: not done after $max s"
        not=$((not + 1))
    elif [ $((ok + not + skip)) = 0 ] || { [ $status != 0 ] && [ "$not" = 0 ]; }; then
        show_log "$work/$name.log" 20
        echo "  FAIL $label: meson test ended with $status and named no failed test, or ran none"
        not=$((not + 1))
    fi
    say "$label" "$start" "$ok" "$not" "$skip"
}

# command_suite LABEL SECONDS COMMAND...: a program that prints its own lines; 77 is a skip. Counted as one, unless its
# last line says "LABEL: N passed, N failed, N skipped". Lines that begin with ok, FAIL or skip are single tests.
command_suite() {
    local label=$1 max=$2 start=$SECONDS status last ok not skip
    shift 2
    if [ ! -x "$1" ]; then
        echo "  FAIL $label: $1 is missing"
        say "$label" "$start" 0 1 0
        return
    fi
    timeout -k 30 "$max" "$@" >"$work/$label.log" 2>&1 </dev/null &
    child=$!
    tail -q -n +1 -f --pid=$child "$work/$label.log" | sed -u 's/^/  /'
    wait "$child"
    status=$?
    child=
    last=$(tail -n 1 "$work/$label.log")
    if [[ $last =~ ^[a-z0-9]+:\ ([0-9]+)\ passed,\ ([0-9]+)\ failed,\ ([0-9]+)\ skipped$ ]]; then
        ok=${BASH_REMATCH[1]} not=${BASH_REMATCH[2]} skip=${BASH_REMATCH[3]}
        [ "$status" = 0 ] || [ "$not" != 0 ] || not=1
    else
        # it did not come to its last line: what it had said until then counts
        ok=$(grep -c '^ok ' "$work/$label.log")
        not=$(grep -c '^FAIL ' "$work/$label.log")
        skip=$(grep -c '^skip ' "$work/$label.log")
        case $status in
        0) ok=$((ok + 1)) ;;
        77) skip=$((skip + 1)) ;;
        124 | 137) not=$((not + 1)) && echo "  FAIL $label: not done after $max s" ;;
        *) not=$((not + 1)) && echo "  FAIL $label: ended with $status" ;;
        esac
    fi
    say "$label" "$start" "$ok" "$not" "$skip"
}

free_port() {
    python3 -c 'import socket; s = socket.create_server(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# What decides which tests can run, so that a log from elsewhere can be understood.
about() {
    echo "kernel $(uname -r), $(nproc) CPUs, uid $(id -u), fds $(ulimit -Sn)/$(ulimit -Hn)," \
        "somaxconn $(cat /proc/sys/net/core/somaxconn 2>/dev/null || echo '?')," \
        "io_uring_disabled $(cat /proc/sys/kernel/io_uring_disabled 2>/dev/null || echo 'no such setting')"
}

about
install_missing
if build debug -Dwerror=true; then
    meson_suite "lint" $lint_max debug lint
    meson_suite "unit" $unit_max debug unit
    meson_suite "fuzz replay" $unit_max debug fuzz
fi
if ! $quick; then
    if build sanitizers -Dwerror=true -Db_sanitize=address,undefined; then
        meson_suite "unit and fuzz replay, sanitizers" $unit_max sanitizers unit fuzz
    fi
    if CC=clang bounded 60 "$work/tidy.log" meson setup "$work/tidy"; then
        command_suite clang-tidy $((tidy_max + 20)) tools/check-tidy "$work/tidy" $tidy_max
    elif command -v clang >/dev/null; then
        show_log "$work/tidy.log" 20
        say clang-tidy $SECONDS 0 1 0
    else
        echo "  skip clang-tidy: clang is not installed (package clang)"
        say clang-tidy $SECONDS 0 0 1
    fi
    if [ -d "$work/debug" ]; then
        command_suite e2e $e2e_max tests/e2e/run.py --build "$work/debug"
        [ ! -d "$work/sanitizers" ] ||
            command_suite e2e-sanitizers $e2e_max tests/e2e/run.py --build "$work/sanitizers"
        command_suite quickstart $quickstart_max deploy/quickstart.sh --once --build "$work/debug" --port "$(free_port)"
        BUILD=$work/debug command_suite loadgen $bench_max bench/test_loadgen.py
        # the benchmark's programs still work; figures from so short a run say nothing
        command_suite bench $bench_max bench/drain.py --build "$work/debug" --connections 256 --repetitions 1 \
            --output "$work/drain.json"
    fi
fi

cd "$root" || exit 2
echo "all suites: $SECONDS s"
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
