"""A step as one CUDA graph: the same training, whatever happens in between; and plain steps where that cannot be.

Without a GPU the same tests run on an emulation: `Tape` takes down every operation of a step with the tensors it works
on, and replays these. Like a CUDA graph it knows no Python, writes to the same memory each time, draws new random
numbers, and fails if a number is read out. What it cannot show is what belongs to CUDA: streams, memory, kernels.
"""

import copy
import os
import signal
import warnings
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from states import same
from torch import distributed, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from gan_tutorial.game import graph, networks, objectives
from gan_tutorial.game.loop import CHECK_EVERY, Diverged, Game, average_weight, train
from gan_tutorial.game.networks import (
    ConvDiscriminator,
    ConvGenerator,
    MLPDiscriminator,
    MLPGenerator,
    PointDiscriminator,
    mlp,
)

HAS_GPU = torch.cuda.is_available()


# ---- The emulation ----------------------------------------------------------------------------------------------


class Tape(TorchDispatchMode):
    """Operations, the tensors they read and the tensors they wrote; `replay` does them again."""

    def __init__(self):
        super().__init__()
        self.records, self.replays = [], 0

    def __torch_dispatch__(self, op, types, args=(), kwargs=None):
        if op is torch.ops.aten._local_scalar_dense.default:
            raise RuntimeError("operation not permitted when stream is capturing")
        out = op(*args, **(kwargs or {}))
        self.records.append((op, args, kwargs or {}, out))
        return out

    @torch.no_grad()
    def replay(self):
        self.replays += 1
        for op, args, kwargs, out in self.records:
            inputs = {memory(t) for t in tree_leaves((args, kwargs)) if isinstance(t, torch.Tensor)}
            for old, new in zip(tree_leaves(out), tree_leaves(op(*args, **kwargs)), strict=True):
                if isinstance(old, torch.Tensor) and memory(old) not in inputs:  # neither in place nor a view
                    old.copy_(new)


def memory(t):
    return t.untyped_storage().data_ptr()


def on_tape(step, game):
    """As `graph.capture`. A recording computes nothing, so everything is put back."""
    nets = [t for net in (game.G, game.D, game.ema) for t in (*net.parameters(), *net.buffers())]
    moments = [t for opt in (game.g_opt, game.d_opt) for s in opt.state.values() for t in s.values()]
    before, numbers, tape = [t.detach().clone() for t in nets + moments], torch.get_rng_state(), Tape()
    try:
        with tape:
            output = step(game)
    finally:
        with torch.no_grad():
            for t, old in zip(nets + moments, before, strict=True):
                t.copy_(old)
        torch.set_rng_state(numbers)
    return tape, output


@pytest.fixture(params=["tape", pytest.param("cuda", marks=pytest.mark.skipif(not HAS_GPU, reason="needs a GPU"))])
def device(request, monkeypatch):
    """A GPU, or a CPU on which steps are recorded on tape. A step that stays plain is an error here."""
    if request.param == "tape":
        monkeypatch.setattr(graph, "records", lambda device: True)
        monkeypatch.setattr(graph, "capture", on_tape)
        monkeypatch.setattr(graph, "_aside", lambda device: nullcontext())
        monkeypatch.setattr(graph, "observe", lambda step, *args: (step(*args), ""))
        # torch's own looks at the numbers, on a CPU only
        monkeypatch.setattr(networks, "one_hot", lambda k, label: (label[:, None] == torch.arange(k)).float())
        monkeypatch.setattr(graph, "random_state", lambda device: torch.get_rng_state())
        monkeypatch.setattr(graph, "set_random_state", lambda device, state: torch.set_rng_state(state))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield torch.device("cuda", 0) if request.param == "cuda" else torch.device("cpu")


@contextmanager
def nothing_recorded():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(graph, "records", lambda device: False)
        yield


# ---- Games ------------------------------------------------------------------------------------------------------


