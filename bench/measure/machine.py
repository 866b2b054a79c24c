# SPDX-License-Identifier: Apache-2.0
"""What a reader of a figure must know about the machine, and the one kernel setting that a run changes and restores."""

import contextlib
import os
import pathlib
import platform
import resource

SYSCTLS = (
    "net.core.somaxconn",
    "net.ipv4.tcp_max_syn_backlog",
    "net.ipv4.tcp_syncookies",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.tcp_tw_reuse",
    "net.ipv4.tcp_max_tw_buckets",
    "kernel.io_uring_disabled",
)


def _text(path):
    try:
        return pathlib.Path(path).read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return None


def _sysctl_path(name):
    return pathlib.Path("/proc/sys") / name.replace(".", "/")


def _cpu_model():
    for line in (_text("/proc/cpuinfo") or "").splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return None


def _mitigations():
    folder = pathlib.Path("/sys/devices/system/cpu/vulnerabilities")
    states = {p.name: _text(p) for p in sorted(folder.glob("*"))}
    return {name: state for name, state in states.items() if state != "Not affected"}


def header():
    """Facts about this machine, for the head of a result."""
    flags = (_text("/proc/cpuinfo") or "").split("flags", 1)[-1].split("\n", 1)[0].split()
    return {
        "kernel": platform.release(),
        "cpu": _cpu_model(),
        "cpus_allowed": sorted(os.sched_getaffinity(0)),
        "virtual": "hypervisor" in flags,
        "mitigations": _mitigations(),
        "fds": resource.getrlimit(resource.RLIMIT_NOFILE),
        "load_before": os.getloadavg()[0],
        "sysctl": {name: _text(_sysctl_path(name)) for name in SYSCTLS},
    }


@contextlib.contextmanager
def backlog_of(wanted):
    """Raises net.core.somaxconn to @wanted while the block runs if it can; yields what a listener gets."""
    path = _sysctl_path("net.core.somaxconn")
    before = int(_text(path))
    raised = False
    if before < wanted:
        with contextlib.suppress(OSError):
            path.write_text(f"{wanted}\n", encoding="ascii")
            raised = True
    try:
        yield int(_text(path))
    finally:
        # someone else's later change is theirs
        if raised and int(_text(path)) == wanted:
            path.write_text(f"{before}\n", encoding="ascii")
