"""One engine copies, whatever the two ends are: here, over there, both over there."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runctl_core.api.errors import (
    BlockedError,
    InputError,
    NotFoundError,
    PartialError,
    RunctlError,
)
from runctl_core.api.model import Ref
from runctl_core.api.requests import Location, TransferReport, TransferRequest, Verify
from runctl_core.machines.channel import Call
from runctl_core.machines.local import LocalMachine
from runctl_core.machines.remote import OverRun
from runctl_core.transfer import copy
from runctl_core.transfer.listing import FileState, TreeListing
from runctl_core.transfer.plan import is_equal, plan_transfer

FAR = Ref(provider="test", id="far")
DIRECTIONS = [(None, None), (None, FAR), (FAR, None), (FAR, FAR)]


@attrs.define
class Copier:
    """Copies between two ends of one kind and remembers the progress."""

    source_ref: Ref | None
    destination_ref: Ref | None
    steps: list[tuple[str, int, int]] = attrs.Factory(list)

    def __call__(
        self, source: Path | str, destination: Path | str, **more: object
    ) -> TransferReport:
        request = TransferRequest(
            source=Location(path=str(source), ref=self.source_ref),
            destination=Location(path=str(destination), ref=self.destination_ref),
            **more,
        )
        machine = OverRun(name="far", inner=LocalMachine(), python=sys.executable)
        return copy.transfer(request, lambda *step: self.steps.append(step), machine=machine)


@pytest.fixture(params=DIRECTIONS, ids=["here", "up", "down", "there"])
def copier(request: pytest.FixtureRequest) -> Copier:
    return Copier(*request.param)


@pytest.fixture
def here() -> Copier:
    return Copier(None, None)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A folder with a bit of everything."""
    root = tmp_path / "source"
    (root / "a/b").mkdir(parents=True)
    (root / "empty").mkdir()
    (root / "a/b/x.bin").write_bytes(os.urandom(300_000))
    (root / "run.sh").write_bytes(b"#!")
    (root / "run.sh").chmod(0o755)
    (root / "link").symlink_to("a/b/x.bin")
    return root


def shape_of(folder: Path) -> dict[str, object]:
    return {
        str(path.relative_to(folder)): str(path.readlink())
        if path.is_symlink()
        else "folder"
        if path.is_dir()
        else (path.read_bytes(), os.access(path, os.X_OK))
        for path in folder.rglob("*")
    }


@pytest.mark.parametrize("verify", list(Verify))
def test_a_folder_arrives_whole_and_only_once(
    copier: Copier, source: Path, tmp_path: Path, verify: Verify
) -> None:
    """Content, bits, links and empty folders arrive; a second time there is nothing to do."""
    there = tmp_path / "there"
    report = copier(source, there, verify=verify)
    assert shape_of(there) == shape_of(source)
    assert set(report.copied) == {"a/b/x.bin", "run.sh", "link"}
    assert (report.copied_bytes, report.verified) == (300_002, True)
    again = copier(source, there, verify=verify)
    assert (again.copied, again.copied_bytes, again.skipped_count) == ((), 0, 6)


def test_progress_reaches_the_end(copier: Copier, source: Path, tmp_path: Path) -> None:
    """It grows in bytes up to the sum."""
    copier(source, tmp_path / "there")
    done = [step[1] for step in copier.steps]
    assert done == sorted(done)
    assert copier.steps[-1] == ("copy", 300_002, 300_002)


def test_a_file_goes_to_a_name_or_into_a_folder(
    copier: Copier, source: Path, tmp_path: Path
) -> None:
    """As ``cp`` does it."""
    assert copier(source / "run.sh", tmp_path / "new/name").copied == ("run.sh",)
    (tmp_path / "folder").mkdir()
    copier(source / "run.sh", tmp_path / "folder")
    copier(source / "run.sh", f"{tmp_path}/other/")
    for path in ("new/name", "folder/run.sh", "other/run.sh"):
        assert (tmp_path / path).read_bytes() == b"#!"
        assert os.access(tmp_path / path, os.X_OK)


