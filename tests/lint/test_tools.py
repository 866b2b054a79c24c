#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Each lint tool accepts a small good tree and refuses a tree with one fault, naming the place."""
import json
import pathlib
import shutil
import subprocess
import tempfile
import unittest

TOOLS = pathlib.Path(__file__).resolve().parents[2] / "tools"
SPDX = "/* SPDX-License-Identifier: Apache-2.0 */\n"
GOOD = {
    "src/base/limits.h": SPDX + "#pragma once\n/* Limits. */\nenum {\n\tTHINGS_MAX = 3,\n};\n",
    "src/core/ledger.h": SPDX + '#pragma once\n/* Words. */\n#include "base/limits.h"\n',
    "src/core/ledger.c": SPDX + '/* Words. */\n#include "core/ledger.h"\n\n'
                                'static const char *const names[] = {\n\t[LOST_A] = "it_died",\n};\n',
    "src/wire/frame.c": SPDX + '/* Frames. */\n#include <sys/socket.h>\n\n#include "core/ledger.h"\n',
    "src/lib/usher.c": SPDX + '/* Library. */\n#include <usher/usher.h>\n\n#include "core/handoff.h"\n',
    "include/usher/usher.h": SPDX + "#ifndef USHER_H\n#define USHER_H\n/* Public. */\n#include <stdint.h>\n#endif\n",
    "examples/echo.c": SPDX + '/* Echo. */\n#include <usher/usher.h>\n\n#include "http.h"\n',
    "examples/http.h": SPDX + "#pragma once\n/* HTTP. */\n",
    "tests/unit/core/test_ledger.c": SPDX,
    "tests/unit/meson.build": "# SPDX-License-Identifier: Apache-2.0\n['core', 'ledger'],\n",
    "docs/libusher.3": ".Dd January 1, 2026\n.Dt LIBUSHER 3\n.Os\n.Sh NAME\n.Nm libusher\n.Nd a library\n"
                       ".Sh DESCRIPTION\nusher_open opens.\n",
    "docs/usherctl.1": ".Dd January 1, 2026\n.Dt USHERCTL 1\n.Os\n.Sh NAME\n.Nm usherctl\n.Nd a tool\n"
                       ".Sh DESCRIPTION\nWhat it_died means.\n.Fl -json\n",
    "src/lib/libusher.map": "USHER_0 {\nglobal:\n\tusher_open;\nlocal:\n\t*;\n};\n",
    "README.md": "See [the library](docs/libusher.3).\n",
    "tools/hello": "#!/bin/sh\n# SPDX-License-Identifier: Apache-2.0\necho hello\n",
}


