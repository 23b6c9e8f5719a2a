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

from gan_tutorial.lesson import exercises
from gan_tutorial.lesson.exercises import (
    REGISTRY,
    Exercise,
    Property,
    agree,
    check,
    find,
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
