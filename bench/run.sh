#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds what the benchmarks need, runs the backlog drain and writes its result to bench/results/. Arguments go to
# drain.py. Changes net.core.somaxconn for the time of the run if it may and must.
set -eu
cd "$(dirname "$0")/.."
build=${BUILD:-build}
[ -f "$build/build.ninja" ] || meson setup "$build"
ninja -C "$build"
result=bench/results/drain-$(date -u +%Y%m%dT%H%M%SZ).json
bench/drain.py --build "$build" --output "$result" "$@"
echo "$result"
python3 - "$result" <<'END'
import json, sys
report = json.load(open(sys.argv[1], encoding="utf-8"))
print(f"{'':18}{'rate /s':>10}{'cpu us':>8}{'gateway busy':>14}{'server busy':>13}")
for name, t in report["targets"].items():
    m = {k: t[k]["median"] for k in ("rate", "cpu_us", "gateway_busy", "server_busy")}
    print(f"{name:18}{m['rate']:>10,.0f}{m['cpu_us']:>8.2f}{m['gateway_busy']:>14.2f}{m['server_busy']:>13.2f}")
for name, value in report["ratios"].items():
    print(f"{name}: {value if value is not None else 'not run'}")
END
