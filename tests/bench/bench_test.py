#!/usr/bin/env python3
"""Runs the measuring programs on tiny lists and checks what they write, not how fast they were.

usage: bench_test.py DIRECTORY-OF-PROGRAMS REPOSITORY
"""

import json
import re
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree as ElementTree
from pathlib import Path

PROGRAMS, REPOSITORY = Path(sys.argv[1]), Path(sys.argv[2])

KEYS = {"name", "value", "unit", "ratio", "goal", "met", "id", "spread", "runs", "n", "goal_value", "path", "kernels",
        "threads", "scalarmult_us", "processor_us", "wall_us", "memory_bytes", "operations"}
KERNEL_ROWS = ["msm-253", "msm-128", "decode", "fixed-base", "variable-base", "generators"]
LIST_ROWS = ["verify-shuffle", "prove-shuffle", "make-shares", "verify-shares", "make-ballot-proof",
             "verify-ballot-proof", "verify-ballot-proofs"]
CURVES = ["prove-shuffle", "verify-shuffle", "make-shares", "verify-shares"]
# What a row asks of the group, an item: crypto/shuffle/proof.h and crypto/threshold/decryption.h say the same in words.
OPERATIONS = {
    "msm-253": {"msm_term_253": 1},
    "msm-128": {"msm_term_128": 1},
    "decode": {"decode": 1},
    "fixed-base": {"secret_times_G": 1},
    "variable-base": {"secret_times_point": 1},
    "generators": {"hash_to_group": 1},
    "verify-shuffle": {"decode": 7, "msm_term_253": 4, "msm_term_128": 4, "addition": 2},
    "prove-shuffle": {"decode": 4, "secret_times_G": 4, "secret_times_shared_base": 3, "secret_msm_term": 3, "addition": 5},
    "make-shares": {"decode": 1, "secret_times_point": 1, "msm_term_128": 1},
    "verify-shares": {"decode": 2, "msm_term_128": 2},
}


def run(program, *arguments):
    return subprocess.run([PROGRAMS / program, *map(str, arguments)], capture_output=True, text=True, timeout=250)


class Bench(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = Path(directory.name)

    def check_row(self, row):
        self.assertEqual(set(row), KEYS)
        self.assertIn(row["path"], ("portable", "vector"))
        for key in ("name", "unit", "id", "kernels"):
            self.assertTrue(row[key])
        self.assertGreater(row["scalarmult_us"], 0)
        if row["goal"] is None or row["ratio"] is None:
            self.assertIsNone(row["met"])
        else:
            self.assertEqual(row["met"], row["ratio"] <= row["goal"], row)

    def test_crypto(self):
        written, plot = self.directory / "rows.json", self.directory / "plot.svg"
        done = run("bench_crypto", "--max", 60, "--seconds", 0.01, "--json", written, "--svg", plot)
        self.assertEqual(done.returncode, 0, done.stderr)
        rows = json.loads(written.read_text())
        for row in rows:
            self.check_row(row)
            self.assertIn(row["name"], done.stdout)
        self.assertEqual(written.read_text().count("\n"), len(rows) + 2)  # one object a line

        table = rows[:len(KERNEL_ROWS) + len(LIST_ROWS) + 1]
        self.assertEqual([row["id"] for row in table], KERNEL_ROWS + LIST_ROWS + ["audit"])
        for row in table:
            self.assertGreater(row["value"], 0)
            self.assertGreater(row["ratio"], 0)
            self.assertEqual(row["n"], 60)
            self.assertEqual(row["goal"] is None, row["id"] == "generators")
            if row["id"] in OPERATIONS:
                counted = {name: times for name, times in row["operations"].items() if name != "encode"}
                self.assertEqual(counted, OPERATIONS[row["id"]], row["id"])

        curves = rows[len(table):]
        sizes = [10, 30, 60]
        self.assertEqual([(row["id"], row["n"]) for row in curves if row["id"].startswith("curve-")],
                         [("curve-" + curve, n) for curve in CURVES for n in sizes])
        self.assertEqual([row["id"] for row in curves if row["id"].startswith("linear-")],
                         ["linear-" + curve for curve in CURVES])

        svg = ElementTree.parse(plot).getroot()
        space = "{http://www.w3.org/2000/svg}"
        self.assertEqual(svg.tag, space + "svg")
        solid = [line for line in svg.iter(space + "polyline") if line.get("class").startswith("line")]
        self.assertEqual([len(line.get("points").split()) for line in solid], [len(sizes)] * 2 * len(CURVES))
        texts = [text.text for text in svg.iter(space + "text")]
        for label in ("processor time, seconds", "processor time, microseconds", "ciphertexts"):
            self.assertIn(label, texts)
        width, height = float(svg.get("width")), float(svg.get("height"))
        for line in svg.iter(space + "polyline"):
            for point in line.get("points").split():
                x, y = map(float, point.split(","))
                self.assertTrue(0 < x < width and 0 < y < height, point)

    def test_mix(self):
        for ballots in (1, 2, 7):
            written = self.directory / "mix.json"
            done = run("bench_mix", "--ballots", ballots, "--portable", "--json", written)
            self.assertEqual(done.returncode, 0, done.stderr)
            rows = json.loads(written.read_text())
            self.assertEqual([row["id"] for row in rows], ["mix-prove", "mix-verify"])
            for row in rows:
                self.check_row(row)
                self.assertEqual((row["n"], row["path"]), (ballots, "portable"))
                self.assertEqual(row["value"], row["processor_us"])
                self.assertGreater(row["wall_us"], 0)
                self.assertGreater(row["memory_bytes"], 1_000_000)

    def test_refusals(self):
        for program, arguments, named in (
            ("bench_crypto", ("--max", 0), "--max"),
            ("bench_crypto", ("--max", 1_000_001), "--max"),
            ("bench_crypto", ("--seconds", -1), "--seconds"),
            ("bench_crypto", ("--jsom", "x"), "--jsom"),
            ("bench_mix", ("--ballots", 0), "--ballots"),
            ("bench_mix", ("--ballots", 1_000_001), "--ballots"),
        ):
            done = run(program, *arguments)
            self.assertEqual(done.returncode, 2, (program, arguments))
            self.assertIn(named, done.stderr)
        done = run("bench_mix", "--ballots", 1, "--json", "/dev/null/x")
        self.assertEqual(done.returncode, 1)
        self.assertIn("FILE_UNREADABLE", done.stderr)

    def test_script(self):
        def psephos(*arguments):
            return subprocess.run([REPOSITORY / "psephos", *arguments], capture_output=True, text=True, timeout=60)

        names = sorted(path.stem.removeprefix("bench_") for path in (REPOSITORY / "tests/bench").glob("bench_*.cpp"))
        help_text = psephos("help", "bench").stdout
        listed = psephos("bench", "--list")
        self.assertEqual(listed.stdout.split(), names)
        for name in names:
            self.assertTrue(re.search(rf"^ +{name} ", help_text, re.MULTILINE), name)
        for arguments, named in ((("nonsense",), names), (("--quick",), ["--quick"])):
            done = psephos("bench", *arguments)
            self.assertEqual(done.returncode, 1)
            for word in named:
                self.assertIn(word, done.stderr)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
