"""Finding plugins without importing any."""

from __future__ import annotations

import string
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runctl_core import discovery
from runctl_core.discovery import COMMANDS, GROUPS, POLICIES, PROVIDERS, find_plugins, read_summary
from runctl_core.testing.distribution import Distribution

PROVIDER = {PROVIDERS: {"acme": "acme_plugin"}}

words = st.text(string.ascii_lowercase + string.digits + "_-", min_size=1, max_size=8)
groups = st.sampled_from([*GROUPS, "console_scripts", "runctl.providers.more", "x.runctl.policies"])
targets = st.builds(
    lambda module, attribute, extra: module + attribute + extra,
    st.text(string.ascii_lowercase, min_size=1, max_size=6),
    st.sampled_from(["", ":plugin", ":a.b", " : spaced"]),
    st.sampled_from(["", " [extra]", " [one,two]"]),
)
lines = st.one_of(
    groups.map("[{}]".format),
    st.builds("{}{}={}{}".format, words, st.sampled_from(["", " "]), st.just(" "), targets),
    st.just(""),
    st.just("# a comment = not.a:plugin"),
)
files = st.lists(lines, max_size=12).map(lambda body: "\n".join(["[console_scripts]", *body]))


def by_standard_library(*path: Path) -> set[tuple[str, str, str]]:
    """What ``importlib.metadata`` finds on a path."""
    from importlib.metadata import distributions

    return {
        (point.group, point.name, point.value.partition("[")[0].strip())
        for dist in distributions(path=list(map(str, path)))
        for point in dist.entry_points
        if point.group in GROUPS
    }


def by_us(monkeypatch: pytest.MonkeyPatch, *path: Path) -> set[tuple[str, str, str]]:
    """What we find on a path."""
    monkeypatch.setattr(sys, "path", list(map(str, path)))
    return {(ref.group, ref.name, ref.target) for group in GROUPS for ref in find_plugins(group)}


def test_agrees_with_the_standard_library_here() -> None:
    """In this environment both ways of looking find the same plugins."""
    from importlib.metadata import entry_points

    ours = {(ref.group, ref.name, ref.target) for group in GROUPS for ref in find_plugins(group)}
    theirs = {
        (group, point.name, point.value) for group in GROUPS for point in entry_points(group=group)
    }
    assert ours == theirs
    assert (PROVIDERS, "local", "runctl_local") in ours


@given(texts=st.lists(files, min_size=1, max_size=3))
def test_agrees_with_the_standard_library_on_any_file(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str]
) -> None:
    """Whatever an entry-point file holds, both ways of reading it give the same plugins."""
    site = tmp_path_factory.mktemp("site")
    for number, text in enumerate(texts):
        files = {"entry_points.txt": text.encode()}
        Distribution(name=f"dist-{number}", files=files).install(site)
    with pytest.MonkeyPatch.context() as monkeypatch:
        assert by_us(monkeypatch, site) == by_standard_library(site)


def test_both_sources_give_equal_references(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``RUNCTL_DISCOVERY=metadata`` changes where plugins are looked for, not what is found."""
    Distribution(name="Acme.Cloud", version="2.1", entry_points=PROVIDER).install(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    scanned = find_plugins(PROVIDERS)
    monkeypatch.setenv("RUNCTL_DISCOVERY", "metadata")
    assert find_plugins(PROVIDERS) == scanned
    assert scanned[0].origin == "acme-cloud 2.1"


def test_first_on_the_path_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As with imports, a distribution that appears twice counts where it appears first."""
    for number, folder in enumerate(("first", "second")):
        points = {PROVIDERS: {"acme": f"module_{number}"}}
        Distribution(name="acme", version=f"{number}", entry_points=points).install(
            tmp_path / folder
        )
    monkeypatch.setattr(sys, "path", [str(tmp_path / "first"), str(tmp_path / "second")])
    assert [ref.target for ref in find_plugins(PROVIDERS)] == ["module_0"]


def test_finding_imports_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A plugin whose import would end the process is found all the same."""
    bomb = {"acme_plugin": "raise SystemExit('imported')"}
    Distribution(name="acme", entry_points=PROVIDER, modules=bomb).install(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    assert [ref.name for ref in find_plugins(PROVIDERS)] == ["acme"]
    assert "acme_plugin" not in sys.modules


@pytest.mark.parametrize("value", ["acme", "Acme_Cloud", "other|acme", "x, acme-cloud ,y", "ACME"])
def test_disabled_by_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    """``RUNCTL_DISABLE_PLUGINS`` hides by entry-point or distribution name, however it is spelled."""
    Distribution(name="acme-cloud", entry_points=PROVIDER).install(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    assert find_plugins(PROVIDERS)
    monkeypatch.setenv("RUNCTL_DISABLE_PLUGINS", value)
    assert not find_plugins(PROVIDERS)


def test_disabling_one_leaves_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disabled name hides no plugin whose name merely contains it."""
    points = {PROVIDERS: {"acme": "a", "acme2": "b"}, POLICIES: {"acme": "c"}, COMMANDS: {"x": "d"}}
    Distribution(name="bundle", entry_points=points).install(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    left = [ref.name for group in GROUPS for ref in find_plugins(group, disabled=["acme"])]
    assert left == ["acme2", "x"]


def test_unreadable_places_are_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Archives, missing folders and folders in place of files on the path hide nothing else."""
    archive = tmp_path / "library.zip"
    archive.write_bytes(b"PK")
    (tmp_path / "site" / "odd-1.0.dist-info" / "entry_points.txt").mkdir(parents=True)
    Distribution(name="acme", entry_points=PROVIDER).install(tmp_path / "site")
    missing = str(tmp_path / "missing")
    monkeypatch.setattr(sys, "path", [str(archive), missing, str(tmp_path / "site")])
    assert [ref.name for ref in find_plugins(PROVIDERS)] == ["acme"]


@pytest.mark.parametrize(
    ("metadata", "summary"),
    [
        (b"Name: acme\nSummary: Rents machines.\n\nbody", "Rents machines."),
        (b"Name: acme\n\nSummary: in the body\n", ""),
        (b"Name: acme\nSummary: \xff\xfe\n", ""),
        (b"", ""),
    ],
)
def test_summary(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, metadata: bytes, summary: str
) -> None:
    """The summary comes from the header of METADATA; without a readable one it is empty."""
    files = {"METADATA": metadata}
    Distribution(name="acme", entry_points=PROVIDER, files=files).install(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    assert [read_summary(ref) for ref in find_plugins(PROVIDERS)] == [summary]


def test_one_look_serves_the_whole_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folders are read once, however often and for whichever group a command asks."""
    Distribution(name="acme", entry_points=PROVIDER).install(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    looks = []
    listdir = discovery.os.listdir
    monkeypatch.setattr(
        discovery.os, "listdir", lambda folder: looks.append(folder) or listdir(folder)
    )
    for group in GROUPS * 3:
        find_plugins(group)
    assert looks == [str(tmp_path)]
