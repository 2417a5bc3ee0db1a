"""Broken plugins cost their own command and nothing else, and never let anything pass."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

import attrs
import pytest
from hypothesis import HealthCheck, given, settings

from runctl_core.api import Action, ActionKind, Level, PolicyContext
from runctl_core.discovery import COMMANDS, POLICIES, PROVIDERS
from runctl_core.policies.engine import Policies, judge, load_policies
from runctl_core.testing import Cli, Distribution
from runctl_core.testing.strategies import questions

NOW = datetime(2026, 1, 1, tzinfo=UTC)
TERMINATE = Action(id="a", kind=ActionKind.TERMINATE, provider="acme", requested_at=NOW)
SHORT_S = 0.05

INFO = """
from runctl_core.api import *
from runctl_core.api import Capabilities, Finding, Level, PolicyInfo, Provider, ProviderInfo, hookimpl
LEAST = Capabilities(train=True, terminate=True, list_resources=True, transfer=True)
"""
PROVIDER = (
    INFO
    + """
@hookimpl
def runctl_provider():
    return ProviderInfo(name="odd", summary="Odd.", {more})
"""
)
CLASS = """
class Odd(Provider):
    def train(self, request): ...
    def terminate(self, ref): ...
    def list_resources(self, query): {body}
    def transfer(self, request, progress): ...
"""
POLICY = (
    INFO
    + """
@hookimpl
def runctl_policy():
    return PolicyInfo(name="odd", summary="Odd.", codes={"ODD": "Odd."})
