"""``charrnn watch``: once, and on a terminal."""

import os
import re
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from terminals import needs_terminals, read_until

from charrnn.storage.records import Status
from charrnn.storage.run import Run


def test_a_frame_has_figures_curves_and_the_newest_sample(charrnn: Callable, folder: Path) -> None:
    result = charrnn("watch", "run")
    assert result == charrnn("watch", "run", "--once")
    assert result.out.startswith("run: finished at iteration 6 of 6\niteration 6: loss ")
    assert re.search(r"^iteration 6: loss [\d.]+ nats/char \([\d.]+ bits\), validation", result.out, re.M)
    assert "(at " not in result.out  # both losses are of that iteration
    assert "Loss in nats/char: training, validation (dashed)" in result.out
    assert re.search("[\u2801-\u28ff]", result.out)
    assert "iteration 6, " in result.out
    newest = Run("run").snapshots()[-1].text
    assert newest.splitlines()[0] in result.out


def test_hostile_text_is_escaped_even_in_a_pipe(charrnn: Callable, folder: Path) -> None:
    file = folder / "run" / "snapshots" / "000006.txt"
    file.write_text(file.read_text("utf-8") + "\x1b]0;evil\x07\u202e", "utf-8")
    (folder / "run" / "baseline.json").write_text('{"nats_per_character": {"\\u001b[31m\\n": 1.0}}')
    out = charrnn("watch", "run").out
    assert "\\x1b]0;evil\\x07\\u202e" in out
    assert "\\x1b[31m" in out
    assert "\x1b" not in out


@pytest.mark.parametrize("columns", ["1", "20", "79", "130"])
def test_lines_fit_the_terminal(charrnn: Callable, folder: Path, monkeypatch: pytest.MonkeyPatch, columns: str) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.setenv("LINES", "30")
    lines = charrnn("watch", "run").out.splitlines()
    assert len(lines) <= 30
    assert int(columns) < 20 or max(map(len, lines)) <= int(columns)
    assert any("Gradient norm" in line for line in lines) == (columns == "130")


def test_what_is_drawn_is_named_in_full_and_no_figure_is_cut(
    charrnn: Callable, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "50")
    Run("run").keep_baseline({"nats_per_character": {"n-gram of order 7": 1.5}})
    lines = charrnn("watch", "run").out.splitlines()
    assert any(line.rstrip().endswith("7 (dotted)") for line in lines)
    assert lines[2].startswith("validation ")
    monkeypatch.setenv("COLUMNS", "110")
    by_two = charrnn("watch", "run").out.splitlines()
    assert any("validation" in line and "Gradient norm" in line for line in by_two)


def test_stars_where_there_is_no_braille(start: Callable, folder: Path) -> None:
    process = start("watch", "run", env=os.environ | {"PYTHONIOENCODING": "ascii"})
    out, _ = process.communicate()
    assert b"*****" in out
    assert b"?????" not in out


def test_mistakes(charrnn: Callable, folder: Path) -> None:
    assert "'nowhere' holds no run" in charrnn("watch", "nowhere").err
    (folder / "run" / "metrics.jsonl").unlink()
    assert charrnn("watch", "run").out.startswith("run: finished at iteration 6 of 6\nnothing reported yet\n")


@needs_terminals
def test_a_dumb_terminal_gets_no_control_sequence(start: Callable, folder: Path) -> None:
    terminal, theirs = os.openpty()
    process = start("watch", "run", stdout=theirs, env=os.environ | {"TERM": "dumb"})
    os.close(theirs)
    shown = read_until(terminal)
    os.close(terminal)
    assert process.wait() == 0
    assert b"iteration 6: loss " in shown
    assert b"\x1b" not in shown


@needs_terminals
def test_on_a_terminal_it_follows_a_run_and_ends_with_it(start: Callable, folder: Path) -> None:
    import fcntl
    import struct
    import termios

    terminal, theirs = os.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 90, 0, 0))
    run = Run("run")
    with run.writing():
        process = start("watch", "run", stdin=theirs, stdout=theirs, stderr=theirs)
        first = read_until(terminal, rb"\x1b\[\?1049h.*iteration 6:.*\x1b\[J")
        assert b"run: running at iteration 6 of 6, about a second left" in first
        assert b"Gradient norm" not in first
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 120, 0, 0))
        process.send_signal(signal.SIGWINCH)
        assert b"Gradient norm" in read_until(terminal, rb"Gradient norm.*\x1b\[J")
        run.report({"iteration": 7, "loss": 1.5})
        assert b"iteration 7" in read_until(terminal, rb"iteration 7:.*\x1b\[J")
    os.close(theirs)
    rest = read_until(terminal)
    assert b"\x1b[?25h\x1b[?1049l" in rest
    assert b"finished at iteration 6 of 6" in rest.partition(b"\x1b[?1049l")[2]
    assert process.wait() == 0


@needs_terminals
def test_ctrl_c_gives_the_screen_back(start: Callable, folder: Path) -> None:
    terminal, theirs = os.openpty()
    with Run("run").writing():
        process = start("watch", "run", stdin=theirs, stdout=theirs, stderr=theirs)
        os.close(theirs)
        read_until(terminal, rb"\x1b\[\?1049h.*\x1b\[J")
        process.send_signal(signal.SIGINT)
        assert b"\x1b[?25h\x1b[?1049l" in read_until(terminal)
        assert process.wait() == 130


def test_a_loss_beyond_measure_is_short(charrnn: Callable, folder: Path) -> None:
    Run("run").report({"iteration": 7, "loss": 1e31})
    assert "loss 1.000e+31 nats/char (1.443e+31 bits)" in " ".join(charrnn("watch", "run").out.split())


def test_an_older_validation_loss_says_how_old_it_is(charrnn: Callable, folder: Path) -> None:
    Run("run").report({"iteration": 8, "loss": 1.5})
    assert re.search(r"iteration 8: loss 1\.5.* validation [^,]* \(at 6\)", charrnn("watch", "run").out, re.S)


def test_a_run_that_diverged_says_so_and_shows_what_is_of_use(charrnn: Callable, folder: Path) -> None:
    run = Run("run")
    first = run.metrics()[0]["loss"]
    run.report({"iteration": 7, "loss": 1e31, "gradient_norm": 1e30})
    run.note(Status("diverged", 8, 20, "loss not finite"))
    shown = charrnn("watch", "run").out
    assert shown.startswith("run: diverged at iteration 8 of 20: loss not finite; try a lower\n")
    (top,) = re.findall(r"^ *([\d.]+) [\u2801-\u28ff ]*$", shown, re.M)[:1]
    assert float(top) == pytest.approx(2 * first, rel=1e-3)
