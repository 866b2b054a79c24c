# SPDX-License-Identifier: Apache-2.0
"""Starts that can't succeed say what is wrong, where, and what to do; checks that need no start."""
import errno
import os
import re
import resource
import socket

import harness
import kernel
import proxy
from clients import wait


def fails(t, *wanted, listeners=None, pools=None, text=None, **options):
    """Exits with an error that has every wanted word in it, and leaves no process and no socket."""
    u = t.usherd(listeners, pools, ready=False, **options)
    code = u.end()
    assert code not in (0, None) and code > 0, f"exit {code}"
    u.gone()
    said = u.log()
    for word in wanted:
        assert re.search(word, said), f"does not say {word!r}: {said[-500:]}"
    assert not os.path.exists(u.admin), "the admin socket was left"
    return said


def bad_file(t, text, *wanted):
    """Refused by the start and by -t alike, with file:line."""
    path = t.path("bad.conf")
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    for arguments in (["-t", "-c", path], ["-c", path]):
        result = t.run(t.binary("usherd"), *arguments)
        said = result.stderr + result.stdout
        assert result.returncode > 0, f"{arguments}: exit {result.returncode}"
        for word in wanted:
            assert re.search(word, said), f"does not say {word!r}: {said[-500:]}"


GOOD = """admin-socket = "{0}/a"
listener "x" {{
    address = "127.0.0.1:0"
    trust = {{"127.0.0.1"}}
    pool = "p"
}}
pool "p" {{
    socket = "{0}/p"
}}
"""


def test_port_in_use(t):
    """By another program, without SO_REUSEPORT or with it."""
    for reuse in (False, True):
        other = t.keep_thing(socket.socket())
        if reuse:
            other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        fails(t, f"127.0.0.1:{port}", listeners={"main": {"address": f"127.0.0.1:{port}"}})


def test_second_instance_on_the_same_port(t):
    """It is an error that names the address; the first one goes on."""
    u = t.usherd()
    worker = t.worker()
    port = u.address()[1]
    fails(t, f"127.0.0.1:{port}", listeners={"main": {"address": f"127.0.0.1:{port}"}},
          pools={"main": {"socket": t.path("second.sock")}}, state_directory=t.path("second"))
    for _ in range(10):
        t.client(u.address(), proxy.v1())
        worker.take()[0].close()


def test_second_instance_on_the_same_sockets(t):
    """Beside a live instance without --take-over: an error, and the first one's sockets still work."""
    u = t.usherd()
    second = harness.Usherd(t, u.command[1:], u.admin, ready=False)
    assert second.end() > 0
    assert "running instance" in second.log(), second.log()[-400:]
    assert u.ctl("status").returncode == 0
    t.client(u.address(), proxy.v1())
    t.worker().take()[0].close()


def test_address_not_ours(t):
    fails(t, r"192\.0\.2\.1:8443", listeners={"main": {"address": "192.0.2.1:8443"}})


def test_socket_path_not_writable(t):
    path = t.path("usher-0.conf/main.sock")  # below a file: not even root can make that
    fails(t, re.escape(path), pools={"main": {"socket": path}})


def test_socket_path_is_a_file(t):
    """Not ours to remove."""
    path = t.path("precious")
    with open(path, "w", encoding="ascii") as file:
        file.write("data")
    fails(t, re.escape(path), pools={"main": {"socket": path}})
    assert kernel.read(path) == "data"


def test_admin_path_not_writable(t):
    path = t.path("usher-0.conf/admin")
    fails(t, re.escape(path), admin_socket=path)


def test_unknown_user(t):
    t.need_root()
    fails(t, "no-such-user", user="no-such-user")


def test_unknown_pool_user(t):
    """A user who does not exist is most likely a slip: an error that names it, not workers that are refused later."""
    fails(t, r'pool "main"', "no-such-user", "users", pools={"main": {"users": ["no-such-user"]}})


def test_file_missing(t):
    result = t.run(t.binary("usherd"), "-c", t.path("nowhere.conf"))
    assert result.returncode > 0 and t.path("nowhere.conf") in result.stderr, result.stderr


def test_unknown_key(t):
    bad_file(t, 'no-such-key = 1\n' + GOOD.format(t.directory), r"bad\.conf:1:", "no-such-key")


def test_wrong_value(t):
    text = GOOD.format(t.directory).replace('pool = "p"', 'pool = "p"\n    header-deadline = "soon"')
    bad_file(t, text, r"bad\.conf:6:", "header-deadline|soon")


def test_syntax_error(t):
    bad_file(t, GOOD.format(t.directory).replace('trust = {', 'trust = = {'), r"bad\.conf:4:")


def test_no_trust_list(t):
    """Trusting everyone must be written out."""
    text = GOOD.format(t.directory).replace('    trust = {"127.0.0.1"}\n', "")
    bad_file(t, text, r"bad\.conf:\d+:", "trust", "any")


def test_pool_missing(t):
    bad_file(t, GOOD.format(t.directory).replace('pool = "p"', 'pool = "q"'), r"bad\.conf:\d+:", '"?q"?')


def test_host_bits(t):
    bad_file(t, GOOD.format(t.directory).replace("127.0.0.1\"}", "10.0.0.1/8\"}"), r"bad\.conf:\d+:", "10.0.0.1/8")


def test_listen_without_trust(t):
    u = t.usherd_with(["--listen", "127.0.0.1:0", "--pool", t.path("main.sock")], ready=False)
    assert u.end() > 0 and "trust" in u.log(), u.log()[-400:]


