"""ACME keeps the provider contract."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from runctl_acme import cloud
from runctl_acme.cloud import Cloud, CloudError
from runctl_acme.settings import AcmeSettings

from runctl_core.api import CreateRequest, Ref
from runctl_core.testing import Fault, ProviderContract, World

MUTATIONS = frozenset({"create", "update", "delete"})
STATUS = {
    Fault.UNAUTHORISED: 401,
    Fault.FORBIDDEN: 403,
    Fault.THROTTLED: 429,
    Fault.NO_CAPACITY: 507,
    Fault.UNAVAILABLE: 503,
    Fault.UNREACHABLE: 408,
}


class AcmeWorld(World):
    """ACME with a hand on the line."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.cloud = Cloud(folder, None)
        self.mutations = 0
        self.monkeypatch = monkeypatch
        self.next_error: Exception | None = None
        self.is_answer_lost = False
        self.pages_work = True
        answer = Cloud.request
        monkeypatch.setattr(
            Cloud, "request", lambda asked, verb, **fields: self.handle(answer, asked, verb, fields)
        )

    @property
    def mutation_count(self) -> int:
        return self.mutations

    def handle(self, answer: Any, asked: Cloud, verb: str, fields: dict[str, Any]) -> Any:
        """Pass one request on, or not."""
        error, self.next_error = self.next_error, None
        if error or (fields.get("page") and not self.pages_work):
            raise error or CloudError(503, "no such luck")
        self.mutations += verb in MUTATIONS
        given = answer(asked, verb, **fields)
        if verb in MUTATIONS and self.is_answer_lost:
            self.is_answer_lost = False
            raise CloudError(408, "the line is dead")
        return given

    def fail(self, fault: Fault) -> None:
        status = STATUS.get(fault)
        self.next_error = CloudError(status, "refused") if status else ValueError("<html>")

    def lose_answer(self) -> None:
        self.is_answer_lost = True

    def shrink_pages(self) -> None:
        self.monkeypatch.setattr(cloud, "PAGE_SIZE", 1)

    def break_second_page(self) -> None:
        self.pages_work = False

    def invent_state(self, ref: Ref) -> None:
        self.cloud.request("update", kind="machines", id=ref.id, state="hibernating")


class TestAcme(ProviderContract):
    """Everything, for ACME has everything."""

    name = "acme"
    secret = "acme-secret-4711"
    faults = frozenset(Fault)

    @pytest.fixture
    def settings(self, tmp_path: Path) -> AcmeSettings:
        return AcmeSettings(folder=tmp_path / "cloud", token=self.secret)

    @pytest.fixture
    def world(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AcmeWorld:
        return AcmeWorld(tmp_path / "cloud", monkeypatch)

    @pytest.fixture
    def cheap_request(self) -> CreateRequest:
        return CreateRequest(name="contract", idempotency_key="contract", shape_name="small")
