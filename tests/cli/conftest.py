"""What command-line tests share: a project folder, a way to run a command in it, and a plugin with settings."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest

from runctl_core.cli.main import main

ACME = """
import attrs
from runctl_core.api import ProviderInfo, hookimpl, setting

@attrs.frozen(kw_only=True)
class AcmeSettings:
    region: str = setting("eu", "Where machines are rented.")
    api_key: str | None = setting(None, "The key of the account.")

@hookimpl
def runctl_provider():
    return ProviderInfo(name="acme", summary="ACME", settings="acme_plugin:AcmeSettings")
"""


@attrs.frozen
class Answer:
    """How one command ended."""

    exit_code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        """The ``data`` of a JSON answer."""
        return json.loads(self.out)["data"]


Runctl = Callable[..., Answer]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty repository that is the current folder."""
    folder = tmp_path / "project"
    (folder / ".git").mkdir(parents=True)
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def runctl(project: Path, capsys: pytest.CaptureFixture[str]) -> Runctl:
    """Run one command line in the project folder."""

    def run(*argv: str) -> Answer:
        capsys.readouterr()
        exit_code = main(argv)
        return Answer(exit_code, *capsys.readouterr())

    return run


@pytest.fixture
def acme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An installed provider plugin that has settings, one of them a secret."""
    site = tmp_path / "site"
    metadata = site / "acme_plugin-1.0.dist-info"
    metadata.mkdir(parents=True)
    (site / "acme_plugin.py").write_text(ACME)
    (metadata / "entry_points.txt").write_text("[runctl.providers]\nacme = acme_plugin\n")
    monkeypatch.syspath_prepend(str(site))
    yield
    sys.modules.pop("acme_plugin", None)
