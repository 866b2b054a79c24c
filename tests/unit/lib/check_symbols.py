#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""usage: check_symbols.py LIBRARY MAP: the library exports what the map names, needs libc alone, and is libusher.so.0."""
import re
import subprocess
import sys

library, version_map = sys.argv[1:]


def lines(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()


wanted = set(re.findall(r"^\s+(usher_\w+);", open(version_map).read(), re.M))
found = {line.split()[-1].split("@")[0] for line in lines("nm", "-D", "--defined-only", library)
         if line.split()[1] != "A"}
dynamic = "\n".join(lines("readelf", "-d", library))
needed = set(re.findall(r"NEEDED.*\[(.*)\]", dynamic))
soname = re.search(r"SONAME.*\[(.*)\]", dynamic).group(1)
problems = [f"{name} is in the map and not in the library" for name in wanted - found]
problems += [f"{name} is exported and not in the map" for name in found - wanted]
problems += [f"it needs {name}" for name in needed if not name.startswith(("libc.", "ld-linux", "libasan", "libubsan"))]
problems += [] if soname == "libusher.so.0" else [f"its soname is {soname}"]
print("\n".join(problems))
sys.exit(bool(problems) or not wanted)
