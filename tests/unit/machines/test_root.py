"""Nothing that is written through a root leaves it."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import itertools
import json
import os
import socket
import stat
import threading
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runctl_core.machines.far.frames import DATA, DIGEST, HEADER
from runctl_core.machines.far.receive import receive, remove, replace
from runctl_core.machines.far.root import Root, check_path, is_inside
from runctl_core.machines.far.scan import scan
from runctl_core.machines.far.send import send

Frame = tuple[bytes, bytes]
CONTENT = b"evil"


def ignore(_kind: bytes, _data: bytes) -> None:
    """No frame matters here."""


def frames(*records: dict[str, object]) -> list[Frame]:
    """The frames of a sender that checks nothing."""
    found: list[Frame] = []
    for record in records:
        found.append((HEADER, json.dumps(record).encode()))
        if record["kind"] == "file":
            found.append((DATA, CONTENT))
            found.append((DIGEST, hashlib.sha256(CONTENT).hexdigest().encode()))
    return found


def file(path: str) -> dict[str, object]:
    return {"path": path, "kind": "file", "executable": False}


def folder(path: str) -> dict[str, object]:
    return {"path": path, "kind": "directory"}


def link(path: str, target: str) -> dict[str, object]:
    return {"path": path, "kind": "symlink", "target": target}


BAD_PATHS = [
    "..",
    "../x",
    "../../x",
    "a/../../x",
    "a/..",
    "a/../x",
    "./x",
    "a/./x",
    "a//x",
    "/x",
    "//x",
    "/etc/x",
    "a/",
    "a/\0",
    "\0",
    "..\0/x",
    ".",
    "outside/../../x",
    "../outside/x",
    "../root-neighbour",
    "a/b/c/../../../../x",
]

BAD_TARGETS = [
    ("l", "/etc/passwd"),
    ("l", "/"),
    ("l", ".."),
    ("l", "../outside"),
    ("l", "../../x"),
    ("l", "a/.."),
    ("l", "a/../.."),
    ("l", "./.."),
    ("l", "a/../../outside"),
    ("a/l", "../.."),
    ("a/l", "../../outside"),
    ("a/l", "./../../x"),
    ("a/l", "..//..//x"),
    ("a/b/l", "../../../x"),
    ("l", ""),
    ("l", "\0"),
    ("l", "x\0"),
    ("l", "//etc"),
]

ATTACKS = [
    *([file(path)] for path in BAD_PATHS),
    *([folder(path)] for path in ("..", "../x", "/x", "a/../../x")),
    *([link(path, "a")] for path in ("..", "../x", "/x", "a/../../x")),
    *([link(path, target)] for path, target in BAD_TARGETS),
    # by way of links
    [link("l", "../outside"), file("l/x")],
    [link("l", "/"), file("l/x")],
    [link("l", "a"), link("a", ".."), file("l/x")],
    [folder("d"), link("l", "d"), file("l/../../x")],
    [folder("d"), link("d/up", ".."), link("d/out", "up/../.."), file("d/out/x")],
    [file("outside-link/x")],
    [folder("outside-link/x")],
    [link("outside-link/x", "y")],
    [file("outside-link/deep/er/x")],
    [file("dangling/x")],
    [file("loop/x")],
    [file("socket/x")],
    [file("a"), file("a/x")],
]


def prepare(tmp_path: Path) -> tuple[Path, Path]:
    """A root with links that lead out of it, and what must stay untouched."""
    root, outside = tmp_path / "fence" / "root", tmp_path / "fence" / "outside"
    root.mkdir(parents=True)
    outside.mkdir()
    (outside / "canary").write_bytes(b"sings")
    (root / "outside-link").symlink_to(outside)
    (root / "file-link").symlink_to(outside / "canary")
    (root / "dangling").symlink_to("../outside/new")
    (root / "loop").symlink_to("loop")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(os.path.relpath(root / "socket"))
    return root, outside


def everything_outside(tmp_path: Path) -> dict[str, object]:
    fence = tmp_path / "fence"
    return {
        str(path): path.read_bytes() if path.is_file() else "folder"
        for path in (*fence.glob("*"), *(fence / "outside").rglob("*"), *tmp_path.glob("*"))
    }


def test_the_corpus_is_large() -> None:
    """Fifty attacks or more."""
    assert len(ATTACKS) >= 50


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: repr(attack[-1]["path"]))
def test_no_attack_writes_outside(tmp_path: Path, attack: list[dict[str, object]]) -> None:
    """Hostile frames are refused and not one byte changes outside the root."""
    root, _outside = prepare(tmp_path)
    before = everything_outside(tmp_path)
    with pytest.raises((ValueError, OSError)):
        receive(iter(frames(*attack)), ignore, str(root))
    assert everything_outside(tmp_path) == before
    assert not list(root.rglob(".runctl-part-*"))


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: repr(attack[-1]["path"]))
def test_no_attack_in_a_list_writes_outside(
    tmp_path: Path, attack: list[dict[str, object]]
) -> None:
    """The same for a tree whose list is hostile, and for a hostile manifest of an earlier tree."""
    root, outside = prepare(tmp_path)
    before = everything_outside(tmp_path)
    records = [{"size_bytes": 4, "sha256": "", **record} for record in attack]
    placed = {str(record["path"]): [record["kind"], ""] for record in attack}
    placed |= {"../outside/canary": ["symlink", ""], str(outside / "canary"): ["symlink", ""]}
    (root / ".runctl-manifest.json").write_text(json.dumps({"placed": placed}))
    with pytest.raises((ValueError, OSError)):
        replace(iter(frames(*attack)), ignore, str(root), records, 0)
    assert everything_outside(tmp_path) == before


def test_a_link_in_the_place_of_a_file_is_replaced_not_followed(tmp_path: Path) -> None:
    """What the link points to keeps its content."""
    root, outside = prepare(tmp_path)
    receive(iter(frames(file("file-link"))), ignore, str(root))
    assert (outside / "canary").read_bytes() == b"sings"
    assert not (root / "file-link").is_symlink()
    assert (root / "file-link").read_bytes() == CONTENT


def test_remove_does_not_follow_links(tmp_path: Path) -> None:
    """A link itself can be removed; what is behind it cannot."""
    root, outside = prepare(tmp_path)
    assert remove((), ignore, str(root), ["file-link"]) == ["file-link"]
    with pytest.raises((ValueError, OSError)):
        remove((), ignore, str(root), ["../outside/canary"])
    remove((), ignore, str(root), ["outside-link/canary"])
    assert (outside / "canary").read_bytes() == b"sings"


def test_reading_does_not_follow_links(tmp_path: Path) -> None:
    """A list and its files show nothing of what is outside, even if a record asks for it."""
    root, _outside = prepare(tmp_path)
    found = scan((), ignore, str(root))
    assert [record["path"] for record in found["records"]] == ["loop"]
    assert set(found["left_out"]) == {"outside-link", "file-link", "dangling", "socket"}
    for path in ("file-link", "outside-link/canary", "../outside/canary"):
        with pytest.raises((ValueError, OSError)):
            send((), ignore, str(root), [file(path)])


def test_special_files_are_not_opened(tmp_path: Path) -> None:
    """A pipe in the folder neither blocks nor is read."""
    os.mkfifo(tmp_path / "pipe")
    with Root(str(tmp_path)) as root, pytest.raises(ValueError, match="regular"):
        root.open_file("pipe")


def test_set_id_bits_and_owners_do_not_travel(tmp_path: Path) -> None:
    """Of a mode only the executable bit is kept."""
    record = {**file("x"), "mode": 0o6777, "executable": True, "uid": 1}
    receive(iter(frames(record)), ignore, str(tmp_path))
    assert not (tmp_path / "x").stat().st_mode & (stat.S_ISUID | stat.S_ISGID | stat.S_IWOTH)


def test_damaged_content_does_not_take_the_name(tmp_path: Path) -> None:
    """The old file stays until the new one is whole."""
    (tmp_path / "x").write_bytes(b"old")
    damaged = [*frames(file("x"))[:-1], (DIGEST, b"0" * 64)]
    with pytest.raises(ValueError, match="damaged"):
        receive(iter(damaged), ignore, str(tmp_path))
    cut = frames(file("x"))[:-1]
    receive(iter(cut), ignore, str(tmp_path))
    assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir() if p.is_file()] == [("x", b"old")]


def test_a_link_swapped_in_during_a_sync_leads_nowhere(tmp_path: Path) -> None:
    """A folder that becomes a link and back, all the while, never lets a byte out."""
    root, outside = tmp_path / "root", tmp_path / "outside"
    root.mkdir()
    outside.mkdir()
    victim = root / "d"
    done = threading.Event()

    def swap() -> None:
        for number in itertools.count():
            for change in (
                functools.partial(victim.rename, root / f"parked-{number}"),
                lambda: victim.symlink_to(outside),
                victim.unlink,
            ):
                with contextlib.suppress(OSError):
                    change()
            if done.is_set():
                return

    swapper = threading.Thread(target=swap)
    swapper.start()
    deadline = time.monotonic() + 20
    written = refused = 0
    try:
        while (written < 100 or refused < 100) and time.monotonic() < deadline:
            try:
                receive(iter(frames(file("d/x"))), ignore, str(root))
                written += 1
            except OSError:
                refused += 1
    finally:
        done.set()
        swapper.join()
    assert list(outside.iterdir()) == []
    assert written >= 100
    assert refused >= 100


steps = st.sampled_from(["a", "b", "..", ".", "", "l"])


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(links=st.lists(st.tuples(st.lists(steps, min_size=1), st.lists(steps)), max_size=5))
def test_links_that_are_allowed_never_lead_out(
    tmp_path_factory: pytest.TempPathFactory, links: list[tuple[list[str], list[str]]]
) -> None:
    """However links are chained: each one that could be made resolves to a place inside the root."""
    top = tmp_path_factory.mktemp("root")
    (top / "b" / "a" / "b").mkdir(parents=True)
    made = []
    with Root(str(top)) as root:
        for path_steps, target_steps in links:
            path, target = "/".join(path_steps), "/".join(target_steps)
            try:
                root.make_link(path, target)
            except (ValueError, OSError):
                continue
            made.append(path)
    for path in made:
        try:
            resolved = (top / path).resolve(strict=True)
        except (OSError, RuntimeError):
            continue  # a circle, or nothing there
        assert resolved == top or top in resolved.parents


@given(st.text())
def test_a_path_that_passes_is_plain(path: str) -> None:
    """What the check lets through has no step that could lead up or away."""
    try:
        check_path(path)
    except ValueError:
        return
    assert not path.startswith("/")
    assert not {"", ".", ".."} & set(path.split("/"))


@pytest.mark.parametrize(
    ("path", "target"), [("l", "x"), ("a/l", "../x"), ("a/b/l", "../../x/y"), ("a/l", "./x")]
)
def test_links_inside_are_allowed(path: str, target: str) -> None:
    """The usual relative links of projects and checkpoints work."""
    assert is_inside(path, target)


def test_too_little_space_is_noticed_before_writing(tmp_path: Path) -> None:
    """Nothing is written when what is coming cannot fit."""
    with pytest.raises(OSError, match="do not fit"):
        receive(iter(frames(file("x"))), ignore, str(tmp_path / "new"), expected_bytes=1 << 62)
    assert not (tmp_path / "new").exists()
