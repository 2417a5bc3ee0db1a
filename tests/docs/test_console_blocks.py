"""Every console block that a document marks as tested is run, and its output has the shape that the document shows.

A block is marked by the line ``<!-- tested -->`` above it.  All blocks of a document are one session: a fresh home, and a
copy of the examples as the working folder.  ``…`` stands for anything within a line, and alone on a line for any lines;
numbers, ids and folders are compared as such, not by value.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^<!-- tested -->\n```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
VOLATILE = [
    (re.compile(r"\b\d{6}-\d{6}-\w{4}\b"), "RUN"),
    (re.compile(r"(?<![\w.])(/[\w.@+-]+)+/(?=\.runctl|project\b)"), "FOLDER/"),
    (re.compile(r"-?\d+(\.\d+)?(e[+-]?\d+)?"), "0"),
    (re.compile(r"\b0 ?(ms|s|min|h|d)\b( ?0 ?(s|min|h)\b)?"), "0s"),
    (re.compile(r"[ \t]+"), " "),
]
DOCUMENTS = sorted(
    file
    for file in (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("plugins/*/README.md"))
    if BLOCK.search(file.read_text())
)


@pytest.fixture
def project(tmp_path: Path, isolated_home: Path) -> Iterator[Path]:
    """A folder with the examples in it; whatever still trains there at the end is ended."""
    folder = tmp_path / "project"
    shutil.copytree(ROOT / "examples", folder / "examples")
    yield folder
    for record in isolated_home.glob(".runctl/runs/*/supervisor.json"):
        if not record.with_name("exit.json").exists():
            run(f"runctl runs stop {record.parent.name} --grace 0s", folder)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda file: str(file.relative_to(ROOT)))
def test_document_is_true(document: Path, project: Path) -> None:
    """Each command of the document prints what the document says."""
    for command, expected in steps(document.read_text()):
        printed = run(command, project)
        assert matches(expected, printed), f"$ {command}\n{printed}"


def test_the_readme_has_tested_blocks() -> None:
    """The marks are found, so that this file cannot pass by finding nothing."""
    assert ROOT / "README.md" in DOCUMENTS
    assert len(list(steps((ROOT / "README.md").read_text()))) >= 5


@pytest.mark.parametrize(
    ("expected", "printed", "same"),
    [
        ("epoch=1/3 loss=0.82", "epoch=2/3 loss=0.5", True),
        ("run 261122-183307-ejgm is running", "run 270101-000000-aaaa is running", True),
        ("a\n…\nz", "a\nb\nc\nz", True),
        ("took 2.5s", "took 900ms", True),
        ("log /home/me/.runctl/runs", "log /tmp/x/.runctl/runs", True),
        ("a\n…\nz", "a\nb", False),
        ("state  running", "state  failed", False),
        ("one", "one\ntwo", False),
    ],
)
def test_shapes(expected: str, printed: str, same: bool) -> None:
    """Numbers may differ, words may not."""
    assert matches(expected, printed) is same


def steps(document: str) -> Iterator[tuple[str, str]]:
    """The commands of a document's tested blocks, each with the output that is shown for it."""
    for block in BLOCK.findall(document):
        for step in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, output = step.partition("\n")
            yield command, output


def run(command: str, folder: Path) -> str:
    """What a command prints to both streams, without a terminal."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    result = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env={**os.environ, "PATH": path, "COLUMNS": "80"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=120,
        check=False,
    )
    return result.stdout.decode("utf-8", "replace")


def matches(expected: str, printed: str) -> bool:
    """Whether output has the shape that a document shows."""
    lines = (re.escape(line).replace("…", ".*") for line in shape(expected).splitlines())
    pattern = "".join(r"(.*\n)*" if line == ".*" else line + r"\n" for line in lines)
    return re.fullmatch(pattern, shape(printed).rstrip("\n") + "\n") is not None


def shape(text: str) -> str:
    """Text without what differs from run to run."""
    for volatile, word in VOLATILE:
        text = volatile.sub(word, text)
    return "\n".join(line.strip() for line in text.splitlines())
