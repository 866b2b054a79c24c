# SPDX-License-Identifier: Apache-2.0
"""Real senders of PROXY headers: HAProxy, nginx, curl. Each listens on a socket that was bound and is listening before
it starts, so that nobody has to wait for it to be ready and no port can be taken meanwhile."""
import os
import signal
import socket

import harness


def listening(host="127.0.0.1"):
    sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    sock.bind((host, 0))
    sock.listen(64)
    return sock


def start(t, name, command, listener, **options):
    """The balancer's own log is in the test's directory; its port is closed here once it has it."""
    with open(t.path(f"{name}.log"), "ab") as log:
        process = t.start(*command, stdout=log, stderr=log, pass_fds=[listener.fileno()], **options)
    address = listener.getsockname()
    listener.close()
    process.end_signal = signal.SIGTERM  # a killed master would leave its workers behind
    return process, address


def haproxy(t, server, *, bind="", frontend="", backend="", defaults="mode tcp"):
    """server: address and options of the one server. Returns the address to connect to."""
    program = t.need("haproxy")
    listener = listening()
    path = t.path(f"haproxy-{listener.fileno()}.cfg")
    with open(path, "w", encoding="utf-8") as file:
        file.write(f"""global
    maxconn 200
defaults
    {defaults}
    timeout connect 3s
    timeout client 10s
    timeout server 10s
    timeout check 3s
frontend in
    bind fd@{listener.fileno()} {bind}
    {frontend}
    default_backend out
backend out
    {backend}
    server one {server}
""")
    return start(t, "haproxy", [program, "-db", "-f", path], listener)[1]


def nginx(t, server):
    """nginx's stream module with proxy_protocol on."""
    program = t.need("nginx")
    module = "/usr/lib/nginx/modules/ngx_stream_module.so"
    if not os.path.exists(module):
        raise harness.Skip("nginx has no stream module")
    listener = listening()
    host, port = listener.getsockname()
    path = t.path("nginx.conf")
    user = "user root;" if os.geteuid() == 0 else ""
    with open(path, "w", encoding="utf-8") as file:
        file.write(f"""load_module {module};
{user}
daemon off;
worker_processes 1;
pid {t.path("nginx.pid")};
error_log stderr;
events {{ worker_connections 200; }}
stream {{
    server {{
        listen {host}:{port};
        proxy_pass {server[0]}:{server[1]};
        proxy_protocol on;
    }}
}}
""")
    environment = {**os.environ, "NGINX": f"{listener.fileno()};"}
    return start(t, "nginx", [program, "-p", t.directory, "-c", path], listener, env=environment)[1]


def certificate(t):
    """A PEM file with a new key and a certificate that it signed itself."""
    key, cert, both = t.path("key.pem"), t.path("cert.pem"), t.path("both.pem")
    result = t.run(t.need("openssl"), "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                   "-keyout", key, "-out", cert, "-days", "2", "-subj", "/CN=e2e.test")
    assert result.returncode == 0, result.stderr
    with open(both, "w", encoding="ascii") as file:
        for path in (cert, key):
            with open(path, encoding="ascii") as part:
                file.write(part.read())
    return both


def curl(t, address, *options):
    """The body, by one request."""
    host = f"[{address[0]}]" if ":" in address[0] else address[0]
    result = t.run(t.need("curl"), "-sS", "--max-time", "8", *options, f"http://{host}:{address[1]}/")
    assert result.returncode == 0, f"curl: {result.stderr.strip()}"
    return result.stdout
