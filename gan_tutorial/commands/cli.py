"""The command line: `gan-tutorial COMMAND ...`.

Each command is a module in `gan_tutorial.commands` with `add_arguments(parser)` and `main(args) -> int`,
imported only when it is chosen, so that `--help` answers at once and `doctor` works where torch is missing.
"""

from __future__ import annotations

import argparse
import codecs
import difflib
import importlib
import os
import re
import signal
import sys
import unicodedata
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from gan_tutorial import __version__
from gan_tutorial.disk import reason

PROGRAM = "gan-tutorial"
CONTROLS = "[\x00-\x1f\x7f\x85\u2028\u2029]"  # in a name, say: they would break a sentence in two
COMMANDS = {
    "doctor": "say whether the tutorial can run here, and what to do if not",
    "run": "run notebooks from top to bottom",
    "train": "train a GAN without a notebook",
    "score": "say how far samples are from FashionMNIST",
    "data": "fetch FashionMNIST and verify it",
}
# Signs for terminals and files whose encoding lacks ours; other letters lose their accents, the rest becomes "?"
PLAIN = {"✓": "+", "✗": "x", "·": "-", "→": "->", "…": "...", "’": "'"}


class UsageError(Exception):
    """A value on the command line that cannot be used; the message is one sentence (exit status 2)."""


class Parser(argparse.ArgumentParser):
    """A parser whose errors are a sentence and where to find help, without a page of usage before them."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {one_line(message)}\nTry: {self.prog} --help\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.  Returns its exit status: 0 well, 1 not well, 2 wrong usage, 130 stopped by Ctrl-C."""
    codecs.register_error("plain", _plain)
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed, as with `>&-`
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115  # until the process ends
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="plain")
    try:
        status = _main(list(sys.argv[1:] if argv is None else argv))
        sys.stdout.flush()  # here, where a closed pipe can still be handled
        return status
    except KeyboardInterrupt:
        print(f"\n{PROGRAM}: stopped, because you pressed Ctrl-C.", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader left, as `| head` does: nobody is there to be told
        hush()
        return 141
    except OSError as error:  # a full disk, a folder that is gone: the machine's, not this package's
        if not error.filename:
            with suppress(OSError):
                hush()
        about = f" ({error.filename})" if error.filename else ""
        print(f"{PROGRAM}: {error.strerror or error}{about}.", file=sys.stderr)
        return 1
    finally:
        if argv is None and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, signal.SIG_DFL)  # another Ctrl-C ends Python's own way out, without a word


def one_line(message: str) -> str:
    """The message with line breaks and their like written out."""
    return re.sub(CONTROLS, lambda found: repr(found[0])[1:-1], message)


def not_loaded(error: ImportError) -> str:
    """Which package cannot be imported, why, and what to do, in a sentence."""
    package = (error.name or "a package").split(".")[0]
    if isinstance(error, ModuleNotFoundError):
        return (
            f"{package} is not installed in this Python; run `make install`, "
            f"or `{PROGRAM} doctor` to see all that is missing."
        )
    return (
        f"{package} does not load in this Python ({one_line(reason(error))}); run `make install`, "
        f"or `{PROGRAM} doctor` to see all that stands in the way."
    )


def folder(text: str) -> Path:
    """The type of an option that names a folder."""
    if not text or "\0" in text:
        raise argparse.ArgumentTypeError(f"{text!r} is not the name of a folder")
    return Path(text)


def hush() -> None:
    """Let what is still written to stdout go nowhere: its reader has left, or its disk is full."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _plain(error: UnicodeEncodeError) -> tuple[str, int]:
    """What to write in place of characters that the encoding of a stream lacks."""
    letters = error.object[error.start : error.end]
    ascii_ = (PLAIN.get(c) or unicodedata.normalize("NFKD", c).encode("ascii", "ignore").decode() for c in letters)
    return "".join(plain or "?" for plain in ascii_), error.end


def _main(argv: list[str]) -> int:
    top = Parser(
        prog=PROGRAM,
        description="GANs in notebooks: the commands around them.",
        usage=f"{PROGRAM} [-h] [--version] COMMAND ...",
        epilog="commands:\n" + "\n".join(f"  {name:8}{text}" for name, text in COMMANDS.items())
        + f"\n\n{PROGRAM} COMMAND --help says more about each.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    top.add_argument("--version", action="version", version=f"{PROGRAM} {__version__}")
    if not argv:
        top.print_help(sys.stderr)
        return 2
    if argv[0].startswith("-"):
        top.parse_args(argv)  # --help and --version end here, and so does an unknown option
        top.error("say a command first; options of a command come after it.")
    if argv[0] not in COMMANDS:
        near = difflib.get_close_matches(argv[0], COMMANDS, n=1)
        meant = f"did you mean {near[0]!r}?" if near else f"the commands are {', '.join(COMMANDS)}."
        top.error(f"there is no command {argv[0]!r}; {meant}")
    return _run(argv[0], argv[1:])


def _run(name: str, argv: list[str]) -> int:
    parser = Parser(prog=f"{PROGRAM} {name}", description=COMMANDS[name].capitalize() + ".")
    try:
        command = importlib.import_module(f"gan_tutorial.commands.{name}")
        command.add_arguments(parser)
        for word in argv:
            if word.startswith("-") and word.endswith("=--"):  # before 3.13 argparse makes an empty list of it
                parser.error(f"{word!r} has no value.")
        return command.main(parser.parse_args(argv))
    except UsageError as error:
        parser.error(str(error))
    except ImportError as error:
        if (error.name or "").split(".")[0] == "gan_tutorial":
            raise  # a mistake in this package, not in the installation
        print(f"{parser.prog}: {not_loaded(error)}", file=sys.stderr)
        return 1