def small_game(device, nets="points", seed=0, lr=1e-3, labels=False, dtype=torch.float64, **kwargs):
    """In float64: in float32 a bias before batch norm has rounding for a gradient, which Adam makes steps of."""
    torch.manual_seed(seed)
    if nets == "points":
        G, D = mlp([2, 16, 2], nn.Tanh), PointDiscriminator(2, (16,))
    elif nets == "conv":
        G, D = ConvGenerator(2, 4, 10 * labels), ConvDiscriminator(4, 10 * labels)
    else:
        G, D = MLPGenerator(2, (16,), 10 * labels), MLPDiscriminator((16,), 10 * labels)
    rng, shape = torch.Generator().manual_seed(0), (2,) if nets == "points" else (1, 28, 28)
    x = torch.randn(100, *shape, generator=rng, dtype=dtype).to(device)
    y = torch.randint(10, (100,), generator=rng).to(device)

    def data(n):
        index = torch.randint(100, (n,), device=device)
        return (x.index_select(0, index), y.index_select(0, index))[: 1 + labels]

    def latent(n):
        return torch.randn(n, 2, dtype=dtype, device=device)

    G, D = G.to(device, dtype), D.to(device, dtype)
    return Game.with_adam(G, D, data, latent, d_lr=lr, g_lr=lr, seed=seed, **kwargs)


def run(game, objective=objectives.non_saturating, **kwargs):
    return list(train(game, objective, **({"batch_size": 8} | kwargs)))


def assert_same_game(a, b, atol=1e-5):
    """Weights, averages and statistics are equal but for rounding, and both stand at the same step."""
    assert a.step == b.step
    for name in ("G", "D", "ema"):
        ours, theirs = getattr(a, name).state_dict(), getattr(b, name).state_dict()
        for key in ours:
            assert torch.allclose(ours[key], theirs[key], atol=atol), f"{name}.{key}"


def recording(game):
    """The recording that the game's last step came from; there must be one."""
    assert isinstance(game.turn.step, graph.Recorded) and game.turn.step.graph is not None
    return game.turn.step


# ---- The same training ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "nets,name,d_steps",
    [
        ("points", "non_saturating", 1),
        ("points", "wgan_gp", 2),  # the gradient of a gradient
        ("points", "r1", 1),
        ("points", "rpgan", 2),  # G's move takes D's last data
        ("points", "r3gan", 1),
        ("mlp", "wgan", 2),  # batch norm, clipping
        ("conv", "non_saturating", 1),
        ("conv", "wgan_gp", 2),
    ],
)
def test_replayed_steps_equal_plain_steps(device, nets, name, d_steps):
    """After 100 steps: weights, averages of weights, statistics of batch norm, losses, state of the random numbers."""
    whole, witness = small_game(device, nets, ema_decay=0.9), small_game(device, nets, ema_decay=0.9)
    steps = 100 if nets == "points" or device.type == "cuda" else 20
    ours = run(whole, objectives.OBJECTIVES[name], steps=steps, d_steps=d_steps)
    with nothing_recorded():
        theirs = run(witness, objectives.OBJECTIVES[name], steps=steps, d_steps=d_steps)
    recording(whole)
    assert_same_game(whole, witness)
    assert all(torch.equal(a, b) for a, b in zip(whole.rng, witness.rng, strict=True))
    for a, b in zip(ours, theirs, strict=True):  # each step has numbers of its own: none was overwritten by a replay
        assert a.n == b.n and torch.allclose(torch.stack(a[1:]), torch.stack(b[1:]), atol=1e-5)
    counts = {int(s["step"]) for s in whole.d_opt.state_dict()["state"].values()}
    assert counts == {steps * d_steps}
    assert all(not group["capturable"] and group["lr"] == 1e-3 for group in whole.d_opt.param_groups)


@pytest.mark.parametrize("nets", ["mlp", "conv"])
def test_labels_of_the_batch_reach_both_players(device, nets):
    whole, witness = (small_game(device, nets, labels=True) for _ in range(2))
    run(whole, steps=10)
    with nothing_recorded():
        run(witness, steps=10)
    recording(whole)
    assert_same_game(whole, witness)


