"""Whatever is typed or found wrong: one line on standard error, exit 2, no traceback, nothing done."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from runctl_core.testing.cli import Answer, Cli


@pytest.fixture
def cli(tmp_path: Path, isolated_home: Path) -> Cli:
    """A person in a repository with one script and much that is none."""
    project = tmp_path / "project"
    (project / ".git").mkdir(parents=True)
    (project / "train.py").write_text("print('trained')")
    (project / "folder.py").mkdir()
    (project / "notes.txt").write_text("not a program")
    (project / "secret.py").write_text("print(1)")
    (project / "secret.py").chmod(0)
    (project / "broken.toml").write_text("[runs\n")
    (project / "latin.toml").write_bytes(b"[runs]\nhome = '\xe9'\n")
    return Cli(home=isolated_home, cwd=project)


def assert_refused(answer: Answer, *parts: str, exit_code: int = 2) -> None:
    """One line that says what is wrong, and nothing else."""
    assert answer.exit_code == exit_code, (answer.out, answer.err)
    assert answer.out == ""
    assert len(answer.err.splitlines()) == 1, answer.err
    assert answer.err.startswith("runctl: error: ")
    assert "Traceback" not in answer.err
    for part in parts:
        assert part in answer.err


@pytest.mark.parametrize(
    ("line", "parts"),
    [
        ("local train missing.py", ["missing.py", "no such script"]),
        ("local train folder.py", ["folder.py", "folder"]),
        ("local train notes.txt", ["notes.txt", "chmod +x"]),
        ("local train", ["missing argument 'SCRIPT'", "--help"]),
        ("local train train.py --epochs 3", ["--epochs", "go after --"]),
        ("local train train.py --detatch", ["--detatch", "--detach"]),
        ("local train train.py --nproc 0", ["--nproc", "'0'"]),
        ("local train train.py --nproc many", ["'many'", "auto"]),
        ("local train train.py --grace soon", ["'soon'", "2h"]),
        ("local train train.py --env 1BAD=x", ["'1BAD'"]),
        ("local train train.py --env NOT_SET_ANYWHERE", ["NOT_SET_ANYWHERE", "not set"]),
        ("local train train.py --queue --concurrent", ["--queue", "--concurrent"]),
        ("local train train.py --resume nowhere.json", ["nowhere.json"]),
        ("local train train.py --deps magic", ["'magic'", "auto"]),
        ("local train train.py --deps script", ["PEP 723"]),
        ("local train train.py --deps requirements", ["requirements.txt"]),
        ("lokal list", ["'lokal'", "local"]),
        ("local lst", ["'lst'", "list"]),
        ("local create", ["local cannot create", "it can"]),
        ("local volumes", ["'volumes'"]),
        ("aws list", ["aws cannot list", "no operations yet"]),
        ("--no-such-option", ["--no-such-option"]),
        ("--output yaml local list", ["'yaml'", "json"]),
        ("local list --limit 0", ["--limit", "0"]),
        ("local logs x --tail -1", ["--tail"]),
        ("runs list --state dancing", ["'dancing'", "running"]),
        ("runs wait x --timeout never", ["'never'"]),
        ("-c nowhere.toml local list", ["nowhere.toml"]),
        ("-c folder.py local list", ["folder.py"]),
        ("-c broken.toml local list", ["broken.toml"]),
        ("-c latin.toml local list", ["latin.toml", "UTF-8"]),
        ("local transfer nowhere", ["DST"]),
        ("local transfer train.py train.py", ["train.py"]),
        ("local exec x", ["--"]),
        ("config show extra", ["extra"]),
        ("completion tcsh", ["'tcsh'", "bash"]),
    ],
)
def test_wrong_words(cli: Cli, line: str, parts: list[str]) -> None:
    """Typing errors and impossible wishes are named, with what to type next where it is known."""
    assert_refused(cli.run(*line.split()), *parts)
    assert not (cli.home / ".runctl" / "runs").exists()


@pytest.mark.parametrize(
    "verb", ["status", "logs", "wait", "exec", "processes", "stop", "terminate"]
)
def test_unknown_runs_are_not_found(cli: Cli, verb: str) -> None:
    """A run that is not there is exit 6, whatever was to be done with it."""
    words = ["--", "true"] if verb == "exec" else []
    assert_refused(cli.run("local", verb, "nosuchrun", *words), "'nosuchrun'", exit_code=6)


@pytest.mark.parametrize("verb", ["show", "logs", "wait", "stop", "resume"])
def test_unknown_runs_are_not_found_in_the_store(cli: Cli, verb: str) -> None:
    """The same for ``runctl runs``."""
    assert_refused(cli.run("runs", verb, "nosuchrun"), "'nosuchrun'", exit_code=6)


def test_a_near_name_is_offered(cli: Cli) -> None:
    """A mistyped run name is answered with the one that was probably meant."""
    assert cli.run("local", "train", "train.py", "--name", "baseline").exit_code == 0
    answer = cli.run("runs", "show", "basline")
    assert answer.exit_code == 6
    assert "baseline" in answer.err


@pytest.mark.parametrize(
    ("variable", "value", "parts"),
    [
        ("RUNCTL_RUNS_GRACE_S", "soon", ["RUNCTL_RUNS_GRACE_S", "soon"]),
        ("RUNCTL_RUNS_GRACE_S", "-1", ["RUNCTL_RUNS_GRACE_S"]),
        ("RUNCTL_RUNS_GRACE_S", "nan", ["RUNCTL_RUNS_GRACE_S"]),
        ("RUNCTL_RUNS_GRACES", "1", ["RUNCTL_RUNS_GRACES", "did you mean RUNCTL_RUNS_GRACE_S"]),
        ("RUNCTL_OUTPUT_FORMAT", "xml", ["xml", "json"]),
    ],
)
def test_wrong_variables(cli: Cli, variable: str, value: str, parts: list[str]) -> None:
    """A setting in the environment is checked like one in a file."""
    person = Cli(home=cli.home, cwd=cli.cwd, env={variable: value})
    assert_refused(person.run("local", "list"), *parts)


def test_a_home_that_is_a_file(cli: Cli) -> None:
    """The folder of runs cannot be made where a file stands."""
    (cli.home / ".runctl").write_text("")
    assert_refused(cli.run("local", "train", "train.py"), ".runctl", "RUNCTL_RUNS_HOME")
    assert_refused(cli.run("local", "list"), ".runctl")


def test_a_home_that_everybody_may_write_to(cli: Cli) -> None:
    """Runs are not kept where others can change them."""
    (cli.home / ".runctl").mkdir()
    (cli.home / ".runctl").chmod(0o777)
    assert_refused(cli.run("local", "train", "train.py"), ".runctl", "everybody")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_home_of_somebody_else(cli: Cli) -> None:
    """Runs are not kept in another user's folder."""
    (cli.home / ".runctl").mkdir()
    os.chown(cli.home / ".runctl", 12345, 12345)
    assert_refused(cli.run("local", "train", "train.py"), "12345")


