"""Layers of settings, and what is said when one is wrong."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runctl_core.api import setting
from runctl_core.api.errors import ConfigError
from runctl_core.configuration import Configuration, load_configuration
from runctl_core.configuration.toml_file import parse_toml
from runctl_core.redaction import forget_secrets, redact_text
from runctl_core.settings import SECTIONS, NoSettings

Load = Callable[..., Configuration]


@pytest.fixture
def load(tmp_path: Path, isolated_home: Path) -> Load:
    """Load what a project file and variables say, with one installed provider named ``aws``."""

    def run(text: str | bytes = "", **variables: str) -> Configuration:
        file = tmp_path / "config.toml"
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        return load_configuration(
            cwd=tmp_path,
            env={"HOME": str(isolated_home), **variables},
            config_path="config.toml",
            find_providers=lambda: ("aws",),
        )

    return run


@attrs.frozen(kw_only=True)
class AwsSettings:
    region: str = setting("us-east-1", "Where.")
    disk_gib: int = setting(100, "How much.")
    profile: str | None = setting(None, "Which account.")
    is_public: bool = setting(False, "Whether.")


def test_without_files_and_variables_everything_has_its_default(tmp_path: Path) -> None:
    """Defaults are settings too, and a leading ~ is the given home."""
    loaded = load_configuration(cwd=tmp_path, env={"HOME": "/h"})
    assert loaded.settings.runs.home == Path("/h/.runctl")
    assert loaded.settings.runs.grace_s == 90.0
    assert loaded.origin("runs.grace_s") == "default"
    assert loaded.files == ()


def test_later_layers_win(tmp_path: Path) -> None:
    """User file < project file < variable, each key on its own."""
    user = tmp_path / "xdg" / "runctl" / "config.toml"
    user.parent.mkdir(parents=True)
    user.write_text("[runs]\ngrace_s = 1\nheartbeat_s = 1\nhome = 'u'\n")
    (tmp_path / "p" / ".git").mkdir(parents=True)
    project = tmp_path / "p" / ".runctl.toml"
    project.write_text("[runs]\ngrace_s = 2\nheartbeat_s = 2\n")
    inside = tmp_path / "p" / "deep" / "er"
    inside.mkdir(parents=True)
    loaded = load_configuration(
        cwd=inside,
        env={"XDG_CONFIG_HOME": str(tmp_path / "xdg"), "HOME": "/h", "RUNCTL_RUNS_GRACE_S": "3"},
    )
    runs = loaded.settings.runs
    assert (runs.grace_s, runs.heartbeat_s, runs.home) == (3.0, 2.0, user.parent / "u")
    assert loaded.origin("runs.grace_s") == "RUNCTL_RUNS_GRACE_S"
    assert loaded.origin("runs.heartbeat_s") == f"{project}:3"
    assert loaded.origin("runs.home") == f"{user}:4"
    assert loaded.files == (user, project)


def test_project_files_above_the_repository_are_not_read(tmp_path: Path) -> None:
    """The search ends at the repository root; outside a repository it does not leave the folder."""
    (tmp_path / ".runctl.toml").write_text("[runs]\ngrace_s = 1\n")
    (tmp_path / "repository" / ".git").mkdir(parents=True)
    (tmp_path / "plain").mkdir()
    for folder in ("repository", "plain"):
        loaded = load_configuration(cwd=tmp_path / folder, env={"HOME": "/h"})
        assert loaded.settings.runs.grace_s == 90.0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[runs]\ngrace_ss = 7", ":2: runs.grace_ss is not a setting; did you mean runs.grace_s?"),
        ("[run]\ngrace_s = 7", ":2: [run] is not a section; did you mean [runs]?"),
        ("grace_s = 7", ":1: grace_s is not a setting; did you mean runs.grace_s?"),
        ("runs = 7", ":1: runs is a section; write [runs] on a line of its own"),
        ("policy.night = 7", ":1: policy.night is a section"),
        ("\n[runs]\n\ngrace_s = 'abc'", ":4: runs.grace_s expects a number of seconds, got 'abc'"),
        ("runs.grace_s = 'abc'", ":1: runs.grace_s expects a number of seconds, got 'abc'"),
        ("runs = {\tgrace_s = 'a' }", ":1: runs.grace_s expects a number of seconds, got 'a'"),
        ("[runs]\ngrace_s = true", ":2: runs.grace_s expects a number of seconds, got True"),
        ("[runs]\ngrace_s = nan", ":2: runs.grace_s expects a number of seconds, got nan"),
        ("[runs]\ngrace_s = inf", ":2: runs.grace_s expects a number of seconds, got inf"),
        ("[runs]\ngrace_s = -1", ":2: runs.grace_s must be from 0 to 86400, got -1"),
        ("[runs]\nhome = 7", ":2: runs.home expects a path, got 7"),
        ("[output]\nformat = 'xml'", ":2: output.format expects one of text, json, got 'xml'"),
        ("[policies]\nrequired = 'a'", ":2: policies.required expects a list, got 'a'"),
        ("[policies]\nrequired = [\n1]", ":2: policies.required expects a list, got [1]"),
        ("[runs\n", ":1:6: expected ']' at the end of a table declaration"),
        ("a = ", ":1:5: invalid value"),
        (b"\n[runs]\nhome = '\xff'", ":3: not UTF-8 text"),
    ],
)
def test_a_mistake_is_told_in_one_line_with_its_place(
    load: Load, tmp_path: Path, text: str | bytes, message: str
) -> None:
    """File, line, key, reason, and the nearest name where one was mistyped."""
    with pytest.raises(ConfigError) as caught:
        load(text)
    assert str(caught.value).startswith(f"{tmp_path}/config.toml{message}")
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("kind", ["missing", "folder", "below a file"])
def test_a_given_file_that_cannot_be_read_is_an_error(tmp_path: Path, kind: str) -> None:
    """``-c PATH`` never falls back to something else."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("")
    path = {"missing": "missing", "folder": "folder", "below a file": "file/x"}[kind]
    with pytest.raises(ConfigError, match=f"{path}: (No such|Is a|Not a) "):
        load_configuration(cwd=tmp_path, env={"HOME": "/h"}, config_path=path)


