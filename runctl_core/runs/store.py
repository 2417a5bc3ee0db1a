"""The runs that this machine knows of: its own, and those it started elsewhere.

Every run has a folder ``HOME/runs/<run-id>``.  That of a local run is the supervisor's run directory; that of a run on
another machine holds ``remote.json``, the last that was heard of it.
"""

from __future__ import annotations

import json
import os
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from runctl_core.api.errors import InputError, NotFoundError
from runctl_core.paths import ensure_private_folder
from runctl_core.runs.index import RunIndex
from runctl_core.runs.records import report_from_run, run_from_report, unreadable_run
from runctl_core.suggestions import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runctl_core.api.model import Ref, Run
    from runctl_core.runs.records import Report
    from runctl_core.runs.spec import RunSpec

_ALPHABET = "23456789abcdefghjkmnpqrstvwxyz"
_SUFFIX_LENGTH = 4
_REMOTE = "remote.json"


@attrs.frozen
class RunStore:
    """Runs under ``home``.  Damage shows as a run in state ``UNKNOWN``; it never hides the others."""

    home: Path

    @property
    def runs_dir(self) -> Path:
        """The folder with one folder for each run."""
        return self.home / "runs"

    def path(self, run_id: str) -> Path:
        """The folder of a run."""
        return self.runs_dir / run_id

    def new_id(self, now: datetime) -> str:
        """Choose an id that is free; ids sort by time: ``261122-181530-k3f9``."""
        import secrets

        while True:
            suffix = "".join(secrets.choice(_ALPHABET) for _ in range(_SUFFIX_LENGTH))
            run_id = f"{now:%y%m%d-%H%M%S}-{suffix}"
            if not self.path(run_id).exists():
                return run_id

    def prepare(self) -> None:
        """Make the folders, for their owner alone.

        Raises:
            InputError: they are not ours alone, cannot be written, or a file is in their place.
        """
        for folder in (self.home, self.runs_dir):
            ensure_private_folder(folder)

    def list(self, *, limit: int | None = None) -> tuple[Run, ...]:
        """Every run, newest first.

        Args:
            limit: only the newest so many, which spares reading the others.

        Raises:
            InputError: the folder cannot be read.
        """
        names = self._names()
        if limit is not None:
            names = sorted(names, reverse=True)[:limit]  # ids sort by time
        index = RunIndex(self.runs_dir / ".index.jsonl")
        indexed = index.read(None if limit is None else frozenset(names))
        runs = {name: run for name in names if (run := _try_run(indexed.get(name)))}
        final = []
        for name in names:
            if name not in runs:
                runs[name] = self._read(name)
                if runs[name].state.is_final:
                    final.append(report_from_run(runs[name]))
        index.append(final)
        return tuple(sorted(runs.values(), key=lambda run: (run.created_at, run.id), reverse=True))

    def count(self) -> int:
        """How many runs there are."""
        return len(self._names())

    def get(self, text: str) -> Run:
        """Find a run by its id, the beginning of its id, or its name; of one name, the newest.

        Raises:
            NotFoundError: there is none.
            InputError: several ids begin so.
        """
        names = self._names()
        if text in names:
            return self._read(text)
        begun = [name for name in names if text and name.startswith(text)]
        if len(begun) == 1:
            return self._read(begun[0])
        if begun:
            raise _ambiguous(text, begun)
        return self._get_by_name(text)

    def spec(self, run_id: str) -> RunSpec:
        """What a local run was asked to do.

        Raises:
            NotFoundError: this machine has no spec of it.
            InputError: its spec is damaged.
        """
        from runctl_core.runs.spec import load_spec

        try:
            return load_spec((self.path(run_id) / "spec.json").read_bytes())
        except FileNotFoundError:
            raise NotFoundError(f"run {run_id} has no spec on this machine") from None
        except (OSError, ValueError) as error:
            raise InputError(f"run {run_id}: {error}") from None

    def record_remote(self, run: Run) -> None:
        """Remember a run on another machine, or what was newly heard of it."""
        self.prepare()
        folder = self.path(run.id)
        folder.mkdir(mode=0o700, exist_ok=True)
        temporary = folder / f"{_REMOTE}.{os.getpid()}"
        temporary.write_text(json.dumps(report_from_run(run)), encoding="ascii")
        temporary.replace(folder / _REMOTE)

    def forget(self, run_id: str) -> None:
        """Remove what was noted of a run on another machine that then did not start."""
        folder = self.path(run_id)
        (folder / _REMOTE).unlink(missing_ok=True)
        folder.rmdir()

    def is_remote(self, run_id: str) -> bool:
        """Whether a run trains on another machine, so that only what was last heard of it is here."""
        return (self.path(run_id) / _REMOTE).exists()

    def newest_on(self, resource: Ref) -> Run:
        """The run that was started last on a resource.

        Raises:
            NotFoundError: none was started there from here.
        """
        for run in self.list():
            if run.resource == resource:
                return run
        raise NotFoundError(
            f"no training was started on {resource.id} from here",
            hint="'runctl runs list' shows those that were",
        )

    def _names(self) -> Sequence[str]:
        try:
            return [name for name in os.listdir(self.runs_dir) if not name.startswith(".")]  # noqa: PTH208 - many
        except FileNotFoundError:
            return []
        except OSError as error:
            raise _unusable(self.runs_dir, error) from None

    def _report(self, name: str) -> Report:
        from runctl_core.runs import supervisor

        folder = str(self.path(name))
        try:
            return supervisor.read_json(f"{folder}/{_REMOTE}")
        except FileNotFoundError:
            return supervisor.describe(folder)
        except ValueError as error:
            return {"detail": str(error)}

    def _read(self, name: str) -> Run:
        report = self._report(name)
        try:
            return run_from_report(report)
        except ValueError as error:
            detail = report.get("detail") or str(error)
            return unreadable_run(name, str(self.path(name)), detail)

    def _get_by_name(self, text: str) -> Run:
        runs = self.list()
        for run in runs:
            if run.name == text:
                return run
        raise NotFoundError(f"there is no run {text!r}", hint=_suggest(text, runs))


_ELSEWHERE = "set RUNCTL_RUNS_HOME to a folder of your own"


def _try_run(report: Report | None) -> Run | None:
    """A line of the index may be damaged; then the run's own folder is read."""
    try:
        return run_from_report(report) if report is not None else None
    except ValueError:
        return None


def _unusable(folder: Path, error: OSError) -> InputError:
    return InputError(f"{folder} cannot be used: {error.strerror}", hint=_ELSEWHERE)


def _ambiguous(text: str, ids: Sequence[str]) -> InputError:
    shown = ", ".join(sorted(ids, reverse=True)[:3])
    return InputError(f"{text!r} fits {len(ids)} runs", hint=f"name one by its id: {shown}")


def _suggest(text: str, runs: tuple[Run, ...]) -> str:
    known = {word for run in runs for word in (run.id, run.name)}
    return did_you_mean(text, known, count=3) or "see: runctl runs list"
