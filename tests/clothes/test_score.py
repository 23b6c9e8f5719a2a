"""The score against other people's code, against closed forms, and against what it should see."""

import io
import json
import math
import os
import warnings
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from gan_tutorial import machine
from gan_tutorial.clothes import classifier, files, score
from gan_tutorial.clothes.data import fashion_mnist, to_uint8, to_unit
from gan_tutorial.commands import cli


@pytest.fixture(scope="module")
def images():
    return fashion_mnist(download=False)


@pytest.fixture(scope="module")
def clouds():
    """Two clouds of features that differ in mean, spread and correlation.  (500, 8), (400, 8)"""
    torch.manual_seed(0)
    A = torch.randn(8, 8, dtype=torch.float64)
    return torch.randn(500, 8, dtype=torch.float64) @ A, torch.randn(400, 8, dtype=torch.float64) + 0.3


class Given(nn.Module):
    """A feature extractor that hands on what it is given: the clouds themselves."""

    num_features = 8

    def forward(self, x):
        return x.flatten(1)


# ---- Against other people's code --------------------------------------------------------------------------------


def test_frechet_agrees_with_torchmetrics(clouds):
    from torchmetrics.image.fid import FrechetInceptionDistance

    metric = FrechetInceptionDistance(Given(), normalize=True, input_img_size=(1, 1, 8)).set_dtype(torch.float64)
    metric.update(clouds[0].float(), real=True)
    metric.update(clouds[1].float(), real=False)
    # torchmetrics is handed float32, as its images are: six digits
    assert score.frechet(*clouds) == pytest.approx(float(metric.compute()), rel=1e-5)


def test_frechet_agrees_with_torch_fidelity(clouds):
    from torch_fidelity.metric_fid import fid_features_to_statistics, fid_statistics_to_metric

    a, b = (fid_features_to_statistics(x) for x in clouds)
    expected = fid_statistics_to_metric(a, b, False)["frechet_inception_distance"]
    assert score.frechet(*clouds) == pytest.approx(expected, rel=1e-8)


def test_kid_agrees_with_torch_fidelity(clouds):
    from torch_fidelity.metric_kid import kid_features_to_metric

    a, b = (x[:400] for x in clouds)  # it takes equally many of both, here all of them at once
    found = kid_features_to_metric(a, b, kid_subsets=1, kid_subset_size=400, verbose=False)
    expected = found["kernel_inception_distance_mean"]
    assert score.kid(a, b) == pytest.approx(float(expected), rel=1e-9)


def test_kid_agrees_with_torchmetrics(clouds):
    from torchmetrics.image.kid import poly_mmd

    a, b = (x[:400] for x in clouds)
    assert score.kid(a, b) == pytest.approx(float(poly_mmd(a, b)), rel=1e-9)


def test_precision_and_recall_agree_with_torch_fidelity(clouds):
    from torch_fidelity.metric_prc import prc_features_to_metric

    real, samples = clouds
    expected = prc_features_to_metric(samples, real, prc_neighborhood=3, prc_batch_size=100, verbose=False)
    precision, recall = score.precision_recall(samples, real)
    assert precision == pytest.approx(expected["precision"], abs=1e-6)
    assert recall == pytest.approx(expected["recall"], abs=1e-6)


# ---- Against closed forms ---------------------------------------------------------------------------------------


def test_frechet_of_two_gaussians_on_the_line():
    # N(0, 1) and N(1, 4): (0 - 1)^2 + (1 - 2)^2 = 2; clouds with exactly these moments
    z = torch.randn(1000, 1, dtype=torch.float64)
    z = (z - z.mean()) / z.std()
    assert score.frechet(z, 1 + 2 * z) == pytest.approx(2.0, abs=1e-9)


