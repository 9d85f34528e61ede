#!/usr/bin/env python3
"""What `posse bench` prints, writes and draws; how long things take is no matter here."""

import sys
import xml.etree.ElementTree as xml

from harness import Story, main, read_json

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


if __name__ == "__main__":
    main()