def test_unknown_option(t):
    for words in (["--no-such-option"], ["--without", "gravity"], ["surplus"]):
        result = t.run(t.binary("usherd"), *words)
        assert result.returncode > 0 and words[-1].lstrip("-") in result.stderr, result.stderr


def test_io_uring_refused(t):
    """As a container's seccomp profile refuses it: the message tells the cause from the sysctl and the fix."""
    fails(t, "io_uring", "seccomp|sysctl|profile", preexec=kernel.deny(kernel.IO_URING_SETUP, errno.EPERM))


def test_io_uring_missing(t):
    fails(t, "io_uring", preexec=kernel.deny(kernel.IO_URING_SETUP, errno.ENOSYS))


def test_io_uring_disabled_by_sysctl(t):
    path = "/proc/sys/kernel/io_uring_disabled"
    if not os.path.exists(path):
        raise harness.Skip("this kernel has no kernel.io_uring_disabled")
    raise harness.Skip("the sysctl is global: other programs on this host would lose io_uring")


def nobody(t, *more):
    t.need_root()
    os.chmod(t.directory, 0o777)
    return (t.need("setpriv"), "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all",
            "--bounding-set=-all", "--no-new-privs", *more)


def test_little_memlock(t):
    """Smaller rings and a word about it, or an error that names the limit; never a silent death."""
    u = t.usherd(wrapper=nobody(t), preexec=kernel.limit(resource.RLIMIT_MEMLOCK, 96 * 1024), ready=False)
    try:
        u.wait_ready()
    except AssertionError:
        assert u.process.poll() is not None, "neither ready nor ended"
        u.expect_clean = False
        assert u.process.returncode > 0 and re.search("MEMLOCK", u.log()), u.log()[-500:]
        return
    u.baseline = u.fd_counts()
    t.client(u.address(), proxy.v1())
    t.worker().take()[0].close()


def test_few_fds(t):
    """A low RLIMIT_NOFILE is refused at the start, with the limit and what to do."""
    u = t.usherd(preexec=kernel.limit(resource.RLIMIT_NOFILE, 64), ready=False)
    code = u.end()
    assert code > 0 and re.search(r"limit of open files is 64", u.log()), u.log()[-500:]


def test_check_the_file(t):
    """-t binds nothing: it says yes beside a running instance with the same file, and makes no socket."""
    u = t.usherd()
    path = u.command[u.command.index("-c") + 1]
    result = t.run(t.binary("usherd"), "-t", "-c", path)
    assert result.returncode == 0, result.stderr
    fresh, admin = t.config(pools={"main": {"socket": t.path("never.sock")}})
    assert t.run(t.binary("usherd"), "-t", "-c", fresh).returncode == 0
    assert not os.path.exists(t.path("never.sock"))
    assert u.ctl("status").returncode == 0 and admin


def test_print_the_configuration(t):
    """-T prints every key, and what it prints is read back to the same."""
    path, _ = t.config()
    first = t.run(t.binary("usherd"), "-T", "-c", path)
    assert first.returncode == 0 and "header-limit" in first.stdout and "4096" in first.stdout, first.stderr
    with open(t.path("printed.conf"), "w", encoding="utf-8") as file:
        file.write(first.stdout)
    second = t.run(t.binary("usherd"), "-T", "-c", t.path("printed.conf"))
    assert second.stdout == first.stdout, second.stderr


def test_short_header_deadline_is_warned_of(t):
    u = t.usherd({"main": {"header_deadline": "1s"}})
    wait(lambda: "header-deadline" in u.log(), "no warning")


def test_drops_to_its_user(t):
    """Started as root with user = nobody: no process keeps root or a capability, and it works."""
    t.need_root()
    os.chmod(t.directory, 0o777)
    u = t.usherd(user="nobody", pools={"main": {"users": ["root", "nobody"]}})
    for pid in kernel.family(u.pid):
        assert kernel.status(pid, "Uid").split() == ["65534"] * 4, f"{pid}: {kernel.status(pid, 'Uid')}"
        assert int(kernel.status(pid, "CapEff"), 16) == 0, f"{pid} has {kernel.status(pid, 'CapEff')}"
    features = u.ask("shards")["shards"][0]["features"]  # under a sanitizer there is no filter
    for pid in u.shards().values():
        assert kernel.status(pid, "NoNewPrivs") == "1"
        assert kernel.status(pid, "Seccomp") == ("2" if features["seccomp"] else "0")
    t.client(u.address(), proxy.v1())
    t.worker().take()[0].close()


def test_usherctl_without_an_instance(t):
    for word in ("status", "check", "workers"):
        result = t.run(t.binary("usherctl"), "-s", t.path("nobody-here"), word)
        assert result.returncode == 2 and t.path("nobody-here") in result.stderr, result.stderr


def test_usherctl_answers(t):
    """Each query: a table on a terminal, one JSON value with --json."""
    u = t.usherd()
    t.worker()
    for word in ("status", "listeners", "workers", "shards", "check"):
        u.ask(word)
        result = u.ctl(word)
        assert result.returncode == 0 and result.stdout.strip(), f"{word}: {result.stderr}"


def test_explain(t):
    """Exit 0 for an address that some listener trusts, 1 for one that none does."""
    u = t.usherd()
    u.need("explain")
    for peer, code in (("127.0.0.1", 0), ("192.0.2.1", 1)):
        result = u.ctl("explain", peer)
        assert result.returncode == code and "main" in result.stdout, f"{peer}: {result.returncode} {result.stdout}"
