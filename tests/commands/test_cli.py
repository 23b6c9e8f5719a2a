"""The command line: what it says, what it imports, and how it ends."""

import os
import signal
import subprocess
import sys
from types import SimpleNamespace

import pytest

from gan_tutorial import __version__
from gan_tutorial.commands import cli
from gan_tutorial.commands.series import CHECKOUT


def call(capsys, *words):
    """(exit status, stdout, stderr) of a command line run in this process."""
    try:
        status = cli.main(list(words))
    except SystemExit as end:
        status = end.code
    return status, *capsys.readouterr()


def python(code, **options):
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, **options
    )


def command(monkeypatch, main, add_arguments=lambda parser: None):
    """Put a made-up module in the place of `run`."""
    made_up = SimpleNamespace(main=main, add_arguments=add_arguments)
    monkeypatch.setattr(cli.importlib, "import_module", lambda name: made_up)


def test_help_names_every_command(capsys):
    status, out, _ = call(capsys, "--help")
    assert status == 0
    assert all(f"  {name} " in out for name in cli.COMMANDS)


@pytest.mark.parametrize("words", ["--help", "--version", "run --help", "doctor --help", "rnu"])
def test_answers_without_importing_torch(words):
    end = python(
        "import sys\nfrom gan_tutorial.commands.cli import main\n"
        f"try: main({words.split()!r})\nexcept SystemExit: pass\nsys.exit('torch' in sys.modules)",
        env=os.environ | {"PYTHONPATH": str(CHECKOUT)},
    )
    assert end.returncode == 0, end.stderr


def test_python_m_is_the_same_command():
    words = [sys.executable, "-m", "gan_tutorial", "--version"]
    end = subprocess.run(words, capture_output=True, text=True, cwd=CHECKOUT, timeout=60)
    assert (end.returncode, end.stdout.strip()) == (0, f"gan-tutorial {__version__}")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["rnu"], "there is no command 'rnu'; did you mean 'run'?"),
        (["dance"], "there is no command 'dance'; the commands are doctor, run, train, score, data."),
        (["--frob"], "unrecognized arguments: --frob"),
        (["run", "--profile", "fast"], "argument --profile: invalid choice: 'fast'"),
        (["run", "--timeout", "0"], "'0' is not a number of seconds, 1 or more."),
        (["run", "--timeout", "nan"], "'nan' is not a number of seconds, 1 or more."),
        (["run", "--timeout", "soon"], "'soon' is not a number of seconds, 1 or more."),
        (["run", "-p", "SEED"], "argument -p: expected 2 arguments"),
        (["doctor", "now"], "unrecognized arguments: now"),
    ],
)
def test_a_wrong_word_gets_one_sentence(capsys, words, sentence):
    status, out, err = call(capsys, *words)
    assert (status, out) == (2, "")
    first, second = err.splitlines()
    assert sentence in first and first.startswith("gan-tutorial")
    assert second.startswith("Try: gan-tutorial") and second.endswith("--help")


def test_no_command_shows_the_help(capsys):
    status, _, err = call(capsys)
    assert status == 2 and "commands:" in err


def test_a_value_refused_later_reads_the_same(capsys, monkeypatch):
    def refuse(args):
        raise cli.UsageError("the moon is not a folder.")

    command(monkeypatch, refuse)
    status, _, err = call(capsys, "run")
    assert (status, err) == (2, "gan-tutorial run: the moon is not a folder.\nTry: gan-tutorial run --help\n")


def test_ctrl_c_is_130_and_a_sentence(capsys, monkeypatch):
    def interrupted(args):
        raise KeyboardInterrupt

    command(monkeypatch, interrupted)
    status, _, err = call(capsys, "run")
    assert status == 130 and "Ctrl-C" in err and "Traceback" not in err


def test_a_missing_package_is_named_with_the_remedy():
    end = python(
        "import sys\nsys.modules['torch'] = None\nfrom gan_tutorial.commands.cli import main\n"
        "sys.exit(main(['train', '--objective', 'minimax', '--out', 'x']))",
        env=os.environ | {"PYTHONPATH": str(CHECKOUT)},
    )
    assert end.returncode == 1
    assert "torch is not installed in this Python; run `make install`" in end.stderr
    assert "Traceback" not in end.stderr


