"""Every registered exercise against its stub, its reference and wrong answers; and the machinery itself.

`tests/wrong_answers_NN.py` holds `WRONG = {"NN.1": [(answer, name of the property that it lacks), ...]}`.
"""

import importlib
import inspect
from pathlib import Path

import numpy as np
import pytest
import torch
from sample_exercise import SAMPLE, optimal
from sample_exercise import WRONG as SAMPLE_WRONG
from scipy.stats import norm
from torch.nn.functional import softplus

from gan_tutorial.lesson import exercises
from gan_tutorial.lesson.exercises import (
    REGISTRY,
    Exercise,
    Property,
    agree,
    check,
    find,
    gradients,
    hint,
    judge,
    register,
    short,
)
from gan_tutorial.lesson.exercises.errors import seeded

for module in sorted(Path(exercises.__file__).parent.glob("nb*.py")):
    importlib.import_module(f"gan_tutorial.lesson.exercises.{module.stem}")

WRONG = dict(SAMPLE_WRONG)
for module in sorted(Path(__file__).parent.glob("wrong_answers_*.py")):
    WRONG.update(importlib.import_module(module.stem).WRONG)

NUMBERS = sorted(REGISTRY)
WRONG_CASES = [
    pytest.param(number, answer, name, id=f"{number}-{i}-{name}")
    for number, cases in sorted(WRONG.items())
    for i, (answer, name) in enumerate(cases)
]


@pytest.fixture(autouse=True)
def fresh_notebook(monkeypatch):
    """In which nothing has been answered yet."""
    monkeypatch.setattr(exercises, "_stands_in", set())


# Every exercise of the series


@pytest.mark.parametrize("number", NUMBERS)
def test_the_stub_is_still_to_do(number, capsys):
    def stub(*_args, **_kwargs):
        raise NotImplementedError

    reference = REGISTRY[number].reference
    for answer in [..., None, stub, lambda *a, **k: ...] if callable(reference) else [..., None]:
        assert judge(REGISTRY[number], answer).kind == "todo"
        assert check(number, answer) is reference
        assert capsys.readouterr().out.startswith("To do.")


@pytest.mark.parametrize("number", NUMBERS)
def test_the_reference_is_right(number, capsys):
    verdict = judge(REGISTRY[number], REGISTRY[number].reference)
    assert verdict.kind == "right", verdict
    check(number, REGISTRY[number].reference)
    assert capsys.readouterr().out.startswith("Right.")


@pytest.mark.parametrize("number", NUMBERS)
def test_the_same_cell_run_again_does_not_make_our_answer_theirs(number, capsys, monkeypatch):
    reference = REGISTRY[number].reference
    stands_in = check(number, ...)
    assert check(number, stands_in) is check(number, stands_in) is reference
    first, *again = capsys.readouterr().out.splitlines()
    assert first.startswith("To do. Until you answer")
    assert set(again) == {f"To do. {exercises.OURS_AGAIN.sentence}"} and "our answer" in again[0]
    assert judge(REGISTRY[number], reference).kind == "right"
    monkeypatch.setenv("GAN_TUTORIAL_STRICT", "1")
    with pytest.raises(AssertionError, match="our answer"):
        check(number, stands_in)


def test_after_our_answer_another_counts_and_one_of_our_functions_in_a_tuple_does_not(capsys):
    wrong = check("99.1", lambda p, q: p)
    assert wrong is check("99.1", wrong) is optimal

    def mine(p, q):
        return p / (p + q)

    assert check("99.1", mine) is check("99.1", mine) is mine
    d_loss, g_loss = check("3.2", (lambda real, fake: 0, lambda fake: 0))
    check("3.2", (d_loss, lambda fake: g_loss(fake)))
    check("3.2", (lambda real, fake: d_loss(real, fake), lambda fake: g_loss(fake)))
    first_words = [line.split(".")[0] for line in capsys.readouterr().out.splitlines()]
    assert first_words == ["Not yet", "To do", "Right", "Right", "Not yet", "To do", "Right"]


