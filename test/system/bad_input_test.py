#!/usr/bin/env python3
"""What the user got wrong: one line that says so, and nothing else happens.

Each case is one command, started in a folder of damaged things, and a pattern
of the line: where, what was expected, what came.
"""

import os
import shutil
import unittest
from dataclasses import dataclass, field
from pathlib import Path

from harness import Story, main, write_config, write_images, write_small_run, write_table

GIB = 1 << 30


@dataclass
class Case:
    name: str  # after "test_"
    args: list
    pattern: str
    options: dict = field(default_factory=dict)


def run(name, *args, pattern, config="small.toml", **options):
    """A case of `posse run` into a folder that is not there."""
    return Case(name, ["run", config, "--out", "new", *args], pattern, options)


def change(name, key_value, pattern, **options):
    """A case of a setting that is wrong, given with --set."""
    key = key_value.split("=")[0]
    return run(name, "--set", key_value, pattern=rf"^--set {key}[^ ]*: {pattern}", **options)


def file(name, text, pattern, line=1):
    """A case of a config file: `pattern` is what follows its name and line."""
    return Case(name, ["run", f"{name}.toml"], rf"{name}\.toml:{line}: {pattern}", {"toml": text})


def data(name, text, pattern, line=None):
    """A case of a data file: `pattern` is what follows its name, and line."""
    place = rf"{name}\.csv:{line}: " if line else rf"{name}\.csv: "
    args = ["run", "small.toml", "--out", "new", "--set", f"data.path={name}.csv"]
    return Case(name, args, place + pattern, {"csv": text})


def splits(name, text, pattern, *args):
    args = ["run", "splits.toml", "--out", "new", "--set", f"data.splits={name}.csv", *args]
    return Case(name, args, rf"{name}\.csv{pattern}", {"csv": text})


def predict(name, run_dir, csv, pattern):
    return Case(name, ["predict", run_dir, "--data", csv], pattern)


DATA = '[data]\npath = "data.csv"\n'
NODE = '[[node]]\nname = "a"\n'
ENSEMBLE = '[infer]\nalgorithm = "deep_ensemble"\n'

# What was done to a checkpoint, and what is said of it.
DAMAGES = {
    "particle_truncated": r"particle-00001\.safetensors: expected \d+ bytes, got \d+",
    "particle_altered": r"particle-00001\.safetensors: expected sha256 ",
    "particle_missing": r"particle-00001\.safetensors: missing",
    "manifest_truncated": r"manifest\.json: ",
    "manifest_altered": r"manifest\.json: expected sha256 ",
    "manifest_missing": r"manifest\.json: missing",
}

