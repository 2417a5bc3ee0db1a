"""The kit finds what it is there to find: each defect, put into a package that passes, makes its test fail."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ACME = """
import attrs
import runctl_acme
from runctl_acme import client, provider, settings, volumes
from runctl_acme.provider import AcmeProvider
from runctl_core.testing.parts import base
from runctl_core.api import (Listing, ListQuery, ResourceState,
    RunctlError, hookimpl)
base.DEADLINE_S = 1.0
"""
CURFEW = """
import hypothesis
hypothesis.settings.register_profile("brief", phases=[hypothesis.Phase.generate])
hypothesis.settings.load_profile("brief")
import runctl_curfew
from runctl_core.api import Finding, Level, hookimpl
CHECK = runctl_curfew.runctl_check

def replace(check):
    check.__name__ = "runctl_check"
    runctl_curfew.runctl_check = hookimpl(check)
"""
DEFECTS = {
    "test_capabilities_are_honest": """
info = runctl_acme.runctl_provider()
@hookimpl
def runctl_provider():
    return attrs.evolve(info, capabilities=attrs.evolve(info.capabilities, stop=False))
runctl_acme.runctl_provider = runctl_provider
""",
    "test_end_touches_only_its_target": """
end = AcmeProvider.terminate
def terminate(self, ref):
    for resource in self.list_resources(ListQuery()).resources:
        end(self, resource.ref)
AcmeProvider.terminate = terminate
""",
    "test_ending_the_unknown_is_quiet": """
end = AcmeProvider.terminate
def terminate(self, ref):
    self.connect(ref)
    end(self, ref)
AcmeProvider.terminate = terminate
""",
    "test_same_key_is_one_resource": """
create = AcmeProvider.create
def again(self, request, numbers=iter(range(99))):
    key = request.idempotency_key + str(next(numbers))
    return create(self, attrs.evolve(request, idempotency_key=key))
AcmeProvider.create = lambda self, request: again(self, request)
""",
    "test_lost_answer_is_recovered": "AcmeProvider.find = lambda self, idempotency_key: None",
    "test_failing_create_leaves_nothing": """
create = AcmeProvider.create
def careless(self, request):
    try:
        return create(self, request)
    except RunctlError:
        create(self, request)
        raise
AcmeProvider.create = careless
""",
    "test_list_reads_every_page": """
pages = client.Client.pages
client.Client.pages = lambda self, kind: iter([next(pages(self, kind))])
""",
    "test_missing_page_is_told": """
listing = AcmeProvider.list_resources
AcmeProvider.list_resources = lambda self, query: Listing(
    resources=listing(self, query).resources)
""",
    "test_invented_state_is_unknown": """
class Guess(dict):
    def get(self, key, default):
        return super().get(key, ResourceState.STOPPED)
provider.STATES = Guess(provider.STATES)
""",
    "test_fault_while_creating": "client.ERRORS.clear()",
    "test_fault_while_listing": """
listing = AcmeProvider.list_resources
def quiet(self, query):
    try:
        return listing(self, query)
    except RunctlError:
        return Listing()
AcmeProvider.list_resources = quiet
""",
    "test_secret_is_not_in_texts": "settings.AcmeSettings.__repr__ = lambda self: self.token or ''",
    "test_secret_is_not_in_errors": """
ask = client.Client.ask
def talkative(self, verb, **fields):
    try:
        return ask(self, verb, **fields)
    except RunctlError as error:
        raise type(error)(str(error)) from ValueError(self.cloud._token)
client.Client.ask = talkative
""",
    "test_resource_is_well_formed": """
describe = provider.describe
provider.describe = lambda record: attrs.evolve(
    describe(record), created_at=describe(record).created_at.replace(tzinfo=None))
""",
    "test_price_is_well_formed": """
price = provider.price_of
provider.price_of = lambda text: attrs.evolve(price(text), usd_per_hour=float(text))
""",
    "test_attached_volume_is_not_deleted": """
delete = volumes.AcmeVolumes.delete
def eager(self, volume):
    self.detach(volume)
    delete(self, volume)
volumes.AcmeVolumes.delete = eager
""",
    "test_volume_outlives_its_machine": """
end = AcmeProvider.terminate
def terminate(self, ref):
    for volume in self.volumes().list():
        self.volumes().detach(volume.ref)
        self.volumes().delete(volume.ref)
    end(self, ref)
AcmeProvider.terminate = terminate
""",
    "test_looking_changes_nothing": """
status = AcmeProvider.status
def touch(self, ref):
    self.client.ask("update", kind="machines", id=ref.id, seen=True)
    return status(self, ref)
AcmeProvider.status = touch
""",
    "test_stop_and_start": "AcmeProvider.stop = lambda self, ref: None",
}
LAPSES = {
    "test_every_question_is_answered": """
def check(action, context):
    if not action.targets:
        raise LookupError(action)
    return CHECK(action, context)
replace(check)
""",
    "test_policy_is_pure": """
def check(action, context):
    open("/etc/hostname").close()
    return CHECK(action, context)
replace(check)
""",
    "test_knowing_less_is_no_milder": """
def check(action, context):
    if any(context.facts.values()):
        return Finding(code="CURFEW", level=Level.BLOCK, reason="it is known too well")
replace(check)
""",
    "test_every_code_has_a_trigger": """
def check(action, context):
    return None
replace(check)
""",
}


def failures(environment, folder: Path, package: str, defect: str, test: str) -> str:
    """What the package's contract says of one test once the defect is in."""
    source = Path(__file__).parents[1] / "thirdparty" / package / "tests"
    tests = Path(shutil.copytree(source, folder / package))
    (tests / "conftest.py").write_text(defect)
    argv = ["-q", "--tb=line", "-p", "no:cacheprovider", "--rootdir", str(tests), "-k", test]
    done = subprocess.run(
        [environment.path("python"), "-m", "pytest", *argv, str(tests)],
        cwd=folder,
        env=environment.cli(folder / "person").variables(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("test", DEFECTS)
def test_provider_defect_is_found(environment, tmp_path: Path, test: str) -> None:
    """A provider that breaks one promise fails the test of that promise."""
    said = failures(environment, tmp_path, "runctl_acme", ACME + DEFECTS[test], test)
    assert f"FAILED runctl_acme/test_contract.py::TestAcme::{test}" in said


@pytest.mark.parametrize("test", LAPSES)
def test_policy_lapse_is_found(environment, tmp_path: Path, test: str) -> None:
    """A policy that breaks one promise fails the test of that promise."""
    said = failures(environment, tmp_path, "runctl_curfew", CURFEW + LAPSES[test], test)
    assert f"FAILED runctl_curfew/test_contract.py::TestCurfew::{test}" in said
