"""No row of the table of features claims what no test shows."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import click
import pytest

from runctl_core.cli.main import root as runctl

LAST = {"S0": 58, "S1": 38, "S2": 61, "S3": 31, "S4": 45}
PROVEN, UNPROVEN = {"works", "partly"}, {"open", "not a feature"}
ROW = re.compile(r"^\| (S\d-\d\d) \| (.+?) \| (.+?) \| (.+?) \| (.+?) \| (.+?) \|$", re.MULTILINE)
ROWS = ROW.findall((Path(__file__).parents[2] / "docs/features.md").read_text())


def test_every_statement_stands_there_once() -> None:
    """Nothing is left out and nothing is counted twice."""
    expected = [f"{group}-{n:02d}" for group, last in LAST.items() for n in range(1, last + 1)]
    assert [row[0] for row in ROWS] == expected


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_claim_is_shown(root: Path, row: tuple[str, ...]) -> None:
    """What works or partly works names tests that exist; what is open claims nothing."""
    _, _, today, how, command, proof = row
    tests = re.findall(r"`([\w/.]+)::(test_\w+)`", proof)
    assert today in PROVEN | UNPROVEN
    assert bool(tests) == (today in PROVEN)
    assert all(name in functions(root / file) for file, name in tests)
    if today == "open":
        assert (how, command) == ("–", "–")


@pytest.mark.parametrize("line", sorted(set(re.findall(r"`runctl (.+?)`", str(ROWS)))))
def test_command_is_there(line: str) -> None:
    """Every command of the table can be typed, with the option that is named."""
    command: click.Command = runctl
    for word in line.split():
        context = click.Context(command)
        if word.startswith("-"):
            assert word in {
                option
                for param in command.get_params(context)
                for option in (*param.opts, *param.secondary_opts)
            }
        else:
            assert isinstance(command, click.Group)
            found = command.get_command(context, word)
            assert found
            command = found


@cache
def functions(file: Path) -> set[str]:
    """The test functions of a file."""
    tree = ast.parse(file.read_text())
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
