#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Usher on this machine in one command: builds it, starts it with an example worker on loopback only, sends requests as
# a trusted balancer and as a stranger, shows what the worker saw and what was refused. Installs nothing but Debian
# packages (as root, and only what is missing); keeps its files in a temporary directory that it removes.
set -u
usage="usage: deploy/quickstart.sh [--once] [--port PORT] [--build DIR]
  --once   do everything, then stop; exit 0 if all went as described
  --port   where Usher listens on 127.0.0.1 (default 18080)
  --build  use what was built in DIR; install and build nothing"
once=false
port=18080
built=
while [ $# -gt 0 ]; do
    case $1 in
    --once) once=true ;;
    --port | --build)
        [ $# -ge 2 ] || { echo "$usage" >&2 && exit 2; }
        if [ "$1" = --port ]; then port=$2; else built=$2; fi
        shift
        ;;
    -h | --help) echo "$usage" && exit 0 ;;
    *) echo "$usage" >&2 && exit 2 ;;
    esac
    shift
done
if ! [[ $port =~ ^[1-9][0-9]{0,4}$ ]] || [ "$port" -gt 65535 ]; then
    echo "quickstart: --port wants a number from 1 to 65535" >&2
    exit 2
fi
[ -z "$built" ] || built=$(realpath "$built")
cd "$(dirname "$0")/.." || exit 2

build=${built:-build-quickstart}
usherd=$build/src/usherd/usherd
usherctl=$build/src/cli/usherctl
hello=$build/examples/usher-hello
start_max=100 # tenths of a second that Usher and the worker may take to be ready, or to stop
request_max=5 # seconds for one request

run=
pids=()
failures=0

# shellcheck disable=SC2317 # the trap calls it
finish() {
    local pid i
    for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null; done
    for pid in "${pids[@]}"; do
        for ((i = 0; i < start_max; i++)); do
            kill -0 "$pid" 2>/dev/null || break
            sleep 0.1
        done
        kill -KILL "$pid" 2>/dev/null && echo "quickstart: process $pid did not stop and was killed" >&2
    done
    [ -z "$run" ] || rm -rf "$run"
}
trap finish EXIT
trap 'exit 130' INT TERM

give_up() {
    echo "quickstart: $*" >&2
    exit 1
}

# step TEXT: a heading; show COMMAND...: the command that follows, as one would type it.
step() {
    printf '\n== %s\n' "$*"
}

show() {
    printf '$ %s\n' "$*"
}

# expect WHAT CONDITION...: says whether it went as described, and remembers if it did not.
expect() {
    local what=$1
    shift
    if "$@"; then
        echo "   as expected: $what"
    else
        echo "   NOT as expected: $what"
        failures=$((failures + 1))
    fi
}