@pytest.mark.parametrize("options", [{}, {"foreach": True}, {"foreach": False}])
@pytest.mark.parametrize("kind", [torch.optim.RMSprop, torch.optim.Adam])
@pytest.mark.skipif(not HAS_GPU, reason="needs a GPU: these optimisers count steps on a device other than the CPU only")
def test_other_optimisers(kind, options):
    games = [small_game("cuda") for _ in range(2)]
    for game in games:
        game.g_opt, game.d_opt = (kind(net.parameters(), lr=1e-3, **options) for net in (game.G, game.D))
    run(games[0], objectives.wgan, steps=50)
    with nothing_recorded():
        run(games[1], objectives.wgan, steps=50)
    recording(games[0])
    assert_same_game(*games, atol=1e-4)  # recorded, the corrections of Adam's moments are float32


def test_a_recording_serves_the_next_training_too(device):
    game = small_game(device)
    for _ in range(6):
        run(game, steps=1)
    first = recording(game)
    run(game, steps=5, every=5)
    assert recording(game) is first and game.step == 11
    run(game, steps=5, batch_size=9)
    assert recording(game) is not first


def test_interrupted_and_resumed_equals_uninterrupted(device, tmp_path):
    whole, first = small_game(device), small_game(device)
    run(whole, steps=20)
    handler = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        for step in train(first, objectives.non_saturating, batch_size=8):
            if step.n == 8:
                os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is handler and first.step == 8
    first.save(tmp_path / "game.pt")
    run(first, steps=12)  # it goes on
    assert_same_game(whole, first)
    second = small_game(device, seed=1)
    run(second, steps=7)  # with a recording, which the file makes worthless: moments get other memory
    before = recording(second)
    second.load(tmp_path / "game.pt")
    torch.rand(3, device=device)
    run(second, steps=12)
    assert recording(second) is not before
    assert_same_game(whole, second)


def test_a_state_taken_over_in_the_loop_is_the_one_that_is_trained(device):
    game, witness = small_game(device), small_game(device)
    for g, context in ((game, nullcontext()), (witness, nothing_recorded())):
        with context:
            start = copy.deepcopy(g.state_dict())
            for step in train(g, objectives.non_saturating, steps=16, batch_size=8):
                if step.n == 6 and start:
                    g.load_state_dict(start)
                    start = None
    assert game.step == 10
    assert_same_game(game, witness)


def test_another_objective(device):
    whole, witness = small_game(device), small_game(device)
    for game, context in ((whole, nullcontext()), (witness, nothing_recorded())):
        with context:
            for name in ("non_saturating", "r3gan", "wgan_gp", "wgan", "non_saturating"):
                run(game, objectives.OBJECTIVES[name], steps=8)
    assert_same_game(whole, witness)


def test_what_the_caller_draws_does_not_matter_and_what_training_draws_neither(device):
    a, b = small_game(device), small_game(device)
    for _ in train(a, objectives.minimax, steps=10, batch_size=8):
        torch.rand(10, device=device)
        a.sample(3)
    run(b, objectives.minimax, steps=10)
    assert_same_game(a, b)
    torch.manual_seed(5)
    expected = torch.rand(3, device=device)
    torch.manual_seed(5)
    run(a, objectives.minimax, steps=5)
    assert torch.equal(torch.rand(3, device=device), expected)


def test_step_sizes_may_change_without_a_second_recording(device):
    whole, witness = small_game(device), small_game(device)
    for game, context in ((whole, nullcontext()), (witness, nothing_recorded())):
        with context:
            for step in train(game, objectives.non_saturating, steps=20, batch_size=8):
                game.d_opt.param_groups[0]["lr"] = 1e-2 / step.n
                if step.n == 5:
                    first = game.turn
            assert game.turn is first
    recording(whole)
    assert_same_game(whole, witness)


@pytest.mark.parametrize("change", ["betas", "eval", "memory"])
def test_other_changes_in_the_loop_lead_to_a_new_recording(device, change):
    whole, witness = small_game(device), small_game(device)
    turns = []
    for game, context in ((whole, nullcontext()), (witness, nothing_recorded())):
        with context:
            for step in train(game, objectives.non_saturating, steps=16, batch_size=8):
                turns.append(game.turn)
                if step.n != 8:
                    continue
                if change == "betas":
                    game.d_opt.param_groups[0]["betas"] = (0.9, 0.9)
                elif change == "eval":
                    game.D.eval()
                else:
                    game.D.net[0].weight.data = game.D.net[0].weight.data.clone() * 0.5
    assert turns[15] is recording_turn(whole) and turns[15] is not turns[6]
    assert_same_game(whole, witness)


