#!/usr/bin/env python3
"""Where particles run is the user's choice, and changes no bit of the results."""

import json
import signal
import time

from daemons import Daemons
from harness import Story, hashes, main, read_log, write_config, write_small_run

TWO_DEVICES = ("--set", 'local.devices=["cpu:0","cpu:1"]')


def placed(policy, places=None):
    """The options that place particles by `policy`."""
    words = ["--set", f"run.placement={policy}"]
    return words + (["--set", f"run.places={json.dumps(places)}"] if places else [])


def used(result):
    """NODE/DEVICE of all devices that had to do with a particle."""
    return [
        f"{cache['node']}/{cache['device']}"
        for cache in result["caches"]
        if cache["hits"] + cache["misses"] > 0
    ]


class Placement:
    """Mixed into a story for each algorithm."""

    algorithm = ""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.config = write_small_run(cls.folder, cls.algorithm)
        cls.plain = cls.train(cls.config, "plain")

    def check(self, name, expected, *args):
        """Trains elsewhere: the same bits, on the devices that are expected."""
        result = self.train(self.config, name, *args)
        self.assertEqual(hashes(result), hashes(self.plain))
        self.assertEqual(used(result), expected)

    def test_on_nodes(self):
        with Daemons(2, nodes={"b": {"devices": ["cpu:0", "cpu:1"]}}) as nodes:
            nodes_of = ("--cluster", nodes.config)
            every = ["a/cpu:0", "b/cpu:0", "b/cpu:1"]
            self.check("nodes_round", every, *nodes_of, *placed("round_robin"))
            # Particle 2 is a's again, which has one device for it.
            self.check("nodes_spread", every[:2], *nodes_of, *placed("spread"))
            places = ["b/cpu:1", "b/cpu:1", "a/cpu:0"]
            self.check(
                "nodes_explicit", [every[0], every[2]], *nodes_of, *placed("explicit", places)
            )

    def test_packed_on_nodes(self):
        with Daemons(2, node={"cache_size": 3}) as nodes:
            self.check("one", ["a/cpu:0"], "--cluster", nodes.config, *placed("pack"))
        with Daemons(2, node={"lanes": 2}) as nodes:
            self.check("two", ["a/cpu:0", "b/cpu:0"], "--cluster", nodes.config, *placed("pack"))

    def test_on_devices_of_this_machine(self):
        here = ("--set", "local.lanes=2", *TWO_DEVICES)
        both = ["local/cpu:0", "local/cpu:1"]
        self.check("round", both, *here, *placed("round_robin"))
        self.check("spread", both, *here, *placed("spread"))
        self.check("pack", both, *here, *placed("pack"))
        roomy = ("--set", "local.cache_size=3")
        self.check("pack_all", both[:1], *here, *placed("pack"), *roomy)
        self.check("explicit", both[1:], *here, *placed("explicit", ["cpu:1"] * 3))

    def test_resumed_in_other_places(self):
        long = ("--set", "infer.steps=4000")
        whole = self.train(self.config, "whole", *long)
        run = ("run", self.config, "--out", "moved", *long, *TWO_DEVICES)
        started = self.start(*run, "--quiet", *placed("pack"))
        try:
            self.wait_until(started, "training", lambda: read_log(self.folder / "moved"))
            time.sleep(0.1)
            started.signal(signal.SIGINT)
            done = started.wait()
        finally:
            started.close()
        self.assertIn(done.code, (0, 130), done)
        if done.code == 130:
            places = ["cpu:1", "cpu:1", "cpu:0"]
            self.must(*run, "--quiet", "--resume", *placed("explicit", places))
        text = (self.folder / "moved/result.json").read_text(encoding="utf-8")
        self.assertEqual(hashes(json.loads(text)), hashes(whole))


class DeepEnsembles(Placement, Story):
    algorithm = "deep_ensemble"


class Svgd(Placement, Story):
    algorithm = "svgd"


class Refusals(Story):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.config = write_small_run(cls.folder)
        # Nobody listens there: who asks the nodes first does not say what is wrong.
        write_config(
            cls.folder / "nodes.toml",
            node=[{"name": "north", "port": 19}, {"name": "south", "port": 20}],
        )

    def wrong(self, pattern, *args):
        self.refused("run", self.config, "--out", "new", *args, pattern=pattern)

    def test_on_this_machine(self):
        at = r"^--set run\.places"
        self.wrong(
            rf'{at}\[2\]: expected a device of local\.devices, got "cpu:1"; did you mean "cpu:0"\?',
            *placed("explicit", ["cpu:0", "cpu:0", "cpu:1"]),
        )
        self.wrong(
            rf"{at}: expected one place a particle, 3 in all, got 1", *placed("explicit", ["cpu:0"])
        )
        self.wrong(
            rf'{at}: expected no such key with run\.placement = "round_robin"',
            "--set",
            'run.places=["cpu:0"]',
        )
        self.wrong(
            r'^--set run\.placement: expected run\.places with "explicit".* got none',
            *placed("explicit"),
        )
        self.wrong(r'^--set run\.placement: .*did you mean "pack"\?', *placed("packed"))

    def test_on_nodes(self):
        nodes = ("--cluster", "nodes.toml")
        self.wrong(
            r'places\[1\]: expected a node of the cluster.*"nort/cpu:0"; did you mean "north"\?',
            *nodes,
            *placed("explicit", ["north/cpu:0", "nort/cpu:0", "south/cpu:0"]),
        )
        self.wrong(
            r'places\[0\]: expected a device of node south, got "south/cpu:7"; .*"cpu:0"',
            *nodes,
            *placed("explicit", ["south/cpu:7", "north/cpu:0", "south/cpu:0"]),
        )
        self.wrong(
            r'places\[0\]: expected NODE/DEVICE for a run on nodes, got "cpu:0"',
            *nodes,
            *placed("explicit", ["cpu:0"] * 3),
        )

    def test_in_a_file(self):
        path = self.folder / "own.toml"
        text = (self.folder / self.config).read_text(encoding="utf-8")
        places = 'places = ["north/cpu:0", "south/cpu:0", "west/cpu:0"]'
        path.write_text(
            text.replace("[run]", f'[run]\nplacement = "explicit"\n{places}')
            + (self.folder / "nodes.toml").read_text(encoding="utf-8"),
            encoding="utf-8",
        )
        for command in (("run",), ("config", "validate")):
            self.refused(
                *command,
                "own.toml",
                pattern=r'^own\.toml:3: run\.places\[2\]: expected a node .*got "west/cpu:0"',
            )


if __name__ == "__main__":
    main()
