"""The systems in Python beside which `posse bench` measures posse.

    peers.py [--push DIR]     DIR: PusH's source, the folder that holds push/

Reads requests from standard input and answers each with one line:

    systems BENCH MODEL                          their names
    open BENCH SYSTEM MODEL PARTICLES THREADS    ok
    run SYSTEM STEPS                             microseconds that they took
    close                                        ok; all systems are gone

and "error: ..." where that cannot be. BENCH is step or svgd; a step is one of
every particle. `--check` compares what the systems compute instead.
"""

import argparse
import os
import sys
import time

os.environ["TQDM_DISABLE"] = "1"  # PusH's progress bars

import torch

import push_on_cpu
import step_peers
import svgd_peers

BENCHES = {"step": step_peers, "svgd": svgd_peers}


def systems(bench, model, push):
    """Those that can compute the model; PusH only where its source was given."""
    return [s for s in BENCHES[bench].systems(model) if s != "push" or push]


class Answers:
    """What is open, and the answer to each request."""

    def __init__(self, push):
        self._push = push
        self._open = {}

    def answer(self, words):
        match words:
            case ["systems", bench, model]:
                return " ".join(systems(bench, model, self._push))
            case ["open", bench, system, model, particles, threads]:
                torch.set_num_threads(int(threads))
                self._open[system] = BENCHES[bench].open_system(
                    system, model, int(particles), self._push
                )
                return "ok"
            case ["run", system, steps]:
                start = time.perf_counter()
                self._open[system].run(int(steps))
                return f"{(time.perf_counter() - start) * 1e6:.3f}"
            case ["close"]:
                for system in self._open.values():
                    system.close()
                self._open.clear()
                return "ok"
        raise ValueError(f"no such request: {' '.join(words)}")


def serve(answers):
    for line in sys.stdin:
        try:
            reply = answers.answer(line.split())
        except Exception as error:  # the other side says it and ends
            reply = f"error: {type(error).__name__}: {error}".replace("\n", " ")
        print(reply, flush=True)


def check(push):
    """The largest difference of a parameter after 5 steps, beside the loop's (the matrix form's)."""
    for bench, module in BENCHES.items():
        for model in module.MODELS:
            reached = {}
            for system in systems(bench, model, push):
                if system == "python-kernel":  # moves without gradients
                    continue
                opened = module.open_system(system, model, 4, push)
                opened.run(5)
                reached[system] = opened.parameters()
                opened.close()
            first = next(iter(reached.values()))
            for system, parameters in reached.items():
                print(f"{bench:5} {model:7} {system:13} {(parameters - first).abs().max():.2e}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--push", metavar="DIR", help="PusH's source, the folder that holds push/")
    parser.add_argument("--check", action="store_true", help="compare what the systems compute")
    arguments = parser.parse_args()
    push = push_on_cpu.load(arguments.push) if arguments.push else None
    if arguments.check:
        check(push)
    else:
        serve(Answers(push))


if __name__ == "__main__":
    main()
