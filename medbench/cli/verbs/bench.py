"""``medbench bench``: speed as ratios, ours and a peer side by side in one run."""

import argparse
import os
import platform
from typing import Any

from medbench.base.errors import BadInputError
from medbench.cli.progress import progress


def add(subparsers: Any) -> None:
    """Add the verb's arguments."""
    parser = subparsers.add_parser("bench", help="measure speed beside a peer, as ratios")
    parser.add_argument("--only", action="append", metavar="NAME", help="run only this benchmark")
    parser.add_argument("--list", action="store_true", help="only name the benchmarks")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Run the benchmarks one after the other."""
    from medbench.cli.bench.catalogue import BENCHMARKS

    names = [benchmark.name for benchmark in BENCHMARKS]
    if unknown := sorted(set(args.only or ()) - set(names)):
        raise BadInputError(f"There is no benchmark {unknown[0]!r}; there are {', '.join(names)}.")
    chosen = [b for b in BENCHMARKS if not args.only or b.name in args.only]
    if args.list:
        fields = ("name", "title", "peer", "goal")
        return {"benchmarks": [{key: getattr(b, key) for key in fields} for b in chosen]}
    results = []
    for benchmark in chosen:
        progress(f"{benchmark.name}: {benchmark.title}", done=True)
        values = benchmark.run()
        results.append(
            {
                "name": benchmark.name,
                "title": benchmark.title,
                "peer": benchmark.peer,
                "goal": benchmark.goal,
                "reached": benchmark.reached(values["ratio"]),
                **values,
            }
        )
    machine = {"cores": os.cpu_count(), "system": platform.platform(), "cpu": platform.machine()}
    return {"machine": machine, "benchmarks": results}


def text(result: dict[str, Any]) -> str:
    """One line a benchmark."""
    if "machine" not in result:
        return "\n".join(
            f"{item['name']:<15} goal {item['goal']:<7} {item['title']}; vs {item['peer']}"
            for item in result["benchmarks"]
        )
    lines = [f"{result['machine']['cores']} cores, {result['machine']['system']}"]
    for item in result["benchmarks"]:
        verdict = "reached" if item["reached"] else "NOT reached"
        lines.append(
            f"{item['name']:<15} {item['ratio']:7.3f}  goal {item['goal']:<7} {verdict:<12} "
            f"vs {item['peer']}"
        )
    return "\n".join(lines)