def recording_turn(game):
    recording(game)
    return game.turn


@pytest.mark.parametrize("which,curve", [("D's loss", "d_fake"), ("G's loss", "g_fake")])
def test_nan_is_found_and_the_last_good_state_comes_back(device, which, curve):
    """The poison is a tensor: a curve that reads a number in Python would stay as it was at the recording."""
    poison = torch.zeros((), device=device)
    objective = replace(objectives.non_saturating, **{curve: lambda s: s.square() + poison})
    game, witness = small_game(device), small_game(device)
    bad_from = CHECK_EVERY + 30
    with pytest.raises(Diverged, match=rf"{which}.* became NaN or infinite at step {bad_from}, .* back to step \d+"):
        for step in train(game, objective, steps=400, every=bad_from - 1, batch_size=8):
            poison.fill_(float("nan"))
            assert step.n == bad_from - 1
    assert game.step == CHECK_EVERY
    poison.zero_()
    with nothing_recorded():
        run(witness, objective, steps=game.step)
    assert_same_game(game, witness)
    run(game, objective, steps=10)  # and it can go on
    recording(game)
    assert all(w.isfinite().all() for w in game.G.parameters())


def test_after_nan_the_same_training_can_go_on():
    """Plain steps too keep what they noted from one training to the next, and begin with a clean sheet."""
    poison = torch.tensor(float("nan"))
    objective, game = replace(objectives.non_saturating, d_fake=lambda s: s.square() + poison), small_game("cpu")
    with pytest.raises(Diverged, match="at step 1, .* back to step 0"):
        run(game, objective, steps=5)
    poison.zero_()
    run(game, objective, steps=5)
    assert game.step == 5


def test_two_trainings_in_turn(device):
    """Each keeps its own recording, and both move the same weights."""
    whole, witness = small_game(device), small_game(device)
    for game, context in ((whole, nullcontext()), (witness, nothing_recorded())):
        with context:
            one, two = (train(game, o, batch_size=8) for o in (objectives.non_saturating, objectives.wgan_gp))
            for _ in range(6):
                next(one), next(two)
            if game is whole:
                steps = [training.gi_frame.f_locals["turn"].step for training in (one, two)]
                assert all(step.graph is not None for step in steps) and steps[0] is not steps[1]
    assert_same_game(whole, witness)


def test_steps_between_two_looks_are_replays_and_nothing_else(device, monkeypatch):
    """Seen from Python, a replayed step calls neither player: all that it is, is in the recording."""
    game = small_game(device)
    run(game, steps=4)
    calls = []
    monkeypatch.setattr(type(game.G), "forward", lambda *args: calls.append(args))
    run(game, steps=CHECK_EVERY + 5, every=CHECK_EVERY + 5)
    assert not calls and game.step == CHECK_EVERY + 9


@pytest.mark.skipif(not HAS_GPU, reason="needs a GPU")
def test_replays_neither_wait_nor_allocate():
    game = small_game("cuda", "conv")
    run(game, objectives.wgan_gp, steps=5)
    before = torch.cuda.memory_stats()
    torch.cuda.set_sync_debug_mode("error")
    try:
        for _ in range(20):
            game.turn.take(game)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    after = torch.cuda.memory_stats()
    assert after["allocation.all.allocated"] == before["allocation.all.allocated"]


# ---- Where it cannot be -----------------------------------------------------------------------------------------


