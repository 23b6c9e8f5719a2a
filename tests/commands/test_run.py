"""Running notebooks: good ones, and ones that fail, hang, or kill their kernel."""

import errno
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import nbformat
import psutil
import pytest
from filelock import FileLock
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from gan_tutorial.clothes import files
from gan_tutorial.commands import cli, execution, run
from gan_tutorial.commands import series as series_of
from gan_tutorial.commands.series import CHECKOUT
from gan_tutorial.lesson.profile import VARIABLE

LEDGER = """from gan_tutorial.facts import Ledger
ledger = Ledger("01")
ledger.add("F-1", "one is one", 1, 1, 0, "counting")
ledger.add("F-2", "held after training", 1, 1, 0, "training", needs_training=True)
ledger.add("F-3", "missed without training", 1, 5, 0, "training", needs_training=True)
ledger"""


def write(path, *cells):
    """A notebook: a title, the parameters, a blank cell, and these code cells."""
    parameters = new_code_cell("PROFILE = None\nSEED = 0", metadata={"tags": ["parameters"]})
    everything = [new_markdown_cell("# Title"), parameters, new_code_cell(""), *map(new_code_cell, cells)]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(new_notebook(cells=everything, metadata={"kernelspec": kernel}), path)
    return path


def start(*words, **options):
    command = [sys.executable, "-m", "gan_tutorial", "run", *map(str, words)]
    return subprocess.Popen(
        command, cwd=CHECKOUT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options
    )


def call(*words, **options):
    """(exit status, stdout, stderr) of `gan-tutorial run`."""
    process = start(*words, **options)
    out, err = process.communicate(timeout=200)
    return process.returncode, out, err


def refused(capsys, *words):
    """The sentence with which a command line is refused, before anything runs."""
    with pytest.raises(SystemExit) as end:
        cli.main(["run", *map(str, words)])
    out, err = capsys.readouterr()
    assert end.value.code == 2 and out == ""
    return err.splitlines()[0].removeprefix("gan-tutorial run: ")


def printed(path):
    cells = nbformat.read(path, 4).cells
    return "".join(o["text"] for c in cells for o in c.get("outputs", []) if o["output_type"] == "stream")


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    """A good notebook run in smoke, in a folder with spaces in its name."""
    folder = tmp_path_factory.mktemp("with a space")
    say = "import os\nprint(PROFILE, SEED, os.environ['GAN_TUTORIAL_PROFILE'], os.path.basename(os.getcwd()))"
    # The memory is looked at a few times a second: the high-water mark must outlast the array, not the notebook.
    hold = "import time\nx = bytearray(300 << 20)\ndel x\ntime.sleep(3)"
    source = write(folder / "note books" / "01_good.ipynb", say, hold, LEDGER)
    before = source.read_bytes()
    out = folder / "the out"
    status, text, err = call(source, "--profile", "smoke", "--out", out, "-p", "SEED", "-3")
    return SimpleNamespace(status=status, text=text, err=err, out=out, source=source, before=before)


def test_a_good_notebook(good):
    assert (good.status, good.err) == (0, "")
    assert printed(good.out / "01_good.ipynb") == "smoke -3 smoke note books\n"
    assert good.source.read_bytes() == good.before
    assert sorted(path.name for path in good.out.iterdir()) == ["01_good.ipynb", "summary.json"]


def test_the_summary_tells_minutes_memory_and_facts(good):
    (entry,) = json.loads((good.out / "summary.json").read_text())["notebooks"]
    assert entry["facts"] == {"passed": 1, "shown_only": 2, "failed": 0}  # smoke does not train to the end
    assert (entry["cells"], entry["done"], entry["error"], entry["attempts"]) == (4, 4, "", 1)
    assert 300 < entry["peak_mb"] < 700 and 0 < entry["seconds"] < 200
    first, _, head, row = good.text.splitlines()
    assert first.startswith("1/1 01_good  4/4 cells  ") and first.endswith("ok")
    assert head.split() == ["notebook", "result", "minutes", "peak", "MB", "facts"]
    assert row.split()[:2] == ["01_good", "ok"] and row.endswith("1 passed, 2 shown only")


def test_facts_that_need_training_count_where_there_is_training(good):
    assert run._facts(good.out / "01_good.ipynb", trained=True) == {"passed": 2, "shown_only": 0, "failed": 1}