CASES = [
    # -- the command line
    Case("no_command", [], "expected a command: run, predict"),
    Case("unknown_command", ["rum"], r'unknown command "rum"; did you mean "run"\?'),
    Case("unknown_verb", ["config", "prnt"], r'unknown command "prnt"; did you mean "print"\?'),
    Case("no_verb", ["config"], "expected a command: validate or print"),
    Case("no_config", ["run"], "CONFIG"),
    Case("no_data_to_predict", ["predict", "done"], "--data"),
    Case("unexpected_argument", ["run", "small.toml", "more"], 'unexpected argument "more"'),
    run("unknown_option", "--overwite", pattern=r'"--overwite"; did you mean "--overwrite"\?'),
    run("overwrite_and_resume", "--overwrite", "--resume", pattern="(?i)exclude"),
    run("set_without_value", "--set", "infer.steps", pattern="^--set infer.steps: .*KEY=VALUE"),
    # -- names
    change("unknown_key", "infer.stepps=3", r'.*did you mean "steps"\?'),
    change("key_of_another_section", "model.steps=3", r'.*did you mean "infer.steps"\?'),
    change("unknown_section", "inferr.steps=3", r'.*unknown section; did you mean "infer"\?'),
    change("unknown_algorithm", "infer.algorithm=svdg", r'.*got "svdg"; did you mean "svgd"\?'),
    change("unknown_model", "model.kind=lenett", r'.*got "lenett"; did you mean "lenet"\?'),
    change("unknown_optimizer", "infer.optimizer=adma", r'.*got "adma"; did you mean "adam"\?'),
    change("unknown_activation", "model.activation=rleu", r'.*"rleu"; did you mean "relu"\?'),
    change("unknown_loss", "infer.loss=betanll", r'.*did you mean "beta_nll"\?'),
    # -- types and ranges
    change("text_for_a_number", "infer.learning_rate=fast", 'expected a number > 0, got "fast"'),
    change("real_for_an_integer", "infer.steps=1.5", "expected an integer .*got 1.5"),
    change("number_for_a_path", "data.path=3", "expected a path, got 3"),
    change("number_for_a_list", "model.hidden=50", "expected an array of integers.*got 50"),
    change("text_in_a_list", 'model.hidden=[8,"x"]', 'expected an integer.*got "x"'),
    change("no_steps", "infer.steps=0", "expected an integer from 1 to .*got 0"),
    change("no_particles", "infer.particles=0", "expected an integer from 1 to .*got 0"),
    change("absurd_particles", "infer.particles=2000000000", "expected .*got 2000000000"),
    change("negative_rate", "infer.learning_rate=-0.1", "expected a number > 0, got -0.1"),
    change("rate_that_is_no_number", "infer.learning_rate=nan", "expected a finite number"),
    change("all_rows_for_tests", "data.test_fraction=1", r"expected a number in \(0, 1\), got 1"),
    change("negative_seed", "run.seed=-1", "expected an integer >= 0, got -1"),
    change("empty_layer", "model.hidden=[0]", "expected an integer from 1 to .*got 0"),
    change("no_devices", "local.devices=[]", "expected at least one device"),
    change("one_device_twice", 'local.devices=["cpu:0","cpu:0"]', "expected each device once"),
    change("no_such_kind_of_device", 'local.devices=["tpu:0"]', 'expected cpu:K.*got "tpu:0"'),
    # -- what does not go together
    change("key_that_is_not_used", "infer.bandwidth=1.0", "expected no such key with infer.algor"),
    run(
        "bandwidth_of_the_linear_kernel",
        *("--set", "infer.algorithm=svgd", "--set", "infer.kernel=linear"),
        *("--set", "infer.bandwidth=1.0"),
        pattern="--set infer.bandwidth: expected no such key with infer.kernel",
    ),
    change("no_such_kernel", "infer.kernel=imq", 'expected rbf or linear, got "imq"'),
    change("key_of_another_algorithm", "infer.rank=3", "expected no such key with infer.algor"),
    change("negative_prior", "infer.random_prior=-1", "expected a number >= 0, got -1"),
    change("masks_of_nothing", 'infer.masks="draw"', "expected no such key with infer.algor"),
    run(
        "prior_of_another_algorithm",
        *("--set", "infer.algorithm=svgd", "--set", "infer.random_prior=3"),
        pattern="--set infer.random_prior: expected no such key with infer.algorithm",
    ),
    run(
        "dropout_of_nothing",
        *("--set", "infer.algorithm=mc_dropout", "--set", "model.dropout=0"),
        pattern="expected a network with dropout, got none; set model.dropout",
    ),
    run(
        "iterates_that_never_come",
        *("--set", "infer.algorithm=swag", "--set", "infer.burn_in=39"),
        pattern=r"infer\.steps: expected at least 45, for infer\.burn_in = 39 .*, got 40$",
    ),
    change("loss_of_another_head", "infer.loss=cross_entropy", "expected .*with model.head"),
    run(
        "images_net_for_a_table",
        *("--set", "model.kind=lenet"),
        config="splits.toml",
        pattern='^--set model.kind: expected mlp with data.kind = "csv", got "lenet"',
    ),
    change("classes_of_a_table", "model.head=categorical", "expected .*with data.kind"),
    run(
        "target_that_is_no_column",
        "--set",
        "data.target=z",
        pattern=r'data\.csv: expected the target column "z", got .*"a", "b", "y"',
    ),
    # -- the config file
    Case("missing_config", ["run", "none.toml"], r"none\.toml: expected a TOML file, found none"),
    Case(
        "config_that_is_a_folder", ["run", "folder"], "folder: expected a TOML file, got a folder"
    ),
    file("broken_toml", '[data]\npath = "data.csv\n', "syntax: ", line=2),
    file("bare_word", "[data]\npath = data.csv\n", "syntax: .*quotes", line=2),
    file("binary_config", "[data]\n\0\1\2\n", "syntax: .*binary file", line=2),
    file(
        "key_unknown_in_a_file",
        f"{DATA}{ENSEMBLE}batchh = 3\n",
        r'infer.batchh: .*did you mean "batch"\?',
        5,
    ),
    file("section_unknown_in_a_file", f"{DATA}[modle]\n", r'modle: .*did you mean "model"\?', 3),
    file("wrong_type_in_a_file", f'{DATA}{ENSEMBLE}steps = "many"\n', 'infer.steps: .*"many"', 5),
    file(
        "pinned_bits_on_nodes",
        f"{DATA}{NODE}port = 7199\n[run]\nportable_bits = true\n",
        "run.portable_bits: expected false for a run on nodes",
        7,
    ),
    file("port_of_a_node", f"{DATA}{NODE}port = 70000\n", r"node\[0\].port: .*got 70000", 5),
    Case(
        "run_in_a_cluster",
        ["config", "validate", "run_in_a_cluster.toml"],
        r"run_in_a_cluster\.toml:4: infer: expected only \[cluster\] and \[\[node\]\]",
        {"toml": f"{NODE}port = 0\n{ENSEMBLE}"},
    ),
    file("no_data_at_all", ENSEMBLE, "data.path: expected the path of the data, got none"),
    file("data_not_there", '[data]\npath = "no.csv"\n', r"data.path: expected a file.*no\.csv", 2),
    # -- the data
    Case(
        "data_that_is_a_folder",
        [*"run small.toml --out new --set data.path=folder".split()],
        "folder: expected a file, got a folder",
    ),
    data("empty", "", "expected a header line, got an empty file"),
    data("header_only", "a,b,y\n", "expected rows of numbers after the header line, got none"),
    data("one_column", "a\n1\n2\n3\n", "expected at least two columns"),
    data("one_row", "a,b,y\n1,2,3\n", "expected 2 to .* rows, got 1"),
    data("short_row", "a,b,y\n1,2,3\n1,2\n", 'expected 3 fields, got 2 .*"y"', line=3),
    data("long_row", "a,b,y\n1,2,3\n1,2,3,4\n", "expected 3 fields, got 4", line=3),
    data("text_in_a_number", "a,b,y\n1,2,3\n1,two,3\n", 'column "b": .*got "two"', line=3),
    data("nan_in_a_number", "a,b,y\n1,2,3\n1,nan,3\n", 'column "b": .*finite.*"nan"', line=3),
    data("inf_in_a_number", "a,b,y\n1,2,-inf\n1,2,3\n", 'column "y": .*finite.*"-inf"', line=2),
    data("number_too_large", "a,b,y\n1,2,3\n1e999,2,3\n", 'column "a": .*range', line=3),
    data("empty_field", "a,b,y\n1,2,3\n1,,3\n", 'column "b": .*empty field', line=3),
    data("same_name_twice", "a,a,y\n1,2,3\n1,2,3\n", 'column "a": .*again', line=1),
    data("semicolons", "a;b;y\n1;2;3\n4;5;6\n", "expected names separated by commas", line=1),
    data("binary_data", "a,b\0y\n1,2,3\n", "expected comma-separated text, got a binary file"),
    Case(
        "missing_images",
        [*"run images.toml --out new --set data.path=folder".split()],
        "folder: expected a file train-images-idx3-ubyte",
    ),
    Case(
        "truncated_images",
        [*"run images.toml --out new --set data.path=cut".split()],
        r"train-images-idx3-ubyte: truncated",
    ),
    Case(
        "labels_as_images",
        [*"run images.toml --out new --set data.path=swapped".split()],
        "expected the magic number 2051, got 2049",
    ),
    # -- splits
    splits("split_row_too_large", "0,1,60\n", ':1: expected row numbers from 0 to 59, got "60"'),
    splits("split_row_twice", "3,4,3\n", ":1: expected each row once, got row 3 twice"),
    splits("split_of_words", "first,second\n", ':1: expected a row number .*got "first"'),
    splits(
        "split_of_all_rows", ",".join(map(str, range(60))), ":1: expected rows left to train on"
    ),
    splits(
        "split_too_far",
        "0,1\n2,3\n",
        r": expected split 2 \(from 0\), got a file of 2",
        "--set",
        "data.split=2",
    ),
    run(
        "missing_splits",
        "--set",
        "data.splits=none.csv",
        pattern=r"data\.splits: .*none\.csv",
        config="splits.toml",
    ),
    # -- RUN_DIR
    Case("run_dir_in_use", [*"run small.toml --out done".split()], "--overwrite or --resume"),
    Case(
        "foreign_folder",
        [*"run small.toml --out folder --overwrite".split()],
        "folder holds no run of posse",
    ),
    Case("run_dir_is_a_file", [*"run small.toml --out data.csv".split()], "is a file"),
    Case("run_dir_in_a_file", [*"run small.toml --out data.csv/x".split()], "lies in the file"),
    Case(
        "nothing_to_resume",
        [*"run small.toml --out new --resume".split()],
        "new does not exist: there is nothing to resume",
    ),
    Case(
        "no_checkpoint_to_resume",
        [*"run small.toml --out bare --resume".split()],
        "bare holds no checkpoint to resume",
    ),
    # -- checkpoints
    *(
        Case(f"resume_with_{what}", ["run", "small.toml", "--out", what, "--resume"], pattern)
        for what, pattern in DAMAGES.items()
    ),
    *(predict(f"predict_with_{what}", what, "data.csv", DAMAGES[what]) for what in DAMAGES),
    # -- predict
    predict("predict_without_a_run", "none", "data.csv", "none: expected the folder of a run"),
    predict("predict_without_a_checkpoint", "bare", "data.csv", "there is no checkpoint"),
    predict("predict_missing_data", "done", "none.csv", r"none\.csv: .*No such file"),
    predict(
        "predict_other_columns", "done", "other.csv", r'other\.csv:1: .*missing: "b"; unknown: "c"'
    ),
    predict("predict_text", "done", "words.csv", r'words\.csv:2: column "b": .*got "x"'),
    Case(
        "predict_into_no_folder",
        [*"predict done --data data.csv --out no/such/x.csv".split()],
        r"x\.csv",
    ),
    # -- what this machine lacks
    run(
        "network_that_cannot_fit",
        "--set",
        "model.hidden=[1000000,1000000]",
        pattern="(?i)memory|fit|bytes",
        memory_bytes=64 * GIB,
    ),
]