@pytest.mark.parametrize(("number", "answer", "name"), WRONG_CASES)
def test_a_wrong_answer_gets_the_intended_message(number, answer, name, capsys):
    exercise = find(number)
    verdict = judge(exercise, answer)
    assert (verdict.kind, verdict.property) == ("wrong", name), verdict.sentence
    assert "{" not in verdict.sentence
    assert check(number, answer) is exercise.reference
    printed = capsys.readouterr().out
    assert printed.startswith(f"Not yet. {verdict.sentence}") and printed.count("\n") == 1


@pytest.mark.parametrize("number", NUMBERS)
def test_every_exercise_has_hints_and_at_least_three_wrong_answers(number):
    assert REGISTRY[number].hints
    assert len(WRONG.get(number, [])) >= 3
    names = [item.name for item in REGISTRY[number].properties]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("number", sorted(WRONG))
def test_every_wrong_answer_belongs_to_an_exercise(number):
    assert number in REGISTRY


# The machinery


def test_a_right_answer_is_returned_itself():
    def mine(p, q):
        return 1 / (1 + q / p)

    assert check("99.1", mine) is mine


def test_a_right_answer_in_numbers_or_arrays_gives_tensors_from_then_on():
    def in_arrays(p, q):
        p, q = p.numpy(), q.numpy()
        return p / (p + q)

    def in_numbers(p_x, q_x, D_x, dx):
        return REGISTRY["2.2"].reference(p_x, q_x, D_x, dx).item()

    share, value = check("99.1", in_arrays), check("2.2", in_numbers)
    half = share(torch.ones(3, dtype=torch.float64), torch.ones(3, dtype=torch.float64))
    assert torch.equal(half, torch.full((3,), 0.5, dtype=torch.float64))
    assert share.__name__ == "in_arrays" and inspect.getsource(share) == inspect.getsource(in_arrays)
    x = torch.full((4,), 0.5)
    assert value(x, x, x, 0.1).shape == () and value(x, x, x, 0.1).dtype == torch.float32
    assert check("99.1", share) is share


def test_tuples_give_tensors_where_ours_do_and_only_there():
    def ours(x):
        return x.sum(), 3.0

    def mine(x):
        return float(x.sum()), 3.0

    look = (Property("both", lambda f: f(torch.ones(2)), "{got}"),)
    total, three = exercises.of_our_kind(Exercise("99.4", ours, look), mine)(torch.ones(2))
    assert isinstance(total, torch.Tensor) and total == 2 and isinstance(three, float)
    assert exercises.of_our_kind(Exercise("99.5", mine, look), mine) is mine
    pair = (Property("both", lambda fs: [f(torch.ones(2)) for f in fs], "{got}"),)
    as_it_was, turned = exercises.of_our_kind(Exercise("99.6", (ours, ours), pair), (ours, mine))
    assert as_it_was is ours and isinstance(turned(torch.ones(2))[0], torch.Tensor)


def test_numbers_that_print_alike_are_told_with_more_digits():
    third = Exercise("99.7", 1 / 3, (Property("third", lambda a: a, "{got}, not {expected}", tolerance=1e-6),))
    assert judge(third, 0.33332).sentence == "0.33332, not 0.33333333"


def test_an_unknown_number_is_one_sentence(capsys):
    assert check("98.7", 3) == 3
    assert "There is no exercise 98.7" in capsys.readouterr().out
    with pytest.raises(LookupError, match="99.1"):
        find("98.7")


def test_strict_raises_for_all_but_right_answers(monkeypatch):
    monkeypatch.setenv("GAN_TUTORIAL_STRICT", "1")
    assert check("99.1", optimal) is optimal
    for answer in (..., lambda p, q: p, "x"):
        with pytest.raises(AssertionError, match="Exercise 99.1"):
            check("99.1", answer)
    with pytest.raises(AssertionError, match="no exercise"):
        check("98.7", 1)


def test_an_error_in_the_answer_names_the_line():
    def stops(p, q):
        ratio = p / q
        return ratio[7]

    sentence = judge(SAMPLE, stops).sentence
    assert "IndexError" in sentence and "`return ratio[7]`" in sentence