def test_a_dry_run_says_the_same_and_does_nothing(
    copier: Copier, source: Path, tmp_path: Path
) -> None:
    """Its report is the real one's, but for what was verified."""
    there = tmp_path / "there"
    there.mkdir()
    (there / "extra").write_bytes(b"x")
    before = shape_of(there)
    dry = copier(source, there, delete_extraneous=True, dry_run=True)
    assert shape_of(there) == before
    real = copier(source, there, delete_extraneous=True)
    assert attrs.evolve(dry, dry_run=False, verified=True) == real


def test_extra_files_go_only_when_asked(copier: Copier, source: Path, tmp_path: Path) -> None:
    """Deleting makes the ends equal, and never follows a link out of the destination."""
    there, outside = tmp_path / "there", tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").write_bytes(b"x")
    copier(source, there)
    (there / "a/extra").mkdir()
    (there / "a/extra/file").write_bytes(b"x")
    (there / "out").symlink_to(outside)
    assert copier(source, there).deleted == ()
    report = copier(source, there, delete_extraneous=True)
    assert set(report.deleted) == {"a/extra", "a/extra/file"}
    assert (outside / "precious").exists()
    (there / "out").unlink()
    assert shape_of(there) == shape_of(source)


def test_equal_size_is_not_equal_content(copier: Copier, tmp_path: Path) -> None:
    """A file that changed without growing is copied again."""
    source, there = tmp_path / "source", tmp_path / "there"
    source.write_bytes(b"old")
    copier(source, there)
    source.write_bytes(b"new")
    copier(source, there)
    assert there.read_bytes() == b"new"


def test_digests_find_what_times_hide(here: Copier, tmp_path: Path) -> None:
    """With ``sha256`` a file whose size and time agree but whose content does not is copied."""
    source, there = tmp_path / "source", tmp_path / "there"
    source.write_bytes(b"good")
    there.write_bytes(b"flip")
    os.utime(there, ns=(source.stat().st_mtime_ns,) * 2)
    assert here(source, there).copied == ()
    assert here(source, there, verify=Verify.SHA256).copied == ("source",)
    assert there.read_bytes() == b"good"


def test_links_that_leave_are_reported(copier: Copier, source: Path, tmp_path: Path) -> None:
    """They stay behind, by name; and what stands at their place is not deleted."""
    (source / "out").symlink_to("/etc/passwd")
    there = tmp_path / "there"
    there.mkdir()
    (there / "out").write_bytes(b"mine")
    report = copier(source, there, delete_extraneous=True)
    assert (report.left_out, report.deleted) == (("out",), ())
    assert (there / "out").read_bytes() == b"mine"


def test_no_source_is_not_found(copier: Copier, tmp_path: Path) -> None:
    """And nothing is made at the destination."""
    with pytest.raises(NotFoundError, match="missing"):
        copier(tmp_path / "missing", tmp_path / "there")
    assert not (tmp_path / "there").exists()


@pytest.mark.parametrize(
    ("source", "destination"),
    [
        ("d", "d"),
        ("d", "d/sub"),
        ("d/sub", "d"),
        ("d", "link"),
        ("d/f", "d/f"),
        ("d/f", "d"),
        ("d", "d/../d"),
    ],
)
def test_ends_that_overlap_are_refused(
    here: Copier, tmp_path: Path, source: str, destination: str
) -> None:
    """A copy into itself would never end, or would delete what it copies."""
    (tmp_path / "d/sub").mkdir(parents=True)
    (tmp_path / "d/f").write_bytes(b"x")
    (tmp_path / "link").symlink_to("d")
    with pytest.raises(InputError):
        here(tmp_path / source, tmp_path / destination)
    assert (tmp_path / "d/f").read_bytes() == b"x"


def test_folders_and_files_do_not_replace_each_other(copier: Copier, tmp_path: Path) -> None:
    """In either direction, at the top and inside."""
    (tmp_path / "source/x").mkdir(parents=True)
    (tmp_path / "there").mkdir()
    (tmp_path / "there/x").write_bytes(b"mine")
    (tmp_path / "file").write_bytes(b"mine")
    (tmp_path / "there2/file").mkdir(parents=True)
    for one, other in [("source", "there"), ("source", "file"), ("file", "there2")]:
        with pytest.raises(InputError):
            copier(tmp_path / one, tmp_path / other)
    assert (tmp_path / "there/x").read_bytes() == b"mine"


