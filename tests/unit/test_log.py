"""Messages about the work itself."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator

import pytest

from runctl_core import log
from runctl_core.redaction import forget_secrets, register_secret


@pytest.fixture(autouse=True)
def default_log() -> Iterator[None]:
    """Each test starts and leaves with the default."""
    log.configure()
    yield
    log.configure()
    forget_secrets()


def test_messages_below_the_threshold_are_not_written(capsys: pytest.CaptureFixture[str]) -> None:
    """The default shows warnings and errors, on standard error only."""
    logger = log.get_logger("x")
    for write in (logger.debug, logger.info, logger.warning, logger.error):
        write(write.__name__)
    out, err = capsys.readouterr()
    assert out == ""
    assert [line.split("] ")[1].split()[0] for line in err.splitlines()] == ["warning", "error"]


def test_silence_imports_nothing() -> None:
    """A message nobody sees does not pay for structlog."""
    code = (
        "import sys; from runctl_core.log import get_logger; get_logger('x').info('y', z=1);"
        "print('structlog' in sys.modules, 'logging' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout.split(), done.stderr) == (["False", "False"], "")


def test_json_is_one_object_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    """Also when a value holds line breaks or is no JSON type."""
    log.configure(level="debug", json=True)
    log.get_logger("x.y").debug("a\nb", run_id="r", other=object)
    (line,) = capsys.readouterr().err.splitlines()
    entry = json.loads(line)
    assert entry.pop("timestamp").endswith("Z")
    assert entry == {
        "event": "a\nb",
        "run_id": "r",
        "other": "<class 'object'>",
        "level": "debug",
        "logger": "x.y",
    }


@pytest.mark.parametrize("is_json", [False, True])
def test_secrets_are_never_written(is_json: bool, capsys: pytest.CaptureFixture[str]) -> None:
    """Neither in the message nor in fields, objects' text, exceptions or their local variables."""
    register_secret('can"ary-1234')
    log.configure(level="debug", json=is_json)

    class Holder:
        def __repr__(self) -> str:
            return 'can"ary-1234'

    logger = log.get_logger("x")
    logger.info('said can"ary-1234', holder=Holder(), nested={"a": ['can"ary-1234']}, api_key="k-k")
    local = 'can"ary-1234'
    try:
        raise ValueError(f"no {local}")
    except ValueError:
        logger.error("failed", exc_info=True)  # noqa: G201 - ours has no other way
    written = capsys.readouterr().err
    assert "ary-1234" not in written
    assert "k-k" not in written
    assert "Traceback" in written
    if is_json:
        assert all(json.loads(line) for line in written.splitlines())


@pytest.mark.parametrize("has_color", [False, True])
def test_colour_is_only_written_when_asked_for(
    has_color: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    """No escape sequence reaches a file unasked."""
    log.configure(color=has_color)
    log.get_logger("x").error("failed", a=1)
    assert ("\x1b[" in capsys.readouterr().err) is has_color


def test_a_closed_standard_error_is_survived() -> None:
    """Nobody loses a training because a terminal went away."""
    code = (
        "import sys; from runctl_core.log import get_logger; sys.stderr.close();"
        "get_logger('x').error('y'); print('alive')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout == "alive\n"