def test_an_operation_that_torch_does_not_have_is_an_error_and_no_stub():
    def of_whole_numbers(p, q):
        return torch.arange(3).log_softmax(0)

    def of_a_library(p, q):
        return torch.distributions.Distribution(validate_args=False).sample()  # torch's own code raises a bare one

    for answer, line in ((of_whole_numbers, "torch.arange(3)"), (of_a_library, "torch.distributions.Dist")):
        verdict = judge(SAMPLE, answer)
        assert (verdict.kind, verdict.property) == ("wrong", "runs")
        assert "NotImplementedError" in verdict.sentence and f"`return {line}" in verdict.sentence


def test_a_stub_may_be_begun_and_decorated_and_its_line_before_a_return_is_told():
    def left_in(p, q):
        raise NotImplementedError  # your code here
        return p / (p + q)

    @torch.no_grad()
    def begun(p, q):
        both = p + q  # noqa: F841
        raise NotImplementedError  # your code here

    verdict = judge(SAMPLE, left_in)
    assert verdict.kind == "wrong" and verdict.sentence.startswith("The line `raise NotImplementedError` is still in")
    assert judge(SAMPLE, begun).kind == "todo"


def test_a_look_of_ours_that_falls_over_a_tensor_of_the_right_kind_does_not_blame_it():
    def look(f):
        value = f(torch.ones(2))
        return value if value.requires_grad else [][0]

    odd = Exercise("99.8", lambda x: x.clone().requires_grad_(), (Property("odd", look, "{got}"),))
    sentence = judge(odd, torch.clone).sentence
    assert sentence == "Our check cannot follow this answer, right or not (IndexError): write it in another way."


@pytest.mark.parametrize("error", [RecursionError, SystemExit, ValueError("two\nlines"), TypeError])
def test_check_never_raises(error, capsys):
    def stops(p, q):
        raise error

    assert check("99.1", stops) is optimal
    printed = capsys.readouterr().out
    assert printed.startswith("Not yet. The answer stopped with") and printed.count("\n") == 1


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("value", [None, 0.5, 3, "x", [], [0.5], (), {}, slice(1), True, float("nan")], ids=repr)
def test_whatever_comes_back_is_told_in_the_words_of_the_exercise(number, value):
    """A value of another kind is the learner's slip: no error of the checker's own is shown to them."""
    reference = REGISTRY[number].reference
    if isinstance(reference, tuple):
        answer = tuple((lambda *args, **kwargs: value) if callable(part) else part for part in reference)
    elif callable(reference):

        def answer(*args, **kwargs):
            return value
    else:
        pytest.skip("the answer is a value, not a function")
    verdict = judge(REGISTRY[number], answer)
    assert verdict.kind == "wrong" and "Error" not in verdict.sentence, verdict.sentence
    if value is None:
        assert "return" in verdict.sentence


def test_an_empty_body_is_still_to_do_and_a_forgotten_return_is_told():
    def empty(p, q):
        """Nothing yet."""

    def dots(p, q): ...

    def forgot(p, q):
        p / (p + q)

    assert [judge(SAMPLE, answer).kind for answer in (empty, dots, forgot)] == ["todo", "todo", "wrong"]
    assert judge(SAMPLE, forgot).sentence.startswith("From the function nothing came back; a `return` may be missing")


def test_an_interrupt_is_not_swallowed():
    def stops(p, q):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        check("99.1", stops)


def test_nothing_back_for_a_later_input_is_wrong_and_not_to_do():
    def only_once(p, q):
        return p / (p + q) if p.ndim == 0 else None

    verdict = judge(SAMPLE, only_once)
    assert verdict.kind == "wrong" and verdict.sentence.startswith("For one of the inputs nothing came back")


def test_a_tuple_with_a_gap_is_to_do():
    pair = Exercise("99.2", (1.0, 2.0), (Property("both", lambda a: a, "{got}, not {expected}"),))
    assert judge(pair, (1.0, ...)).kind == "todo"
    assert judge(pair, (1.0, 2.0)).kind == "right"
    assert judge(pair, (1.0, 3.0)).sentence == "[1, 3], not [1, 2]"