def test_a_failing_notebook_is_named_with_its_cell_and_line(tmp_path):
    bad = write(tmp_path / "02_bad.ipynb", "1", "# why\nd = {}\nd['missing']", "print('never')")
    fine = write(tmp_path / "03_fine.ipynb", "print('still run')")
    status, out, err = call(bad, fine, "--out", tmp_path / "out")
    assert status == 1
    assert "02_bad failed: cell 5 of 6 (`d['missing']`): KeyError: 'missing'" in err
    assert "Traceback" not in err and str(tmp_path / "out" / "02_bad.ipynb") in err
    bad_entry, fine_entry = json.loads((tmp_path / "out" / "summary.json").read_text())["notebooks"]
    assert (bad_entry["cell"], bad_entry["done"], bad_entry["cells"]) == (5, 2, 4)
    assert fine_entry["error"] == "" and printed(tmp_path / "out" / "03_fine.ipynb") == "still run\n"
    assert out.splitlines()[0].endswith("FAILED") and out.splitlines()[1].endswith("ok")


def test_a_cell_that_hangs_ends_within_its_timeout(tmp_path):
    hang = write(tmp_path / "02_hang.ipynb", "import time", "time.sleep(1000)")
    began = time.monotonic()
    status, _, err = call(hang, "--out", tmp_path / "out", "--cell-timeout", 3)
    assert status == 1 and time.monotonic() - began < 60
    assert "cell 5 of 5 (`time.sleep(1000)`): the cell did not end within 3 s and was stopped" in err


def test_a_notebook_that_hangs_ends_within_its_timeout(tmp_path):
    # It does not even listen to an interrupt, and has a child that would outlive it.
    deaf = (
        "import signal, subprocess, sys, time\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(1000)'])\n"
        f"open({str(tmp_path / 'pids')!r}, 'w').write(f'{{child.pid}}')\nwhile True: time.sleep(1)"
    )
    hang = write(tmp_path / "02_deaf.ipynb", deaf)
    began = time.monotonic()
    status, _, err = call(hang, "--out", tmp_path / "out", "--timeout", 25)
    assert status == 1 and time.monotonic() - began < 80
    assert "the notebook did not end within 25 s and was stopped" in err
    assert gone(int((tmp_path / "pids").read_text()))


def gone(pid):
    """Whether a process ends within ten seconds."""
    for _ in range(100):
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.1)
    return False


def test_a_kernel_that_dies(tmp_path):
    dead = write(tmp_path / "02_dead.ipynb", "import os", "os._exit(1)", "1")
    began = time.monotonic()
    status, out, err = call(dead, "--out", tmp_path / "out")
    assert status == 1 and time.monotonic() - began < 60
    assert "cell 5 of 6 (`os._exit(1)`): the kernel died" in err
    (entry,) = json.loads((tmp_path / "out" / "summary.json").read_text())["notebooks"]
    assert (entry["done"], entry["cell"], entry["attempts"]) == (2, 5, 1)  # dying halfway is not tried again
    assert "DeadKernelError" in (tmp_path / "out" / "02_dead.log").read_text()


def test_a_notebook_that_leaves_early_has_failed(tmp_path):
    left = write(tmp_path / "02_left.ipynb", "x = 1\nimport sys\nsys.exit()", "assert x == 2")
    status, out, err = call(left, "--out", tmp_path / "out")
    assert status == 1 and "3/4 cells" not in out and "1/3 cells" in out
    assert "02_left failed: cell 4 of 5 (`sys.exit()`): it left the notebook (SystemExit)" in err
    (entry,) = json.loads((tmp_path / "out" / "summary.json").read_text())["notebooks"]
    assert (entry["done"], entry["cells"], entry["cell"]) == (1, 3, 4)


def test_papermill_reads_nothing_into_braces_and_asks_for_no_language(tmp_path):
    cells = [new_code_cell("SEED, LR = 0, 0", metadata={"tags": ["parameters"]}), new_code_cell("print(SEED, LR)")]
    out = tmp_path / "{{out}}"
    write(tmp_path / "pick3.ipynb", "print('another notebook')")
    copy = tmp_path / "{out}" / "pick{SEED}.ipynb"
    copy.parent.mkdir()
    copy.write_text("a person's own")
    for name in ("pick{SEED}", "half{"):
        nbformat.write(new_notebook(cells=cells), tmp_path / f"{name}.ipynb")
    names = [tmp_path / "pick{SEED}.ipynb", tmp_path / "half{.ipynb"]
    status, _, err = call(*names, "--out", out, "-p", "SEED", "3", "-p", "LR", "-1e-3")
    assert (status, err) == (0, "") and copy.read_text() == "a person's own"
    assert [printed(out / path.name) for path in names] == ["3 -0.001\n", "3 -0.001\n"]


