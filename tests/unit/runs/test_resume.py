"""Which checkpoint a resumed run starts from."""

from __future__ import annotations

import json
import os
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runctl_core.api.model import Ref
from runctl_core.api.requests import Dependencies, IfBusy
from runctl_core.runs.resume import (
    NoValidCheckpointError,
    choose_checkpoint,
    is_usable,
    resume_request,
)
from runctl_core.runs.spec import RunSpec

SPEC = RunSpec(
    run_id="old", name="mine", resource=Ref(provider="local", id="old"), script="/p/train.py", argv=("python3",),
    args=("--lr", "1"), cwd="/p", project_dir="/p", created_at=datetime(2026, 1, 1, tzinfo=UTC), env={"A": "b"},
    nproc=2, attempt=3, dependencies=Dependencies.PROJECT, if_busy=IfBusy.QUEUE, grace_s=7.0,
)  # fmt: skip


def make_zip(path: Path) -> None:
    """A checkpoint as torch writes it."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", b"\x80\x02." + b"x" * 500)
        archive.writestr("archive/data/0", b"y" * 500)


def make_json(path: Path) -> None:
    """A checkpoint in JSON."""
    path.write_text(json.dumps({"step": 3, "weights": list(range(50))}))


def make_safetensors(path: Path) -> None:
    """A checkpoint in safetensors."""
    header = json.dumps({"w": {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]}}).encode()
    path.write_bytes(len(header).to_bytes(8, "little") + header + b"\0" * 16)


def make_pickle(path: Path) -> None:
    """A checkpoint in the older format."""
    path.write_bytes(b"\x80\x04" + b"K\x01" * 40 + b".")


MAKERS = {
    ".pt": make_zip,
    ".json": make_json,
    ".safetensors": make_safetensors,
    ".pth": make_pickle,
}


@pytest.fixture
def folder(tmp_path):
    """A checkpoint folder."""
    found = tmp_path / "checkpoints"
    found.mkdir()
    return found


@pytest.mark.parametrize("suffix", MAKERS)
def test_whole_files_are_usable(tmp_path, suffix):
    """Each format is recognised."""
    MAKERS[suffix](tmp_path / f"a{suffix}")
    assert is_usable(tmp_path / f"a{suffix}")


@settings(max_examples=80, deadline=None)
@given(suffix=st.sampled_from(sorted(MAKERS)), share=st.floats(0, 0.999))
def test_a_truncated_file_is_never_usable(tmp_path_factory, suffix, share):
    """Wherever the writer was killed."""
    path = tmp_path_factory.mktemp("ckpt") / f"a{suffix}"
    MAKERS[suffix](path)
    content = path.read_bytes()
    cut = content[: int(share * len(content))]
    path.write_bytes(cut)
    assert not is_usable(path)


@settings(max_examples=60, deadline=None)
@given(steps=st.lists(st.integers(0, 99), min_size=1, max_size=6, unique=True), data=st.data())
def test_the_highest_usable_step_is_chosen(tmp_path_factory, steps, data):
    """Damaged ones are passed over and named, temporary ones are not even looked at."""
    folder = tmp_path_factory.mktemp("ckpt")
    whole = data.draw(st.sets(st.sampled_from(steps)))
    for step in steps:
        path = folder / f"epoch-{step}.json"
        path.write_text("{}" if step in whole else '{"step"')
    (folder / "epoch-100.json.tmp").write_text("{}")
    (folder / ".epoch-101.json").write_text("{}")
    if not whole:
        with pytest.raises(NoValidCheckpointError) as caught:
            choose_checkpoint(folder)
        assert (caught.value.code, caught.value.exit_code) == ("RESUME_NO_VALID_CHECKPOINT", 4)
        return
    choice = choose_checkpoint(folder)
    assert choice.path == folder / f"epoch-{max(whole)}.json"
    assert {path.name for path in choice.skipped} == {
        f"epoch-{step}.json" for step in steps if step > max(whole)
    }


def test_without_numbers_the_latest_change_is_newest(folder):
    """One name without a number, and time decides."""
    for age, name in enumerate(["last.json", "epoch-9.json", "best.json"]):
        (folder / name).write_text("{}")
        os.utime(folder / name, (1000 - age, 1000 - age))
    assert choose_checkpoint(folder).path == folder / "last.json"


def test_a_folder_is_a_checkpoint_when_all_of_it_is_whole(folder):
    """One damaged file spoils it, and so does an empty one."""
    for step in (1, 2, 3):
        (folder / f"checkpoint-{step}").mkdir()
    make_zip(folder / "checkpoint-1" / "model.pt")
    make_zip(folder / "checkpoint-2" / "model.pt")
    (folder / "checkpoint-2" / "state.json").write_text("{")
    choice = choose_checkpoint(folder)
    assert choice.path == folder / "checkpoint-1"
    assert [path.name for path in choice.skipped] == ["checkpoint-3", "checkpoint-2"]


@pytest.mark.parametrize("exists", [True, False])
def test_without_checkpoints_it_starts_from_zero_and_says_so(tmp_path, exists):
    """An empty folder, and none at all."""
    folder = tmp_path / "checkpoints"
    if exists:
        folder.mkdir()
    found = resume_request(SPEC, run_id="new", checkpoints=folder)
    assert found.request.resume_from is None
    assert found.warnings == (f"run old has no checkpoint in {folder}: it starts from zero",)


def test_the_same_training_is_asked_for(folder):
    """Script, arguments, environment, processes and the rest are the old run's; the attempt is the next."""
    make_json(folder / "epoch-1.json")
    (folder / "epoch-2.json").write_text("{")
    found = resume_request(SPEC, run_id="new", checkpoints=folder)
    request = found.request
    assert request.resume_from == str(folder / "epoch-1.json")
    assert (request.run_id, request.parent_run_id, request.attempt) == ("new", "old", 4)
    assert (str(request.script), str(request.project_dir)) == ("/p/train.py", "/p")
    for name in ("args", "env", "nproc", "name", "dependencies", "if_busy", "grace_s"):
        assert getattr(request, name) == getattr(SPEC, name)
    assert found.warnings == ("epoch-2.json is damaged and was passed over",)
