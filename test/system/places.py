"""Where a run may take place, and the test that it changes no bit."""

from harness import hashes


def told(sets):
    """The arguments that make `posse run` use these settings."""
    return [word for each in sets for word in ("--set", each)]


def add_places(story, places):
    """Adds a test for each of {name: settings} to a story with `self.config` and
    `self.plain`, the result of that config elsewhere."""

    def test_at(name, sets):
        def test(self):
            result = self.train(self.config, name, *told(sets))
            self.assertEqual(hashes(result), hashes(self.plain))

        return test

    for name, sets in places.items():
        setattr(story, f"test_{name}", test_at(name, sets))