def test_a_cell_may_fail_where_its_tag_allows_it(tmp_path):
    may = new_code_cell("1/0", metadata={"tags": ["raises-exception"]})
    real = write(tmp_path / "02_real.ipynb")
    fine = write(tmp_path / "03_fine.ipynb")
    for path, more in ((real, ["y = 2", "raise ValueError('the real one')", "z = 1"]), (fine, ["y = 2"])):
        notebook = nbformat.read(path, 4)
        notebook.cells = [new_code_cell("x = 1"), may, *map(new_code_cell, more)]
        nbformat.write(notebook, path)
    status, _, err = call(real, fine, "--out", tmp_path / "out")
    real, fine = json.loads((tmp_path / "out" / "summary.json").read_text())["notebooks"]
    assert status == 1 and err.count("failed") == 1
    assert real["error"] == "cell 4 of 5 (`raise ValueError('the real one')`): ValueError: the real one"
    assert (real["cell"], real["done"], fine["error"], fine["done"], fine["cells"]) == (4, 3, "", 3, 3)


def test_a_notebook_is_run_once_whatever_its_cells_print(tmp_path):
    source = write(tmp_path / "01_port.ipynb", "open('ran', 'a').write('x')\nraise OSError('Address already in use')")
    notebook = nbformat.read(source, 4)
    notebook.cells = notebook.cells[-1:]  # the first that there is
    nbformat.write(notebook, source)
    status, _, err = call(source, "--out", tmp_path / "out")
    assert status == 1 and "cell 1 of 1 (`raise OSError('Address already in use')`): OSError: Address already" in err
    assert (tmp_path / "ran").read_text() == "x"


