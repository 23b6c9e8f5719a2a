"""The drawn garments: a data set that a classifier finds neither trivial nor hopeless, the same on every run."""

import os
import signal
import time

import numpy as np
import pytest
import torch

from gan_tutorial.clothes import files, garments, stand_in

REAL = files.find(files.data_folders())


@pytest.fixture(scope="module")
def drawn():
    start = time.monotonic()
    arrays = stand_in.draw()
    arrays["seconds"] = time.monotonic() - start
    return arrays


def test_shape_and_balance(drawn):
    for part, n in [("train", 60_000), ("test", 10_000)]:
        images, labels = drawn[f"{part}_images"], drawn[f"{part}_labels"]
        assert images.dtype == torch.uint8 and tuple(images.shape) == (n, 28, 28)
        assert labels.bincount().tolist() == [n // 10] * 10
        assert labels[:200].unique().numel() == 10  # shuffled
    assert drawn["seconds"] < 120  # three on an idle machine of two cores


def test_the_seed_decides(drawn):
    small = stand_in.draw(30, 5)
    assert all(torch.equal(array, stand_in.draw(30, 5)[name]) for name, array in small.items())
    assert not torch.equal(small["train_images"], stand_in.draw(30, 5, seed=1)["train_images"])
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        alone = stand_in.draw(30, 5)
        assert torch.get_num_threads() == 1  # what the caller had set
    finally:
        torch.set_num_threads(threads)
    assert torch.equal(alone["train_images"], small["train_images"])


def test_the_number_of_cores_does_not_matter(monkeypatch):
    several = stand_in.draw(40, 10)
    monkeypatch.setattr(stand_in.machine, "cores", lambda: 1)
    assert torch.equal(stand_in.draw(40, 10)["test_images"], several["test_images"])


def test_no_image_twice(drawn):
    both = torch.cat([drawn["train_images"], drawn["test_images"]]).numpy()
    assert len({image.tobytes() for image in both}) == 70_000


def test_garments_fill_the_picture_on_black(drawn):
    x = drawn["test_images"].float()
    assert (x == 0).float().mean() > 0.3
    assert ((x > 0).flatten(1).float().mean(1) > 0.03).all()  # nobody got an empty picture
    assert 40 < x.mean() < 110  # FashionMNIST: 73


def test_left_and_right_of_a_top_agree_roughly_but_shoes_point_left(drawn):
    x, y = drawn["test_images"].float(), drawn["test_labels"]
    for label in range(10):
        mean = x[y == label].mean(0)
        asymmetry = ((mean - mean.flip(1)).abs().sum() / mean.sum()).item()
        assert (asymmetry > 0.2) == (garments_name(label) in {"Sandal", "Sneaker", "Ankle boot"}), garments_name(label)


def garments_name(label):
    return list(garments.GARMENTS)[label]


def test_a_linear_classifier_separates_most_classes(drawn):
    """Least squares on pixels: linear, closed form, no seed."""
    def features(part):
        x = drawn[f"{part}_images"].flatten(1).float() / 255
        return torch.cat([x, torch.ones(len(x), 1)], 1).double()

    x, y = features("train")[:20_000], drawn["train_labels"][:20_000]
    target = torch.nn.functional.one_hot(y, 10).double()
    weights = torch.linalg.solve(x.T @ x + 10 * torch.eye(785, dtype=torch.float64), x.T @ target)
    right = (features("test") @ weights).argmax(1) == drawn["test_labels"]
    accuracy = right.double().mean().item()
    assert 0.85 < accuracy < 0.99  # on FashionMNIST: 0.82
    shirts = right[drawn["test_labels"] == stand_in.CLASSES.index("Shirt")].double().mean().item()
    assert shirts < accuracy  # the hard one, as in FashionMNIST


def within(images, labels):
    """Variance of a pixel within each class, averaged over pixels: (10,)."""
    return np.array([images[labels == k].double().var(0).mean().item() for k in range(10)])


@pytest.mark.skipif(REAL is None, reason="FashionMNIST is not on this machine: run `gan-tutorial data`")
def test_classes_vary_about_as_much_as_the_real_ones(drawn):
    real = files.read(REAL)
    ratio = within(drawn["test_images"], drawn["test_labels"]) / within(real["test_images"], real["test_labels"])
    assert (ratio > 0.5).all() and (ratio < 2).all(), ratio


def test_variation_within_a_class_has_many_directions(drawn):
    """A class is no template with a brightness: 80 % of its variance needs many principal components."""
    x = torch.nn.functional.avg_pool2d(drawn["test_images"].float(), 2).flatten(1)
    for label in range(10):
        spectrum = torch.linalg.eigvalsh(torch.cov(x[drawn["test_labels"] == label].T)).flip(0)
        needed = int((spectrum.cumsum(0) / spectrum.sum() < 0.8).sum()) + 1
        assert needed >= 4, (garments_name(label), needed)


def test_pieces_are_signed_distances():
    t = torch.linspace(-1.5, 1.5, 61, dtype=torch.float64)
    y, x = torch.meshgrid(t, t, indexing="ij")
    # a box, against the nearest of many points on its outline
    side = torch.linspace(-1, 1, 2001, dtype=torch.float64)
    half = torch.ones_like(side)
    outline = torch.cat([torch.stack([0.6 * side, s * 0.4 * half], 1) for s in (-1, 1)]
                        + [torch.stack([s * 0.6 * half, 0.4 * side], 1) for s in (-1, 1)])
    nearest = torch.cdist(torch.stack([x, y], -1).reshape(-1, 2), outline).min(1).values.reshape(61, 61)
    within_box = (x.abs() < 0.6) & (y.abs() < 0.4)
    expected = torch.where(within_box, -nearest, nearest)
    assert torch.allclose(garments.box(x, y, 0.0, 0.0, 0.6, 0.4), expected, atol=1e-3)
    # a stroke of constant radius, against the nearest of many points on its axis
    a, b = torch.tensor([-0.5, 0.2]).double(), torch.tensor([0.7, -0.3]).double()
    axis = a + torch.linspace(0, 1, 4001, dtype=torch.float64)[:, None] * (b - a)
    nearest = torch.cdist(torch.stack([x, y], -1).reshape(-1, 2), axis).min(1).values.reshape(61, 61)
    assert torch.allclose(garments.stroke(x, y, *a, *b, 0.1, 0.1), nearest - 0.1, atol=1e-3)


def test_cache(tmp_path, monkeypatch):
    calls = []
    draw = stand_in.draw
    monkeypatch.setattr(stand_in, "draw", lambda: calls.append(1) or draw(20, 5))
    first = stand_in.load(tmp_path)
    path = tmp_path / stand_in.CACHE
    assert [p.name for p in tmp_path.iterdir()] == [stand_in.CACHE]
    again = stand_in.load(tmp_path)
    assert len(calls) == 1 and all(torch.equal(first[name], again[name]) for name in first)

    body = path.read_bytes()
    for damaged in [body[:-500], body[:5000] + bytes([body[5000] ^ 1]) + body[5001:], b""]:
        path.write_bytes(damaged)
        assert torch.equal(stand_in.load(tmp_path)["train_images"], first["train_images"])
        assert path.read_bytes() != damaged  # drawn and kept again
    assert len(calls) == 4

    monkeypatch.setattr(stand_in, "_recipe", lambda: "other code")
    stand_in.load(tmp_path)
    assert len(calls) == 5


def test_ctrl_c_while_the_cache_is_written_leaves_nothing(tmp_path, monkeypatch):
    old = tmp_path / f".{stand_in.CACHE}.12ab.partial"
    old.touch(), os.utime(old, (0, 0))  # by a process that was killed
    monkeypatch.setattr(np, "savez", lambda file, **_: file.write(b"half") and signal.raise_signal(signal.SIGINT))
    with pytest.raises(KeyboardInterrupt):
        stand_in._write(tmp_path / stand_in.CACHE, stand_in.draw(1, 1))
    assert not list(tmp_path.iterdir())


def test_no_place_for_the_cache_is_no_obstacle(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("not a folder")
    draw = stand_in.draw
    monkeypatch.setattr(stand_in, "draw", lambda: draw(20, 5))
    assert stand_in.load(tmp_path / "file")["train_images"].shape == (200, 28, 28)
