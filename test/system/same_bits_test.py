#!/usr/bin/env python3
"""Same seed, same bits: wherever, and however many at once, particles run."""

from harness import Story, hashes, main, write_small_run
from places import add_places, told

PLACES = {
    "on_two_lanes": ["local.lanes=2"],
    "with_one_particle_resident": ["local.cache_size=1"],
    "with_one_particle_resident_on_two_lanes": ["local.cache_size=1", "local.lanes=2"],
    "on_two_devices": ['local.devices=["cpu:0","cpu:1"]'],
    "on_two_devices_in_turn": ['local.devices=["cpu:1","cpu:0"]', "local.cache_size=1"],
    "by_another_cache_policy": ["local.cache_policy=lru", "local.cache_size=2"],
}


class SameBits:
    """Mixed into a story for each algorithm."""

    algorithm = ""
    fuse = "off"
    knobs = {}  # more keys of [infer]

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.config = write_small_run(cls.folder, cls.algorithm, fuse=cls.fuse, **cls.knobs)
        cls.plain = cls.train(cls.config, "plain", "--set", "local.lanes=1")

    def test_again_in_the_same_place(self):
        again = self.train(self.config, "again", "--set", "local.lanes=1")
        self.assertEqual(hashes(again), hashes(self.plain))

    def test_not_with_another_learning_rate(self):
        other = self.train(self.config, "other", "--set", "infer.learning_rate=0.02")
        for here, there in zip(hashes(other), hashes(self.plain)):
            self.assertNotEqual(here, there)

    def test_one_resident_particle_makes_others_leave(self):
        result = self.train(self.config, "evicting", *told(["local.cache_size=1"]))
        self.assertGreater(sum(cache["evictions"] for cache in result["caches"]), 0)
        self.assertEqual({cache["capacity"] for cache in result["caches"]}, {1})

    def test_two_devices_are_both_used(self):
        result = self.train(self.config, "both", *told(PLACES["on_two_devices"]))
        self.assertEqual(result["cluster"]["devices"], 2)
        for cache in result["caches"]:
            self.assertGreater(cache["hits"] + cache["misses"], 0, cache)


add_places(SameBits, PLACES)


class DeepEnsembles(SameBits, Story):
    algorithm = "deep_ensemble"


class Svgd(SameBits, Story):
    algorithm = "svgd"


class MultiSwag(SameBits, Story):
    algorithm = "multi_swag"


class McDropout(SameBits, Story):
    algorithm = "mc_dropout"


class Psgld(SameBits, Story):
    algorithm = "psgld"


class Sghmc(SameBits, Story):
    algorithm = "sghmc"


class Hmc(SameBits, Story):
    algorithm = "hmc"


class Laplace(SameBits, Story):
    algorithm = "laplace"


class Vi(SameBits, Story):
    algorithm = "vi"


class Fused:
    """Mixed into a story as well: particles compute together."""

    fuse = "on"

    def test_fused_and_one_by_one_agree_but_for_rounding(self):
        apart = self.train(self.config, "apart", "--set", "run.fuse=off")
        self.assertEqual("lanes", apart["execution"]["mode"])
        self.assertEqual("fused", self.plain["execution"]["mode"])
        self.assertNotEqual(hashes(apart), hashes(self.plain))
        for one, other in zip(apart["members"], self.plain["members"], strict=True):
            for key, value in one["metrics"].items():
                self.assertAlmostEqual(value, other["metrics"][key], delta=1e-3)

    def test_what_auto_takes_stands_in_the_config_and_is_kept(self):
        args = ("--set", "run.fuse=auto", "--set", "infer.particles=32")
        result = self.train(self.config, "auto", *args)
        saved = (self.folder / "auto/config.toml").read_text(encoding="utf-8")
        self.assertRegex(saved, r'(?m)^fuse = "(on|off)" #')
        again = self.train("auto/config.toml", "repeated", "--set", "local.lanes=1")
        self.assertEqual(hashes(again), hashes(result))
        resumed = self.train(self.config, "auto", *args, "--resume")
        self.assertEqual(hashes(resumed), hashes(result))


class FusedDeepEnsembles(Fused, SameBits, Story):
    algorithm = "deep_ensemble"


class FusedRandomPriors(Fused, SameBits, Story):
    """Whose networks are computed by a batched form of forward()."""

    algorithm = "deep_ensemble"
    knobs = {"random_prior": 3.0}


class FusedMultiSwag(Fused, SameBits, Story):
    algorithm = "multi_swag"


class FusedSghmc(Fused, SameBits, Story):
    algorithm = "sghmc"


class FusedSvgd(Fused, SameBits, Story):
    algorithm = "svgd"


if __name__ == "__main__":
    main()
