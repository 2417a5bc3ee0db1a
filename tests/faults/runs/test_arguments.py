"""Arguments reach the script byte for byte, whatever they hold."""

from __future__ import annotations

import json
import os
import sys

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

ECHO = "import sys, os; os.write(1, b'\\0'.join(map(os.fsencode, sys.argv[1:])))"
NASTY = [
    "", " ", "-", "--", "-x", "--help", "a b", "'", '"', "`id`", "$(id)", "$HOME", "${HOME}", ";", "|", "&", ">", "*",
    "?", "[a]", "{a,b}", "~", "#", "!", "\\", "\n", "\r\n", "\t", "\x1b[0m", "\x7f", "é", "漢字", "🙂", "\udcff",
    "\udc80abc", "%s", "%(x)s", "{0}", "\ufeff", "\u202e", "a\nb", "@gpus", "--nproc-per-node=auto",
]  # fmt: skip
WORDS = st.binary(max_size=30).map(lambda data: os.fsdecode(data.replace(b"\0", b"")))


def echoed(lab, args):
    """What a script prints that prints its arguments."""
    run_dir = lab.python(ECHO, *args, lock=None)
    lab.start(run_dir)
    lab.ended(run_dir)
    return (run_dir / "train.log").read_bytes()


def test_every_nasty_word(lab):
    """Shell text, options, control characters and broken UTF-8, all at once."""
    assert echoed(lab, NASTY) == b"\0".join(map(os.fsencode, NASTY))


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(args=st.lists(WORDS, max_size=8))
def test_any_words(lab, args):
    """Any list of words without null bytes."""
    assert echoed(lab, args) == b"\0".join(map(os.fsencode, args))


def test_any_locale(lab, monkeypatch):
    """The bytes do not depend on the language of whoever starts the run."""
    for locale in ("C", "POSIX", "en_US.ISO-8859-1", "nonsense"):
        monkeypatch.setenv("LC_ALL", locale)
        assert echoed_raw(lab, ["é", "\udcff"]) == b"\xc3\xa9\0\xff"


def echoed_raw(lab, args):
    """The same without Python's own decoding."""
    run_dir = lab.make("printf", "%s\\0%s", *args, lock=None)
    lab.start(run_dir)
    lab.ended(run_dir)
    return (run_dir / "train.log").read_bytes()


def test_a_gpu_count_replaces_only_our_own_word(lab):
    """With ``nproc`` 0 the machine's GPUs are counted; the script's own words stay."""
    word = "--nproc-per-node=auto"
    code = "import sys, json; print(json.dumps(sys.argv[1:]))"
    for visible, count in (("0,1,2", 3), ("", 1), ("-1", 1)):
        run_dir = lab.make(
            sys.executable, "-c", code, word, word, nproc=0, lock=None, env={"CUDA_VISIBLE_DEVICES": visible}
        )  # fmt: skip
        lab.start(run_dir)
        lab.ended(run_dir)
        printed = json.loads((run_dir / "train.log").read_text())
        assert printed == [f"--nproc-per-node={count}", word]