def test_frechet_of_a_cloud_with_itself_is_zero_also_where_it_is_flat():
    flat = torch.randn(200, 8, dtype=torch.float64)
    flat[:, 3:] = 0  # the covariance is singular
    assert score.frechet(flat, flat) == pytest.approx(0.0, abs=1e-8)


def test_frechet_needs_enough_samples(clouds):
    with pytest.raises(ValueError, match="99 samples are too few"):
        score.frechet(clouds[0][:99], clouds[1])


def test_kid_is_zero_on_average_for_equal_laws():
    torch.manual_seed(1)
    values = [score.kid(*torch.randn(2, 60, 4, dtype=torch.float64)) for _ in range(200)]
    error = np.std(values) / len(values) ** 0.5
    assert abs(np.mean(values)) < 4 * error
    assert min(values) < 0 < max(values)


def exact_coverage(n, m, k):
    """Of n samples and m data from one distribution: 1 - prod (m - i) / (m + n - i)."""
    return 1 - math.prod((m - i) / (m + n - i) for i in range(1, k + 1))


@pytest.mark.parametrize(("n", "m", "k"), [(300, 300, 5), (300, 300, 3), (150, 400, 5), (400, 150, 2)])
def test_density_and_coverage_of_equal_distributions_are_known(n, m, k):
    torch.manual_seed(n + k)
    found = np.array([score.density_coverage(torch.randn(n, 3), torch.randn(m, 3), k) for _ in range(40)])
    error = found.std(0) / len(found) ** 0.5
    assert abs(found[:, 0].mean() - 1) < 4 * error[0]
    assert abs(found[:, 1].mean() - exact_coverage(n, m, k)) < 4 * error[1]


def test_coverage_of_equal_distributions_is_the_tabulated_one():
    assert exact_coverage(1000, 1000, 5) == pytest.approx(0.96898, abs=1e-5)
    assert exact_coverage(10_000, 10_000, 3) == pytest.approx(0.87504, abs=1e-5)


def test_density_and_coverage_by_hand():
    # k = 1: the balls around 0, 1 and 10 reach to 1, 0 and 1: radii 1, 1, 9
    real = torch.tensor([[0.0], [1.0], [10.0]])
    samples = torch.tensor([[0.5], [-0.5], [18.0], [50.0]])
    # 0.5 lies in two balls, -0.5 in one, 18 in one, 50 in none; each ball holds a sample
    assert score.density_coverage(samples, real, k=1) == (1.0, 1.0)
    assert score.density_coverage(samples[1::2], real, k=1) == (0.5, pytest.approx(1 / 3))


def test_density_sees_junk_that_precision_takes_for_data_beside_an_outlier():
    torch.manual_seed(0)
    real, samples = torch.randn(200, 2), torch.randn(200, 2)
    real[0] = 9.0
    samples[:100] = samples[:100] / 2 + 6
    assert score.precision_recall(samples, real)[0] > 0.9
    assert score.density_coverage(samples, real)[0] < 0.75


def test_density_and_coverage_need_enough_points():
    with pytest.raises(ValueError, match="neighbour number 5"):
        score.density_coverage(torch.randn(10, 2), torch.randn(5, 2))


def test_whole_and_in_blocks_is_the_same():
    """More points than a block holds, and not equally many: against the formulas on all pairs at once."""
    torch.manual_seed(0)
    a, b = torch.randn(2300, 3, dtype=torch.float64), torch.randn(1200, 3, dtype=torch.float64) * 0.8 + 0.5

    def others(x):
        kernel = (x @ x.T / 3 + 1) ** 3
        return (kernel.sum() - kernel.trace()) / (len(x) * (len(x) - 1))

    expected = others(a) + others(b) - 2 * ((a @ b.T / 3 + 1) ** 3).mean()
    assert [score.kid(a, b), score.kid(b, a)] == pytest.approx([float(expected)] * 2, rel=1e-9)

    def reach(x, k):
        return torch.cdist(x, x).sort(dim=1).values[:, k]

    between = torch.cdist(a, b)
    precision = (between <= reach(b, 3)).any(1).double().mean()
    recall = (between <= reach(a, 3)[:, None]).any(0).double().mean()
    assert score.precision_recall(a, b) == pytest.approx((float(precision), float(recall)), abs=1e-12)
    held = between <= reach(b, 5)
    density, coverage = held.sum() / (5 * len(a)), held.any(0).double().mean()
    assert score.density_coverage(a, b) == pytest.approx((float(density), float(coverage)), abs=1e-6)