GPU = Path("/dev/nvidia0").exists()


class BadInput(Story):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        at = cls.folder
        config = write_small_run(at)
        cls.train(config, "done")
        (at / "folder").mkdir()
        (at / "folder/notes.txt").write_text("not of posse\n", encoding="utf-8")
        shutil.copytree(at / "done", at / "bare")
        shutil.rmtree(at / "bare/checkpoint")
        write_config(
            at / "splits.toml", data={"path": "data.csv"}, infer={"algorithm": "deep_ensemble"}
        )
        write_config(
            at / "images.toml",
            data={"kind": "idx", "path": "images"},
            infer={"algorithm": "deep_ensemble"},
        )
        write_table(at / "other.csv", ["a", "c"], [[1, 2]])
        write_table(at / "words.csv", ["a", "b"], [[1, "x"]])
        cls.write_images()
        for what in DAMAGES:
            cls.damage(what)
        for case in CASES:
            for suffix in ("toml", "csv"):
                if suffix in case.options:
                    text = case.options[suffix]
                    (at / f"{case.name}.{suffix}").write_text(text, encoding="utf-8")

    @classmethod
    def write_images(cls):
        for name in ("cut", "swapped"):
            write_images(cls.folder / name, classes=3, train=6, test=3, zipped=False)
        images = cls.folder / "cut/train-images-idx3-ubyte"
        os.truncate(images, images.stat().st_size - 1)
        shutil.copy(
            cls.folder / "swapped/train-labels-idx1-ubyte",
            cls.folder / "swapped/train-images-idx3-ubyte",
        )

    @classmethod
    def damage(cls, what):
        """Copies the finished run to `what` and does to it what the name says."""
        shutil.copytree(cls.folder / "done", cls.folder / what)
        part, how = what.split("_")
        name = "manifest.json" if part == "manifest" else "particle-00001.safetensors"
        path = cls.folder / what / "checkpoint" / name
        contents = path.read_bytes()
        if how == "missing":
            path.unlink()
        elif how == "truncated":
            path.write_bytes(contents[:-9])
        elif part == "manifest":
            path.write_bytes(contents.replace(b"0.1", b"0.2", 1))
        else:
            path.write_bytes(contents[:-1] + bytes([contents[-1] ^ 1]))

    @unittest.skipIf(GPU, "this machine has a GPU")
    def test_gpu_that_is_not_there(self):
        self.refused(
            *("run", "small.toml", "--out", "new", "--set", 'local.devices=["cuda:0"]'),
            pattern=r"^--set local\.devices: .*cuda:0",
        )

    def test_the_undamaged_things_work(self):
        # Otherwise the cases above could be refused for another reason.
        for args in (
            ["run", "small.toml", "--out", "good"],
            ["run", "small.toml", "--out", "done", "--resume"],
            ["predict", "done", "--data", "data.csv"],
        ):
            self.must(*args)
        shutil.rmtree(self.folder / "good")


def add_case(case):
    options = {k: v for k, v in case.options.items() if k not in ("toml", "csv")}

    def test(self):
        self.refused(*case.args, pattern=case.pattern, **options)

    name = f"test_{case.name}"
    assert not hasattr(BadInput, name), f"two cases {case.name}"
    setattr(BadInput, name, test)


for _case in CASES:
    add_case(_case)


if __name__ == "__main__":
    main()
