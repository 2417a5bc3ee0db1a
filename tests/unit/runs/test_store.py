"""The run store: ids, lookup, damage, and its index."""

from __future__ import annotations

import json
import os
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runctl_core.api.errors import InputError, NotFoundError
from runctl_core.api.model import Ref, Run, RunState
from runctl_core.runs.index import RunIndex
from runctl_core.runs.records import report_from_run, run_from_report
from runctl_core.runs.store import RunStore

NOW = datetime(2026, 1, 31, 12, 0, 0, tzinfo=UTC)


@pytest.fixture
def store(tmp_path):
    found = RunStore(tmp_path / "store")
    found.prepare()
    return found


def make_run(store, run_id, *, name="train", state="succeeded", age_s=0, **exit_fields):
    """Leave the traces of a local run."""
    folder = store.path(run_id)
    folder.mkdir()
    created = (NOW - timedelta(seconds=age_s)).isoformat()
    spec = {
        "schema": 1, "run_id": run_id, "name": name, "resource": f"local:{run_id}", "script": "t.py",
        "args": ["--lr", "0.1"], "created_at": created, "cwd": "/", "project_dir": "/",
    }  # fmt: skip
    (folder / "spec.json").write_text(json.dumps(spec))
    if state:
        ended = {"state": state, "exit_code": 0, "ended_at": created} | exit_fields
        (folder / "exit.json").write_text(json.dumps(ended))


def test_ids_sort_by_time_and_are_unique(store):
    """A later id is greater, and the same moment gives different ones."""
    early, late = store.new_id(NOW), store.new_id(NOW + timedelta(seconds=1))
    assert early < late
    assert len({store.new_id(NOW) for _ in range(50)}) == 50


def test_list_is_newest_first(store):
    """The run created last comes first."""
    for age, name in enumerate(["c", "a", "b"]):
        make_run(store, name, age_s=age)
    assert [run.id for run in store.list()] == ["c", "a", "b"]


def test_nothing_there_is_an_empty_list(tmp_path):
    """A home that was never used has no runs, and is not made by looking."""
    assert RunStore(tmp_path / "none").list() == ()
    assert not (tmp_path / "none").exists()


def test_get_by_id_prefix_and_name(store):
    """A run is found by id, by a beginning of its id, and by its name."""
    make_run(store, "260101-000000-aaaa", name="first")
    make_run(store, "260102-000000-bbbb", name="second")
    for text in ("260101-000000-aaaa", "260101", "first"):
        assert store.get(text).id == "260101-000000-aaaa"


def test_an_exact_id_wins_over_a_prefix(store):
    """An id that begins another one is still an id."""
    make_run(store, "a1")
    make_run(store, "a12")
    assert store.get("a1").id == "a1"


def test_a_beginning_that_fits_several_is_refused(store):
    """A short prefix never picks one of several runs."""
    make_run(store, "260101-000000-aaaa")
    make_run(store, "260102-000000-bbbb")
    with pytest.raises(InputError, match="fits 2 runs"):
        store.get("26")


def test_a_name_means_its_newest_run(store):
    """Running a script again does not make its name useless."""
    make_run(store, "260101-000000-aaaa", name="twin", age_s=9)
    make_run(store, "260102-000000-bbbb", name="twin")
    assert store.get("twin").id == "260102-000000-bbbb"


def test_not_found_names_the_nearest(store):
    """A typo is answered with what was probably meant."""
    make_run(store, "260101-000000-aaaa", name="tabular")
    with pytest.raises(NotFoundError) as caught:
        store.get("tabluar")
    assert "tabular" in caught.value.hint
    with pytest.raises(NotFoundError):
        store.get("")


@pytest.mark.parametrize("text", ["..", ".", "../x", "/etc", ".index.jsonl"])
def test_paths_are_no_ids(store, text):
    """What looks like a path is never followed."""
    make_run(store, "a")
    with pytest.raises(NotFoundError):
        store.get(text)


GARBAGE = [b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"state": "wonderful"}', b"[" * 100_000, b"{}"]


@pytest.mark.parametrize("garbage", GARBAGE)
@pytest.mark.parametrize("name", ["spec.json", "exit.json", "remote.json", "supervisor.json"])
def test_damage_is_an_unknown_run(store, name, garbage):
    """A file that is torn or garbage makes its own run unknown and leaves the others alone."""
    make_run(store, "good", age_s=5)
    make_run(store, "bad", state=None if name == "supervisor.json" else "succeeded")
    (store.path("bad") / name).write_bytes(garbage)
    runs = {run.id: run for run in store.list()}
    assert runs["good"].state is RunState.SUCCEEDED
    assert runs["bad"].state is RunState.UNKNOWN
    assert runs["bad"].detail
    assert store.get("bad") == runs["bad"]


def test_an_empty_folder_is_an_unknown_run(store):
    """A run folder without a spec is listed."""
    store.path("bare").mkdir()
    assert store.list()[0].detail == "spec.json is missing"


def test_final_runs_come_from_the_index(store):
    """Once seen, a final run is not read again."""
    make_run(store, "done")
    before = store.list()
    (store.path("done") / "exit.json").unlink()
    assert store.list() == before