def test_logs_of_a_person_are_kept(tmp_path):
    def files():
        return sorted(path.name for path in tmp_path.iterdir())

    copy, log = tmp_path / "02.ipynb", tmp_path / "02.log"
    for said in ("it failed", "it failed again"):  # ours gives way to ours
        execution._keep_log(copy, said)
        assert log.read_text().endswith(f"\n{said}") and files() == ["02.log"]
    execution._keep_log(copy, "")
    assert files() == []

    log.write_text("measured by hand\n")
    execution._keep_log(copy, "it failed")
    assert log.read_text() == "measured by hand\n" and (tmp_path / "02.1.log").read_text().endswith("it failed")
    execution._keep_log(copy, "")
    assert log.read_text() == "measured by hand\n" and files() == ["02.log"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes with names here")
def test_a_pipe_in_the_folder_does_not_make_it_wait(tmp_path, series, capsys):
    os.mkfifo(tmp_path / "02.log")
    execution._keep_log(tmp_path / "02.ipynb", "it failed")
    assert (tmp_path / "02.log").is_fifo() and (tmp_path / "02.1.log").is_file()
    os.mkfifo(tmp_path / "summary.json")
    assert cli.main(["run", "00", "--out", str(tmp_path)]) == 0
    assert (tmp_path / "summary.1.json").is_fifo() and (tmp_path / "summary.json").is_file()


def test_a_run_keeps_a_persons_log(tmp_path):
    (tmp_path / "02_bad.log").write_text("mine")
    bad = write(tmp_path / "note books" / "02_bad.ipynb", "1/0")
    assert call(bad, "--out", tmp_path)[0] == 1
    assert (tmp_path / "02_bad.log").read_text() == "mine" and "1/0" in (tmp_path / "02_bad.1.log").read_text()


def executed(source, *outputs, count=1, tags=()):
    made = {"cell_type": "code", "source": source, "outputs": list(outputs), "execution_count": count}
    return made | {"metadata": {"tags": list(tags), "papermill": {"start_time": "now", "end_time": "then"}}}


def diagnosed(*cells, status=0, log=""):
    """What becomes of cells that papermill left like this."""
    result = execution.Result("a", "a.ipynb", cells=len(cells), done=len(cells))
    execution._diagnose(result, list(cells), status, False, execution.Limits(9, 9), log)
    return result.done, result.error


LEFT = {"output_type": "error", "ename": "SystemExit", "evalue": "", "traceback": ["An exception, use %tb"]}


@pytest.mark.parametrize("evalue", ["", "0"])
@pytest.mark.parametrize("after", [[], [executed("1", count=None)]], ids=["last", "amidst"])
def test_leaving_by_an_exception_is_told_also_in_the_last_cell(after, evalue):
    done, error = diagnosed(executed("1"), executed("x = 1\nraise SystemExit", LEFT | {"evalue": evalue}), *after)
    assert done == 1
    assert error.startswith(f"cell 2 of {2 + len(after)} (`raise SystemExit`): it left the notebook (SystemExit)")


def test_a_cell_that_was_left_out_is_told():
    done, error = diagnosed(executed("1"), executed("# why\nf(2)", count=None, tags=["skip-execution"]), executed("3"))
    assert (done, error) == (1, "cell 2 of 3 (`f(2)`): it did not run")
    assert diagnosed(executed("1"), executed("  ", count=None), executed("3")) == (3, "")  # blank: nothing to run


@pytest.mark.parametrize("end", ["exit()", "quit()", "exit", "quit  # enough"])
def test_ending_the_kernel_is_told_where_it_was_done(end):
    # The kernel may die at once, a cell later, or not before all have run.
    died = "nbclient.exceptions.DeadKernelError: Kernel died"
    for cells in ([executed("1"), executed(end)], [executed("1"), executed(end), executed("2")]):
        done, error = diagnosed(*cells, status=1, log=died)
        assert done == 1 and error.startswith(f"cell 2 of {len(cells)} (`{end}`): the kernel died; the cell seems to")
    done, error = diagnosed(executed("1"), executed(end), executed("2"))
    assert done == 1 and error.startswith(f"cell 2 of 3 (`{end}`): it ended the kernel")
    assert diagnosed(executed("1"), executed(f"if bad:\n    {end}"), executed("exit_code = 1; quit_now()"))[1] == ""
    if "()" in end:
        done, error = diagnosed(executed("1"), executed(f"%matplotlib inline\n{end}\nx = !ls"), executed("2"))
        assert done == 1 and error.startswith(f"cell 2 of 3 (`{end}`): it ended the kernel")
    assert diagnosed(executed("1"), executed("2"), executed(end)) == (3, "")  # all that there is has run


@pytest.mark.parametrize(
    "cell",
    [
        "%%bash\nif true; then\nexit\nfi\nexit",
        'menu = """\nquit\nexit()\n"""\nprint(menu)',
        "exit\nx = 1",  # IPython calls it only where it is the whole cell
        "def leave():\n    exit()",
        "!exit",
        "f(\nexit()",  # no Python, whatever made it run
        "exit(" * 1000,
        "'\0'; exit()",
    ],
)
def test_what_only_looks_like_an_end_of_the_kernel_is_none(cell):
    assert diagnosed(executed("1"), executed(cell), executed("2")) == (3, "")


def test_a_button_called_quit_is_none_of_ipythons():
    shown = {"output_type": "execute_result", "data": {"text/plain": "Button()"}, "metadata": {}, "execution_count": 1}
    assert diagnosed(executed("quit = Button()"), executed("quit", shown), executed("2")) == (3, "")


def test_a_kernel_that_the_system_ended_most_often_took_too_much_memory():
    died = "nbclient.exceptions.DeadKernelError: Kernel died"
    done, error = diagnosed(executed("1"), executed("x = torch.zeros(10**12)"), status=1, log=died)
    assert done == 1 and error.startswith("cell 2 of 2 (`x = torch.zeros(10**12)`): the kernel died; most often it ran")


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("sign", ["SIGINT", "SIGTERM"])
def test_a_signal_that_ended_nothing_is_obeyed_the_next_time(monkeypatch, sign):
    class Swallows:
        def __del__(self):  # Python drops what is raised here
            signal.raise_signal(getattr(signal, sign))

    with pytest.raises((KeyboardInterrupt, SystemExit)), run._ended_in_order():
        Swallows()
        signal.raise_signal(getattr(signal, sign))  # soon after: as if by the same hand
        monkeypatch.setattr(run, "ENDING", 0.0)
        signal.raise_signal(getattr(signal, sign))
        pytest.fail("nothing was raised")


@pytest.mark.parametrize(
    ("sign", "expected"),
    [(signal.SIGINT, 130), (signal.SIGTERM, 143)] + ([(signal.SIGHUP, 129)] if hasattr(signal, "SIGHUP") else []),
)
def test_stopping_leaves_no_kernel_and_what_was_done(tmp_path, sign, expected):
    first = write(tmp_path / "01_first.ipynb", "1")
    pid = tmp_path / "pid"
    wait = f"import os, time\nopen({str(pid)!r}, 'w').write(str(os.getpid()))\ntime.sleep(1000)"
    second = write(tmp_path / "02_second.ipynb", wait)
    process = start(first, second, "--out", tmp_path / "out")
    for _ in range(600):
        if pid.exists() and pid.read_text():
            break
        time.sleep(0.1)
    process.send_signal(sign)
    process.send_signal(sign)  # a terminal that is closed sends it twice, and so do the impatient
    _, err = process.communicate(timeout=60)
    assert process.returncode == expected and "Traceback" not in err
    assert gone(int(pid.read_text()))
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert [entry["notebook"] for entry in summary["notebooks"]] == ["01_first"]


def spec(folder, code):
    """Let `python3` be a kernel started by this code; the environment in which it is."""
    where = folder / "jupyter" / "kernels" / "python3"
    where.mkdir(parents=True)
    argv = [sys.executable, "-c", code, "-f", "{connection_file}"]
    (where / "kernel.json").write_text(json.dumps({"argv": argv, "display_name": "x", "language": "python"}))
    return os.environ | {"JUPYTER_PATH": str(folder / "jupyter")}


def test_a_kernel_that_loses_the_race_for_a_port_is_started_once_more(tmp_path):
    code = (
        f"import os, sys\nif not os.path.exists({str(tmp_path / 'tried')!r}):\n"
        f"    open({str(tmp_path / 'tried')!r}, 'w').close()\n    sys.exit('Address already in use')\n"
        "from ipykernel.kernelapp import launch_new_instance; launch_new_instance()"
    )
    source = write(tmp_path / "01_late.ipynb", "print('here')")
    status, _, err = call(source, "--out", tmp_path / "out", env=spec(tmp_path, code))
    assert (status, err) == (0, "")
    (entry,) = json.loads((tmp_path / "out" / "summary.json").read_text())["notebooks"]
    assert entry["attempts"] == 2 and printed(tmp_path / "out" / "01_late.ipynb") == "here\n"


def test_a_kernel_that_never_starts_fails_after_the_second_attempt(tmp_path):
    source = write(tmp_path / "01_never.ipynb", "1")
    status, _, err = call(source, "--out", tmp_path / "out", env=spec(tmp_path, "import sys; sys.exit(3)"))
    assert status == 1 and "no cell was started: RuntimeError: Kernel died" in err
    (entry,) = json.loads((tmp_path / "out" / "summary.json").read_text())["notebooks"]
    assert (entry["attempts"], entry["cell"], entry["done"]) == (2, None, 0)


# --- what is chosen, and what is refused; nothing runs below this line


@pytest.fixture
def series(tmp_path, monkeypatch):
    """A checkout with two notebooks, one solved, in which runs are recorded and not made."""
    monkeypatch.setattr(series_of, "CHECKOUT", tmp_path)
    for name in ["00_start.ipynb", "02_play_the_game.ipynb", "solutions/02_play_the_game.ipynb"]:
        write(tmp_path / "notebooks" / name, "1")
    calls = []

    def record(source, output, parameters, limits, environment, progress):
        calls.append(SimpleNamespace(**locals()))
        progress(1, 2, 0.5)
        return execution.Result(source.stem, str(output), cells=2, done=2)

    monkeypatch.setattr(run, "execute", record)
    return SimpleNamespace(calls=calls, folder=tmp_path / "notebooks", root=tmp_path)


def chosen(series, *words):
    assert cli.main(["run", *map(str, words)]) == 0
    return [str(call.source.relative_to(series.folder)) for call in series.calls]


@pytest.mark.parametrize("name", ["02", "2", "02_play_the_game", "02_play_the_game.ipynb"])
def test_a_notebook_by_number_or_name(series, name):
    assert chosen(series, name) == ["02_play_the_game.ipynb"]


def test_a_notebook_by_path_and_twice(series):
    assert chosen(series, series.folder / "00_start.ipynb", "00") == ["00_start.ipynb"]


def test_all_by_default_into_build_run(series):
    assert chosen(series) == ["00_start.ipynb", "02_play_the_game.ipynb"]
    outputs = [call.output for call in series.calls]
    assert outputs == [series.root / "build" / "run" / f"{s}.ipynb" for s in ("00_start", "02_play_the_game")]
    assert all(call.parameters == [] and VARIABLE not in call.environment for call in series.calls)


def test_solutions_instead(series):
    assert chosen(series, "--solutions", "--profile", "cpu") == ["solutions/02_play_the_game.ipynb"]
    (made,) = series.calls
    assert made.output == series.root / "build" / "run" / "solutions" / "02_play_the_game.ipynb"
    assert made.parameters == [("PROFILE", "cpu")] and made.environment[VARIABLE] == "cpu"
    assert made.limits == (1800, 900)


def test_a_notebook_without_a_profile_gets_none_injected(series):
    plain = series.root / "plain.ipynb"
    nbformat.write(new_notebook(cells=[new_code_cell("1")]), plain)
    assert cli.main(["run", str(plain), "--profile", "smoke", "--out", str(series.root / "o")]) == 0
    assert series.calls[0].parameters == [] and series.calls[0].environment[VARIABLE] == "smoke"


def test_names_that_are_not_there(series, capsys):
    assert refused(capsys, "02_play_the_gam") == (
        "there is no notebook '02_play_the_gam'; did you mean 02_play_the_game?"
    )
    assert refused(capsys, "07").endswith("there are 00_start, 02_play_the_game.")
    (series.folder / "02_other.ipynb").write_text("{}")
    assert refused(capsys, "02") == "02 could be 02_other or 02_play_the_game; say which."
    text = series.root / "notes.txt"
    text.write_text("x")
    assert refused(capsys, text).endswith("is not a notebook: its name does not end in .ipynb.")
    broken = series.root / "broken.ipynb"
    broken.write_text("{ cut o")
    assert "broken.ipynb cannot be read as a notebook" in refused(capsys, broken)
    assert series.calls == []


@pytest.mark.parametrize("name", ["²", "٣", "9" * 5000, "n" * 300, "a\0b", "", ".", "..", "*", "[", "-1.ipynb"])
def test_odd_names(series, capsys, name):
    assert refused(capsys, "--", name).startswith(f"there is no notebook {name!r}; ")


def test_an_empty_series(tmp_path, monkeypatch, capsys):
    (tmp_path / "notebooks").mkdir()
    monkeypatch.setattr(series_of, "CHECKOUT", tmp_path)
    assert refused(capsys).startswith("there is no notebook in ")


@pytest.mark.parametrize("inside", ["", "solutions", "build/run", "../notebooks"])
def test_the_committed_notebooks_are_never_written_to(series, capsys, inside):
    assert "lies among the notebooks" in refused(capsys, "--out", series.folder / inside)
    assert series.calls == []


def test_other_places_that_are_refused(series, capsys):
    other = write(series.root / "mine" / "a.ipynb", "1")
    same = write(series.root / "yours" / "a.ipynb", "1")
    assert "would write over a.ipynb itself" in refused(capsys, other, "--out", other.parent)
    assert "two notebooks are called a.ipynb" in refused(capsys, other, same)
    assert "is a file; choose a folder." in refused(capsys, "--out", other)
    for out in (other / "below", series.root / ("n" * 300)):
        assert "cannot be written to (" in refused(capsys, "--out", out)
    for out in ("", f"{series.root}/a\0b"):
        assert "is not the name of a folder" in refused(capsys, "--out", out)
    (series.root / "out" / "00_start.ipynb").mkdir(parents=True)
    assert "is a folder, where the executed notebook would go" in refused(capsys, "00", "--out", series.root / "out")
    assert series.calls == []


def test_a_folder_that_cannot_be_written_to_is_found_before_anything_runs(series, capsys, monkeypatch):
    def full(dir):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(series_of.tempfile, "TemporaryFile", full)
    assert "cannot be written to (No space left on device)" in refused(capsys, "--out", series.root / "out")
    assert series.calls == []


def test_no_room_for_the_copies_is_found_before_anything_runs(series, capsys):
    resource = pytest.importorskip("resource", reason="limits of file sizes need POSIX")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, limits[1]))  # stands for a full disk
    try:
        assert "cannot be written to (File too large)" in refused(capsys, "--out", series.root / "out")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert series.calls == []


