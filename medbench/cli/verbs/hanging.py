"""``medbench hanging``: list the rules, check a file of rules, ask which rule a study gets."""

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

from medbench.base.errors import BadInputError
from medbench.base.paths import default_workspace
from medbench.cli.options import add_opening, opened_studies
from medbench.domain.hanging import HangingRule, chosen, facts_of, filled, matches
from medbench.domain.hanging_json import rules_to_json
from medbench.domain.image import ScanResult, Study
from medbench.domain.prior_match import same_patient, study_moment
from medbench.session.operations.hanging import read_rules, workspace_rules


def add(subparsers: Any) -> None:
    """Add the verb's arguments."""
    parser = subparsers.add_parser("hanging", help="hanging protocols: list, check, match")
    parts = parser.add_subparsers(dest="what", metavar="list | check | match", required=True)
    listed = parts.add_parser("list", help="rules of the workspace, in their order")
    listed.add_argument("--workspace", type=Path, metavar="DIR")
    listed.add_argument("--json", action="store_true", help="print JSON: a file to import")
    checked = parts.add_parser("check", help="whether a file can be imported, and what is in it")
    checked.add_argument("file", type=Path, metavar="FILE.json")
    checked.add_argument("--json", action="store_true", help="print JSON")
    matched = parts.add_parser("match", help="which rule each study gets, and why")
    matched.add_argument("path", type=Path, metavar="PATH")
    matched.add_argument("--rules", type=Path, metavar="FILE.json", help="instead of the workspace")
    matched.add_argument("--all", action="store_true", help="also rules that are switched off")
    add_opening(matched)
    matched.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Answer one of the three questions."""
    if args.what == "list":
        return rules_to_json(workspace_rules(args.workspace or default_workspace()))
    if args.what == "check":
        rules = read_rules(args.file)
        return {"file": args.file.name, "valid": True, "rules": [_words(rule) for rule in rules]}
    rules = read_rules(args.rules) if args.rules else workspace_rules(_workspace(args))
    if args.all:
        rules = tuple(replace(rule, enabled=True) for rule in rules)
    with opened_studies(args, [args.path]) as found:
        if not found.studies:
            raise BadInputError(f"There is no study below {args.path.name}.")
        return {"studies": [_matched(rules, study, found) for study in found.studies]}


def _workspace(args: argparse.Namespace) -> Path:
    return Path(args.workspace or default_workspace())


def _words(rule: HangingRule) -> dict[str, Any]:
    return {
        "id": rule.rule_id,
        "name": rule.name,
        "enabled": rule.enabled,
        "specificity": rule.match.specificity,
        "stages": [f"{stage.rows} x {stage.columns}" for stage in rule.stages],
    }


def _matched(rules: tuple[HangingRule, ...], study: Study, found: ScanResult) -> dict[str, Any]:
    earlier = [
        s for s in found.studies
        if s is not study and study_moment(s) < study_moment(study) and same_patient(study, s)[0]
    ]  # fmt: skip
    prior = max(earlier, key=study_moment, default=None)
    facts = facts_of(study, prior=prior is not None)
    rule = chosen(rules, study, prior)
    cells = [] if rule is None else filled(rule.stages[0], study, prior)
    return {
        "study_instance_uid": study.study_instance_uid,
        "modalities": sorted(facts.modalities),
        "body_parts": sorted(region.value for region in facts.regions),
        "series": facts.series,
        "prior": facts.prior,
        "rule": None if rule is None else rule.rule_id,
        "name": None if rule is None else rule.name,
        "cells": [None if display is None else display.display_id for display in cells],
        "also": [
            r.rule_id for r in rules if r is not rule and r.enabled and matches(r.match, facts)
        ],
    }


def text(result: dict[str, Any]) -> str:
    """Lines for people."""
    if "studies" in result:
        return "\n".join(
            f"{s['name'] or 'no rule'}: {', '.join(s['modalities'])}, "
            f"{', '.join(s['body_parts']) or 'body part unknown'}, series {s['series']}, "
            f"cells {', '.join(str(c or '-') for c in s['cells']) or '-'}"
            for s in result["studies"]
        )
    rules = result["rules"]
    if "valid" in result:
        names = "; ".join(f"{r['name']} ({', '.join(r['stages'])})" for r in rules)
        return f"{result['file']} is valid. Rules: {len(rules)}: {names}"
    return "\n".join(
        f"{number}. {rule['name']}{'' if rule['enabled'] else ' (off)'}: {rule['match']}"
        for number, rule in enumerate(rules, 1)
    )
