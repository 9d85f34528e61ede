#!/usr/bin/env python3
"""What `posse bench` prints, writes and draws; how long things take is no matter here."""

import os
import signal
import statistics
import sys
import xml.etree.ElementTree as xml

from harness import Story, main, read_json, split_table, write_config, write_regression

# A program that says that each step of all particles takes 100 us; of mlp13 only.
PEERS = """
import sys
for line in sys.stdin:
    match line.split():
        case ["systems", bench, model]:
            print("idle" if model == "mlp13" else "", flush=True)
        case ["run", "idle", steps]:
            print(100 * int(steps), flush=True)
        case ["open", *what]:
            print(ANSWER, flush=True)
        case ["close"]:
            print("ok", flush=True)
"""
STEP = ("bench", "step", "--model", "mlp13", "--repetitions", "1")


class Bench(Story):
    def peers(self, answer="ok"):
        script = self.folder / "peers.py"
        script.write_text(f"ANSWER = {answer!r}\n{PEERS}")
        return f"{sys.executable} {script}"

    def bench_with(self, peers):
        return self.start(*STEP, "--particles", "1", "--peers", peers).wait()

    def test_other_programs_are_measured_beside_posse(self):
        rows, picture = self.folder / "rows.json", self.folder / "rows.svg"
        self.posse(*STEP, "--particles", "1,2", "--peers", self.peers(),
                   "--json", str(rows), "--plot", str(picture))  # fmt: skip
        idle = {r["particles"]: r for r in read_json(rows) if r["system"] == "idle"}
        self.assertEqual({1: 100, 2: 50}, {n: r["us_min"] for n, r in idle.items()})
        systems = {r["system"] for r in read_json(rows)}
        self.assertEqual({"bare", "bare-threads", "posse-unfused", "posse", "idle"}, systems)
        root = xml.parse(picture).getroot()
        drawn = [e for e in root.iter() if e.tag.endswith("polyline")]
        self.assertEqual(5, len(drawn))
        self.assertEqual([2] * 5, [len(e.get("points").split()) for e in drawn])

    def test_what_a_peer_complains_of_is_said(self):
        run = self.bench_with(self.peers("error: no room"))
        self.assertEqual(3, run.code)
        self.assertRegex(run.err, r'^peers: "open step idle mlp13 1 \d+": error: no room\n$')

    def test_a_peer_that_is_no_program_is_said(self):
        run = self.bench_with("/no/such/program")
        self.assertEqual((3, "bench: /no/such/program ended without an answer\n"),
                         (run.code, run.err))  # fmt: skip
        run = self.bench_with(" ")
        self.assertEqual((2, "--peers: expected a command\n"), (run.code, run.err))

    def test_scale_says_what_each_particle_takes(self):
        rows = self.folder / "rows.json"
        self.posse("bench", "scale", "--particles", "2,64", "--repetitions", "1",
                   "--json", str(rows))  # fmt: skip
        few, many = read_json(rows)
        self.assertEqual((2, 64), (few["particles"], many["particles"]))
        for row in (few, many):
            self.assertLess(0, row["start_seconds"])
            self.assertIn("rss_bytes_per_particle", row)


class BenchUci(Story):
    """Two sets of three splits, and what their means have to be."""

    as_users_do = True  # it starts its own program for each run

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for name, rows in (("large", 60), ("small", 40)):
            folder = cls.folder / "uci" / name
            folder.mkdir(parents=True)
            write_regression(folder / "data.csv", rows=rows)
            (folder / "splits.csv").write_text("0,1,2,3\n4,5,6,7\n8,9,10,11\n")
        (cls.folder / "uci/notes").mkdir()

    def bench(self, *args):
        few = ("--set", "infer.steps=40", "--set", "infer.particles=2")
        return ("bench", "uci", "uci", *few, *args)

    def test_tables_have_the_means_of_the_splits(self):
        chosen = ("--algorithms", "deep_ensemble,multi_swag")
        out = self.must(*self.bench(*chosen, "--csv", "runs.csv", "--markdown", "table.md"))
        self.assertEqual((self.folder / "table.md").read_text(), out)
        header, rows = split_table((self.folder / "runs.csv").read_text())
        self.assertEqual(
            [row[:3] for row in rows],
            [
                [name, algorithm, str(split)]
                for name in ("large", "small")
                for algorithm in ("deep_ensemble", "multi_swag")
                for split in range(3)
            ],
        )
        lines = [line.split(" | ") for line in out.splitlines() if line.startswith("| ")]
        self.assertEqual(lines[0][0], "| large")
        column = header.index("rmse")
        values = [float(row[column]) for row in rows[3:6]]  # of multi_swag on the first
        mean, error = map(float, lines[2][1].split(" ± "))
        self.assertEqual(lines[2][0], "| multi_swag")
        self.assertAlmostEqual(mean, statistics.mean(values), delta=error / 10)
        self.assertAlmostEqual(error, statistics.stdev(values) / 3**0.5, delta=error / 10)
        alone = self.train("uci-large.toml", "alone")
        self.assertEqual(float(rows[0][column]), alone["metrics"]["test"]["rmse"])

    def train(self, name, out):
        write_config(
            self.folder / name,
            data={"path": "uci/large/data.csv", "splits": "uci/large/splits.csv"},
            infer={"steps": 40, "particles": 2},
        )
        return super().train(name, out)

    def test_what_is_wrong_is_one_line(self):
        for args, pattern in (
            (("--sets", "larg"), r"uci/larg: expected a folder with data\.csv and splits\.csv"),
            (("--splits", "4"), r"^--splits 4: expected at most 3, the lines of .*splits\.csv"),
            (("--algorithms", "svdg"), r"^large, svdg, split 0: --set infer\.algorithm: .*svgd"),
            (("--set", "infer.stepz=3"), r"split 0: --set infer\.stepz: .*steps"),
        ):
            self.refused(*self.bench("--jobs", "1", *args), pattern=pattern)
        self.refused("bench", "uci", "none", pattern="none: expected folders with data.csv")

    def test_an_interrupt_ends_it_and_leaves_nothing(self):
        scratch = self.folder / "scratch"
        scratch.mkdir()
        run = self.start(
            *self.bench("--set", "infer.steps=1000000", "--jobs", "1"),
            env={**os.environ, "TMPDIR": str(scratch)},
        )
        try:
            self.wait_until(run, "training", lambda: any(scratch.glob("*/*/log.jsonl")))
            os.killpg(run.popen.pid, signal.SIGINT)  # as a terminal does
            done = run.wait()
        finally:
            run.close()
        self.assertEqual((130, ""), (done.code, done.out), done)
        self.assertRegex(done.err, r"^interrupted after \d of 30 runs\n\Z")
        self.assertEqual(list(scratch.iterdir()), [])


if __name__ == "__main__":
    main()