class Tools(unittest.TestCase):
    def setUp(self):
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="usher-lint-"))
        self.addCleanup(shutil.rmtree, self.root)
        for name, text in GOOD.items():
            self.write(name, text)
        shutil.copy(TOOLS.parent / ".clang-format", self.root)

    def write(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def run_tool(self, tool, *args):
        ran = subprocess.run([TOOLS / tool, *(args or [self.root])], capture_output=True, text=True, timeout=60)
        if ran.returncode == 77:
            self.skipTest(ran.stdout.strip())
        return ran.returncode, ran.stdout + ran.stderr

    def refuses(self, tool, *words):
        code, out = self.run_tool(tool)
        self.assertEqual(code, 1, out)
        for word in words:
            self.assertIn(word, out)

    def breaks(self, tool, name, text, *words):
        """With NAME holding TEXT instead, the tool says WORDS; with the old text again, nothing."""
        self.write(name, text)
        self.refuses(tool, *words)
        if name in GOOD:
            self.write(name, GOOD[name])
        else:
            (self.root / name).unlink()
        code, out = self.run_tool(tool)
        self.assertEqual(code, 0, out)

    def test_good_tree(self):
        for tool in ("check-layers", "check-files", "check-docs", "check-format", "check-shell"):
            code, out = self.run_tool(tool)
            self.assertEqual(code, 0, f"{tool}: {out}")

    def test_empty_tree_is_no_success(self):
        empty = self.root / "empty"
        empty.mkdir()
        for tool in ("check-layers", "check-files", "check-docs", "check-format", "check-spelling", "check-shell"):
            self.assertEqual(self.run_tool(tool, empty)[0], 1, tool)

    def test_layers(self):
        def include(name):
            return SPDX + f"/* X. */\n#include {name}\n"

        self.breaks("check-layers", "src/core/ledger.c", include('"sys/fd.h"'), "src/core/ledger.c:3", "may not include sys")
        self.breaks("check-layers", "src/base/limits.h", include('"core/ledger.h"'), "src/base/limits.h:3")
        self.breaks("check-layers", "src/lib/usher.c", include('"core/trust.h"'), "src/lib/usher.c:3")
        self.breaks("check-layers", "src/lib/usher.c", include('"wire/frame.h"'), "src/lib/usher.c:3")
        self.breaks("check-layers", "src/shard/loop.c", include('"master/config.h"'), "src/shard/loop.c:3")
        self.breaks("check-layers", "src/wire/frame.c", include('"ledger.h"'), "name it from src")
        self.breaks("check-layers", "src/wire/frame.c", include('"core/ledger.c"'), "includes a .c file")
        self.breaks("check-layers", "src/wire/frame.c", include("<core/ledger.h>"), "src/wire/frame.c:3")
        self.breaks("check-layers", "src/master/main.c", include("<usher/usher.h>"), "src/master/main.c:3")
        self.breaks("check-layers", "examples/echo.c", include('"core/ledger.h"'), "examples/echo.c:3")
        self.breaks("check-layers", "include/usher/usher.h", include('"core/addr.h"'), "include/usher/usher.h:3")
        self.breaks("check-layers", "src/new/a.c", include("<stdio.h>"), "not in the table")

    def test_files(self):
        source = "src/core/ledger.c"
        self.breaks("check-files", source, "/* Words. */\n", f"{source}:1", "SPDX")
        self.breaks("check-files", source, SPDX + "#include <stdio.h>\n", "no opening comment")
        self.breaks("check-files", "src/core/ledger.h", SPDX + "/* Words. */\n", "#pragma once")
        self.breaks("check-files", "include/usher/usher.h", SPDX + "#pragma once\n/* Public. */\n", "#ifndef must follow")
        self.breaks("check-files", source, SPDX + "/* Words. */\n" + "int a;\n" * 498, "500 lines")
        self.breaks("check-files", source, SPDX + "/* TO" "DO: words */\n", f"{source}:2")
        self.breaks("check-files", source, SPDX + "/* W. */\nint a = atoi(b);\n", f"{source}:3", "atoi")
        self.breaks("check-files", "src/core/new.c", SPDX + "/* New. */\n", "tests/unit/core/test_new.c is missing")
        self.write("src/core/part.c", SPDX + "/* Part of ledger. */\n")
        self.refuses("check-files", "tests/unit/core/test_part.c is missing")
        self.write(source, GOOD[source] + '#include "core/part.h"\n')
        self.assertEqual(self.run_tool("check-files")[0], 0)
        self.breaks("check-files", "src/wire/frame.c", GOOD["src/wire/frame.c"] + '#include "core/part.h"\n', "test_part.c")
        self.breaks("check-files", "tests/unit/core/test_other.c", SPDX, "never runs")
        self.breaks("check-files", "tools/hello", "#!/bin/sh\necho hello\n", "tools/hello:1", "no licence line")

    def test_files_reads_code_only(self):
        self.write("src/core/ledger.c", SPDX + '/* never strcpy(a, b) */\nconst char *a = "sprintf(";\nint b(f.gets(1));\n')
        code, out = self.run_tool("check-files")
        self.assertEqual(code, 0, out)

    def test_docs(self):
        self.breaks("check-docs", "src/core/ledger.c", '[LOST_A] = "it_died", [REFUSED_B] = "new_word"', "new_word")
        self.breaks("check-docs", "src/core/ledger.c", "int a;\n", "changed shape")
        self.breaks("check-docs", "src/cli/main.c", '{ "colour", no_argument, NULL, 0 }', "--colour")
        self.breaks("check-docs", "src/master/main.c", "int main;\n", "usherd.8: missing")
        self.breaks("check-docs", "src/lib/libusher.map", "USHER_0 {\n\tusher_open;\n\tusher_new;\n};\n", "usher_new")
        self.breaks("check-docs", "README.md", "[gone](docs/gone.md)\n", "README.md:1")
        self.write("docs/usher.conf.5", GOOD["docs/libusher.3"].replace("opens", "address").replace("LIBUSHER 3", "USHER.CONF 5"))
        self.breaks("check-docs", "src/master/config_schema.c", '{ "address", T },\n{ .name = "backlog" },\n', "backlog")
        self.breaks("check-docs", "src/master/config_schema.c",
                    '{ "address", T },\nstatic const char *const kinds[] = { "address", "odd-kind", NULL };\n', "odd-kind")

    def test_docs_lint(self):
        if not shutil.which("mandoc"):
            self.skipTest("mandoc is not installed")
        self.breaks("check-docs", "docs/libusher.3", GOOD["docs/libusher.3"] + ".Xx wrong\n", "libusher.3", "wrong")

    def test_format(self):
        self.breaks("check-format", "src/wire/frame.c", SPDX + "int  a ;\n", "frame.c:2")

    def test_spelling(self):
        code, out = self.run_tool("check-spelling")
        self.assertEqual(code, 0, out)
        self.breaks("check-spelling", "README.md", "We reci" "eve.\n", "README.md:1")

    def test_shell(self):
        self.breaks("check-shell", "tools/hello", "#!/bin/sh\ncd $1\n", "SC2164")

    def archive(self, code):
        for tool in ("cc", "ar", "nm"):
            if not shutil.which(tool):
                self.skipTest(f"{tool} is not installed")
        self.write("pure.c", code)
        subprocess.run(["cc", "-c", "pure.c", "-o", "pure.o"], cwd=self.root, check=True, timeout=60)
        subprocess.run(["ar", "rcs", "pure.a", "pure.o"], cwd=self.root, check=True, timeout=60)
        return self.run_tool("check-purity", self.root / "pure.a")

    def test_purity(self):
        code, out = self.archive("#include <string.h>\nunsigned long f(const char *a) { return strlen(a + 1); }\n")
        self.assertEqual(code, 0, out)
        (self.root / "pure.a").unlink()
        code, out = self.archive("#include <time.h>\nlong f(void) { return time(0); }\n")
        self.assertEqual(code, 1, out)
        self.assertIn("pure.o: needs time", out)

    def tally(self, *runs):
        self.write("log.json", "".join(json.dumps({"duration": 1.0, **run}) + "\n" for run in runs))
        ran = subprocess.run([TOOLS.parent / "tests/tally.py", self.root / "log.json"], capture_output=True, text=True,
                             check=True, timeout=60)
        return ran.stdout.splitlines()

    def test_tally(self):
        line = "[====] Synthesis: Tested: {} | Passing: {} | Failing: {} | Crashing: 0"
        good = {"name": "usher:unit / a", "result": "OK", "stderr": line.format(4, 4, 0)}
        bad = {"name": "usher:unit / b", "result": "FAIL", "stderr": line.format(3, 1, 2)}
        leak = {"name": "usher:unit / c", "result": "FAIL", "stderr": line.format(2, 2, 0)}
        some = {"name": "d", "result": "OK", "stderr": "[SKIP] d::x: no io_uring\n" + line.format(1, 1, 0)}
        skip = {"name": "e", "result": "SKIP", "stdout": "skipped: no nm\n"}
        late = {"name": "f", "result": "TIMEOUT", "stdout": ""}
        self.assertEqual(self.tally(good)[-1], "4 0 0")
        self.assertEqual(self.tally(good, bad)[-1], "5 2 0")
        self.assertEqual(self.tally(leak)[-1], "2 1 0")
        self.assertEqual(self.tally(some, skip), ["  skip d::x: no io_uring", "  skip e: no nm", "1 0 2"])
        self.assertEqual(self.tally(late)[-1], "0 1 0")
        self.assertEqual(self.tally()[-1], "0 0 0")


if __name__ == "__main__":
    unittest.main()
