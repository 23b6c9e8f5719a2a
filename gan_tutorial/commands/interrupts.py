"""What ends a training from outside: Ctrl-C, SIGTERM, SIGHUP, and a deadline."""

import math
import signal
import threading
from collections.abc import Callable
from contextlib import suppress

GRACE = 2.0  # seconds for the step in hand: `docker stop` kills ten seconds after its SIGTERM
LONGEST = 1e8  # seconds (three years) that a timer is set to


class Interrupts:
    """Inside, signals are noted in `came`; inside `until`, the first raises KeyboardInterrupt, as Ctrl-C does.

    All go the way of Ctrl-C, since `game.train` holds that one back until the step in hand is done, and takes a second
    one for an order to end the step as well. That second one follows by itself, `GRACE` seconds after SIGTERM, SIGHUP
    or the deadline. Work that still goes on `GRACE` seconds after a KeyboardInterrupt gets another: Python drops what
    is raised in a `__del__`, or in a callback of the garbage collector, and a signal may come while one of these runs.
    Elsewhere than in the main thread nothing is noted: signals do not reach other threads.
    """

    def __init__(self) -> None:
        self.came: list[int] = []
        self.at_work = False  # inside `until`
        self.armed = False  # whether the next signal raises

    def status(self, since: int = 0) -> int:
        """The exit status of a command that was interrupted after `since` signals had come, by the one that came next.

        0 for the deadline, else 128 + the number of the signal.
        """
        first = self.came[since] if len(self.came) > since else signal.SIGINT
        return 0 if first == getattr(signal, "SIGALRM", None) else 128 + first

    def until(self, work: Callable[[], object], seconds: float = math.inf) -> bool:
        """Whether `work()` came to its end; if not, it was interrupted, as a rule within 2 `GRACE` of these seconds."""
        done = False
        with suppress(KeyboardInterrupt):  # a third one, in the wake of a second
            try:
                self.at_work = self.armed = True
                self._alarm(seconds + GRACE)
                with suppress(KeyboardInterrupt):
                    work()
                    done = True
            finally:
                self.at_work = self.armed = False
                self._alarm(0)
        return done

    def __enter__(self) -> "Interrupts":
        self.outside, self.timer = {}, (0.0, 0.0)
        if threading.current_thread() is threading.main_thread():
            for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGALRM"):
                number = getattr(signal, name, None)  # Windows has the first two only
                ignored = number is not None and signal.getsignal(number) is signal.SIG_IGN
                if number is not None and not (ignored and name == "SIGHUP"):  # as nohup wants it
                    self.outside[number] = signal.signal(number, self._note)
            if hasattr(signal, "getitimer"):
                self.timer = signal.getitimer(signal.ITIMER_REAL)
        return self

    def __exit__(self, *error) -> None:
        self._alarm(0)
        for number, handler in self.outside.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
        if any(self.timer):
            signal.setitimer(signal.ITIMER_REAL, *self.timer)

    def _note(self, number: int, frame) -> None:
        if number == signal.SIGINT:
            if self.outside[number] is signal.SIG_IGN and not self.came:
                return  # a script's job in the background: Ctrl-C is not meant for it
            self.came.append(number)
            if self.armed:
                self.armed = False
                self._alarm(GRACE)
                raise KeyboardInterrupt
            return
        deadline, again = number == getattr(signal, "SIGALRM", None), number in self.came
        self.came.append(number)
        self.armed |= deadline and self.at_work  # what was raised before reached nobody
        if self.armed and (deadline or not again):  # a closed terminal sends SIGHUP twice
            if not deadline:
                self._alarm(GRACE)
            signal.raise_signal(signal.SIGINT)

    def _alarm(self, seconds: float) -> None:
        if hasattr(signal, "SIGALRM") and signal.SIGALRM in self.outside:
            signal.setitimer(signal.ITIMER_REAL, 0 if seconds == math.inf else min(seconds, LONGEST), GRACE)
