#!/usr/bin/env python3
"""A user looks at a trained posterior: the page that `posse report` writes."""

import json
import re
import shutil
import signal
import xml.etree.ElementTree as xml
from html.parser import HTMLParser

from harness import (
    Story,
    has_started,
    main,
    read_json,
    read_table,
    write_config,
    write_images,
    write_small_run,
)

SVG = re.compile(r"<svg .*?</svg>", re.DOTALL)
VOID = {"meta", "br", "hr"}  # elements of HTML that have no end
LOADING = {"src", "href", "srcset", "data", "action", "xlink:href", "poster"}


class Page(HTMLParser):
    """The elements of a page; raises where they are not nested well."""

    def __init__(self, text):
        super().__init__()
        self.open, self.seen, self.attributes, self.headings = [], set(), [], []
        self.feed(text)
        self.close()
        assert not self.open, self.open

    def handle_starttag(self, tag, attrs):
        self.seen.add(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.seen.add(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, (tag, self.open)

    def handle_data(self, data):
        if self.open and self.open[-1] == "h3":
            self.headings.append(data)


class AReport(Story):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.config = write_small_run(cls.folder)
        cls.result = cls.train(cls.config, "run")
        cls.said = cls.must("report", "run")
        cls.page = (cls.folder / "run/report.html").read_text(encoding="utf-8")

    def report(self, run):
        self.must("report", run)
        return (self.folder / run / "report.html").read_text(encoding="utf-8")

    def copy(self, name):
        shutil.copytree(self.folder / "run", self.folder / name)
        (self.folder / name / "report.html").unlink()
        return self.folder / name

    def test_says_where_it_is(self):
        self.assertEqual(self.said, "report  run/report.html\n")

    def test_has_the_figures_of_a_regression(self):
        self.assertEqual(
            Page(self.page).headings,
            [
                "Training loss",
                "Validation score",
                "Calibration of the intervals",
                "Predictions of the test rows",
                "Error against predicted deviation",
                "Epistemic share of the variance",
            ],
        )

    def test_loads_nothing(self):
        page = Page(self.page)
        self.assertFalse(page.seen & {"script", "link", "img", "iframe", "object", "image", "use"})
        self.assertFalse({name for name, _ in page.attributes} & LOADING)
        self.assertNotIn("@import", self.page)
        self.assertNotIn("@font-face", self.page)
        links = set(re.findall(r"https?://[^\"'<> ]*", self.page))
        self.assertEqual(links, {"http://www.w3.org/2000/svg"})  # a name, not a place
        self.assertEqual(set(re.findall(r"url\((.)", self.page)), {"#"})

    def test_figures_are_well_formed_and_say_what_they_show(self):
        figures = [xml.fromstring(svg) for svg in SVG.findall(self.page)]
        self.assertEqual(len(figures), 6)
        names = set()
        space = {"s": "http://www.w3.org/2000/svg"}
        for figure in figures:
            for tag in ("title", "desc"):
                self.assertTrue(figure.find(f"s:{tag}", space).text)
            names |= {each.get("id") for each in figure.iter() if each.get("id")}
        self.assertEqual(len(names), self.page.count(' id="'))

    def test_shows_the_metrics_of_the_result(self):
        text = re.sub(r"<[^>]*>", " ", self.page)
        for value in self.result["metrics"]["test"].values():
            self.assertIn(f"{value:.4f}" if abs(value) >= 0.01 else f"{value:.3g}", text)
        best = min(self.result["members"], key=lambda x: x["metrics"]["rmse"])
        self.assertIn(f"{best['metrics']['rmse']:.4f} (particle {best['pid']})", text)

    def test_coverage_is_that_of_the_predictions(self):
        table = read_table(self.folder / "run/predictions.csv")
        rows = list(zip(table["target"], table["q05"], table["q95"]))
        share = sum(low <= y <= high for y, low, high in rows) / len(rows)
        self.assertIn(f"own of 90 %: {share:.3f}", self.page)

    def test_learning_curves_are_in_the_run(self):
        lines = (self.folder / "run/learning.csv").read_text().splitlines()
        self.assertEqual(lines[0], "particle,step,loss,validation")
        rows = [line.split(",") for line in lines[1:]]
        self.assertEqual([row[0] for row in rows], [str(i) for i in range(3) for _ in range(40)])
        self.assertEqual([row[1] for row in rows], [str(i) for i in range(1, 41)] * 3)
        self.assertGreater(sum(row[3] != "" for row in rows), 3)

    def test_is_the_same_for_the_same_run(self):
        self.assertEqual(self.report("run"), self.page)
        copied = self.copy("copied")
        self.must("report", "copied")
        self.assertEqual((copied / "report.html").read_text(encoding="utf-8"), self.page)

    def test_goes_to_another_file_on_demand(self):
        self.copy("kept")
        self.assertEqual(self.must("report", "kept", "--out", "r.html"), "report  r.html\n")
        self.assertEqual((self.folder / "r.html").read_text(encoding="utf-8"), self.page)
        self.assertFalse((self.folder / "kept/report.html").exists())

    def test_texts_of_files_stay_texts(self):
        run = self.copy("evil")
        evil = "<script src='http://x'>&"
        result = read_json(run / "result.json")
        result["name"] = evil
        (run / "result.json").write_text(json.dumps(result), encoding="utf-8")
        page = Page(self.report("evil"))
        self.assertNotIn("script", page.seen)

    def test_warnings_of_the_log_are_told(self):
        run = self.copy("warned")
        with open(run / "log.jsonl", "a", encoding="utf-8") as log:
            log.write('{"level":"warning","event":"collapsed"}\n{"level":"warn')
        self.assertIn("The particles collapsed", self.report("warned"))

    def test_a_run_of_an_earlier_version_lacks_the_curves(self):
        (self.copy("earlier") / "learning.csv").unlink()
        page = self.report("earlier")
        self.assertIn("the run has no learning.csv", page)
        self.assertEqual(len(Page(page).headings), 4)

    def test_one_particle_is_enough(self):
        self.train(self.config, "alone", "--set", "infer.particles=1")
        page = self.report("alone")
        self.assertIn("a single network cannot disagree with itself", page)
        self.assertNotIn("Best member", page)

    def test_a_point_head_has_no_intervals(self):
        sets = ("--set", "model.head=point", "--set", "infer.loss=mse")
        self.train(self.config, "point", *sets)
        page = self.report("point")
        self.assertIn("a point head predicts no noise", page)
        self.assertIn("Predictions of the test rows", Page(page).headings)

    def test_an_unfinished_run_says_so(self):
        process = self.start(
            *("run", self.config, "--out", "stopped", "--quiet"),
            *("--set", "infer.steps=1000000"),
        )
        try:
            self.wait_until(process, "it began", lambda: has_started(self.folder / "stopped"))
            process.signal(signal.SIGINT)
            self.assertEqual(process.wait().code, 130)
        finally:
            process.close()
        page = self.report("stopped")
        self.assertRegex(page, r"This run has not finished: it was interrupted at step \d+")
        self.assertIn("test rows are predicted when a run has finished", page)

    def test_a_run_that_failed_says_why(self):
        done = self.posse(
            *("run", self.config, "--out", "failed", "--quiet"),
            *("--set", "infer.learning_rate=1e30", "--set", "infer.optimizer=sgd"),
        )
        self.assertEqual(done.code, 3, done)
        self.assertRegex(self.report("failed"), "This run has not finished: it failed: .*step")

    def test_what_is_no_run_is_refused(self):
        self.refused("report", "rnu", pattern="^rnu: expected the folder of a run, there is none")
        self.refused("report", "data.csv", pattern="^data.csv: expected the folder of a run")
        (self.folder / "empty").mkdir()
        self.refused("report", "empty", pattern="^empty: .* it has no config.toml")

    def test_damaged_and_missing_files_are_named(self):
        for name, text, pattern in (
            ("result.json", '{"schema": 1', r"result\.json: expected the JSON object"),
            ("result.json", '{"schema": 9}', r'result\.json: expected "schema": 1'),
            ("predictions.csv", None, r"predictions\.csv: "),
            ("predictions.csv", "row,mean\n1,2\n", r'predictions\.csv: expected a column "std"'),
            ("learning.csv", "step\n", r"learning\.csv:1: expected the line"),
            ("config.toml", "[run\n", r"config\.toml:1: syntax"),
        ):
            with self.subTest(name=name, text=text):
                path = self.copy("damaged") / name
                path.unlink() if text is None else path.write_text(text)
                self.refused("report", "damaged", pattern=f"^damaged/{pattern}")
                shutil.rmtree(self.folder / "damaged")

    def test_a_file_that_cannot_be_written_is_named(self):
        self.refused("report", "run", "--out", "no/r.html", pattern="^no/")


class OfAClassification(Story):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        write_images(cls.folder / "images", classes=3)
        write_config(
            cls.folder / "images.toml",
            run={"name": "images", "fuse": "off"},
            data={"kind": "idx", "path": "images"},
            model={"kind": "mlp", "hidden": [8]},
            infer={"particles": 2, "steps": 30, "batch": 20},
        )
        cls.train("images.toml", "run")
        cls.must("report", "run")
        cls.page = (cls.folder / "run/report.html").read_text(encoding="utf-8")

    def test_has_the_figures_of_a_classification(self):
        self.assertEqual(
            Page(self.page).headings[-4:],
            [
                "Reliability",
                "Accuracy when uncertain rows are set aside",
                "Entropy of the predictions",
                "Mutual information of class and particle",
            ],
        )
        for svg in SVG.findall(self.page):
            xml.fromstring(svg)

    def test_calibration_error_is_that_of_the_result(self):
        ece = read_json(self.folder / "run/result.json")["metrics"]["test"]["ece"]
        self.assertIn(f"calibration error is {ece:.4f}", self.page)


if __name__ == "__main__":
    main()
