"""A step as one CUDA graph: a GPU is told once what a step consists of, and after that only "again".

A step of a small GAN is a few hundred kernels of some microseconds each. Started one by one from Python, most of the
time the GPU waits for Python; replayed as a graph, it does not. This module knows nothing of GANs.

Precision stays as torch has it (convolutions in TF32, matrix products in float32): at these sizes a step waits for
memory and for kernels to start, not for arithmetic, so less of it would cost digits and gain little. Who wants it says
`torch.set_float32_matmul_precision("high")` before the first step: a recording keeps what it was made with.
"""

import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import torch
from torch import Tensor, distributed, nn
from torch.optim import Optimizer

WARM_UP = 2  # plain steps before the recording: in the first, libraries load and optimisers allocate; see `observe`
TOLERANCE = 0.05  # of a replay against the plain step: rounding is far below it, other random numbers are far above


class Recorded:
    """A step that is taken plainly at first, then recorded as a CUDA graph, and from then on replayed.

    `step` changes tensors in place and returns one. Its Python runs at the recording only: numbers, branches and
    attributes stay as they were then. What it returns, and the gradients, are the same memory each time. Step sizes of
    the optimisers may change at any time; whether anything else has changed, `fits` says. Where recording is
    impossible, steps stay plain, and a warning says why.
    """

    def __init__(self, step: Callable[..., Tensor], nets: Sequence[nn.Module], optimisers: Sequence[Optimizer]):
        self.step, self.nets, self.optimisers = step, nets, optimisers
        self.device = next(nets[0].parameters()).device
        self.step_sizes, self.lrs = [torch.zeros((), device=self.device) for _ in _groups(optimisers)], None
        self.calls, self.held, self.graph = 0, None, None
        self.why_not = why_not(optimisers)
        if self.why_not:
            self._warn()

    def __call__(self, *args) -> Tensor:
        if self.why_not:
            return self.step(*args)
        lrs = [group["lr"] for group in _groups(self.optimisers)]
        if lrs != self.lrs:  # a schedule needs no second recording
            for size, lr in zip(self.step_sizes, lrs, strict=True):
                size.fill_(lr)
            self.lrs = lrs
        if self.graph is None:
            return self._prepare(*args)
        self.graph.replay()
        return self.output

    def fits(self) -> bool:
        """Whether what a recording holds fast is as it was: memory of weights and moments, settings, modes."""
        return self.held is None or bool(self.why_not) or self.held == self._hold()

    def _prepare(self, *args) -> Tensor:
        """A step before the recording, or with it; on a stream of its own, as torch demands."""
        self.calls += 1
        with _aside(self.device), capturable(self.optimisers, self.step_sizes):
            if self.calls < WARM_UP:
                output = self.step(*args)
            elif self.calls == WARM_UP:
                output, self.why_not = observe(self.step, *args)
            else:
                output, self.why_not = self._record(*args)
        if self.why_not:
            self._warn()
        self.held, self.keep = self._hold(), [t.detach() for t in self._state()]  # kept, their addresses stay theirs
        return output

    def _record(self, *args) -> tuple[Tensor, str]:
        """Record the step, replay it, undo that, and take the step plainly: if both agree, replay from now on."""
        try:
            graph, replayed = capture(self.step, *args)
        except Exception as error:
            for opt in self.optimisers:
                opt.zero_grad()  # these gradients were recorded, not computed
            return self.step(*args), f"recording the step failed {_cause(error)}"
        before, numbers = [t.detach().clone() for t in self._state()], random_state(self.device)
        graph.replay()
        results = [[replayed.clone()], *self._gradients()]
        with torch.no_grad():
            for t, old in zip(self._state(), before, strict=True):
                t.copy_(old)
        set_random_state(self.device, numbers)
        output = self.step(*args)
        if not all(map(close, results, [[output], *self._gradients()])):
            return output, "a replay was not the step over again: does a sampler keep its place, like an iterator?"
        self.graph, self.output = graph, replayed
        return output, ""

    def _state(self) -> list[Tensor]:
        """All that a step changes and the next one needs."""
        weights = [t for net in self.nets for part in (net.parameters(), net.buffers()) for t in part]
        moments = [t for opt in self.optimisers for state in opt.state.values() for t in state.values()]
        return weights + [t for t in moments if isinstance(t, Tensor)]

    def _gradients(self) -> list[list[Tensor]]:
        weights = [[w for group in opt.param_groups for w in group["params"]] for opt in self.optimisers]
        return [[w.grad for w in player if w.grad is not None] for player in weights]

    def _hold(self) -> list:
        return [
            [t.data_ptr() for t in self._state()],
            [module.training for net in self.nets for module in net.modules()],
            [w.requires_grad for net in self.nets for w in net.parameters()],
            [look(self.device.type) for look in (torch.is_autocast_enabled, torch.get_autocast_dtype)],
            [{key: group[key] for key in group if key not in ("params", "lr")} for group in _groups(self.optimisers)],
        ]

    def _warn(self) -> None:
        text = f"The steps run kernel by kernel, not as one CUDA graph, and so take longer: {self.why_not}."
        warnings.warn(text, stacklevel=5)


def records(device: torch.device) -> bool:
    """Whether steps on this device are worth recording."""
    return device.type == "cuda"


def several_processes() -> bool:
    return distributed.is_available() and distributed.is_initialized()