def test_a_folder_that_is_gone(cli: Cli, tmp_path: Path) -> None:
    """Somebody removed the folder that the shell stands in."""
    words = "import os, sys; os.mkdir('x'); os.chdir('x'); os.rmdir('../x'); os.execv(sys.argv[1], sys.argv[1:])"
    argv = [sys.executable, "-c", words, *cli.command, "runs", "list"]
    done = subprocess.run(argv, env=cli.variables(), cwd=tmp_path, capture_output=True, check=False)
    assert done.returncode == 2
    assert b"current folder is not there" in done.stderr


def test_names_that_are_not_utf_8(cli: Cli) -> None:
    """A script whose name is no text runs; one that is missing is refused in one line."""
    assert cli.cwd
    name = os.fsdecode(b"tr\xe9in.py")
    (cli.cwd / name).write_text("import sys; print(ascii(sys.argv[1:]))")
    answer = cli.run("local", "train", name, "--", os.fsdecode(b"\xff"))
    assert answer.exit_code == 0, answer.err
    assert answer.out == "['\\udcff']\n"
    assert cli.run("local", "list").exit_code == 0
    assert cli.run("--output", "json", "runs", "list").exit_code == 0
    assert_refused(cli.run("local", "train", os.fsdecode(b"miss\xe9ng.py")), "no such script")


@pytest.mark.parametrize("closed", [1, 2])
def test_a_closed_stream_is_no_error(cli: Cli, closed: int) -> None:
    """A program may start us without standard output or standard error."""
    words = f"import os, sys; os.close({closed}); os.execv(sys.argv[1], sys.argv[1:])"
    argv = [sys.executable, "-c", words, *cli.command, "runs", "list"]
    done = subprocess.run(argv, env=cli.variables(), capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert b"Traceback" not in done.stderr


def test_a_full_standard_output_is_told(cli: Cli) -> None:
    """An answer that could not be written is a failure in one line."""
    with Path("/dev/full").open("w") as full:
        argv = [*cli.command, "--output", "json", "runs", "list"]
        done = subprocess.run(
            argv, env=cli.variables(), stdout=full, stderr=subprocess.PIPE, check=False
        )
    assert done.returncode == 1
    assert done.stderr.decode().splitlines()[0].startswith("runctl: error: No space left")


def test_help_lists_options_only(cli: Cli) -> None:
    """What stands in the usage line is not repeated without a word about it."""
    shown = cli.run("local", "train", "--help").out
    assert "--checkpoint-dir" in shown
    assert "\n  SCRIPT\n" not in shown


def test_errors_in_json_are_json(cli: Cli) -> None:
    """A program reads the same error from standard output."""
    answer = cli.run("--output", "json", "local", "train", "missing.py")
    assert answer.exit_code == 2
    assert answer.document["schema"] == "runctl/1"
    assert answer.document["error"]["code"] == "BAD_INPUT"
    assert len(answer.err.splitlines()) == 1


def test_only_debugging_shows_a_traceback(cli: Cli) -> None:
    """RUNCTL_DEBUG=1 is for those who mend runctl."""
    person = Cli(home=cli.home, cwd=cli.cwd, env={"RUNCTL_DEBUG": "1"})
    assert "Traceback" in person.run("local", "train", "missing.py").err


def test_runs_are_private(cli: Cli) -> None:
    """Arguments and logs can hold secrets: nobody else may read them."""
    assert cli.run("local", "train", "train.py").exit_code == 0
    home = cli.home / ".runctl"
    for path in (home, home / "runs", *(home / "runs").glob("*-*")):
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode & 0o077 == 0, f"{path} is {mode:o}"
