"""The catalogue of benchmarks: complete, well formed, and named before it is run."""

import re

import pytest

from medbench.base.errors import BadInputError
from medbench.base.paths import resource
from medbench.cli.bench.catalogue import BENCHMARKS
from medbench.cli.main import main


def test_names_are_unique_and_goals_can_be_judged():
    names = [benchmark.name for benchmark in BENCHMARKS]
    assert len(set(names)) == len(names)
    for benchmark in BENCHMARKS:
        sign, bound = benchmark.goal.split()
        inside = float(bound) + (0.01 if sign == ">=" else -0.01)
        outside = float(bound) - (0.01 if sign == ">=" else -0.01)
        assert benchmark.reached(inside)
        assert not benchmark.reached(outside)


def test_every_script_that_is_named_exists():
    folder = resource("bench", "README.md").parent
    sources = (resource("bench", "README.md").parents[2] / "medbench/cli/bench").glob("*.py")
    named = {
        name
        for source in sources
        for name in re.findall(r'"(\w+\.py)"', source.read_text(encoding="utf-8"))
    }
    assert len(named) > 8
    assert {name for name in named if not (folder / name).is_file()} == set()


def test_the_list_runs_nothing(capsys):
    assert main(["bench", "--list", "--only", "jump"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("jump")
    assert len(shown.strip().splitlines()) == 1


def test_an_unknown_name_is_refused():
    from argparse import Namespace

    from medbench.cli.verbs.bench import run

    with pytest.raises(BadInputError, match="jump"):
        run(Namespace(only=["jmup"], list=True))
