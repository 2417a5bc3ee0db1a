"""Makes the virtual environment of a ``requirements.txt``, once, on the machine that trains.

::

    venv_builder.py VENV REQUIREMENTS

One file, standard library only, Python 3.8 or newer.  An environment counts only once its marker is there, so that one
whose installation was interrupted is made anew; whoever comes second waits for the first.
"""

from __future__ import annotations

import fcntl
import subprocess
import sys
from pathlib import Path

MARKER = ".complete"


def build(venv: Path, requirements: Path) -> int:
    """Make the environment unless it is there, and return the exit code of what failed, or 0."""
    venv.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with venv.with_name(f"{venv.name}.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if (venv / MARKER).exists():
            return 0
        code = _install(venv, requirements)
        if code == 0:
            (venv / MARKER).touch()
        return code


def _install(venv: Path, requirements: Path) -> int:
    create = [sys.executable, "-m", "venv", "--clear", str(venv)]
    pip = [str(venv / "bin" / "python"), "-m", "pip", "install", "--disable-pip-version-check"]
    return subprocess.call(create) or subprocess.call([*pip, "-r", str(requirements)])


if __name__ == "__main__":
    sys.exit(build(Path(sys.argv[1]), Path(sys.argv[2])))