"""
)
CHECK = "\n@hookimpl{options}\ndef runctl_check(action, context):\n    {body}\n"
COMMAND = INFO + "\n@hookimpl\ndef runctl_command(name):\n    {body}\n"


def made(body: str = "return 7", more: str = "", extra: str = "") -> str:
    """A provider whose class stands in the same module."""
    fields = f"factory='odd_plugin:Odd', capabilities=LEAST, {more}"
    return PROVIDER.format(more=fields) + CLASS.format(body=body) + extra


def checked(body: str, options: str = "") -> str:
    """A policy with this check."""
    return POLICY + CHECK.format(body=body, options=options)


PROVIDERS_THAT_DO_NOT_LOAD = {
    "import error": "import no_such_sdk",
    "syntax error": "def",
    "exit at import": "import sys; sys.exit(0)",
    "hard error at import": "raise BaseException('boo')",
    "recursion at import": "def f(): f()\nf()",
    "error that cannot be printed": "class E(Exception):\n  def __str__(self): raise self\nraise E",
    "error of many lines": "raise ValueError('one\\ntwo\\nthree' * 100)",
    "null byte": "x = '\0'",
    "no hook": "x = 1",
    "hook of another shape": PROVIDER.format(more="").replace("provider()", "provider(cloud)"),
    "unknown hook": PROVIDER.format(more="") + "@hookimpl\ndef runctl_new_idea(): ...",
    "raises when asked": PROVIDER.format(more="1 / 0"),
    "answers nothing": INFO + "@hookimpl\ndef runctl_provider(): return None",
    "answers text": INFO + "@hookimpl\ndef runctl_provider(): return 'odd'",
    "answers a mapping": INFO + "@hookimpl\ndef runctl_provider(): return {'name': 'odd'}",
    "interface of the past": PROVIDER.format(more="api_version=(0, 9)"),
    "interface of the future": PROVIDER.format(more="api_version=(1, 99)"),
    "interface that is no version": PROVIDER.format(more="api_version='1.0'"),
    "another name": PROVIDER.replace('"odd"', '"even"').format(more=""),
    "capabilities that are none": PROVIDER.format(more="capabilities={'start': True}"),
    "capability of the future": PROVIDER.format(more="capabilities=Capabilities(teleport=True)"),
    "operations without a class": PROVIDER.format(more="capabilities=LEAST"),
    "summary that is no text": PROVIDER.replace('"Odd."', "None").format(more=""),
    "commands that are none": PROVIDER.format(more="commands=['x']"),
}
PROVIDERS_THAT_DO_NOT_WORK = {
    "class that is missing": made(extra="\ndel Odd"),
    "class that is a function": made(extra="\nOdd = lambda **given: None"),
    "class that is another": made(extra="\nclass Odd: pass"),
    "abstract class": made().replace("def train", "def trains"),
    "operation with another argument": made().replace("self, query", "self, query, cloud"),
    "declared and not there": made().replace("=LEAST", "=Capabilities(stop=True)"),
    "settings that are missing": made(more="settings='odd_plugin:Nothing'"),
    "settings that are no class": made(more="settings='odd_plugin:LEAST.operations'"),
}
PROVIDERS_THAT_FAIL_WHEN_USED = {
    "class that raises": made(extra="    def __init__(self, **given): raise OSError('no')\n"),
    "class that exits": made(extra="    def __init__(self, **given): raise SystemExit(0)\n"),
    "operation that raises": made("raise KeyError('zone')"),
    "operation that exits": made("raise SystemExit(0)"),
    "operation that answers junk": made("return [1, 2]"),
    "operation that answers nothing": made("pass"),
}
POLICIES_THAT_DO_NOT_LOAD = {
    "policy: import error": "import no_such_sdk",
    "policy: exit at import": "raise SystemExit(0)",
    "policy: without a check": POLICY,
    "policy: without a description": INFO + CHECK.format(body="return None", options=""),
    "policy: wrapper": checked("yield\n    return []", "(wrapper=True)"),
    "policy: old wrapper": checked("yield", "(hookwrapper=True)"),
    "policy: another name": checked("return None").replace('"odd"', '"training-running"'),
    "policy: interface of the future": checked("return None").replace(
        "codes=", "api_version=(2, 0), codes="
    ),
    "policy: codes that are none": checked("return None").replace('{"ODD": "Odd."}', "None"),
    "policy: other arguments": checked("return None").replace("action, context", "action, cloud"),
}
POLICIES_THAT_MISBEHAVE = {
    "policy: raises": checked("1 / 0"),
    "policy: exits": checked("raise SystemExit(0)"),
    "policy: hangs": checked("import time; time.sleep(3600)"),
    "policy: hangs while it answers": checked("import time; yield time.sleep(3600)"),
    "policy: answers yes": checked("return True"),
    "policy: answers text": checked("return 'allow'"),
    "policy: unexplained code": checked("return Finding(code='X', level=Level.INFO, reason='')"),
    "policy: level above block": checked("return Finding(code='ODD', level=99, reason='')"),
    "policy: clears the facts": checked("context.facts.clear()"),
}
COMMANDS_THAT_DO_NOT_LOAD = {
    "command: import error": "import no_such_sdk",
    "command: answers nothing": COMMAND.format(body="return None"),
    "command: answers a function": COMMAND.format(body="return print"),
    "command: raises": COMMAND.format(body="raise OSError('no')"),
    "command: without a hook": "x = 1",
}


BROKEN = {
    PROVIDERS: PROVIDERS_THAT_DO_NOT_LOAD | PROVIDERS_THAT_DO_NOT_WORK,
    COMMANDS: COMMANDS_THAT_DO_NOT_LOAD,
    POLICIES: POLICIES_THAT_DO_NOT_LOAD,
}
NAMES = {
    kind: f"odd-{number}"
    for number, kind in enumerate(kind for table in BROKEN.values() for kind in table)
}


def distribution(group: str, source: str, **more: object) -> Distribution:
    """A distribution whose one plugin is called ``odd``."""
    given = {
        "name": "runctl-odd",
        "version": "6.6",
        "entry_points": {group: {"odd": "odd_plugin"}},
        "modules": {"odd_plugin": source},
    }
    return Distribution(**(given | more))


def renamed(group: str, source: str, name: str) -> Distribution:
    """The same under another name, so that many can be installed at once."""
    module = name.replace("-", "_")
    own = source.replace('"odd"', f'"{name}"').replace("odd_plugin", module)
    points = {group: {name: module}}
    return distribution(
        group, "", name=f"runctl-{name}", entry_points=points, modules={module: own}
    )


def parametrised(*tables: Mapping[str, str]) -> pytest.MarkDecorator:
    """One test of each source."""
    rows = [(name, source) for table in tables for name, source in table.items()]
    return pytest.mark.parametrize("source", [row[1] for row in rows], ids=[row[0] for row in rows])


def person(folder: Path) -> Cli:
    """A person who has a folder with plugins on the path."""
    for name in ("person", "site"):
        (folder / name).mkdir(parents=True)
    return Cli(home=folder / "person", sites=(folder / "site",))


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    """A person who installs plugins."""
    return person(tmp_path / "own")


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> Cli:
    """A person who has installed every broken plugin that there is."""
    made = person(tmp_path_factory.mktemp("crowd"))
    for group, sources in BROKEN.items():
        for kind, source in sources.items():
            renamed(group, source, NAMES[kind]).install(made.sites[0])
    return made


@pytest.fixture(scope="module")
def listing(crowd: Cli) -> dict[str, dict[str, object]]:
    """What ``plugins list`` says of each of them."""
    return {report["name"]: report for report in crowd.json("plugins", "list")["plugins"]}


def assert_the_rest_works(cli: Cli) -> None:
    """Help, another provider and completion work as if nothing were wrong."""
    answer = cli.run("--help")
    assert answer.exit_code == 0, answer.err
    assert "Commands:" in answer.out
    others = cli.run("local", "list")
    assert (others.exit_code, "Traceback" in others.err) == (0, False)
    completing = {"_RUNCTL_COMPLETE": "bash_complete", "COMP_WORDS": "runctl lo", "COMP_CWORD": "1"}
    completed = attrs.evolve(cli, env=completing).run()
    assert completed.out == "plain,local\n"
    assert completed.err == ""


def assert_listed_as_broken(cli: Cli, name: str = "odd") -> str:
    """``plugins list`` names entry point and distribution, and says what is wrong in one line."""
    listing = cli.json("plugins", "list")["plugins"]
    reports = [report for report in listing if report["name"] == name]
    assert reports
    assert not any(report["is_ok"] for report in reports)
    assert any(report["is_ok"] for report in listing if report["name"] == "local")
    detail: str = reports[0]["detail"]
    assert repr(name) in detail
    assert reports[0]["distribution"] in detail
    assert len(detail.splitlines()) == 1
    return detail


def assert_one_line(cli: Cli, *argv: str, exit_code: int = 2) -> None:
    """The command fails with one line that names the plugin, without a traceback."""
    answer = cli.run(*argv)
    assert answer.exit_code == exit_code, answer.err
    assert answer.out == ""
    assert len(answer.err.splitlines()) == 1
    assert argv[0] in answer.err


def test_all_at_once_cost_nothing_else(crowd: Cli) -> None:
    """With every broken plugin installed, help, other providers and completion work."""
    assert_the_rest_works(crowd)


@pytest.mark.parametrize("kind", NAMES)
def test_broken_plugin_is_listed(listing: dict[str, dict[str, object]], kind: str) -> None:
    """``plugins list`` shows each as broken, by entry point and distribution, in one line."""
    report = listing[NAMES[kind]]
    assert not report["is_ok"]
    detail = str(report["detail"])
    assert repr(NAMES[kind]) in detail
    assert f"runctl-{NAMES[kind]} 6.6" in detail
    assert len(detail.splitlines()) == 1


def test_working_plugin_is_listed_among_them(listing: dict[str, dict[str, object]]) -> None:
    """The broken ones do not spoil the report on those that work."""
    assert listing["local"]["is_ok"]


@pytest.mark.parametrize("kind", BROKEN[PROVIDERS])
def test_broken_provider_exits_with_2(crowd: Cli, kind: str) -> None:
    """Using a broken provider is one line and exit code 2."""
    verb = ["stop", "x"] if "stop=True" in BROKEN[PROVIDERS][kind] else ["list"]
    assert_one_line(crowd, NAMES[kind], *verb)


@pytest.mark.parametrize("kind", BROKEN[COMMANDS])
def test_broken_command_exits_with_2(crowd: Cli, kind: str) -> None:
    """Using a broken command is one line and exit code 2."""
    assert_one_line(crowd, NAMES[kind])


@parametrised(PROVIDERS_THAT_FAIL_WHEN_USED)
def test_provider_that_fails_when_used(cli: Cli, source: str) -> None:
    """What shows only in use is never taken for success, and is one line all the same."""
    distribution(PROVIDERS, source).install(cli.sites[0])
    assert_one_line(cli, "odd", "list", exit_code=2 if "__init__" in source else 1)


def test_two_distributions_with_one_name(cli: Cli) -> None:
    """Neither is used, both are named, and hiding one makes the other usable."""
    good = PROVIDER.format(more="")
    distribution(PROVIDERS, good).install(cli.sites[0])
    distribution(PROVIDERS, good, name="runctl-twin").install(cli.sites[0])
    assert_the_rest_works(cli)
    detail = assert_listed_as_broken(cli)
    assert "runctl-odd 6.6" in detail
    assert "runctl-twin 6.6" in detail
    assert_one_line(cli, "odd", "list")
    hiding = attrs.evolve(cli, env={"RUNCTL_DISABLE_PLUGINS": "runctl-twin"})
    assert hiding.run("odd", "--help").exit_code == 0


@pytest.mark.parametrize(
    "target", ["no_such_module", "json:no_such_attribute", "a b", ":", "", "."]
)
def test_entry_point_to_nothing(cli: Cli, target: str) -> None:
    """An entry point whose target is not there is broken by name."""
    points = {PROVIDERS: {"odd": target}}
    distribution(PROVIDERS, "", entry_points=points).install(cli.sites[0])
    assert_the_rest_works(cli)
    assert_listed_as_broken(cli)
    assert_one_line(cli, "odd", "list")


@pytest.mark.parametrize(
    "content",
    [
        b"\x00\x01\xff\xfe runctl.",
        b"[runctl.providers\nodd odd_plugin\n]\n=\n= x\n",
        b"runctl.providers]\nodd = odd_plugin",
        "[runctl.providers]\n\u2028\n".encode(),
        b"[runctl.providers]\r\n\r\n",
        b"[runctl.providers]\n" * 10_000,
    ],
)
def test_garbage_in_place_of_entry_points(cli: Cli, content: bytes) -> None:
    """A file that is no entry-point file brings nothing and breaks nothing."""
    files = {"entry_points.txt": content}
    distribution(PROVIDERS, "", files=files).install(cli.sites[0])
    assert_the_rest_works(cli)
    names = [report["name"] for report in cli.json("plugins", "list")["plugins"]]
    assert "local" in names
    assert "" not in names


@pytest.mark.parametrize("name", ["METADATA", "entry_points.txt"])
def test_metadata_that_is_not_text(cli: Cli, name: str) -> None:
    """Bytes that are no UTF-8 in a distribution's metadata spoil nothing but themselves."""
    content = b"[runctl.providers]\nodd = odd_plugin\n# \xff\xfe\nb\xe4d = odd_plugin\n"
    content = content if name == "entry_points.txt" else b"Summary: \xff\xfe\n"
    good = PROVIDER.format(more="")
    distribution(PROVIDERS, good, files={name: content}).install(cli.sites[0])
    assert_the_rest_works(cli)
    assert cli.run("odd", "--help").exit_code == 0