def test_a_summary_that_cannot_be_written_is_told_and_the_run_goes_on(series, capsys):
    (series.root / "out" / "summary.json" / "mine").mkdir(parents=True)
    assert cli.main(["run", "--out", str(series.root / "out")]) == 1
    out, err = capsys.readouterr()
    assert len(series.calls) == 2 and "all" in out.splitlines()[-1]
    assert err.count("summary.json cannot be written (") == 2 and "Traceback" not in err


def test_a_notebook_of_a_person_where_a_copy_goes_is_kept(tmp_path, capsys):
    source, out = write(tmp_path / "01_first.ipynb", "6 * 7"), tmp_path / "out"
    own = write(out / "01_first.ipynb", "'an evening of mine'")
    text = own.read_bytes()
    assert cli.main(["run", str(source), "--out", str(out)]) == 0
    said = "gan-tutorial run: 01_first.ipynb: no run wrote it; the old file is kept as 01_first.1.ipynb.\n"
    assert capsys.readouterr().err == said and (out / "01_first.1.ipynb").read_bytes() == text
    assert cli.main(["run", str(source), "--out", str(out)]) == 0
    assert not capsys.readouterr().err  # a copy of our own is replaced
    assert sorted(path.name for path in out.iterdir()) == ["01_first.1.ipynb", "01_first.ipynb", "summary.json"]


