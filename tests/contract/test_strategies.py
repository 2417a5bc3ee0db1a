"""The strategies of the kit make values that the interface's JSON form keeps."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runctl_core.api import Finding, Listing, Resource, Run, Volume
from runctl_core.serialization import from_json, to_json
from runctl_core.testing import strategies

KINDS = {
    Resource: strategies.resources,
    Volume: strategies.volumes,
    Listing: strategies.listings,
    Run: strategies.runs,
    Finding: strategies.findings,
}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@given(data=st.data())
def test_values_survive_json(kind: type, data: st.DataObject) -> None:
    """Any value of the interface, written as JSON and read back, is the same."""
    value = data.draw(KINDS[kind])
    assert from_json(to_json(value), kind) == value
