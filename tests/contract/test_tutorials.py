"""The tutorials show the packages that are tested, and print what they say."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILE = re.compile(r"^`([\w./]+)`\n\n```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)
CONSOLE = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SETTINGS = re.compile(r"^```toml\n(\[policies\].*?)^```$", re.MULTILINE | re.DOTALL)
TUTORIALS = {
    "tutorial-provider.md": (
        "runctl_acme",
        {
            "pyproject.toml",
            "src/runctl_acme/__init__.py",
            "src/runctl_acme/client.py",
            "src/runctl_acme/provider.py",
            "src/runctl_acme/settings.py",
            "src/runctl_acme/volumes.py",
            "tests/test_contract.py",
        },
    ),
    "tutorial-policy.md": (
        "runctl_curfew",
        {"pyproject.toml", "src/runctl_curfew/__init__.py", "tests/test_contract.py"},
    ),
}


@pytest.mark.parametrize("name", TUTORIALS)
def test_tutorial_shows_the_files(name: str) -> None:
    """Every file in a tutorial is, character by character, the one that is built and tested."""
    package, expected = TUTORIALS[name]
    shown = dict(FILE.findall((ROOT / "docs" / name).read_text()))
    assert set(shown) == expected
    for path, text in shown.items():
        assert text == (ROOT / "tests/thirdparty" / package / path).read_text(), path


@pytest.mark.parametrize("name", TUTORIALS)
def test_tutorial_prints_what_it_says(name: str, environment, tmp_path: Path) -> None:
    """Each command of a tutorial, typed where the packages are installed, prints what is shown."""
    text = (ROOT / "docs" / name).read_text()
    cli = environment.cli(tmp_path / "person")
    (given,) = SETTINGS.findall(text) or ["[policy.curfew]\nfrom = 0\nto = 0\n"]
    (cli.home / ".runctl.toml").write_text(given)
    path = f"{environment.folder}/bin{os.pathsep}{os.environ['PATH']}"
    (session,) = CONSOLE.findall(text)
    for step in session.split("$ ")[1:]:
        command, _, expected = step.partition("\n")
        done = subprocess.run(
            ["sh", "-c", f"{command} 2>&1"],
            cwd=cli.home,
            env=cli.variables() | {"PATH": path},
            capture_output=True,
            text=True,
            check=False,
        )
        pattern = re.escape(" ".join(expected.split())).replace("…", ".*")
        assert re.fullmatch(pattern, " ".join(done.stdout.split())), f"$ {command}\n{done.stdout}"
