"""Changing, writing and taking over configuration files."""

from __future__ import annotations

import tomllib
from pathlib import Path

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runctl_core.api import setting
from runctl_core.api.errors import ConfigError, InputError
from runctl_core.configuration.editing import parse_value, set_key, split_key
from runctl_core.configuration.layers import layer_of_file
from runctl_core.configuration.loading import compose
from runctl_core.configuration.migration import Migration, migrate
from runctl_core.configuration.template import render_template
from runctl_core.configuration.toml_file import parse_toml
from runctl_core.settings import RunSettings, Settings


@attrs.frozen(kw_only=True)
class AcmeSettings:
    region: str | None = setting(None, "Where.")
    size_gib: int = setting(7, "How much.")
    api_key: str = setting("", "Secret.")


def test_setting_a_key_keeps_everything_else(tmp_path: Path) -> None:
    """Comments, order, spacing and other keys."""
    path = tmp_path / "f"
    path.write_text(
        "# top\n[runs]   # here\ngrace_s = 1 # seconds\n\n# between\n[output]\nformat='json'\n"
    )
    assert set_key(path, ("runs", "grace_s"), 2.5) == path.read_text().replace("= 1 #", "= 2.5 #")
    text = set_key(path, ("policy", "night", "from"), 8)
    assert text.startswith(path.read_text())
    assert tomllib.loads(text)["policy"] == {"night": {"from": 8}}


@pytest.mark.parametrize("text", ["", "runs.grace_s = 1", "runs = {grace_s = 1}", "[runs.x]\na=1"])
def test_a_key_is_set_however_its_section_is_written(tmp_path: Path, text: str) -> None:
    """Dotted, inline, implied or not there at all."""
    path = tmp_path / "f"
    path.write_text(text)
    assert tomllib.loads(set_key(path, ("runs", "grace_s"), 2))["runs"]["grace_s"] == 2


def test_a_key_cannot_be_set_in_what_is_no_section(tmp_path: Path) -> None:
    """Nor in a file that is no TOML."""
    path = tmp_path / "f"
    for text, message in (("runs = 3", "runs is a section"), ("[runs", ":1:6: expected")):
        path.write_text(text)
        with pytest.raises(ConfigError, match=message):
            set_key(path, ("runs", "grace_s"), 2)


@pytest.mark.parametrize(
    "key", ["", "grace_s", "runs.", ".x", "a.b.c", "policy.night", "policy.a.b.c"]
)
def test_a_key_of_another_form_is_refused(key: str) -> None:
    """A section and a key; a policy's name between them."""
    with pytest.raises(InputError, match="does not name a setting"):
        split_key(key)


def test_typed_text_is_read_as_the_settings_type() -> None:
    """Without a description a TOML value is taken as such, and anything else as text."""
    assert parse_value("2", "grace_s", RunSettings) == 2.0
    assert parse_value("2", "home", RunSettings) == "2"
    assert parse_value("2", "x", None) == 2
    assert parse_value("[1, 2]", "x", None) == [1, 2]
    assert parse_value("two words", "x", None) == "two words"
    assert parse_value("1\ny = 2", "x", None) == "1\ny = 2"


@given(st.text(), st.text())
def test_any_text_survives_being_set(name: str, value: str) -> None:
    """Names and values with quotes, line breaks and brackets stay what they are."""
    text = set_key(Path("/nonexistent/f"), ("policy", name, "key"), value)
    assert tomllib.loads(text) == {"policy": {name: {"key": value}}}


def test_the_template_says_what_holds_without_it() -> None:
    """As it is and with every comment sign before a key removed: the defaults."""
    text = render_template({}, {})
    for variant in (text, text.replace("\n# ", "\n")):
        lines = [line for line in variant.split("\n") if line.startswith("[") or " = " in line]
        layer = layer_of_file(parse_toml("\n".join(lines), Path("/h/f")))
        made = compose([layer], home=Path("/h")).settings
        assert made == compose([], home=Path("/h")).settings
    assert all(field.metadata["doc"] in text for field in attrs.fields(RunSettings))
    assert all(f"[{field.name}]" in text for field in attrs.fields(Settings))


def test_the_template_holds_plugins_sections_as_comments() -> None:
    """Unless something is set in them: colleagues may not have the plugin."""
    text = render_template({"acme": AcmeSettings}, {})
    assert "\n# [acme]\n# Where. (text)\n# region = \n" in text
    text = render_template({"acme": AcmeSettings}, {"acme.size_gib": 9})
    assert "\n[acme]\n" in text
    assert tomllib.loads(text)["acme"] == {"size_gib": 9}


def test_the_prototypes_file_is_taken_over(tmp_path: Path) -> None:
    """What means the same is carried, secrets and the rest are listed."""
    path = tmp_path / ".trainctl.toml"
    path.write_text(
        "x = 1\n[runs]\ngrace_s = 5\n[acme]\nregion = 'eu'\napi_key = 'k'\nold = 1\n[gone]\na = 1\n"
    )
    assert migrate(path, {"acme": AcmeSettings}) == Migration(
        carried={"runs.grace_s": 5, "acme.region": "eu"},
        secrets=("acme.api_key",),
        dropped=("x", "acme.old", "gone.a"),
    )
