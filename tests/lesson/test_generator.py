"""The generator of the page: its file, against torch and against what it says of itself."""

import importlib.util
from pathlib import Path

import pytest
import torch
from torch import nn

from gan_tutorial.clothes import score
from gan_tutorial.clothes.data import CorruptData, fashion_mnist, to_uint8
from gan_tutorial.clothes.stand_in import CLASSES
from gan_tutorial.game.networks import LATENT, ConvGenerator
from gan_tutorial.lesson.generator import page, stored

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def kept():
    return stored.load()


@pytest.fixture(scope="module")
def images():
    found = fashion_mnist()
    return pytest.skip("FashionMNIST is not here") if found.is_stand_in else found


@pytest.fixture(scope="module")
def recipe():
    """The author's command."""
    spec = importlib.util.spec_from_file_location("recipe", ROOT / "notebooks" / "authors" / "generator.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def drawn(kept):
    """What the stated score is of: latents and the pictures of them."""
    torch.manual_seed(kept.about["seed"])
    z = torch.randn(kept.about["samples"], LATENT)
    G = stored.network(kept)
    return z, to_uint8(torch.cat([G(part) for part in z.split(1000)]))


def test_a_generator_comes_back_from_its_file(tmp_path):
    G = ConvGenerator(width=8)
    for _ in range(20):
        G(torch.randn(64, LATENT))  # batch norm gets to know its means
    layers, tensors = stored.described(G.eval())
    path = tmp_path / "generator.safetensors"
    more = {"more": torch.arange(6, dtype=torch.uint8).view(2, 3)}
    stored.Stored(layers, tensors | more, {"name": "é"}).save(path)
    back = stored.load(path)
    assert back.about == {"name": "é"} and back.layers == layers and torch.equal(back.tensors["more"], more["more"])
    z = torch.randn(32, LATENT)
    apart = to_uint8(G(z)).int() - to_uint8(stored.network(back)(z)).int()
    assert apart.abs().max() <= 1  # of 16 bits instead of 32
    assert int.from_bytes(path.read_bytes()[:8], "little") % 8 == 0


@pytest.mark.parametrize(
    "damage",
    [lambda b: b[:-1], lambda b: b[:20], lambda b: b"", lambda b: b"{}", lambda b: b"\xff" * 7 + b"\x3f" + b[8:]],
)
def test_a_damaged_file_is_named_with_the_remedy(damage, tmp_path):
    path = tmp_path / "generator.safetensors"
    path.write_bytes(damage(stored.FILE.read_bytes()))
    with pytest.raises(CorruptData) as error:
        stored.load(path)
    said = str(error.value)
    assert said.startswith(f"{path} cannot be read (") and "`make generator`" in said and "\n" not in said


@pytest.mark.parametrize("layer", [nn.GELU(), nn.Conv2d(4, 4, 3, groups=2), nn.Conv2d(4, 4, 3, stride=(1, 2))])
def test_what_a_page_cannot_compute_is_refused(layer):
    with pytest.raises(ValueError, match=r"page can(not)? compute"):
        stored.described(nn.Sequential(nn.Linear(4, 4), layer))


def test_the_file_is_small_and_made_by_todays_recipe(kept, recipe):
    assert stored.FILE.stat().st_size < 500_000
    assert {name: kept.about[name] for name in recipe.SETTINGS} == recipe.SETTINGS
    assert kept.about["photographs"] == recipe.PHOTOGRAPHS and len(kept.about["directions"]) == recipe.DIRECTIONS
    assert [entry["layer"] for entry in kept.layers] == [type(layer).__name__ for layer in stored.network(kept)]


def test_it_is_as_good_as_it_says(kept, drawn, images):
    assert abs(score.ffd(drawn[1], images.test_images) - kept.about["ffd"]) < 0.1
    said = page.sentence(kept.about)
    assert f"is {kept.about['ffd']:.1f}" in said and f"{kept.about['steps']:,} steps" in said and "seed 0" in said


def test_photographs_are_test_images(kept, images):
    found = kept.tensors["photographs"]
    assert torch.equal(found, images.test_images[: len(found)])


def test_directions_lead_where_their_names_say(kept, drawn):
    axes, z = kept.tensors["directions"].float(), drawn[0][:500]
    assert torch.allclose(axes @ axes.T, torch.eye(len(axes)), atol=2e-3)
    G, names = stored.network(kept), CLASSES
    for axis, ends in zip(axes, kept.about["directions"], strict=True):
        shares = []
        for far in (-3, 3):
            moved = z + (far - z @ axis)[:, None] * axis
            shares.append(score.class_histogram(to_uint8(G(moved))))
        change = shares[1] - shares[0]
        low, high = (names.index(name) for name in ends)
        assert change[high] > 0.02 and change[low] < -0.02, (ends, change)


def test_the_page_names_the_photographers_and_has_no_empty_place():
    text = page.html()
    assert "/*" not in text.partition("<body")[2].partition("<script")[0]
    assert text.count("Copyright © 2017 Zalando SE") == 2
    assert f"the first {stored.load().about['photographs']} test images" in text
