"""Find every layer and put them on top of each other."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import attrs

from runctl_core.api.errors import ConfigError
from runctl_core.configuration.layers import (
    POLICY,
    Layer,
    Sections,
    layer_of_environment,
    layer_of_file,
)
from runctl_core.configuration.values import RawValue, build
from runctl_core.paths import find_project_file, user_config_file, user_home
from runctl_core.settings import SECTIONS, Settings

T = TypeVar("T")

DEFAULT = "default"
TYPO_SIMILARITY = 0.75


def find_provider_names() -> tuple[str, ...]:
    """The names of all installed providers: their sections are no mistake."""
    from runctl_core.discovery import PROVIDERS, find_plugins

    return tuple(ref.name for ref in find_plugins(PROVIDERS))


@attrs.frozen(kw_only=True)
class Configuration:
    """All settings of one call.

    Attributes:
        settings: the core's own.
        warnings: what the user should know, such as a deprecated variable.
        files: the configuration files that were read, weakest first.
    """

    settings: Settings
    warnings: tuple[str, ...] = ()
    files: tuple[Path, ...] = ()
    home: Path
    raw: Mapping[str, Mapping[str, RawValue]] = attrs.field(factory=dict, repr=False)

    def section(self, name: str, cls: type[T]) -> T:
        """The settings of a plugin.

        Args:
            cls: the attrs class that describes the section.

        Raises:
            ConfigError: what was written does not fit ``cls``.
        """
        settings: T = build(name, cls, dict(self.raw.get(name, {})), home=self.home)
        return settings

    def policy(self, name: str) -> Mapping[str, Any]:
        """The section ``[policy.NAME]`` as it was written."""
        return {key: raw.value for key, raw in self.raw.get(f"{POLICY}.{name}", {}).items()}

    def origin(self, key: str) -> str:
        """Where the value of a dotted key comes from: ``file:line``, a variable, or ``default``."""
        section, _, name = key.rpartition(".")
        given = self.raw.get(section, {}).get(name)
        return given.origin if given else DEFAULT


def load_configuration(
    *,
    cwd: Path,
    env: Mapping[str, str],
    config_path: str | Path | None = None,
    find_providers: Callable[[], Collection[str]] = find_provider_names,
) -> Configuration:
    """Read every layer: user file, project file, variables; later ones win.

    Args:
        config_path: read this instead of the project file.
        find_providers: gives the names whose sections belong to plugins; called only when it matters.

    Raises:
        ConfigError: a layer cannot be read or says something impossible.
    """
    files = _find_files(cwd, env, config_path)
    layers = [read_layer(path) for path in files]
    if any(name.startswith(("RUNCTL_", "TRAINCTL_")) for name in env):
        layers.append(layer_of_environment(env, cwd, find_providers()))
    return compose(layers, home=user_home(env), files=files, find_providers=find_providers)


def read_layer(path: Path) -> Layer:
    """What one configuration file says.

    Raises:
        ConfigError: it cannot be read or is not TOML.
    """
    from runctl_core.configuration.toml_file import read_toml

    return layer_of_file(read_toml(path))


def compose(
    layers: Iterable[Layer],
    *,
    home: Path,
    files: Collection[Path] = (),
    find_providers: Callable[[], Collection[str]] = find_provider_names,
) -> Configuration:
    """Put layers on top of each other, weakest first, and check the core's sections.

    Raises:
        ConfigError: a section or key is unknown, or a value does not fit.
    """
    raw: Sections = {}
    warnings: list[str] = []
    for layer in layers:
        warnings.extend(layer.warnings)
        for section, values in layer.sections.items():
            raw.setdefault(section, {}).update(values)
    warnings.extend(_check_sections(raw, find_providers))
    _register_secrets(raw)
    sections = {
        name: build(name, cls, raw.get(name, {}), home=home) for name, cls in SECTIONS.items()
    }
    return Configuration(
        settings=Settings(**sections),
        warnings=tuple(warnings),
        files=tuple(files),
        home=home,
        raw=raw,
    )


def _register_secrets(raw: Sections) -> None:
    """What a key calls a secret is never shown again, whoever comes across its value."""
    if raw:
        from runctl_core.redaction import is_secret_name, register_secret

        for values in raw.values():
            for key, given in values.items():
                if is_secret_name(key) and isinstance(given.value, str):
                    register_secret(given.value)


def _find_files(
    cwd: Path, env: Mapping[str, str], config_path: str | Path | None
) -> tuple[Path, ...]:
    user_file = user_config_file(env)
    found = (user_file,) if _is_there(user_file) else ()
    project_file = cwd / config_path if config_path is not None else find_project_file(cwd)
    return (*found, project_file) if project_file else found


def _is_there(path: Path) -> bool:
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True  # reading it will say what is wrong
    return True


def _check_sections(raw: Sections, find_providers: Callable[[], Collection[str]]) -> Iterable[str]:
    others = [name for name in raw if name not in SECTIONS and not name.startswith(f"{POLICY}.")]
    providers = find_providers() if others else ()
    for name in others:
        if name not in providers:
            _refuse_typo(name, raw[name], [*SECTIONS, *providers, POLICY])
            yield f"[{name}] is not used: no plugin of that name is installed and enabled"


def _refuse_typo(name: str, values: Mapping[str, RawValue], known: Iterable[str]) -> None:
    from runctl_core.suggestions import nearest

    meant = nearest(name, known, similarity=TYPO_SIMILARITY)
    if meant:
        places = [value.origin for value in values.values()]
        where = f"{places[0]}: " if places else ""
        raise ConfigError(f"{where}[{name}] is not a section", hint=f"did you mean [{meant}]?")