def plain_because(game, reason, objective=objectives.non_saturating, **kwargs):
    """Train with one warning that gives the reason; the result is that of plain steps all the same."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        steps = run(game, objective, **({"steps": 8} | kwargs))
        run(game, objective, **({"steps": 8} | kwargs))
    texts = [str(w.message) for w in caught]
    assert len(texts) == 1 and reason in texts[0], texts
    assert texts[0].startswith("The steps run kernel by kernel") and texts[0].endswith(".") and "\n" not in texts[0]
    assert game.step == 16 and torch.stack(steps[-1][1:]).isfinite().all()
    return game


def test_an_optimiser_that_cannot_be_recorded(device):
    whole, witness = small_game(device), small_game(device)
    for game in (whole, witness):
        game.d_opt = torch.optim.SGD(game.D.parameters(), lr=1e-2)
    plain_because(whole, "SGD has no option `capturable`")
    with nothing_recorded():
        run(witness, steps=16)
    assert same(whole.state_dict(), witness.state_dict()) or device.type == "cuda"
    assert_same_game(whole, witness)


def test_a_step_size_that_is_a_tensor(device):
    game = small_game(device)
    game.g_opt = torch.optim.Adam(game.G.parameters(), lr=torch.tensor(1e-3, device=device), fused=True)
    plain_because(game, "a step size is a tensor")


def test_several_processes(device, monkeypatch):
    monkeypatch.setattr(distributed, "is_initialized", lambda: True)
    monkeypatch.setattr(distributed, "get_world_size", lambda: 1)
    monkeypatch.setattr(distributed, "all_reduce", lambda t: None)
    plain_because(small_game(device), "several processes average their gradients")


def test_a_sampler_that_waits(device):
    """On a GPU it is noticed before the recording; the emulation finds it in the recording."""
    whole, witness = small_game(device), small_game(device)
    for game in (whole, witness):
        latent = game.latent
        game.latent = lambda n, latent=latent: latent(n) * float(torch.ones((), device=device) * 2)  # this line
    plain_because(whole, "test_graph.py, line ")
    with nothing_recorded():
        run(witness, steps=16)
    assert_same_game(whole, witness)


@pytest.mark.parametrize("which", ["data", "latent"])
def test_a_sampler_that_keeps_its_place(device, which):
    """A recording would repeat one batch for ever. It is found out, for the price of one step's batches."""
    game = small_game(device)
    batches = iter(torch.randn(200, 8, 2, dtype=torch.float64).to(device))
    setattr(game, which, lambda n: (next(batches),) if which == "data" else next(batches))
    plain_because(game, "does a sampler keep its place, like an iterator?")
    per_step = {"data": 1, "latent": 2}[which]
    assert len(list(batches)) == 200 - (16 + 1) * per_step  # one was lost on the recording


def test_any_other_failure_is_quoted_with_its_place(device, monkeypatch):
    def fails(*args):
        try:
            return {}["the first error"]
        finally:
            raise RuntimeError("the second error")  # as the end of a failed recording does

    monkeypatch.setattr(graph, "capture", fails)
    plain_because(small_game(device), "recording the step failed in test_graph.py, line")


@pytest.mark.skipif(not HAS_GPU, reason="needs a GPU")
def test_after_a_failed_recording_random_numbers_and_recordings_work():
    game, other = small_game("cuda"), small_game("cuda")
    run(other, steps=5)
    latent = game.latent

    def waits(n):
        if torch.cuda.is_current_stream_capturing():
            torch.cuda.synchronize()
        return latent(n)

    game.latent = waits
    plain_because(game, "recording the step failed")
    assert torch.rand(3, device="cuda").isfinite().all()
    run(other, steps=5)  # the old recording
    run(other, steps=5, batch_size=9)  # and a new one
    recording(other)
    witness = small_game("cuda")
    with nothing_recorded():
        run(witness, steps=10)
        run(witness, steps=5, batch_size=9)
    assert_same_game(other, witness)


# ---- Parts ------------------------------------------------------------------------------------------------------


def gpu_that_waits(monkeypatch):
    """The calls of `observe` to the GPU, without one: in mode "warn", `synchronise()` warns as torch does."""
    gpu = SimpleNamespace(mode=0)

    def set_mode(mode):
        gpu.mode = mode
        warnings.warn("Synchronization debug mode is a prototype feature", stacklevel=1)

    monkeypatch.setattr(torch.cuda, "get_sync_debug_mode", lambda: gpu.mode)
    monkeypatch.setattr(torch.cuda, "set_sync_debug_mode", set_mode)

    def synchronise():
        if gpu.mode == "warn":
            warnings.warn("called a synchronizing CUDA operation", stacklevel=2)

    gpu.synchronise = synchronise
    return gpu