@pytest.mark.parametrize("limit", [0, 1, 3, 9])
def test_the_newest_are_the_beginning_of_all(store, limit):
    """Ids sort by time, so that a limit needs no look at the rest, with or without an index."""
    for number in range(5):
        make_run(store, f"26010{number}-000000-abcd", age_s=5 - number)
    fresh = store.list(limit=limit)
    assert fresh == store.list()[:limit]
    assert fresh == store.list(limit=limit)
    assert store.count() == 5


def test_active_runs_are_never_indexed(store):
    """A run that can still change is always read."""
    make_run(store, "going", state=None)
    store.list()
    make_run_over = {"state": "failed", "exit_code": 3}
    (store.path("going") / "exit.json").write_text(json.dumps(make_run_over))
    assert store.list()[0].exit_code == 3


def test_deleted_runs_leave_the_list(store):
    """The folder decides, not the index."""
    make_run(store, "done")
    store.list()
    shutil.rmtree(store.path("done"))
    assert store.list() == ()


JUNK = [b"", b"\n", b"junk", b"{}", b'{"run_id": 3}', b"]", b"\0\xff"]


@settings(max_examples=60, deadline=None)
@given(start=st.floats(0, 1), length=st.floats(0, 1), junk=st.sampled_from(JUNK))
def test_a_damaged_index_hides_no_run(tmp_path_factory, start, length, junk):
    """Whatever is cut out of the index or written over it, every run is listed, and it can be made anew."""
    store = RunStore(tmp_path_factory.mktemp("store"))
    store.prepare()
    for position in range(4):
        make_run(store, f"run{position}", age_s=position, exit_code=position, state="failed")
    before = store.list()
    path = store.runs_dir / ".index.jsonl"
    content = path.read_bytes()
    first = int(start * len(content))
    last = first + int(length * (len(content) - first))
    path.write_bytes(content[:first] + junk + content[last:])
    assert {run.id for run in store.list()} == {run.id for run in before}
    path.unlink()
    assert store.list() == before


def test_index_lines_may_be_torn(tmp_path):
    """A line that was cut short costs that line only."""
    index = RunIndex(tmp_path / "index")
    index.append([{"run_id": "a"}, {"run_id": "b"}])
    with index.path.open("ab") as file:
        file.write(b'{"run_id": "c", "sta')
    index.append([{"run_id": "d"}])
    assert set(index.read()) == {"a", "b", "d"}


def test_an_unwritable_index_is_no_failure(store):
    """A listing works where the index cannot be kept."""
    (store.runs_dir / ".index.jsonl").mkdir()
    make_run(store, "done")
    assert store.list()[0].id == "done"


def test_remote_runs_are_listed_with_the_others(store):
    """A run on another machine keeps what was last heard of it."""
    run = Run(
        id="far", name="n", resource=Ref(provider="aws", region="us-east-1", id="i-1"), script="t.py",
        args=("a", "\udcff"), state=RunState.RUNNING, created_at=NOW,
    )  # fmt: skip
    store.record_remote(run)
    assert store.list() == (run,)
    assert store.get("far") == run


@given(
    args=st.lists(st.text(st.characters())),
    state=st.sampled_from(RunState),
    seconds=st.integers(0, 10**9),
    exit_code=st.none() | st.integers(0, 255),
)
def test_reports_round_trip(args, state, seconds, exit_code):
    """A run written down and read back is the same run."""
    run = Run(
        id="x", name="n", resource=Ref(provider="p", id="i"), script="s", args=tuple(args), state=state,
        created_at=NOW + timedelta(seconds=seconds), exit_code=exit_code, ended_at=NOW,
    )  # fmt: skip
    assert run_from_report(json.loads(json.dumps(report_from_run(run)))) == run


def test_the_newest_run_of_a_resource_is_found(store):
    """A resource's run is the one started last; a forgotten record is gone."""
    ref = Ref(provider="aws", region="us-east-1", id="i-1")
    for age in (5, 1, 3):
        made = NOW - timedelta(seconds=age)
        store.record_remote(
            Run(
                id=f"r{age}",
                name="n",
                resource=ref,
                script="s",
                args=(),
                state=RunState.RUNNING,
                created_at=made,
            )
        )
    assert store.newest_on(ref).id == "r1"
    assert store.is_remote("r1")
    store.forget("r1")
    assert store.newest_on(ref).id == "r3"
    with pytest.raises(NotFoundError):
        store.newest_on(Ref(provider="aws", id="i-2"))


def test_a_file_in_the_place_of_the_home_is_refused(tmp_path):
    """One line says that the home cannot be used."""
    (tmp_path / "home-file").write_text("")
    store = RunStore(tmp_path / "home-file")
    for use in (store.prepare, store.list):
        with pytest.raises(InputError) as caught:
            use()
        assert "\n" not in str(caught.value)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_foreign_home_is_refused(tmp_path):
    """A home of another user is not trusted."""
    store = RunStore(tmp_path / "theirs")
    store.prepare()
    os.chown(store.home, 12345, 12345)
    with pytest.raises(InputError, match="belongs to another user"):
        store.prepare()


def test_home_is_private(store):
    """Nobody else can look into the home."""
    assert store.home.stat().st_mode & 0o777 == 0o700
    assert Path(store.runs_dir).stat().st_mode & 0o777 == 0o700


def test_a_missing_spec_is_not_found(store):
    """Resuming needs a spec on this machine."""
    with pytest.raises(NotFoundError):
        store.spec("nothing")
