"""Files that are whole or not there at all, whoever else writes them, and whatever was left by whom."""

import os
import threading
import time

import pytest

from gan_tutorial import disk


def test_threads_that_write_one_file_at_once_give_one_of_their_files(tmp_path):
    path, wrong = tmp_path / "file", []

    def write(letter):
        try:
            for _ in range(50):
                with disk.in_one_stroke(path) as file:
                    for _ in range(20):
                        file.write(letter * 1000)
                if path.read_bytes() not in (b"a" * 20_000, b"b" * 20_000):
                    wrong.append(letter)
        except OSError as error:
            wrong.append(error)

    threads = [threading.Thread(target=write, args=[letter]) for letter in (b"a", b"b")]
    [thread.start() for thread in threads], [thread.join() for thread in threads]
    assert not wrong and list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(os.name == "nt", reason="no umask")
def test_a_file_has_the_rights_of_any_other(tmp_path):
    with disk.in_one_stroke(tmp_path / "file"):
        (tmp_path / "other").touch()
    assert (tmp_path / "file").stat().st_mode == (tmp_path / "other").stat().st_mode


def test_what_others_still_write_and_what_is_not_ours_is_not_swept(tmp_path):
    path, hour = tmp_path / "[game].pt", time.time() - 3600
    for name in (".[game].pt.12ab.partial", ".film.mkv.partial", ".g.pt.12ab.partial", ".[game].pt.partial"):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (hour, hour))
    with disk.in_one_stroke(path):
        disk.sweep(path)
    names = {p.name for p in tmp_path.iterdir()}
    assert names == {".film.mkv.partial", ".g.pt.12ab.partial", ".[game].pt.partial", "[game].pt"}
