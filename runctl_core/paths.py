"""Where runctl's files are, and whether they can be trusted to be ours."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Mapping
from pathlib import Path

from runctl_core.api.errors import InputError

PROJECT_FILE = ".runctl.toml"
PRIVATE_FOLDER_MODE = 0o700


def user_home(env: Mapping[str, str]) -> Path:
    """The user's home folder."""
    return Path(env["HOME"]) if env.get("HOME") else Path.home()


def user_config_file(env: Mapping[str, str]) -> Path:
    """The configuration file of the user, whether it exists or not."""
    return _user_config_dir(env) / "runctl" / "config.toml"


def _user_config_dir(env: Mapping[str, str]) -> Path:
    """Follow the XDG rules here; other systems have theirs in platformdirs, which takes longer to import."""
    chosen = env.get("XDG_CONFIG_HOME", "")
    if chosen.startswith("/"):  # XDG: a relative path is to be ignored
        return Path(chosen)
    if sys.platform.startswith("linux"):
        return user_home(env) / ".config"
    import platformdirs

    return Path(platformdirs.user_config_dir())


def find_project_file(cwd: Path) -> Path | None:
    """The nearest project file in ``cwd`` or a parent up to the repository root.

    Outside a repository only ``cwd`` itself counts, so that nobody else's file in a shared parent is taken.
    """
    parents = [cwd, *cwd.parents]
    roots = [folder for folder in parents if (folder / ".git").exists()]
    inside = parents[: parents.index(roots[0]) + 1] if roots else [cwd]
    return next((folder / PROJECT_FILE for folder in inside if _stands(folder)), None)


def find_project_root(script: Path) -> Path:
    """The folder that a script belongs to: the nearest with ``.git`` or ``pyproject.toml``, or else its own."""
    folder = Path(os.path.abspath(script)).parent  # noqa: PTH100 - links are not followed
    for candidate in (folder, *folder.parents):
        if any((candidate / mark).exists() for mark in (".git", "pyproject.toml")):
            return candidate
    return folder


def expand(path: Path, *, home: Path, folder: Path) -> Path:
    """``path`` made absolute: a leading ``~`` is ``home``, anything else relative is inside ``folder``."""
    if path.parts[:1] == ("~",):
        return home.joinpath(*path.parts[1:])
    return folder / path


def ensure_private_folder(path: Path) -> Path:
    """Make sure that ``path`` is a folder of ours that nobody else can write to.

    A folder that is missing is made, for the user alone.

    Raises:
        InputError: it cannot be made or written to, is something else, or belongs to somebody else.
    """
    try:
        path.mkdir(mode=PRIVATE_FOLDER_MODE, parents=True, exist_ok=True)
        status = path.stat()
    except OSError as error:
        reason = "a file stands there" if isinstance(error, FileExistsError) else error.strerror
        raise _unusable(path, reason or type(error).__name__) from error
    problem = find_folder_problem(path, status)
    if problem:
        raise _unusable(path, problem)
    return path


def find_folder_problem(path: Path, status: os.stat_result) -> str:
    """What is wrong with a folder that should be ours alone, or an empty string."""
    if not stat.S_ISDIR(status.st_mode):
        return "it is not a folder"
    if status.st_uid != os.geteuid():
        return f"it belongs to another user ({status.st_uid})"
    if status.st_mode & stat.S_IWOTH:
        return "everybody may write to it"
    if not os.access(path, os.R_OK | os.W_OK | os.X_OK):
        return "it cannot be written to"
    return ""


def _unusable(path: Path, reason: str) -> InputError:
    return InputError(
        f"the folder {path} cannot be used: {reason}",
        hint="mend it, or choose another with RUNCTL_RUNS_HOME",
    )


def _stands(folder: Path) -> bool:
    return os.path.lexists(folder / PROJECT_FILE)