def why_not(optimisers: Sequence[Optimizer]) -> str:
    """Why steps with these optimisers cannot be recorded, as far as that is known beforehand; else empty."""
    if several_processes():
        return "several processes average their gradients"
    for opt in optimisers:
        if not all("capturable" in group for group in opt.param_groups):
            return f"{type(opt).__name__} has no option `capturable`, as Adam and RMSprop have"
        if any(isinstance(group["lr"], Tensor) for group in opt.param_groups):
            return "a step size is a tensor, and a plain number is needed (it may change from step to step)"
    return ""


@contextmanager
def capturable(optimisers: Sequence[Optimizer], step_sizes: Sequence[Tensor]) -> Iterator[None]:
    """Inside, the optimisers read their step sizes from the device and count steps there.

    Outside they are as they were: `lr` is a number to look at and to change, and a saved state fits any device.
    """
    groups = _groups(optimisers)
    before = [{key: group[key] for key in ("capturable", "lr")} for group in groups]
    for opt in optimisers:
        opt._warned_capturable_if_run_uncaptured = True  # else torch warns that the first steps are not captured
        for weight, state in opt.state.items():
            if "step" in state:
                state["step"] = state["step"].to(weight.device)
    for group, size in zip(groups, step_sizes, strict=True):
        group.update(capturable=True, lr=size)
    try:
        yield
    finally:
        for group, old in zip(groups, before, strict=True):
            group.update(old)


def observe(step: Callable[..., Tensor], *args) -> tuple[Tensor, str]:
    """Take a step; what it returns, and why it cannot be recorded: it waits for the GPU, or draws on the CPU.

    A recording that meets the first fails. One that meets the second would repeat the same numbers for ever.
    """
    mode, numbers = torch.cuda.get_sync_debug_mode(), torch.get_rng_state()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        torch.cuda.set_sync_debug_mode("warn")
        try:
            output = step(*args)
        finally:
            torch.cuda.set_sync_debug_mode(mode)
    why = "" if torch.equal(numbers, torch.get_rng_state()) else "random numbers are drawn on the CPU"
    for w in caught:
        if "called a synchronizing CUDA operation" in str(w.message):
            why = f"{Path(w.filename).name}, line {w.lineno}, waits for the GPU"
        elif "ynchronization debug mode" not in str(w.message):  # torch says once that this mode is a prototype
            warnings.warn_explicit(w.message, w.category, w.filename, w.lineno)
    return output, why


def close(some: list[Tensor], others: list[Tensor]) -> bool:
    """Whether two lists of tensors, each taken as one vector, are equal but for rounding, or one is not finite."""
    if not others:
        return not some
    a, b = (torch.cat([t.detach().flatten() for t in tensors]) for tensors in (some, others))
    return not (a - b).norm() > TOLERANCE * b.norm()  # any comparison with NaN is false


def _groups(optimisers: Sequence[Optimizer]) -> list[dict]:
    return [group for opt in optimisers for group in opt.param_groups]


def _cause(error: BaseException) -> str:
    """Where, outside of torch, and what: the first error, since the end of a failed recording is a second one."""
    while error.__context__ is not None:
        error = error.__context__
    torch_folder = str(Path(torch.__file__).parent)
    frames = [f for f in traceback.extract_tb(error.__traceback__) if not f.filename.startswith(torch_folder)]
    place = f"in {Path(frames[-1].filename).name}, line {frames[-1].lineno}" if frames else ""
    message = str(error).partition("\n")[0].rstrip(".")
    return f"{place} ({message})"


# ---- What only a GPU can do -------------------------------------------------------------------------------------

_streams: dict[torch.device, "torch.cuda.Stream"] = {}
_failed: list["torch.cuda.CUDAGraph"] = []


@contextmanager
def _aside(device: torch.device) -> Iterator[None]:
    """Inside, work goes to a stream of its own, which begins after what came before and ends before what follows."""
    with torch.cuda.device(device):
        stream, outside = _streams.get(device) or torch.cuda.Stream(), torch.cuda.current_stream()
        _streams[device] = stream
        stream.wait_stream(outside)
        try:
            with torch.cuda.stream(stream):
                yield
        finally:
            outside.wait_stream(stream)


def capture(step: Callable[..., Tensor], *args) -> tuple["torch.cuda.CUDAGraph", Tensor]:
    """Record the step on the current stream: it computes nothing now, and each replay fills the tensor it returned."""
    graph, stream = torch.cuda.CUDAGraph(), torch.cuda.current_stream()
    try:
        # thread_local: other threads of a notebook may use the GPU meanwhile. The thread of backward() works on this
        # stream, so it is recorded all the same.
        with torch.cuda.graph(graph, stream=stream, capture_error_mode="thread_local"):
            return graph, step(*args)
    except BaseException:  # Ctrl-C too
        # Before torch 2.11 the random generator and the allocator now believe that a recording is still under way.
        # One that ends well puts the generator right; the allocator goes on asking the failed graph: keep it alive.
        _failed.append(graph)
        with suppress(RuntimeError), torch.cuda.graph(torch.cuda.CUDAGraph(), stream=stream):
            torch.zeros(1, device=stream.device)
        raise


def random_state(device: torch.device) -> Tensor:
    """Seed and offset of the device's generator; they are kept on the host, so nobody waits."""
    return torch.cuda.get_rng_state(device)


def set_random_state(device: torch.device, state: Tensor) -> None:
    """A replay draws from where the generator stands when it is started, and moves it on as the plain step would."""
    torch.cuda.set_rng_state(state, device)