def test_the_neighbour_itself_is_inside():
    """At the very distance counts as within it: the balls around -3, -1 and 4 reach to 2, 2 and 5."""
    real = torch.tensor([[-3.0], [-1.0], [4.0]])
    samples = torch.tensor([[-5.0], [-5.5]])  # the first lies on the edge of one ball, the second in none
    assert score.precision_recall(samples, real, k=1)[0] == 0.5
    assert score.density_coverage(samples, real, k=1) == (0.5, pytest.approx(1 / 3))


@pytest.mark.parametrize("measure", [score.precision_recall, score.density_coverage])
def test_where_the_clouds_lie_does_not_matter(measure, clouds):
    """Far from 0 the distances that matrix products give are blurred, by more than the clouds are wide."""
    samples, real = clouds
    far = torch.tensor([3e7, -3e7, 0, 1, 0, 0, 0, 5e6], dtype=torch.float64)
    assert measure(samples + far, real + far) == measure(samples, real)


def test_clouds_of_far_apart_clusters_are_measured_exactly():
    """Each of two clusters is a billion times narrower than the way between them: as if they were one."""
    torch.manual_seed(0)
    samples, real = torch.randn(2, 60, 2, dtype=torch.float64)
    far = torch.zeros(60, 2, dtype=torch.float64).index_fill_(0, torch.arange(30), 1e9)
    for measure in (score.precision_recall, score.density_coverage):
        halves = [measure(samples[rows], real[rows]) for rows in (slice(30), slice(30, 60))]
        assert measure(samples + far, real + far) == pytest.approx(np.mean(halves, axis=0))
        with pytest.raises(ValueError, match="nearest neighbour is number 1, but number 0"):
            measure(samples, real, k=0)


def test_as_many_points_as_are_asked_for_are_enough(clouds):
    a, b = clouds
    for measure, fewest in ((score.kid, 2), (score.precision_recall, 4), (score.density_coverage, 6)):
        for pair in ((a[:fewest], b), (a, b[:fewest])):
            assert np.isfinite(measure(*pair)).all()
            with pytest.raises(ValueError, match=f"{fewest - 1} samples are too few for .*; give at least {fewest}"):
                measure(*(x[: fewest - 1] if len(x) == fewest else x for x in pair))


def test_precision_and_recall_tell_a_lost_mode_from_a_false_one():
    torch.manual_seed(0)
    left, right = torch.randn(300, 2), torch.randn(300, 2) + 20
    one, both = left, torch.cat([left, right])
    precision, recall = score.precision_recall(torch.randn(300, 2), both)
    assert precision > 0.9 and recall == pytest.approx(0.5, abs=0.05)
    precision, recall = score.precision_recall(both, one)
    assert precision == pytest.approx(0.5, abs=0.05) and recall > 0.9


# ---- On images --------------------------------------------------------------------------------------------------


def test_the_stored_classifier_is_as_good_as_it_says(images):
    if images.is_stand_in:
        pytest.skip("the accuracy is stated for the real FashionMNIST, which is not here")
    measured = classifier.accuracy(classifier.load(), images.test_images, images.test_labels)
    assert measured == pytest.approx(classifier.TEST_ACCURACY, abs=5e-4)  # rounding may turn a close call


