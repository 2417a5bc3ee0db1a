"""A fresh environment with the packages of other people, installed from wheels."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path

import attrs
import pytest

from runctl_core.testing import Cli

ROOT = Path(__file__).parents[2]
THIRD_PARTY = ROOT / "tests/thirdparty"
SOURCES = (ROOT, ROOT / "plugins/runctl_local", *sorted(THIRD_PARTY.glob("runctl_*")))


@attrs.frozen
class Environment:
    """A virtual environment of its own, without anything of this working tree."""

    folder: Path

    def path(self, program: str) -> str:
        """One of its programs."""
        return str(self.folder / "bin" / program)

    def cli(self, home: Path) -> Cli:
        """Its ``runctl`` for a person with this home."""
        home.mkdir(exist_ok=True)
        return Cli(home=home, command=(self.path("runctl"),))


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """Core, local provider and the three third-party packages, built and installed once for all workers."""
    is_parallel = "PYTEST_XDIST_WORKER" in os.environ
    base = tmp_path_factory.getbasetemp()
    shared = (base.parent if is_parallel else base) / "third-party"
    shared.mkdir(exist_ok=True)
    with (shared / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (shared / "done").exists():
            build_environment(shared)
            (shared / "done").touch()
    return Environment(shared / "venv")


def build_environment(folder: Path) -> None:
    """Make wheels of the sources and install them beside the libraries that they need."""
    wheels = [build_wheel(source, folder / "wheels") for source in SOURCES]
    venv = folder / "venv"
    run([sys.executable, "-m", "venv", "--without-pip", str(venv)])
    python = str(venv / "bin/python")
    offline = ["--no-deps", "--no-index", "--quiet", "--python", python]
    run([find_uv(), "pip", "install", *offline, *map(str, wheels)])
    (site,) = venv.glob("lib/python*/site-packages")
    (site / "libraries.pth").write_text(f"{gather_libraries(folder / 'libraries')}\n")


def build_wheel(source: Path, folder: Path) -> Path:
    """Build one distribution as its build backend does."""
    before = set(folder.glob("*.whl"))
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel"]
    run([*build, "--directory", str(folder)], cwd=source)
    (wheel,) = set(folder.glob("*.whl")) - before
    return wheel


def gather_libraries(folder: Path) -> Path:
    """Everything that is installed here but what is ours: the test needs no network for it."""
    folder.mkdir()
    for place in {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}:
        for entry in Path(place).iterdir():
            if "runctl" not in entry.name and entry.suffix != ".pth":
                (folder / entry.name).symlink_to(entry)
    return folder


def find_uv() -> str:
    """The installer that set up this very environment."""
    places = (os.environ.get("UV"), str(ROOT / ".uv/bin/uv"), shutil.which("uv"))
    found = next((place for place in places if place and Path(place).exists()), None)
    if found is None:
        pytest.skip("uv is not there: README says how to get it")
    return found


def run(argv: Sequence[str], *, cwd: Path | None = None) -> None:
    """Run a program that must succeed."""
    done = subprocess.run(argv, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{argv}: {done.stdout}{done.stderr}"