install_missing() {
    local purpose package missing=()
    command -v dpkg-query >/dev/null || return
    while read -r purpose package; do
        [ "$purpose" = build ] || continue
        [ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
    done <tools/packages
    [ ${#missing[@]} -gt 0 ] || return
    [ "$(id -u)" = 0 ] || give_up "packages are missing; as root: apt-get install ${missing[*]}"
    echo "Installing ${missing[*]} ..."
    export DEBIAN_FRONTEND=noninteractive
    timeout 120 apt-get -q update >/dev/null 2>&1 || echo "apt-get update failed; trying with the lists that are there"
    timeout 480 apt-get -q -y --no-install-recommends install "${missing[@]}" >/dev/null ||
        give_up "apt-get could not install ${missing[*]}"
}

build_usher() {
    echo "Building in $build/ ..."
    if [ ! -f "$build/build.ninja" ]; then
        timeout 120 meson setup "$build" --buildtype=release -Dtests=false >"$build.log" 2>&1 ||
            { tail -n 20 "$build.log" && give_up "meson setup failed (all of it: $build.log)"; }
    fi
    timeout 480 ninja -C "$build" >"$build.log" 2>&1 ||
        { tail -n 30 "$build.log" && give_up "the build failed (all of it: $build.log)"; }
    rm -f "$build.log"
}

# wait_for PID COMMAND...: until the command succeeds; fails when the process has ended or the time is up.
wait_for() {
    local pid=$1 i
    shift
    for ((i = 0; i < start_max; i++)); do
        "$@" >/dev/null 2>&1 && return 0
        kill -0 "$pid" 2>/dev/null || return 1
        sleep 0.1
    done
    return 1
}

port_in_use() {
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null
}

start() {
    run=$(mktemp -d "${TMPDIR:-/tmp}/usher-quickstart.XXXXXX") || give_up "no temporary directory"
    port_in_use && give_up "something listens on 127.0.0.1:$port already; choose another port with --port"
    show "usherd --listen 127.0.0.1:$port --trust 127.0.0.1/32 --accept-local-sources" \
        "--pool $run/pool.sock --admin $run/admin.sock"
    "$usherd" --listen "127.0.0.1:$port" --trust 127.0.0.1/32 --accept-local-sources \
        --pool "$run/pool.sock" --admin "$run/admin.sock" 2>"$run/usherd.log" &
    pids+=($!)
    wait_for "${pids[0]}" "$usherctl" -s "$run/admin.sock" status || {
        cat "$run/usherd.log" >&2
        echo "What this machine lacks, if anything:" >&2
        "$usherctl" doctor >&2
        give_up "usherd is not up"
    }
    show "usher-hello --pool $run/pool.sock"
    "$hello" --pool "$run/pool.sock" 2>"$run/hello.log" &
    pids+=($!)
    wait_for "${pids[1]}" worker_there || {
        cat "$run/hello.log" "$run/usherd.log" >&2
        give_up "the worker has not registered"
    }
}

# shellcheck disable=SC2317 # wait_for calls it
worker_there() {
    "$usherctl" -s "$run/admin.sock" workers --json | grep -qw "${pids[1]}"
}

# A request as a balancer at 127.0.0.1 would forward it for a client far away: the header is written by hand, because
# curl states its own address. Prints the body of the answer.
forwarded_request() {
    local line
    exec 3<>"/dev/tcp/127.0.0.1/$port" || return
    printf 'PROXY TCP4 203.0.113.7 192.0.2.10 51234 443\r\n' >&3
    printf 'GET / HTTP/1.1\r\nHost: usher\r\nConnection: close\r\n\r\n' >&3
    while IFS= read -r -t $request_max line <&3 && [ "$line" != $'\r' ]; do :; done
    timeout $request_max cat <&3
    exec 3>&-
}

trusted() {
    local answer
    step "A trusted peer (127.0.0.1) that states itself as the client"
    show "curl --haproxy-protocol http://127.0.0.1:$port/"
    answer=$(curl -sS -m $request_max --noproxy '*' --haproxy-protocol "http://127.0.0.1:$port/" 2>&1)
    echo "$answer"
    expect "the worker saw a version 1 header" grep -q '"version": *1\b' <<<"$answer"

    step "The same peer, for a client at 203.0.113.7 that connected to 192.0.2.10:443"
    show "printf 'PROXY TCP4 203.0.113.7 192.0.2.10 51234 443\\r\\nGET / HTTP/1.1\\r\\n...' > /dev/tcp/127.0.0.1/$port"
    answer=$(forwarded_request)
    echo "$answer"
    expect "the worker saw the client 203.0.113.7" grep -q '"client": *"203\.0\.113\.7"' <<<"$answer"
}

refused_count() {
    "$usherctl" -s "$run/admin.sock" check --json | tr -d ' \n' | grep -o '"untrusted_source":[0-9]*' | cut -d: -f2 |
        awk '{ n += $1 } END { print n + 0 }'
}

untrusted() {
    local before
    before=$(refused_count)
    step "A peer that is not on the trust list (127.0.0.2) states somebody else's address"
    show "curl --interface 127.0.0.2 --haproxy-protocol http://127.0.0.1:$port/"
    curl -sS -m $request_max --noproxy '*' --interface 127.0.0.2 --haproxy-protocol "http://127.0.0.1:$port/" 2>&1
    expect "curl was refused" [ $? -ne 0 ]
    expect "it is counted as untrusted_source" [ "$(refused_count)" -gt "$before" ]
}

counted() {
    step "What Usher counted"
    show "usherctl -s $run/admin.sock listeners"
    "$usherctl" -s "$run/admin.sock" listeners
    show "usherctl -s $run/admin.sock check"
    "$usherctl" -s "$run/admin.sock" check
    expect "every accepted connection is accounted for" [ $? -eq 0 ]
}

if [ -z "$built" ]; then
    install_missing
    build_usher
fi
for program in "$usherd" "$usherctl" "$hello"; do
    [ -x "$program" ] || give_up "$program is not there: was everything built?"
done
step "Usher and one worker"
start
trusted
untrusted
counted

if [ $failures -gt 0 ]; then
    step "usherd's log"
    cat "$run/usherd.log"
    give_up "$failures of the above did not go as described"
fi
$once && exit 0

step "Usher keeps running until Ctrl-C. In another terminal, from $(pwd):"
cat <<END
  curl --haproxy-protocol http://127.0.0.1:$port/          a request as a trusted peer
  printf 'PROXY TCP4 192.0.2.1 192.0.2.2 1 2\\r\\n' | $usherctl decode
  $hello --pool $run/pool.sock                             a second worker
  $usherctl doctor                                         what this kernel has, and what it lacks
Read on: README.md; docs/architecture.md; man -l docs/usherd.8
END
wait "${pids[0]}"
give_up "usherd has ended: $(tail -n 3 "$run/usherd.log")"