def test_random_answers_compare_under_one_seed_and_leave_the_notebook_alone():
    draws = Exercise("99.3", torch.rand, (Property("draw", lambda f: f(3), "{got}"),))
    torch.manual_seed(5)
    np.random.seed(5)
    expected = (torch.rand(1), np.random.rand())
    torch.manual_seed(5)
    np.random.seed(5)
    assert judge(draws, lambda n: torch.rand(n)).kind == "right"
    assert judge(draws, lambda n: torch.randn(n)).kind == "wrong"
    with seeded():
        np.random.rand()
    assert (torch.rand(1), np.random.rand()) == expected


def test_hints_come_one_after_another(capsys):
    exercises._next_hint.clear()
    hint("99.1")
    hint("99.1")
    hint("99.1")
    hint("99.1", 1)
    hint("98.7")
    first, second, third, again, unknown = capsys.readouterr().out.splitlines()
    assert first.startswith("Hint 1 of 2: For each x") and "last" not in first
    assert second.startswith("Hint 2 of 2: Set a / D") and "last hint" in second
    assert third == second and again == first
    assert "no exercise" in unknown


def test_the_note_escapes_what_it_quotes():
    note = exercises._Note("wrong", "Not yet. <b>")
    assert "&lt;b&gt;" in note._repr_html_() and 'role="status"' in note._repr_html_()


def test_registering_refuses_doubles_and_exercises_that_anything_would_pass():
    assert register(SAMPLE) is SAMPLE
    with pytest.raises(ValueError, match="already"):
        register(Exercise("99.1", 1, (Property("x", lambda a: a, ""),)))
    with pytest.raises(ValueError, match="no properties"):
        register(Exercise("99.9", 1, ()))


@pytest.mark.parametrize(
    ("got", "expected", "answer"),
    [
        (1.00001, 1, True),
        (1.01, 1, False),
        (float("nan"), float("nan"), False),
        (float("inf"), float("inf"), True),
        (-float("inf"), float("inf"), False),
        (1e9, float("inf"), False),
        (torch.ones(3), np.ones(3), True),
        (torch.ones(3, 1), torch.ones(3), False),
        ([1, 2.0], (1, 2), True),
        ("a", "a", True),
        ("1", 1, False),
        (1, "1", False),
        (None, 1, False),
        (object(), 1, False),
        (True, True, True),
        (False, True, False),
        ({"a": 1}, {"a": 1.0}, True),
        ({"a": 1}, {"b": 1.0}, False),
        ([torch.ones(2), "x"], [np.ones(2), "x"], True),
        ([torch.ones(2)], [np.ones(2), "x"], False),
        (torch.tensor([1.0, float("nan")]), [1.0, 2.0], False),
    ],
)
def test_agree(got, expected, answer):
    assert agree(got, expected) is answer


def test_short_keeps_a_sentence_a_sentence():
    assert short(torch.tensor(0.123456)) == "0.1235"
    assert short([1.0, 2.5]) == "[1, 2.5]"
    assert short(torch.zeros(8, 8)) == "an array of shape (8, 8) that begins with 0, 0, 0"
    assert short(optimal) == "the function optimal"
    assert len(short(object())) <= 80
    assert short(True) == "True"


@pytest.mark.parametrize("number", ["²", "٢.١", "9" * 5000, "2", "2.1.1", "-1.2", " 2.1"])
def test_a_number_that_is_none_is_told_in_words(number, capsys):
    assert check(number, 3) == 3
    assert "There is no exercise" in capsys.readouterr().out


def test_a_batch_may_also_be_drawn_without_repeats():
    def batch(images, n):
        return (images[torch.randperm(len(images))[:n]].float() / 127.5 - 1).unsqueeze(1)

    assert judge(find("3.1"), batch).kind == "right"


def _terms(real, fake):
    return -torch.exp(-real).mean(), (fake - 1).mean()


def _triangular(s):
    t = torch.tanh(s / 2)
    return 2 * t - t**2, 2 * t + t**2


def _clamped_to_float32(D, G, opt, x, z, c):
    loss = find("7.3").reference(D, G, opt, x, z, 1e9)
    for w in D.parameters():
        w.data.copy_(torch.clamp(w.data.float(), torch.tensor(-c), torch.tensor(c)))
    return loss


