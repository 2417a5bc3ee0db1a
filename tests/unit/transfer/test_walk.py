"""A project's files are those that git would take, without secrets."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runctl_core.api.errors import InputError
from runctl_core.api.tree import EntryKind
from runctl_core.transfer.secrets import is_secret
from runctl_core.transfer.walk import walk_project

GIT = {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null"}


def write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def taken(root: Path) -> set[str]:
    return {e.path for e in walk_project(root).tree.entries if e.kind != EntryKind.DIRECTORY}


def git_would_take(root: Path) -> set[str]:
    """What git itself says, from the same ``.gitignore`` files."""
    subprocess.run(["git", "init", "-q", str(root)], check=True, env={**os.environ, **GIT})
    listing = subprocess.run(
        ["git", "-C", str(root), "ls-files", "-z", "--others", "--exclude-standard"],
        check=True,
        capture_output=True,
        env={**os.environ, **GIT},
    )
    return {os.fsdecode(name) for name in listing.stdout.split(b"\0") if name}


NAMES = ["a", "b", "data", "x.log", "keep.log", "build"]
PATTERNS = [
    "a",
    "/a",
    "a/",
    "/a/",
    "*.log",
    "!keep.log",
    "!*.log",
    "data/",
    "data/*",
    "!data/keep.log",
    "/data/**",
    "**/b",
    "a/**/x.log",
    "build",
    "!build",
    "a/b",
    "/a/b/",
    "*",
    "!*/",
    "# comment",
    "",
    "\\!a",
    "[ab]",
    "x.*  ",
    "data/a/",
]
folders = st.lists(st.sampled_from(NAMES), max_size=2).map("/".join)


@settings(max_examples=60, deadline=None)
@given(
    files=st.lists(st.tuples(folders, st.sampled_from(NAMES)), min_size=1, max_size=12),
    rules=st.dictionaries(folders, st.lists(st.sampled_from(PATTERNS), max_size=4), max_size=3),
)
def test_ignore_rules_are_gits(
    tmp_path_factory: pytest.TempPathFactory,
    files: list[tuple[str, str]],
    rules: dict[str, list[str]],
) -> None:
    """Nested files, negation, folders, anchors: git and the walk take the same files."""
    root = tmp_path_factory.mktemp("project")
    for folder, name in files:
        path = root / folder / name
        if not path.exists() and all(not p.is_file() for p in path.parents):
            write(root, {str(path.relative_to(root)): "x"})
    for folder, lines in rules.items():
        if (root / folder).is_dir():
            (root / folder / ".gitignore").write_text("\n".join(lines) + "\n")
    assert taken(root) == git_would_take(root)


def test_ignored_folders_keep_their_files_to_themselves(tmp_path: Path) -> None:
    """A pattern for a folder excludes all that is in it."""
    files = {".gitignore": "data/\nvenv\n", "data/x.csv": "", "venv/bin/python": "", "a.py": ""}
    assert taken(write(tmp_path, files)) == {".gitignore", "a.py"}


def test_caches_and_repositories_are_never_taken(tmp_path: Path) -> None:
    """Whether ignored or not."""
    files = {
        ".git/config": "",
        ".venv/x": "",
        "pkg/__pycache__/x.pyc": "",
        ".runctl/x": "",
        "a": "",
    }
    assert taken(write(tmp_path, files)) == {"a"}


def test_hidden_files_and_every_suffix_are_taken(tmp_path: Path) -> None:
    """No list of suffixes decides what a project needs."""
    files = {
        ".streamlit/config.toml": "",
        "conf.json": "",
        "d.csv": "",
        "t.parquet": "",
        "deploy/x": "",
    }
    assert taken(write(tmp_path, files)) == set(files)


SECRETS = [
    ".env",
    ".env.local",
    "conf/.env.production",
    "server.pem",
    "deploy/id_rsa",
    "id_rsa.pub",
    "id_ed25519",
    "tls.key",
    "TLS.KEY",
    "credentials",
    "credentials.json",
    ".netrc",
    ".aws/config",
    "home/.ssh/config",
    "service-account-prod.json",
    ".pypirc",
    ".git-credentials",
    "x.p12",
]
HARMLESS = [
    "env.py",
    ".env.example",
    "keys.py",
    "monkey",
    "tokenizer.json",
    "ssh/config",
    "key.txt",
]


@pytest.mark.parametrize("path", SECRETS)
def test_secrets_stay_here_and_are_named(tmp_path: Path, path: str) -> None:
    """What looks like a secret is left out and reported, unless it is included by name."""
    root = write(tmp_path, {path: "secret", "train.py": ""})
    found = walk_project(root)
    assert {e.path for e in found.tree.entries if e.kind == EntryKind.FILE} == {"train.py"}
    assert found.refused
    assert all(path.startswith(refused) for refused in found.refused)
    included = walk_project(root, include=[path])
    assert path in {entry.path for entry in included.tree.entries}


@pytest.mark.parametrize("path", HARMLESS)
def test_names_that_only_resemble_secrets_are_taken(path: str) -> None:
    """A rule that is too broad would break trainings."""
    assert not is_secret(path)


def test_an_ignored_file_can_be_included_by_name(tmp_path: Path) -> None:
    """Both the ignore rules and the rule for secrets give way."""
    root = write(tmp_path, {".gitignore": ".env\n", ".env": "A=1"})
    found = walk_project(root, include=[".env"])
    assert ".env" in {entry.path for entry in found.tree.entries}
    assert found.refused == ()


@pytest.mark.parametrize("name", ["missing", "../outside", "/etc/passwd"])
def test_including_what_is_not_there_is_an_error(tmp_path: Path, name: str) -> None:
    """A typo in a name does not pass silently, and no name leads out."""
    root = tmp_path / "root"
    root.mkdir()
    (tmp_path / "outside").write_text("x")
    with pytest.raises(InputError, match="no such file"):
        walk_project(root, include=[name])


def test_links_and_bits_are_kept(tmp_path: Path) -> None:
    """Links inside travel as links; those that leave are named; executable files stay so."""
    root = write(tmp_path / "root", {"run.sh": "#!", "pkg/a.py": ""})
    (root / "run.sh").chmod(0o755)
    (root / "pkg/link").symlink_to("../run.sh")
    (root / "out").symlink_to("/etc/passwd")
    (root / "up").symlink_to("../x")
    os.mkfifo(root / "pipe")
    found = walk_project(root)
    entries = {entry.path: entry for entry in found.tree.entries}
    assert entries["run.sh"].executable
    assert not entries["pkg/a.py"].executable
    assert (entries["pkg/link"].kind, entries["pkg/link"].target) == ("symlink", "../run.sh")
    assert set(found.left_out) == {"out", "up", "pipe"}


def test_entries_know_their_content_and_order(tmp_path: Path) -> None:
    """Sizes and digests are there, and the same project gives the same tree."""
    root = write(tmp_path, {"b": "bb", "a/x": "", "a.py": "x"})
    first, second = walk_project(root).tree, walk_project(root).tree
    assert first == second
    assert first.size_bytes == 3
    assert all(len(e.sha256) == 64 for e in first.entries if e.kind == EntryKind.FILE)


def test_names_that_are_not_utf8_travel(tmp_path: Path) -> None:
    """A file name is bytes; none is lost."""
    name = os.fsdecode(b"caf\xe9.py")
    assert taken(write(tmp_path, {name: ""})) == {name}


def test_a_missing_folder_is_bad_input(tmp_path: Path) -> None:
    """And not an empty project."""
    with pytest.raises(InputError, match="not a folder"):
        walk_project(tmp_path / "missing")
