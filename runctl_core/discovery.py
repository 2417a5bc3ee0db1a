"""Find plugins without importing any.

Entry points are read straight from the ``entry_points.txt`` files next to installed distributions.  The standard library's
``importlib.metadata`` gives the same answer for about 25 ms more per start; ``RUNCTL_DISCOVERY=metadata`` uses it, for
environments whose distributions are not plain folders on ``sys.path``.
"""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Iterable, Iterator
from typing import NamedTuple

PROVIDERS = "runctl.providers"
POLICIES = "runctl.policies"
COMMANDS = "runctl.commands"
GROUPS = (PROVIDERS, POLICIES, COMMANDS)

_SUFFIXES = (".dist-info", ".egg-info")


class PluginRef(NamedTuple):
    """A plugin that was found and not imported.

    Attributes:
        name: of the entry point.
        target: ``module`` or ``module:attribute``.
        distribution: name of the distribution that brings it.
        folder: its metadata folder, or an empty string.
    """

    group: str
    name: str
    target: str
    distribution: str
    version: str
    folder: str = ""

    @property
    def origin(self) -> str:
        """The distribution and its version, as pip shows them."""
        return f"{self.distribution} {self.version}".strip()


def find_plugins(group: str, *, disabled: Iterable[str] = ()) -> tuple[PluginRef, ...]:
    """The plugins of one group, by name; two distributions may offer the same name.

    Args:
        disabled: entry-point or distribution names to leave out, besides those in ``RUNCTL_DISABLE_PLUGINS``.
    """
    hidden = {_normalise(name) for name in (*disabled, *_disabled_by_environment())}
    return tuple(
        ref
        for ref in _all_plugins()
        if ref.group == group and not hidden & {_normalise(ref.name), _normalise(ref.distribution)}
    )


def read_summary(ref: PluginRef) -> str:
    """The one-line description of the plugin's distribution, or an empty string."""
    for name in ("METADATA", "PKG-INFO"):
        try:
            with open(os.path.join(ref.folder, name), encoding="utf-8") as file:  # noqa: PTH118, PTH123
                for line in file:
                    if line.startswith("Summary:"):
                        return line.partition(":")[2].strip()
                    if not line.strip():
                        break
        except (OSError, UnicodeDecodeError):
            continue
    return ""


def _all_plugins() -> tuple[PluginRef, ...]:
    if os.environ.get("RUNCTL_DISCOVERY") == "metadata":
        return tuple(sorted(_from_metadata()))
    return _scan(tuple(sys.path))


@functools.cache
def _scan(path: tuple[str, ...]) -> tuple[PluginRef, ...]:
    seen: set[str] = set()
    found: list[PluginRef] = []
    for folder in path:
        for name, version, metadata in _distributions(folder or "."):
            if name not in seen:  # as with imports, the first on the path wins
                seen.add(name)
                found.extend(_read_entry_points(name, version, metadata))
    return tuple(sorted(found))


def _distributions(folder: str) -> Iterator[tuple[str, str, str]]:
    try:
        names = os.listdir(folder)  # noqa: PTH208 - pathlib costs several milliseconds here
    except OSError:
        return
    for name in sorted(names):
        if name.endswith(_SUFFIXES):
            stem, _, version = name.rpartition(".")[0].partition("-")
            yield _normalise(stem), version.partition("-py")[0], f"{folder}/{name}"


def _read_entry_points(distribution: str, version: str, folder: str) -> Iterator[PluginRef]:
    try:
        with open(f"{folder}/entry_points.txt", "rb") as file:  # noqa: PTH123
            content = file.read()
    except OSError:
        return
    if b"runctl." not in content:
        return
    group = ""
    for raw in content.decode("utf-8", "replace").splitlines():
        line = raw.strip()
        if line.startswith("["):
            group = line.strip("[]").strip()
        elif group in GROUPS and "=" in line and not line.startswith(("#", ";")):
            name, _, target = (part.strip() for part in line.partition("="))
            if name:
                target = _strip_extras(target)
                yield PluginRef(group, name, target, distribution, version, folder)


def _from_metadata() -> Iterator[PluginRef]:
    from importlib.metadata import entry_points

    for group in GROUPS:
        for point in entry_points(group=group):
            dist = point.dist
            name, version = (_normalise(dist.name), dist.version) if dist else ("", "")
            folder = str(getattr(dist, "_path", ""))
            yield PluginRef(group, point.name, _strip_extras(point.value), name, version, folder)


def _strip_extras(target: str) -> str:
    return target.partition("[")[0].strip()


def _normalise(name: str) -> str:
    return name.strip().lower().replace("_", "-").replace(".", "-")


def _disabled_by_environment() -> list[str]:
    value = os.environ.get("RUNCTL_DISABLE_PLUGINS", "")
    return [name for name in value.replace("|", ",").split(",") if name.strip()]