def built_in() -> Policies:
    """What refuses when nothing is installed."""
    return load_policies(disabled=["odd"])


@pytest.fixture
def install_policy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[object]:
    """Install the policy ``odd`` in this very process."""
    monkeypatch.syspath_prepend(str(tmp_path / "policies"))

    def install(source: str) -> Policies:
        distribution(POLICIES, source).install(tmp_path / "policies")
        return load_policies()

    yield install
    sys.modules.pop("odd_plugin", None)


@parametrised(POLICIES_THAT_DO_NOT_LOAD, POLICIES_THAT_MISBEHAVE)
def test_broken_policy_blocks(install_policy, source: str) -> None:
    """An installed policy that is out of order refuses what destroys, and says how to do without it."""
    policies = install_policy(source)
    context = PolicyContext(now=NOW)
    assert judge(built_in(), TERMINATE, context).level < Level.BLOCK
    verdict = judge(policies, TERMINATE, context, deadline_s=SHORT_S)
    assert [found.code for found in verdict.blocks] in (["POLICY_ERROR"], ["POLICY_UNAVAILABLE"])
    assert "odd" in verdict.blocks[0].reason
    assert "RUNCTL_DISABLE_PLUGINS=odd" in verdict.blocks[0].hint


@parametrised(POLICIES_THAT_DO_NOT_LOAD, POLICIES_THAT_MISBEHAVE)
def test_broken_policy_never_weakens(install_policy, source: str) -> None:
    """Whatever is asked, adding a broken policy takes no finding away and makes no verdict milder."""
    policies = install_policy(source)
    is_slow = "sleep" in source

    @settings(
        max_examples=2 if is_slow else 25,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
    @given(questions())
    def never_weakens(question: tuple[Action, PolicyContext]) -> None:
        before = judge(built_in(), *question)
        after = judge(policies, *question, deadline_s=SHORT_S if is_slow else 5.0)
        assert after.level >= before.level
        assert after.force().level >= before.force().level
        assert [found for found in before.findings if found not in after.findings] == []

    never_weakens()


def test_disabled_policy_is_not_asked(install_policy, monkeypatch: pytest.MonkeyPatch) -> None:
    """The way out that a broken policy's block names is one."""
    install_policy("import no_such_sdk")
    monkeypatch.setenv("RUNCTL_DISABLE_PLUGINS", "odd")
    assert judge(load_policies(), TERMINATE, PolicyContext(now=NOW)) == judge(
        built_in(), TERMINATE, PolicyContext(now=NOW)
    )
