"""The spec: every argument survives being written down."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runctl_core.api.model import Ref
from runctl_core.api.requests import Dependencies, IfBusy, TrainRequest
from runctl_core.runs.dependencies import Commands
from runctl_core.runs.spec import RunSpec, compose_spec, dump_spec, load_spec

NOW = datetime(2026, 1, 31, tzinfo=UTC)
WORDS = st.binary(max_size=20).map(lambda data: os.fsdecode(data.replace(b"\0", b"")))


@given(
    args=st.lists(WORDS).map(tuple),
    env=st.dictionaries(WORDS, WORDS, max_size=3),
    prepare=st.lists(st.lists(WORDS, min_size=1).map(tuple), max_size=2).map(tuple),
    if_busy=st.sampled_from(IfBusy),
    dependencies=st.sampled_from(Dependencies),
    nproc=st.none() | st.integers(0, 8),
)
def test_specs_round_trip(*, args, env, prepare, if_busy, dependencies, nproc):
    """A spec read back is the same spec, also with text that never was UTF-8."""
    spec = RunSpec(
        run_id="r", name="n", resource=Ref(provider="local", id="r"), script="s", args=args, argv=("s", *args),
        cwd="/", created_at=NOW, env=env, prepare=prepare, if_busy=if_busy, dependencies=dependencies, nproc=nproc,
    )  # fmt: skip
    assert load_spec(dump_spec(spec)) == spec


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b'{"schema": 2}', b'{"schema": 1}', b"\xff"])
def test_damage_is_a_value_error(data):
    """A torn spec, or one of another version, is recognised."""
    with pytest.raises(ValueError):  # noqa: PT011 - any of its kinds
        load_spec(data)


def compose(**fields):
    """The spec of a request."""
    request = TrainRequest(run_id="r", script=Path("/p/train.py"), project_dir=Path("/p"), **fields)
    return compose_spec(
        request, Commands(argv=("python3", "/p/train.py")), resource=Ref(provider="local", id="r"),
        cwd="/p", project_dir="/p", lock="/h/locks/p.lock", now=NOW,
    )  # fmt: skip


def test_a_run_is_named_after_its_script():
    """Without a name of its own."""
    assert compose().name == "train"
    assert compose(name="mine").name == "mine"


def test_a_concurrent_run_takes_no_lock():
    """The others do."""
    assert compose(if_busy=IfBusy.CONCURRENT).lock is None
    assert compose(if_busy=IfBusy.QUEUE).lock == "/h/locks/p.lock"