def test_a_score_does_not_depend_on_autocast_nor_on_the_default_type(images):
    x = images.test_images[:150]
    expected = score.features(x)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(score.features(x), expected)
    for dtype in (torch.float64, torch.bfloat16):
        torch.set_default_dtype(dtype)
        try:
            net = classifier.load()
        finally:
            torch.set_default_dtype(torch.float32)
        assert torch.equal(net.features(to_unit(x)).double(), expected)


def test_the_classifier_in_a_network_of_ones_own_changes_no_score(images):
    x, real = images.test_images[:300], images.test_images[300:600]
    before = score.ffd(x, real)
    net = classifier.load().train()  # a D on its features, say: batch norm changes its statistics
    net(to_unit(images.test_images[:64]))
    assert score.ffd(x, real) == before
    with torch.no_grad():
        net.head.weight.zero_()
    assert classifier.load().head.weight.any()


def test_arrays_are_welcome(images, clouds):
    x = images.test_images[:150]
    for samples in (x, to_unit(x)):
        assert score.ffd(samples.numpy(), x.numpy()) == score.ffd(samples, x)
    assert score.kid(*(cloud.numpy() for cloud in clouds)) == score.kid(*clouds)


def test_damaged_weights_are_refused(tmp_path, monkeypatch):
    broken = tmp_path / "classifier.pt"
    broken.write_bytes(classifier.WEIGHTS.read_bytes()[:-1] + b"?")
    monkeypatch.setattr(classifier, "WEIGHTS", broken)
    with pytest.raises(ValueError, match="damaged or of another version"):
        classifier.load()


def test_held_out_images_are_those_that_nothing_else_uses(images):
    marked = images.train_images.clone()
    marked[classifier.SEEN :] = 0
    assert score.reference(replace(images, train_images=marked), held_out=True).any().logical_not()
    only_held_out = images.train_images.clone()
    only_held_out[: classifier.SEEN] = 0
    (floor,) = score.floor(replace(images, train_images=only_held_out), n=500).values()
    assert not floor.any()
    assert torch.equal(score.reference(images), images.test_images)


def test_bytes_and_floats_score_the_same(images):
    x = images.train_images[:200]
    assert torch.equal(score.features(x), score.features(to_unit(x)))
    assert score.class_histogram(x).sum() == pytest.approx(1.0)


def test_the_histogram_has_the_share_of_each_class(images):
    seen = score.classes(images.test_images[:300])
    bag, boot = (images.test_images[:300][seen == c] for c in (8, 9))
    shares = score.class_histogram(torch.cat([bag[:9], boot[:3]]))
    assert shares.tolist() == [0] * 8 + [0.75, 0.25]
    assert score.class_histogram(bag[:2]).tolist() == [0] * 8 + [1, 0]


@pytest.mark.parametrize(
    "bad",
    [
        torch.zeros(3, 28, 28),
        torch.zeros(3, 28, 27, dtype=torch.uint8),
        torch.zeros(3, 1, 28, 28, dtype=torch.uint8),
        torch.zeros(3, 1, 28, 28, dtype=torch.int64),
        torch.zeros(3, 28, 28, dtype=torch.int64),
    ],
)
def test_other_shapes_are_refused(bad):
    with pytest.raises(ValueError, match="Samples should be uint8"):
        score.features(bad)


@pytest.mark.parametrize("bad", [torch.nan, torch.inf, -torch.inf])
def test_samples_with_nan_are_refused(bad):
    x = torch.zeros(2, 1, 28, 28)
    x[1, 0, 3, 4] = bad
    with pytest.raises(ValueError, match="NaN or infinite"):
        score.features(x)