def _stable(s):
    return torch.relu(s) + torch.log1p(torch.exp(-s.abs()))


@pytest.mark.parametrize(
    ("number", "answer"),
    [
        ("3.2", (lambda real, fake: _stable(-real).mean() + _stable(fake).mean(), lambda fake: _stable(-fake).mean())),
        ("4.4", (lambda gamma: torch.tensor([[0, 0.5], [-0.5, -gamma]]), 1.0)),
        ("5.5", lambda loss, d_log_q: find("5.5").reference(loss, d_log_q).item()),
        ("6.1", lambda real, fake: list(_terms(real, fake))),
        ("6.3", lambda s: list(_triangular(s))),
        ("7.3", _clamped_to_float32),
        ("7.4", lambda weights, c: list(find("7.4").reference(weights, c))),
    ],
)
def test_a_right_answer_may_be_written_in_another_way(number, answer):
    assert judge(find(number), answer).kind == "right"


def _log_likelihood(x, mean, sd):
    return torch.distributions.Normal(mean, sd).log_prob(x).sum(-1)


def _loaded(s_real, s_fake, weight):
    return weight * softplus(-s_real).mean() + softplus(s_fake).mean()


def _two_losses(real, fake):
    return softplus(-real).mean() + softplus(fake).mean()


@pytest.mark.parametrize(
    ("number", "answer", "name"),
    [
        ("1.1", lambda x, mean, sd: _log_likelihood(x, mean, sd).detach(), "gradient"),
        ("1.1", lambda x, mean, sd: norm.logpdf(x, mean, sd).sum(-1), "gradient"),
        ("1.1", lambda x, mean, sd: _log_likelihood(x, mean.detach(), sd), "gradient"),
        ("2.4", lambda *given: _loaded(*given).item(), "gradient"),
        ("2.4", lambda *given: _loaded(*given).numpy(), "gradient"),
        ("2.4", lambda s_real, s_fake, weight: _loaded(s_real, s_fake.detach(), weight), "gradient"),
        ("3.2", (lambda *s: _two_losses(*s).detach(), lambda s: softplus(-s).mean()), "slopes of d_loss"),
        ("3.2", (_two_losses, lambda s: softplus(-s).mean().detach()), "slope of g_loss"),
        ("5.1", lambda s: -s.exp().detach(), "differentiable"),
        ("5.4", lambda f: lambda s: find("5.4").reference(f)(s).detach(), "differentiable"),
        ("6.1", lambda real, fake: tuple(term.item() for term in _terms(real, fake)), "gradient"),
        ("6.1", lambda real, fake: (_terms(real, fake)[0], fake.mean().item() - 1), "gradient"),
        ("6.3", lambda s: (_triangular(s)[0], _triangular(s)[1].detach()), "gradient"),
    ],
)
def test_where_the_notebook_trains_through_an_answer_the_gradient_goes_through(number, answer, name):
    verdict = judge(find(number), answer)
    assert (verdict.kind, verdict.property) == ("wrong", name), verdict.sentence
    assert name != "gradient" or "the gradient does not go through" in verdict.sentence


def test_the_gradient_of_an_answer_is_0_where_it_goes_nowhere_and_other_errors_are_told():
    x = torch.tensor([1.0, 2.0])
    for of in (lambda x: 3.0, lambda x: x.detach(), lambda x: x.numpy(), lambda x: [1, x.detach()]):
        assert torch.equal(*gradients(of, x), torch.zeros(2))
    by_x, by_y = gradients(lambda x, y: (x.mul_(3).sum(), 5.0), x, x)
    assert by_x.tolist() == [3, 3] and by_y.tolist() == [0, 0] and x.tolist() == [1, 2]
    with pytest.raises(RuntimeError, match="size of tensor"):
        gradients(lambda x: x + torch.ones(3), x)


def test_the_angle_of_slerp_is_that_between_the_directions():
    def by_the_first_length(a, b, t):
        angle = torch.acos((a @ b / a.norm() ** 2).clamp(-1, 1))
        return (torch.sin((1 - t) * angle) * a + torch.sin(t * angle) * b) / torch.sin(angle)

    assert judge(find("3.4"), by_the_first_length).property == "unequal lengths"


