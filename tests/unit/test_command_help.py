"""The help of every command teaches: with examples, and examples that work as they stand."""

from __future__ import annotations

import argparse
import gc
import re
import shlex
import signal
import sys

import pytest

from outcomes import cli
from outcomes.cli.shared import READER_LEFT

TAUGHT = ("inspect", "report", "verify", "diff", "audit", "sign", "lab", "clean", "simulate", "selftest")


def commands():
    (action,) = (a for a in cli._parser()._actions if isinstance(a, argparse._SubParsersAction))
    return action.choices


def examples(text):
    """Example lines: the command, up to the two blanks before what is said of it."""
    return [re.split(r"\s{2,}", line.strip())[0] for line in text.splitlines() if re.match(r"\s+outcomes \w", line)]


@pytest.mark.parametrize("name", TAUGHT)
def test_the_help_of_a_command_has_examples(name):
    text = commands()[name].format_help()
    assert "examples:" in text and len(examples(text)) >= 2
    assert all(line.startswith(f"outcomes {name}") for line in examples(text))


@pytest.mark.parametrize("name", TAUGHT)
def test_the_help_of_a_command_tells_its_exit_codes(name):
    text = commands()[name].format_help()
    assert re.search(r"^exit codes: 0 \w", text, re.MULTILINE)
    assert text.rstrip().splitlines()[-1].startswith(f"{READER_LEFT}: ")


def test_the_help_of_the_program_tells_the_code_of_a_reader_that_left():
    assert re.search(rf"^{READER_LEFT}: ", cli._parser().format_help(), re.MULTILINE) and READER_LEFT == 141


@pytest.mark.parametrize("words", [["--help"], ["--no-such-option"], ["a", "b", "c", "--no-such-option"], []])
@pytest.mark.parametrize("name", TAUGHT)
def test_a_command_described_alone_says_what_it_says_among_all(name, words, capsys):
    said = []
    for parser in (cli._parser(), cli._parser(name)):
        try:
            parser.parse_args([name, *words])
            code = 0
        except SystemExit as end:
            code = end.code
        said.append((code, capsys.readouterr()))
    assert said[0] == said[1]


def test_a_word_that_is_no_command_is_answered_with_all_of_them(capsys):
    for word in ("clea", "--help", "run"):
        with pytest.raises(SystemExit):
            cli.main([word])
        said = "".join(capsys.readouterr())
        assert all(name in said for name in TAUGHT)


def test_every_example_is_understood():
    texts = [cli._parser().format_help(), *(command.format_help() for command in commands().values())]
    found = [line for text in texts for line in examples(text)]
    assert len(found) > 12
    for line in found:
        cli._parser().parse_args(shlex.split(line)[1:])


def test_the_help_fits_a_terminal_and_names_every_command():
    text = cli._parser().format_help()
    assert set(commands()) == set(TAUGHT) and all(name in text for name in commands())
    for command in commands().values():
        assert max(len(line) for line in command.format_help().splitlines()) <= 120


@pytest.mark.parametrize("name", TAUGHT)
def test_help_ends_with_0(name, capsys):
    with pytest.raises(SystemExit) as stopped:
        cli.main([name, "--help"])
    assert stopped.value.code == 0 and name in capsys.readouterr().out


def test_a_command_with_a_process_of_its_own_seldom_looks_for_rubbish(monkeypatch):
    asked = []
    monkeypatch.setattr(sys, "argv", ["outcomes", "--version"])
    monkeypatch.setattr(gc, "set_threshold", lambda *limits: asked.append(limits))
    heeded = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM), sys.unraisablehook
    with pytest.raises(SystemExit):
        cli.main()
    assert asked[0][0] >= 10_000
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM), sys.unraisablehook) == heeded
    with pytest.raises(SystemExit):
        cli.main(["--version"])
    assert len(asked) == 1, "a caller's own process keeps its settings"