@pytest.mark.parametrize(
    "use", [lambda x: score.ffd(x, x), score.classes, score.features, lambda x: score.nearest(x, x)]
)
def test_pictures_on_another_scale_are_told(use, images):
    u = to_unit(images.test_images[:150])
    for wrong in ((u + 1) * 127.5, (u - u.mean()) / u.std() * 2, u - 1.5):  # [0, 255]; standardised; too dark
        with pytest.raises(ValueError, match=r"should be in \[-1, 1\]"):
            use(wrong)
    with pytest.warns(UserWarning, match="No value of these samples is negative"):
        use((u + 1) / 2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        use(u * 1.2)  # a G without tanh: clipped, as it would be stored
        use(images.test_images[:150])


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_samples_of_any_float_type_are_left_as_they_are(dtype, images):
    u = to_unit(images.test_images[:4]).to(dtype)
    before = u.clone()
    features = score.features(u.requires_grad_())
    assert torch.equal(u, before) and not features.requires_grad
    flipped = u.detach().permute(3, 1, 2, 0).contiguous().permute(3, 1, 2, 0)  # non-contiguous
    assert torch.equal(score.features(flipped), features)
    tolerance = {torch.bfloat16: 0.1, torch.float16: 0.01}.get(dtype, 0)
    assert torch.allclose(features, score.features(images.test_images[:4]), atol=tolerance)


@pytest.mark.parametrize("n", [0, 1, 3, 99])
def test_too_few_of_anything_is_told(n, images, clouds):
    few, many = images.test_images[:n], images.test_images[:120]
    says = "no samples" if n == 0 else f"{n} samples are too few"
    for call in (lambda: score.ffd(few), lambda: score.ffd(many, few), lambda: score.score(few, images)):
        with pytest.raises(ValueError, match=says):
            call()
    a, b = clouds[0][:n], clouds[1]
    for measure, fewest in ((score.frechet, 100), (score.kid, 2), (score.precision_recall, 4)):
        for pair in ((a, b), (b, a)):
            if n < fewest:
                with pytest.raises(ValueError, match=f"{n} samples are too few"):
                    measure(*pair)
            else:
                assert np.isfinite(measure(*pair)).all()
    for use in (score.features, score.classes, score.class_histogram, lambda x: score.nearest(x, many)):
        if n == 0:
            with pytest.raises(ValueError, match="no samples"):
                use(few)


def test_clouds_that_cannot_be_compared_are_told(clouds, images):
    a, b = clouds
    for measure in (score.frechet, score.kid, score.precision_recall):
        with pytest.raises(ValueError, match="take `features` first"):
            measure(images.test_images[:200], images.test_images[200:400])
        with pytest.raises(ValueError, match=r"\(500, 8\) and \(400, 7\)"):
            measure(a, b[:, :7])
        with pytest.raises(ValueError, match="NaN"):
            measure(torch.full_like(a, torch.nan), b)
        assert measure(a.float() + 1000, b.float() + 1000) == pytest.approx(
            measure((a.float() + 1000).double(), (b.float() + 1000).double())
        )


def test_the_nearest_of_nearly_equal_images_is_the_right_one():
    """One grey level at one pixel apart, of bright images: by the matrix product these were all alike."""
    rng = torch.Generator().manual_seed(0)
    bright = torch.randint(200, 255, (28, 28), generator=rng, dtype=torch.uint8)
    near = bright.repeat(40, 1, 1)
    near.view(40, -1)[torch.arange(40), torch.arange(40)] += 1
    assert score.nearest(near, near)[1].tolist() == list(range(40))
    assert score.nearest(near, near)[0].tolist() == [0] * 40


def test_the_nearest_image_is_found(images):
    x = images.train_images[[7, 5_003]].clone()
    x[1, 0, 0] ^= 28  # 28 grey levels at one pixel of 784: a root mean square of one
    distance, row = score.nearest(x, images.train_images[:6000])
    assert row.tolist() == [7, 5_003]
    assert distance.tolist() == pytest.approx([0.0, 1.0], abs=0.05)


def test_the_nearest_image_is_found_wherever_a_block_begins(images):
    distance, row = score.nearest(images.train_images[[4_999, 5_000, 10_001]], images.train_images[:10_002])
    assert row.tolist() == [4_999, 5_000, 10_001] and distance.tolist() == [0, 0, 0]


def test_the_nearest_image_is_nearest_by_all_pixels():
    """One level off everywhere is a root mean square of 1; seven levels at one pixel of 784 are one of 1/4."""
    x = torch.full((1, 28, 28), 100, dtype=torch.uint8)
    brighter, darker, spotted = x + 1, x - 1, x.clone()
    spotted[0, 5, 5] += 7
    distance, row = score.nearest(x, torch.cat([brighter, darker, spotted]))
    assert (distance.item(), row.item()) == (0.25, 2)


@pytest.fixture
def few(images, monkeypatch):
    """450 training images, of which the last 150 are held out, and 200 to test with."""
    monkeypatch.setattr(classifier, "SEEN", 300)
    train, labels = images.train_images[:450], images.train_labels[:450]
    return replace(images, train_images=train, train_labels=labels, test_images=images.test_images[:200])


def test_the_report_holds_each_number_under_its_name(few, images):
    samples = images.test_images[1000:1110]
    for options, real in (((), few.test_images), ((True,), few.train_images[300:])):
        told, a, b = score.score(samples, few, *options), score.features(samples), score.features(real)
        precision, recall = score.precision_recall(a, b)
        apart = [(x.float() - few.train_images[:300]).square().mean(dim=(1, 2)).sqrt().min() for x in samples]
        shares = tuple(score.class_histogram(samples).tolist())
        assert told == score.Report(score.frechet(a, b), score.kid(a, b), precision, recall, shares, told.nearest)
        assert told.nearest == pytest.approx(float(torch.stack(apart).median())) and precision != recall


def test_baselines_are_what_their_names_say(few):
    found = score.baselines(few, n=201)
    assert all(x.dtype == torch.uint8 and x.shape == (201, 28, 28) for x in found.values())
    real, no_shirts, repeated, noisy, blurred, _, noise = found.values()
    seen, labels = few.train_images[:300], few.train_labels[:300]
    for x, classes in ((real, set(range(10))), (no_shirts, set(range(10)) - {6})):
        distance, row = score.nearest(x, seen)
        assert not distance.any() and set(labels[row].tolist()) == classes and len(row.unique()) > 100
    assert torch.equal(repeated, torch.cat([real[:100], real[:100], real[:1]]))
    grey = (real > 100) & (real < 155)  # far from black and white, where the noise is clipped
    error = (noisy[grey].double() - real[grey]) / 127.5
    assert error.mean().abs() < 0.02 and error.std() == pytest.approx(0.3, abs=0.02)
    x = real.double()
    mean = sum(x[:, i : i + 26, j : j + 26] for i in range(3) for j in range(3)) / 9
    assert (blurred[:, 1:-1, 1:-1] - mean).abs().max() < 0.51
    # a normal number is below -1 as often as above 1: 15.9 percent of the pixels are black, as many white
    assert [float((noise == v).double().mean()) for v in (0, 255)] == pytest.approx([0.16, 0.16], abs=0.01)
    assert score.floor(few, n=201).keys() < found.keys()


def test_baselines_come_again_with_their_seed(few):
    (first, again, other), (floor,) = (score.baselines(few, 150, s) for s in (0, 0, 1)), score.floor(few, 150).values()
    assert all(map(torch.equal, first.values(), again.values()))
    assert not any(map(torch.equal, first.values(), other.values()))
    assert torch.equal(floor, next(iter(first.values())))
    assert len(score.floor(few)["training images (the floor)"]) == 10_000


def test_the_gaussian_baseline_has_the_datas_first_64_components(few):
    """Of images of low contrast, so that nothing is clipped; rounding to bytes adds a variance of 1/12 a pixel."""
    calm = replace(few, train_images=112 + few.train_images // 8)
    x = calm.train_images[:300].double().flatten(1)
    made = score.baselines(calm, n=4000)["a Gaussian in the first 64 principal components"].double().flatten(1)
    assert (made.mean(0) - x.mean(0)).abs().max() < 1
    _, S, V = torch.linalg.svd(x - x.mean(0), full_matrices=False)
    along = ((made - made.mean(0)) @ V.T).var(0)
    expected = S.square() / 299
    assert along[:64].tolist() == pytest.approx((expected[:64] + 1 / 12).tolist(), rel=0.12)
    assert along[64:].max() < 0.2 < expected[64]


def test_worse_samples_score_worse(images):
    if images.is_stand_in:
        pytest.skip("the order is that of the real FashionMNIST, which is not here")
    found = {name: score.ffd(x) for name, x in score.baselines(images, n=2000).items()}
    floor, no_shirts, few, *poor = found.values()
    assert floor < no_shirts < few < min(poor)
    assert floor < 1


def test_even_training_images_do_not_score_zero(images):
    """The floor of FFD falls like 1/n: about 0.3 with 1,000 images, 0.04 with 10,000."""
    seen = score.features(images.train_images[:10_000])
    tested = score.features(images.test_images)
    assert 0.2 < score.frechet(seen[:1_000], tested) < 0.5
    assert 0.02 < score.frechet(seen, tested) < 0.08


def test_the_command_scores_a_file(images, tmp_path, capsys):
    file = tmp_path / "samples.npy"
    np.save(file, to_uint8(torch.rand(150, 1, 28, 28) * 2 - 1).numpy())
    assert cli.main(["score", str(file)]) == 0
    text = capsys.readouterr().out
    assert "150 samples against 10,000 test images" in text and "Trouser" in text
    assert cli.main(["score", str(file), "--json", "--held-out"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["samples.npy"]["ffd"] > told["training images (the floor)"]["ffd"]


def test_a_file_named_like_a_row_keeps_its_own_number(images, tmp_path, capsys, monkeypatch):
    def brightness(x, images, held_out):
        return score.Report(float(x.float().mean()), 0, 0, 0, (0.1,) * 10, 0)

    monkeypatch.setattr(score, "score", brightness)  # the real one takes a while
    (floor,) = score.floor(images, n=100)
    with (tmp_path / floor).open("wb") as file:
        np.save(file, np.full((100, 28, 28), 200, np.uint8))
    assert cli.main(["score", str(tmp_path / floor), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert list(told) == [f"{floor} (the file)", floor]
    assert told[f"{floor} (the file)"]["ffd"] == 200 and told[floor]["ffd"] < 100


def npy(shape, descr="|u1", body=b""):
    """A .npy file whose head says what we want it to."""
    head = f"{{'descr': {descr!r}, 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + len(head).to_bytes(2, "little") + head.encode() + body


def npz():
    file = io.BytesIO()
    np.savez(file, x=np.zeros((5, 28, 28), np.uint8))
    return file.getvalue()


def refusal(capsys, file):
    """The one sentence with which the command refuses a file."""
    with pytest.raises(SystemExit) as stopped:
        cli.main(["score", str(file)])
    out, err = capsys.readouterr()
    assert stopped.value.code == 2 and out == ""
    sentence, advice = err.splitlines()
    assert sentence.startswith("gan-tutorial score: ") and advice == "Try: gan-tutorial score --help"
    return sentence


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "is not a .npy file that can be read (it does not begin like one)"),
        (b"\x93NUMPY", "is not a .npy file"),
        (b"\x93NUMPY\x01\x00\xff\xff{'descr", "is not a .npy file"),
        (b"PK\x03\x04cut", "is not a .npy file that can be read (it does not begin like one)"),
        (b"import os\n" * 99, "is not a .npy file"),
        (npz()[:200], "is not a .npy file"),
        (npz(), "is not a .npy file that can be read (it does not begin like one)"),
        (b"\x80\x04N.", "is not a .npy file that can be read (it does not begin like one)"),
        (2 * npy("(5, 28, 28)", body=bytes(5 * 784)), "bytes after its array; save all images as one array, alone"),
        (npy("(5, 28, 28)", body=bytes(5 * 784 + 1)), "holds 1 bytes after its array"),
        (npy("(5, 28, 28)", body=bytes(4 * 784)), "is not a .npy file"),  # cut: the fifth is missing
        (npy("(1000000000000, 28, 28)", body=bytes(784)), "is not a .npy file"),  # more than any memory
        (npy("(1" + 30 * "0" + ", 28, 28)"), "is not a .npy file"),
        (npy("(-1, 28, 28)", body=bytes(784)), "is not a .npy file"),
        (npy(9000 * "("), "is not a .npy file"),
        (npy("(5, 28, 28)", "|O", body=bytes(784 * 40)), "is not a .npy file"),
        (npy("(5, 28, 28)", "<f8", body=bytes(784 * 40)), "it holds float64 (5, 28, 28)"),
        (npy("(5, 28)", body=bytes(140)), "it holds uint8 (5, 28)"),
        (npy("()", body=bytes(1)), "it holds uint8 ()"),
    ],
)
def test_the_command_refuses_other_files(body, says, tmp_path, capsys):
    file = tmp_path / "samples.npy"
    file.write_bytes(body)
    said = refusal(capsys, file)
    assert says in said and "allow_pickle" not in said


def test_the_command_refuses_more_than_there_is_memory_for(tmp_path, capsys, monkeypatch):
    file = tmp_path / "samples.npy"
    file.write_bytes(npy("(200000000, 28, 28)"))
    os.truncate(file, file.stat().st_size + 200_000_000 * 784)  # a file with a hole: it takes no room
    monkeypatch.setattr(machine, "memory", lambda: (10**9, 10**9))
    assert "holds 200,000,000 images, more than there is memory for; give fewer." in refusal(capsys, file)


def test_the_command_refuses_what_is_no_file(tmp_path, capsys):
    assert "there is no file" in refusal(capsys, tmp_path / "none.npy")
    assert "there is no file" in refusal(capsys, f"{tmp_path}/a\0b")
    assert "there is no file" in refusal(capsys, tmp_path / ("n" * 300))
    assert "is a folder" in refusal(capsys, tmp_path)
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")
        assert "there is no file" in refusal(capsys, tmp_path / "pipe")


def test_the_help_says_which_status_means_what(capsys):
    with pytest.raises(SystemExit):
        cli.main(["score", "--help"])
    said = " ".join(capsys.readouterr().out.split())
    assert "0 scored; 1 too few samples, or damaged data; 2 wrong usage, or SAMPLES.npy is no file that can be" in said


@pytest.mark.parametrize("n", [0, 1, 2, 3, 4, 99])
def test_the_command_says_when_there_are_too_few(n, tmp_path, capsys):
    file = tmp_path / "few.npy"
    np.save(file, np.zeros((n, 28, 28), np.uint8))
    assert cli.main(["score", str(file)]) == 1
    assert capsys.readouterr().err.endswith(f"few.npy: {n} samples are too few for a score; give at least 100.\n")


def test_the_command_says_when_the_data_are_damaged(tmp_path, capsys, monkeypatch):
    raw = tmp_path / files.RAW
    raw.mkdir(parents=True)
    for name in files.FILES:
        (raw / name).write_bytes(b"half")
    monkeypatch.setenv(files.VARIABLE, str(tmp_path))
    np.save(tmp_path / "samples.npy", np.zeros((100, 28, 28), np.uint8))
    assert cli.main(["score", str(tmp_path / "samples.npy")]) == 1
    out, err = capsys.readouterr()
    assert out == "" and err.startswith(f"gan-tutorial score: {raw / 'train-images-idx3-ubyte'} is damaged: ")
    assert err.count("\n") == 1