def test_an_answer_that_spoils_what_it_is_given_spoils_nothing_for_the_next():
    def spoils(p_x, q_x, dx):
        p_x[p_x == 0] = 1e-12
        return find("2.3").reference(p_x, q_x, dx)

    def naive(p_x, q_x, dx):
        m = (p_x + q_x) / 2
        return ((p_x * (p_x / m).log()).sum() + (q_x * (q_x / m).log()).sum()) / 2 * dx

    fresh = judge(find("2.3"), naive)
    assert check("2.3", spoils) is spoils  # it is right, and looked at twice: also for what it gives back
    assert judge(find("2.3"), naive) == fresh and fresh.kind == "wrong"


def spoiling(function):
    """The same function, which afterwards writes over all tensors and arrays that it was given, wherever they are."""

    def spoil(value):
        if isinstance(value, torch.Tensor | np.ndarray):
            value[...] = float("nan") if "float" in str(value.dtype) else 0
        for part in value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ():
            spoil(part)

    def call(*args, **kwargs):
        came = function(*args, **kwargs)
        with torch.no_grad():
            spoil([args, kwargs])
        return came

    return call if callable(function) else function


@pytest.mark.parametrize("number", NUMBERS)
def test_whatever_an_answer_spoils_the_reference_stays_right(number):
    exercise = REGISTRY[number]
    ours = exercise.reference
    judge(exercise, tuple(map(spoiling, ours)) if isinstance(ours, tuple) else spoiling(ours))
    assert judge(exercise, ours).kind == "right"


HELD = [torch.ones(2)]


def test_an_answer_in_place_is_right_and_no_mistake_is_tried_on_what_it_left():
    twice = Property("twice", lambda f: f(HELD[0]), "{got}, not {expected}")
    not_four = exercises.is_not("four", lambda x: 4 * x, twice.of, "Four times.")
    in_place = Exercise("99.8", lambda x: 2 * x, (not_four, twice))
    assert judge(in_place, lambda x: x.mul_(2)).kind == "right"
    assert judge(in_place, lambda x: x.mul_(4)).property == "four"
    assert torch.equal(HELD[0], torch.ones(2))


# Notebooks 08 to 16: answers that were judged wrongly


def emptied(Kaa, Kbb, Kab):
    a, b = (K.fill_diagonal_(0).sum() / (len(K) * (len(K) - 1)) for K in (Kaa, Kbb))
    return a + b - 2 * Kab.mean()


def one_by_one_in_double(penalty):
    x = torch.randn(16, 2, dtype=torch.float64)
    alone = torch.stack([penalty(lambda u: u.square().sum(1), one, one) for one in x.split(1)])
    return bool(torch.isclose(penalty(lambda u: u.square().sum(1), x, x), alone.mean()))


def spied_in_double(penalty):
    seen = []

    def spy(u):
        seen.append(u.detach())
        return u.sum(1)

    penalty(spy, torch.zeros(256, 2, dtype=torch.float64), torch.ones(256, 2, dtype=torch.float64))
    t = torch.cat(seen)
    return bool((t[:, 0] == t[:, 1]).all() and t.min() >= 0 and t.max() <= 1 and t[:, 0].std() > 0.2)


@pytest.mark.parametrize(
    ("number", "answer"),
    [
        ("8.3", lambda r, f, s, weight: (r.mean() - f.mean() - 2 * weight * (s - 1).square().mean()).item()),
        ("8.5", lambda D, x: find("8.5").reference(D, x).numpy()),
        ("11.1", lambda m1, s1, m2, s2: abs(complex(m1 - m2, s1 - s2)) ** 2),
        ("11.2", emptied),
        ("13.1", lambda c, x: torch.distributions.Categorical(logits=c).log_prob(x).sum(1)),
        ("16.2", one_by_one_in_double),
        ("16.3", spied_in_double),
    ],
)
def test_a_right_answer_of_another_make_is_right(number, answer):
    verdict = judge(find(number), answer)
    assert verdict.kind == "right", verdict