def test_deleting_beside_one_file_is_refused(here: Copier, source: Path, tmp_path: Path) -> None:
    """There is no telling what would be meant."""
    with pytest.raises(InputError, match="one file"):
        here(source / "run.sh", tmp_path / "there", delete_extraneous=True)


def test_too_little_space_copies_nothing(
    here: Copier, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The numbers are in the message, and no half copy stays."""
    full = os.statvfs(tmp_path)
    fields = list(full)
    fields[4] = 0
    monkeypatch.setattr(os, "statvfs", lambda _path: os.statvfs_result(fields))
    with pytest.raises(RunctlError, match="300002 bytes to copy, 0 free"):
        here(source, tmp_path / "there")
    assert not (tmp_path / "there").exists()


def test_a_source_that_changes_meanwhile_is_noticed(tmp_path: Path) -> None:
    """What arrived is compared with what was planned."""

    @attrs.define(kw_only=True, eq=False)
    class Changing(OverRun):
        def ask(self, call: Call, **more: object) -> object:
            if call.module == "send":
                (tmp_path / "source/x").write_bytes(b"longer than planned")
            return OverRun.ask(self, call, **more)

    (tmp_path / "source").mkdir()
    (tmp_path / "source/x").write_bytes(b"short")
    request = TransferRequest(
        source=Location(path=str(tmp_path / "source"), ref=FAR),
        destination=Location(path=str(tmp_path / "there")),
    )
    machine = Changing(name="far", inner=LocalMachine(), python=sys.executable)
    with pytest.raises(PartialError, match="'x'"):
        copy.transfer(request, lambda *_step: None, machine=machine)


def test_an_unreadable_folder_stops_deleting(here: Copier, source: Path, tmp_path: Path) -> None:
    """What cannot be listed is not known to be gone."""
    listing = TreeListing(
        kind="directory", real_path="/s", files={}, left_out=("secret",), is_complete=False
    )
    there = TreeListing(
        kind="directory", real_path="/d", files={"x": FileState(path="x", kind="file")}
    )
    with pytest.raises(BlockedError) as caught:
        plan_transfer(listing, there, delete=True)
    assert [finding.code for finding in caught.value.findings] == ["LISTING_INCOMPLETE"]
    assert plan_transfer(listing, there, delete=False).deleted == ()


states = st.builds(
    FileState,
    path=st.sampled_from(["a", "b", "c"]),
    kind=st.sampled_from(["file", "symlink"]),
    executable=st.booleans(),
    size_bytes=st.integers(0, 3),
    mtime_ns=st.integers(0, 2),
    sha256=st.sampled_from([None, "x", "y"]),
)


def listing_of(files: list[FileState]) -> TreeListing:
    return TreeListing(kind="directory", real_path="/x", files={f.path: f for f in files})


@given(one=st.lists(states), other=st.lists(states), delete=st.booleans())
def test_a_plan_makes_the_ends_equal(
    one: list[FileState], other: list[FileState], delete: bool
) -> None:
    """Applying it leaves nothing to plan; nothing is deleted unasked; every path is accounted for."""
    source, there = listing_of(one), listing_of(other)
    plan = plan_transfer(source, there, delete=delete)
    assert len(plan.copied) + plan.skipped_count == len(source.files)
    assert delete or not plan.deleted
    after = {**there.files, **{state.path: state for state in plan.copied}}
    after = {path: state for path, state in after.items() if path not in plan.deleted}
    again = plan_transfer(source, listing_of(list(after.values())), delete=delete)
    assert (again.copied, again.deleted) == ((), ())
    if delete:
        assert after.keys() == source.files.keys()


@given(one=states, other=states)
def test_equality_is_symmetric(one: FileState, other: FileState) -> None:
    """Whether two files are equal does not depend on the direction of the copy."""
    assert is_equal(one, other) == is_equal(other, one)
    assert is_equal(one, one)