def test_observe(monkeypatch, recwarn):
    gpu = gpu_that_waits(monkeypatch)
    assert graph.observe(lambda x: x + 1, 2) == (3, "")
    assert graph.observe(lambda: torch.rand(1) * 0)[1] == "random numbers are drawn on the CPU"
    line = test_observe.__code__.co_firstlineno + 5
    assert graph.observe(lambda: gpu.synchronise())[1] == f"test_graph.py, line {line}, waits for the GPU"
    assert gpu.mode == 0
    recwarn.clear()
    graph.observe(lambda: warnings.warn("something else", stacklevel=1))
    assert [str(w.message) for w in recwarn if "prototype" not in str(w.message)] == ["something else"]
    with pytest.raises(ZeroDivisionError):
        graph.observe(lambda: 1 / 0)
    assert gpu.mode == 0


def test_a_capturable_optimiser_is_as_it_was_afterwards():
    w = nn.Parameter(torch.ones(3))
    for opt in (torch.optim.RMSprop([w], lr=0.1), torch.optim.Adam([w], lr=0.1, fused=True)):
        w.sum().backward()
        opt.step()
        before, size = copy.deepcopy(opt.state_dict()), torch.tensor(0.1)
        with pytest.raises(ZeroDivisionError), graph.capturable([opt], [size]):
            assert opt.param_groups[0]["capturable"] and opt.param_groups[0]["lr"] is size
            assert opt.state[w]["step"].device == w.device
            _ = 1 / 0
        assert opt.state_dict()["param_groups"] == before["param_groups"]


def test_close():
    a, b = [torch.ones(3), torch.zeros(2)], [torch.ones(3) * 1.001, torch.zeros(2)]
    nan = [torch.full((3,), float("nan")), torch.zeros(2)]
    assert graph.close(a, b) and graph.close(a, nan) and graph.close([], [])
    assert not graph.close(a, [torch.ones(3) * 1.2, torch.zeros(2)]) and not graph.close(a, [])
    assert graph.close([torch.zeros(2)], [torch.zeros(2)]) and not graph.close([torch.ones(2)], [torch.zeros(2)])


def test_a_plain_step_takes_nothing_from_python_that_varies():
    """The step on a CPU is the one that a GPU records: it reads its number and the average's weight from tensors."""
    game, witness = small_game("cpu", ema_decay=0.9), small_game("cpu", ema_decay=0.9)
    run(witness, steps=30)
    run(game, steps=1)
    turn = game.turn
    for n in range(2, 31):
        game.step = n - 1
        weight = average_weight(game)
        game.step = 10**6  # what it must not read
        turn.n.fill_(n)
        turn.ema_weight.fill_(weight)
        with game.own_randomness():
            turn.step(game)
    game.step = 30
    assert same(game.state_dict(), witness.state_dict())


def test_a_copied_game_makes_its_own_recording(device):
    game = small_game(device)
    run(game, steps=5)
    twin = copy.deepcopy(game)
    assert twin.turn is None
    run(game, steps=5)
    run(twin, steps=5)
    assert_same_game(game, twin)
    assert recording(game) is not recording(twin)


def test_a_layer_that_is_frozen_on_the_way_leads_to_a_new_recording(device):
    whole, witness = small_game(device), small_game(device)
    for game, context in ((whole, nullcontext()), (witness, nothing_recorded())):
        w = game.D.net[0].weight
        with context:
            for step in train(game, objectives.non_saturating, steps=16, batch_size=8):
                if step.n == 8:
                    w.requires_grad_(False)
                    held = w.detach().clone()
        assert torch.equal(w, held) and not w.requires_grad
    recording(whole)
    assert_same_game(whole, witness)


def test_an_error_while_the_step_is_recorded_puts_the_game_back(device):
    whole, witness = small_game(device), small_game(device)
    latent, calls = whole.latent, []

    def fails_once(n):
        calls.append(n)
        if len(calls) == 6:  # in the third step, the recorded one
            raise KeyboardInterrupt
        return latent(n)

    whole.latent = fails_once
    with pytest.raises(KeyboardInterrupt):
        run(whole, steps=8)
    assert whole.step == 0 and not any(group["capturable"] for group in whole.d_opt.param_groups)
    run(whole, steps=8)
    with nothing_recorded():
        run(witness, steps=8)
    recording(whole)
    assert_same_game(whole, witness)