def normalized(dim):
    def stretch(A, At, v, steps):
        for _ in range(steps):
            v = torch.nn.functional.normalize(At(A(v)), dim=dim)
        return A(v).norm() / v.norm()

    return stretch


def eps_outside(h, R, eps=1e-5):
    V = torch.cat([R.expand(len(h), *R.shape), h[:, None]], dim=1)
    return (h - V.mean(dim=1)) / (V.std(dim=1, correction=0) + eps)


def sure(of):
    def too_strong(real, fake):
        quarter = len(real) // 4
        return bool(of(real[-quarter:].sigmoid()) > 0.9 and of((-fake[-quarter:]).sigmoid()) > 0.9)

    return too_strong


def near(far):
    def covered(samples, data):
        distances = torch.cdist(data, data).sort(dim=1).values
        return (torch.cdist(data, samples).min(dim=1).values <= 3 * far(distances)).double().mean()

    return covered


@pytest.mark.parametrize(
    ("number", "answer", "name"),
    [
        ("2.4", lambda s, s_fake, w: (w * softplus(-s).sum() + softplus(s_fake).sum()) / len(s), "unequal numbers"),
        ("8.1", lambda D, x, fake, strength: find("8.1").reference(D, x, fake, strength), "runs"),  # asked by its name
        ("10.2", eps_outside, "eps"),
        ("10.3", normalized(0), "picture"),
        ("10.3", normalized(-1), "picture"),
        ("11.1", lambda m1, s1, m2, s2: (m1 - m2).square() + (s1 - s2).square(), "runs"),  # floats are given
        ("12.2", lambda logits, u, tau: ((logits - (-u.log()).log()) / tau).softmax(1), "draws"),
        ("12.2", lambda logits, u, tau: ((logits - (-u.log()).log()) / 0.7).softmax(-1), "sharp"),
        ("14.2", sure(torch.mean), "one bad row"),
        ("14.2", sure(lambda p: p[-1]), "one bad row"),
        ("14.3", near(lambda distances: distances[:, 6]), "uneven"),
        ("14.3", near(lambda distances: distances[:, 5].mean()), "uneven"),
        ("15.3", lambda v, c: (c.max() + 1).log() + v.log_softmax(1).gather(1, c[:, None]).mean(), "answer"),
    ],
)
def test_a_wrong_answer_cannot_hide_in_a_regular_example(number, answer, name):
    verdict = judge(find(number), answer)
    assert (verdict.kind, verdict.property) == ("wrong", name), verdict


WITHOUT_SLOPE = {
    "detach": lambda value: value.detach(),
    "item": lambda value: value.item(),
    "numpy": lambda value: value.numpy(),
    "detach and numpy": lambda value: value.detach().numpy(),
}


@pytest.mark.parametrize(
    ("number", "cut"),
    [
        *((number, cut) for number in ("8.1", "8.4", "15.1") for cut in WITHOUT_SLOPE),
        *((number, cut) for number in ("10.1", "12.1", "12.2", "13.1") for cut in WITHOUT_SLOPE if cut != "item"),
    ],
)
def test_an_answer_that_the_notebook_trains_through_has_a_gradient(number, cut):
    def answer(*given, **named):
        return WITHOUT_SLOPE[cut](find(number).reference(*given, **named))

    verdict = judge(find(number), answer)
    assert verdict.kind == "wrong" and "gradient" in verdict.sentence and ".detach()" in verdict.sentence, verdict


@pytest.mark.parametrize("cut", ["detach", "detach and numpy"])
def test_a_look_ahead_that_is_cut_off_is_told_that_g_learns_nothing(cut):
    verdict = judge(find("9.3"), lambda *given: WITHOUT_SLOPE[cut](find("9.3").reference(*given)))
    assert verdict.property == "trap" and "gradient" in verdict.sentence


def test_a_loss_that_is_cut_off_from_one_kind_of_pairs_is_wrong():
    def pairs_loss(s_right, s_fake, s_wrong, w):
        return find("15.1").reference(s_right, s_fake, s_wrong.detach(), w)

    assert judge(find("15.1"), pairs_loss).property == "gradient"