@pytest.mark.parametrize("words", [["train", "--objective", "minimax", "--out", "x"], ["score", "x"], ["data"]])
def test_a_package_that_does_not_load_is_told_with_the_remedy(tmp_path, words):
    (tmp_path / "torch.py").write_text("raise ImportError('libcudart.so.13: cannot open shared object file\\nSee')\n")
    end = python(
        f"import sys\nfrom gan_tutorial.commands.cli import main\nsys.exit(main({words!r}))",
        env=os.environ | {"PYTHONPATH": f"{tmp_path}{os.pathsep}{CHECKOUT}"},
        cwd=tmp_path,
    )
    assert (end.returncode, end.stderr) == (
        1,
        f"gan-tutorial {words[0]}: a package does not load in this Python (libcudart.so.13: cannot open shared object "
        "file); run `make install`, or `gan-tutorial doctor` to see all that stands in the way.\n",
    )
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("error", [ModuleNotFoundError, ImportError])
def test_a_mistake_in_this_package_is_not_called_a_missing_package(monkeypatch, error):
    def broken(args):
        raise error("No module named 'gan_tutorial.gone'", name="gan_tutorial.gone")

    command(monkeypatch, broken)
    with pytest.raises(error):
        cli.main(["run"])


def talk(tmp_path, what):
    """Words that run a made-up command in another process."""
    script = tmp_path / "talk.py"
    script.write_text(
        "import sys\nfrom types import SimpleNamespace\nfrom gan_tutorial.commands import cli\n"
        f"talk = lambda args: {what}\n"
        "made_up = SimpleNamespace(main=talk, add_arguments=lambda parser: None)\n"
        "cli.importlib.import_module = lambda name: made_up\nsys.exit(cli.main(['run']))\n"
    )
    return [sys.executable, str(script)], os.environ | {"PYTHONPATH": str(CHECKOUT)}


@pytest.mark.skipif(sys.platform == "win32", reason="sends SIGINT to a process")
@pytest.mark.parametrize("ignored", [False, True])
def test_ctrl_c_while_python_ends_is_without_a_word(tmp_path, ignored):
    words, environment = talk(tmp_path, "atexit.register(signal.raise_signal, signal.SIGINT) and 3")
    script = tmp_path / "talk.py"
    first = "import atexit, signal\n" + "signal.signal(signal.SIGINT, signal.SIG_IGN)\n" * ignored
    script.write_text(first + script.read_text().replace("cli.main(['run'])", "cli.main()"))
    end = subprocess.run([*words, "run"], capture_output=True, text=True, env=environment, timeout=60)
    assert (end.returncode, end.stdout, end.stderr) == (3 if ignored else -signal.SIGINT, "", "")


@pytest.mark.skipif(sys.platform == "win32", reason="a shell that closes files")
@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
def test_closed_outputs_are_no_mistake(tmp_path, closed):
    words, environment = talk(tmp_path, "print('to a person') or print('to another', file=sys.stderr) or 0")
    words = ["/bin/sh", "-c", f'"$@" {closed}', "sh", *words]
    end = subprocess.run(words, capture_output=True, text=True, env=environment, timeout=60)
    assert (end.returncode, end.stdout, end.stderr) == (
        0, "" if closed.startswith(">") else "to a person\n", "" if "2>" in closed else "to another\n"
    )  # fmt: skip


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no file that is always full")
def test_an_output_that_is_full_gets_one_sentence(tmp_path):
    words, environment = talk(tmp_path, "print('line') or 0")
    with open("/dev/full", "w") as full:
        end = subprocess.run(words, stdout=full, stderr=subprocess.PIPE, text=True, env=environment, timeout=60)
    assert (end.returncode, end.stderr) == (1, "gan-tutorial: No space left on device.\n")


def test_what_the_system_refuses_gets_one_sentence(capsys, monkeypatch):
    command(monkeypatch, lambda args: open("gone/for good"))
    assert call(capsys, "run") == (1, "", "gan-tutorial: No such file or directory (gone/for good).\n")


def test_a_name_with_line_ends_stays_in_the_sentence(capsys):
    status, _, err = call(capsys, "run\n\x1b[31mrun")
    assert (status, len(err.splitlines())) == (2, 2) and "\x1b" not in err


def test_a_reader_who_leaves_is_not_told(tmp_path):
    words, environment = talk(tmp_path, "[print('line', i) for i in range(100_000)] and 0")
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment) as process:
        assert process.stdout.readline() == b"line 0\n"
        process.stdout.close()
        assert process.wait(60) == 141
        assert process.stderr.read() == b""