def test_zero_is_a_limit_of_zero(load: Load) -> None:
    """Nothing takes zero for "not set"."""
    assert load("[runs]\ngrace_s = 0").settings.runs.grace_s == 0.0


def test_a_relative_path_starts_where_it_was_written(load: Load, tmp_path: Path) -> None:
    """In a file at that file's folder, in a variable at the current one; ~ is home in both."""
    assert load("[runs]\nhome = 'a'").settings.runs.home == tmp_path / "a"
    assert load(RUNCTL_RUNS_HOME="b").settings.runs.home == tmp_path / "b"
    assert load("[runs]\nhome = '~/c'", HOME="/h").settings.runs.home == Path("/h/c")


def test_variables_are_read_as_their_settings_type(load: Load) -> None:
    """Numbers are parsed, lists are separated by commas, an empty variable says nothing."""
    loaded = load(
        RUNCTL_RUNS_GRACE_S="2.5",
        RUNCTL_POLICIES_REQUIRED="a, b,",
        RUNCTL_OUTPUT_FORMAT="",
        RUNCTL_AWS_DISK_GIB="7",
        RUNCTL_AWS_IS_PUBLIC="yes",
    )
    assert loaded.settings.runs.grace_s == 2.5
    assert loaded.settings.policies.required == ("a", "b")
    assert loaded.settings.output.format == "text"
    aws = loaded.section("aws", AwsSettings)
    assert (aws.disk_gib, aws.is_public, aws.profile) == (7, True, None)


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("RUNCTL_RUNS_GRACE", "3", "did you mean RUNCTL_RUNS_GRACE_S?"),
        ("RUNCTL_RUNS_GRACE_S", "x", "RUNCTL_RUNS_GRACE_S: runs.grace_s expects a number"),
        ("RUNCTL_RUNS_GRACE_S", "nan", "RUNCTL_RUNS_GRACE_S: runs.grace_s expects a number"),
        ("RUNCTL_POLICY_NIGHT_FROM", "8", "policies have no variables; write [policy.NAME]"),
        ("RUNCTL_LOG_LEVEL", "loud", "log.level expects one of debug, info, warning, error"),
    ],
)
def test_a_wrong_variable_is_named(load: Load, variable: str, value: str, message: str) -> None:
    """A variable of a section of ours must fit like a key of a file."""
    with pytest.raises(ConfigError) as caught:
        load(**{variable: value})
    assert message in str(caught.value)


def test_variables_that_are_no_settings_are_left_alone(load: Load) -> None:
    """What a training script is told, switches of one call, and other people's names."""
    names = ["RUN_ID", "CHECKPOINT_DIR", "ATTEMPT", "DEBUG", "E2E", "SOMETHING_ELSE"]
    assert load(**{f"RUNCTL_{name}": "x" for name in names}) == load()


def test_the_prototypes_variables_are_read_with_a_warning(load: Load) -> None:
    """``TRAINCTL_X`` means ``RUNCTL_X``, which wins; those that are no settings are ignored."""
    loaded = load(TRAINCTL_LOG_LEVEL="info", TRAINCTL_RUNS_FOO="1", TRAINCTL_AUTO_RESUME="1")
    assert loaded.settings.log.level == "info"
    assert loaded.warnings == ("TRAINCTL_LOG_LEVEL is deprecated: use RUNCTL_LOG_LEVEL",)
    assert load(TRAINCTL_LOG_LEVEL="info", RUNCTL_LOG_LEVEL="error").settings.log.level == "error"