@pytest.mark.parametrize("text", ["mine", "[1]", '{"failed": 0}', ""])
def test_a_summary_of_a_person_is_kept(series, capsys, text):
    out = series.root / "out"
    out.mkdir()
    (out / "summary.json").write_text(text)
    for _ in range(2):
        assert cli.main(["run", "--out", str(out)]) == 0
    said = "gan-tutorial run: summary.json: no run wrote it; the old file is kept as summary.1.json.\n"
    assert capsys.readouterr().err == said and (out / "summary.1.json").read_text() == text
    assert sorted(path.name for path in out.iterdir()) == ["summary.1.json", "summary.json"]
    assert len(json.loads((out / "summary.json").read_text())["notebooks"]) == 2


def test_a_disk_that_fills_up_fails_the_notebook_and_not_the_run(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device", str(tmp_path / "02.log"))

    monkeypatch.setattr(execution, "_attempt", full)
    result = execution.execute(tmp_path / "02.ipynb", tmp_path / "out.ipynb", [], None, {}, None)
    assert result.error == f"{tmp_path / '02.log'}: No space left on device"


@pytest.mark.parametrize("value", ["-1e-3", "-.5", "-1_000.5", "-2"])
def test_numbers_below_zero(series, value):
    path = with_parameters(series.root / "a.ipynb", "LR = 0.1")
    assert cli.main(["run", str(path), "-p", "LR", value]) == 0
    assert series.calls[0].parameters == [("LR", value)]


def test_parameters_that_contradict(series, capsys):
    assert refused(capsys, "-p", "SEEDS", "1") == "-p SEEDS: 00_start has no parameter of that name."
    assert "a profile is one of smoke, cpu, gpu" in refused(capsys, "-p", "PROFILE", "fast")
    assert "contradict" in refused(capsys, "--profile", "cpu", "-p", "PROFILE", "smoke")


@pytest.mark.parametrize("value", ["abc", "", " ", "1.5", "nan", "True", "99999999999999999999", "9" * 5000])
def test_a_seed_that_is_none(series, capsys, value):
    assert refused(capsys, "-p", "SEED", value).startswith(f"-p SEED {value}: ")
    assert series.calls == []


@pytest.mark.parametrize("value", ["0", "-3", "1_000", str(2**63 - 1)])
def test_a_seed_that_is_one(series, value):
    assert cli.main(["run", "00", "-p", "SEED", value]) == 0
    assert series.calls[0].parameters == [("SEED", value)]


@pytest.mark.parametrize(("value", "told"), [("True", ""), ("False", ""), ("false", "True or"), ("1", "True or")])
def test_a_switch_is_true_or_false(series, capsys, value, told):
    path = with_parameters(series.root / "a.ipynb", "FLAG = True")
    if told:
        assert told in refused(capsys, path, "-p", "FLAG", value) and series.calls == []
    else:
        assert cli.main(["run", str(path), "-p", "FLAG", value]) == 0


def test_two_runs_do_not_share_a_folder(series, capsys):
    out = series.root / "out"
    out.mkdir()
    (out / ".lock").touch()  # a person's own
    with FileLock(out / ".gan-tutorial-run.lock"):
        said = refused(capsys, "00", "--out", out)
    assert said == f"another run writes to {out}; wait until it ends, or choose another --out." and series.calls == []
    (out / ".gan-tutorial-run.lock").touch()  # of a run that was killed
    assert cli.main(["run", "00", "--out", str(out)]) == 0
    assert {path.name for path in out.iterdir()} == {".lock", "summary.json"}


@pytest.mark.parametrize("given", ["mine", "~/mine"])
def test_the_data_are_where_the_person_said_and_not_beside_the_notebook(series, monkeypatch, given):
    monkeypatch.chdir(series.root)
    monkeypatch.setenv("HOME", str(series.root))
    monkeypatch.setenv(files.VARIABLE, given)
    (said,) = files.data_folders()
    assert cli.main(["run", "00"]) == 0
    monkeypatch.chdir(series.folder)  # as a kernel does
    monkeypatch.setenv(files.VARIABLE, series.calls[0].environment[files.VARIABLE])
    assert files.data_folders() == [said]


def test_what_lies_where_the_person_stands_is_none_of_papermills(tmp_path):
    for name in ("random", "code", "papermill"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('not mine')")
    command = execution._command(Path("a.ipynb"), Path("b.ipynb"), [], execution.Limits(9, 9))
    until = command[: command.index("papermill") + 1]
    worker = subprocess.run([*until, "--version"], cwd=tmp_path, capture_output=True, text=True)
    assert worker.returncode == 0, worker.stderr


def test_a_name_of_bytes_that_are_no_letters(series, capsys):
    assert refused(capsys, "00", "--out", series.root / "o\udcc3\udca9").endswith(
        "00_start.ipynb here; choose another, or set PYTHONUTF8=1."
    )
    assert series.calls == []


def test_a_profile_in_the_environment_that_is_none(series, capsys, monkeypatch):
    monkeypatch.setenv(VARIABLE, "smoky")
    assert refused(capsys) == f"{VARIABLE} is 'smoky', but a profile is one of smoke, cpu, gpu."
    monkeypatch.setenv(VARIABLE, "")
    assert cli.main(["run", "00"]) == 0


def with_parameters(path, *cells):
    tagged = [new_code_cell(cell, metadata={"tags": ["parameters"]}) for cell in cells]
    nbformat.write(new_notebook(cells=[*tagged, new_code_cell("OTHER = 1")]), path)
    return path


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ([], {}),
        (["# nothing yet"], {}),
        (["SEED = 0  # the seed\nPROFILE = None"], {"SEED": 0, "PROFILE": None}),
        (["SEED: int = 0\nNAME: str"], {"SEED": 0, "NAME": None}),
        (["A, (B, *C) = 1, (2, 3)\nD = E = -1.5"], dict(A=None, B=None, C=None, D=-1.5, E=-1.5)),
        (["N = 2 * 3\nM = len([k for k in 'abc'])\nL = [1, 2]"], {"N": None, "M": None, "L": [1, 2]}),
        (["import os\ndef f(a):\n    inner = a\nN = 0\nos.x = 1\nL = [0]\nL[0] = 1"], {"N": 0, "L": [0]}),
        (["if True:\n    SEED = 1"], {"SEED": None}),
        (["SEED = 0", "LATER = 1"], {"SEED": 0}),  # papermill puts the values behind the first
        (["%matplotlib inline\nSEED = 0"], {"SEED": 0}),
        (["%%time\nSEED = 0"], {"SEED": 0}),
    ],
)
def test_what_a_parameters_cell_declares(cells, expected, tmp_path):
    assert series_of.declared(with_parameters(tmp_path / "a.ipynb", *cells)) == expected