def test_a_section_of_a_missing_plugin_is_kept_with_a_warning(load: Load) -> None:
    """Colleagues may have other plugins."""
    loaded = load("[lyceum]\nregion = 'x'\n[aws]\nregion = 'y'")
    assert loaded.warnings == (
        "[lyceum] is not used: no plugin of that name is installed and enabled",
    )
    assert loaded.origin("lyceum.region").endswith(":2")


def test_a_plugins_section_is_checked_when_it_is_asked_for(load: Load) -> None:
    """With the plugin's own description, and errors of the same kind."""
    loaded = load("[aws]\nregion = 'eu'\ndisk_gib = 1.0")
    with pytest.raises(ConfigError, match=r":3: aws.disk_gib expects a whole number of GiB, got 1"):
        loaded.section("aws", AwsSettings)
    with pytest.raises(ConfigError, match=r"aws.region is not a setting"):
        loaded.section("aws", NoSettings)
    assert load("[aws]\nregion = 'eu'").section("aws", AwsSettings).region == "eu"


def test_a_secret_value_is_not_repeated_in_an_error(load: Load) -> None:
    """Neither by its key's name nor when it looks like one."""

    @attrs.frozen(kw_only=True)
    class Settings:
        api_key: str = setting("", "Secret.")
        count: int = setting(0, "Not secret.")

    for text in ("api_key = [1234567]", "count = 'AKIAIOSFODNN7EXAMPLE'"):
        with pytest.raises(ConfigError) as caught:
            load(f"[aws]\n{text}").section("aws", Settings)
        assert "got ***" in str(caught.value).replace("'", "")


def test_a_configured_secret_is_never_shown_again(load: Load) -> None:
    """Not by anybody who comes across its value."""
    load("[aws]\napi_key = 'canary-a'", RUNCTL_AWS_SESSION_TOKEN="canary-b")
    assert redact_text("got canary-a and canary-b") == "got *** and ***"
    forget_secrets()


def test_a_policys_section_is_passed_through(load: Load) -> None:
    """The core does not know what a policy understands."""
    loaded = load("[policy.office-hours]\nfrom = 8\n[policy.office-hours.days]\nsat = false")
    assert loaded.policy("office-hours") == {"from": 8, "days": {"sat": False}}
    assert loaded.policy("other") == {}


@pytest.mark.parametrize("cls", SECTIONS.values())
def test_every_setting_says_what_it_does(cls: type) -> None:
    """Each has a default and a line of documentation."""
    cls()
    for field in attrs.fields(cls):
        assert field.metadata["doc"].endswith(".")


def test_loading_without_files_imports_nothing_heavy(tmp_path: Path) -> None:
    """Start-up pays for converters and parsers only when there is something to convert."""
    code = (
        "import sys; from pathlib import Path; from runctl_core.configuration import load_configuration;"
        f"load_configuration(cwd=Path({str(tmp_path)!r}), env={{'HOME': '/h'}});"
        "print(*sorted({m.partition('.')[0] for m in sys.modules} & "
        "{'cattrs', 'tomlkit', 'platformdirs', 'tomllib', 'structlog', 'rich', 'logging', 'json', 'difflib'}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_reading_a_file_needs_no_converter(tmp_path: Path) -> None:
    """The types of settings are few; cattrs would cost more than all the rest."""
    (tmp_path / ".runctl.toml").write_text(
        "[runs]\nhome = 'a'\ngrace_s = 1\n[output]\nformat = 'json'\n[plugins]\ndisabled = ['x']\n"
    )
    code = (
        "import sys; from pathlib import Path; from runctl_core.configuration import load_configuration;"
        f"done = load_configuration(cwd=Path({str(tmp_path)!r}), env={{'HOME': '/h'}});"
        "print(done.settings.output.format, 'cattrs' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["json", "False"]


_names = st.text("abcdefghij_-", min_size=1, max_size=6)
_scalars = st.one_of(st.integers(-9, 9), st.booleans(), st.text("ab\n\"'#[]= é", max_size=5))
_tables = st.dictionaries(_names, st.one_of(_scalars, st.lists(_scalars, max_size=3)), max_size=4)


@given(st.dictionaries(_names, _tables, max_size=4), st.integers(0, 3))
def test_every_key_is_found_on_its_own_line(data: dict[str, Any], blank_lines: int) -> None:
    """Whatever stands around a key, its line begins with it."""
    import tomlkit

    text = "\n" * blank_lines + "# a comment = 1\n" + tomlkit.dumps(data)
    file = parse_toml(text, Path("f"))
    lines = text.split("\n")
    for section, table in data.items():
        for key in table:
            number = int(file.locate(section, key).rpartition(":")[2])
            assert lines[number - 1].strip("'\" ").startswith(key)


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    """No text at all leads to another error."""
    with contextlib.suppress(ConfigError):
        parse_toml(text, Path("f"))