@pytest.mark.parametrize("cell", ["SEED =", "(" * 1000, "x = '\0'"])
def test_a_parameters_cell_that_is_not_python(series, capsys, cell):
    path = with_parameters(series.root / "a.ipynb", cell)
    assert refused(capsys, path).startswith(f"the parameters cell of {path} is not Python (")


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", "null", '{"cells": 1}', '{"cells": [1]}', '{"cells": [{"cell_type": "code"}]}', "\xff",
     '{"cells": [{"cell_type": "code", "source": [1], "metadata": {}}]}', "[" * 100_000,
     '{"cells": [{"cell_type": "code", "source": "", "metadata": []}]}',
     '{"cells": [{"source": "", "metadata": {}}]}'],
)  # fmt: skip
def test_a_file_that_is_no_notebook(series, capsys, text):
    path = series.root / "a.ipynb"
    path.write_text(text, encoding="latin-1")
    assert refused(capsys, path).startswith(f"{path} cannot be read as a notebook (")
    assert series.calls == []


def test_on_a_terminal_the_line_is_redrawn(series, capsys, monkeypatch):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    cli.main(["run", "00"])
    line = capsys.readouterr().out.split("\n")[0]
    assert "\r\033[K1/1 00_start  1/2 cells  0.5 s" in line and line.endswith("2/2 cells  0 s  ok")
    monkeypatch.setenv("TERM", "dumb")  # Emacs' shell, say: it would show the signs
    cli.main(["run", "00"])
    assert capsys.readouterr().out.split("\n")[0] == "1/1 00_start  2/2 cells  0 s  ok"


def test_a_copy_cut_off_in_the_middle_is_no_copy(tmp_path):
    half = tmp_path / "half.ipynb"
    half.write_text('{"cells": [')
    assert execution._read(half) == [] and execution._read(Path(tmp_path / "none")) == []
    assert run._facts(half, trained=True) == {"passed": 0, "shown_only": 0, "failed": 0}
