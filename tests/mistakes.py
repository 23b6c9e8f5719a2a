"""Known mistakes of GAN code, each as a change of our package and the test that must notice it.

They are put in one at a time by `mutants.py`. A mistake that no test finds would be one that we could make ourselves.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Mistake:
    """In `file` of the package, `old` becomes `new`, and `test` fails; `old` is there exactly once.

    `seen`: where it was found, if that is known. `more`: further pairs of old and new text, for a mistake that needs a
    change in two places.
    """

    what: str
    file: str
    old: str
    new: str
    test: str
    seen: str = ""
    more: tuple[tuple[str, str], ...] = ()

    def changes(self) -> list[tuple[str, str]]:
        """All pairs of old and new text."""
        return [(self.old, self.new), *self.more]


OBJECTIVES, LOOP, NETWORKS = "game/objectives.py", "game/loop.py", "game/networks.py"
DENSITIES, DIVERGENCES, TRANSPORT = "truth/densities.py", "truth/divergences.py", "truth/transport.py"
CRITICS, SADDLE = "truth/critics.py", "truth/saddle.py"
DATA, SCORE, RECIPES = "clothes/data.py", "clothes/score.py", "clothes/recipes.py"

MINIMAX = "minimax = f_gan(lambda s: -softplus(-s), softplus)"
WASSERSTEIN = "    lambda s: -s, lambda s: s, lambda s: -s\n)"
RPGAN = "d_fake=lambda t: 0 * t, g_fake=lambda t: softplus(-t), paired=True)"
MIXING = "t = torch.rand(len(x), *[1] * (x.dim() - 1), device"
LOOKS_BETWEEN = "gradient_norm(D, torch.lerp(x, fake, t))"
SQUARES = "_wide(slope).flatten(1).square().sum(dim=1)"
GENERATES = "        fake = game.G(*_copies([game.latent(len(x)), *labels]))"
BOTH_IN_D = "    move(game.d_opt, loss)\n    if objective.project:\n        objective.project(game.D)\n"
OWN_RANDOMNESS = "                with game.own_randomness():\n                    return turn.take(game)"

MISTAKES = [
    # ---- Objectives: the losses of both players ----
    Mistake(
        "The 'original' loss of G is written -log D(G(z)), so there is no minimax game at all",
        OBJECTIVES, MINIMAX, f"minimax = fake_as_real({MINIMAX[10:]})",
        "game/test_objectives.py::test_g_gradients_at_a_score", "labml, mimicry",
    ),
    Mistake(
        "The sigmoid twice: D's loss takes probabilities for scores",
        OBJECTIVES, MINIMAX, "minimax = f_gan(lambda s: -softplus(-s.sigmoid()), lambda s: softplus(s.sigmoid()))",
        "game/test_objectives.py::test_best_response_and_value[minimax]",
    ),
    Mistake(
        "The non-saturating loss is the saturating one: G hears nothing while D rejects",
        OBJECTIVES, "non_saturating = fake_as_real(minimax)", "non_saturating = minimax",
        "game/test_objectives.py::test_g_gradients_at_a_score",
    ),
    Mistake(
        "D's labels are swapped: 0 for data, 1 for samples",
        OBJECTIVES, MINIMAX, "minimax = f_gan(lambda s: -softplus(s), lambda s: softplus(-s))",
        "game/test_objectives.py::test_d_is_asked_to_score_data_higher[minimax]",
    ),
    Mistake(
        "D(x) is clamped at 1e-5 before the logarithm, so that G's gradient is exactly 0 where D rejects",
        OBJECTIVES, MINIMAX,
        "minimax = f_gan(lambda s: s.sigmoid().clamp(1e-5, 1).log(), lambda s: -(-s).sigmoid().clamp(1e-5, 1).log())\n"
        "minimax = replace(minimax, g_fake=lambda s: (1 - s.sigmoid().clamp(1e-5, 1 - 1e-5)).log())",
        "game/test_objectives.py::test_minimax_never_falls_silent",
    ),
    Mistake(
        "log(D(x) + 1e-8) of a probability, where softplus of the score has all digits",
        OBJECTIVES, MINIMAX,
        "minimax = f_gan(lambda s: (s.sigmoid() + 1e-8).log(), lambda s: -(1 - s.sigmoid() + 1e-8).log())",
        "game/test_objectives.py::test_curves_of_any_float32_score_are_finite_and_right[minimax]", "haiku, mimicry",
    ),
    Mistake(
        "D's two losses are averaged instead of added: log 2 is taken for the even score, which is 2 log 2",
        OBJECTIVES, "return self.d_real(real).mean() + self.d_fake(fake).mean()",
        "return (self.d_real(real).mean() + self.d_fake(fake).mean()) / 2",
        "game/test_objectives.py::test_all_others_take_batches_of_unequal_size_and_no_notice_of_data_in_the_loss_of_g",
        "haiku (the line in the figure)",
    ),
    Mistake(
        "A loss is summed over the batch, so the gradient grows with the batch size",
        OBJECTIVES, "return self.g_fake(_wide(fake_score)).mean()", "return self.g_fake(_wide(fake_score)).sum()",
        "game/test_objectives.py::test_all_others_take_batches_of_unequal_size_and_no_notice_of_data_in_the_loss_of_g",
    ),
    Mistake(
        "G's Wasserstein loss has the sign of the critic's: both want samples to score low",
        OBJECTIVES, WASSERSTEIN, "    lambda s: -s, lambda s: s, lambda s: s\n)",
        "game/test_objectives.py::test_curves_are_finite_and_g_has_the_right_sign", "Zeleni9/pytorch-wgan #53",
    ),
    Mistake(
        "The critic's loss is maximised by an optimiser that minimises",
        OBJECTIVES, WASSERSTEIN, "    lambda s: s, lambda s: -s, lambda s: -s\n)",
        "game/test_objectives.py::test_d_is_asked_to_score_data_higher",
    ),
    Mistake(
        "The hinge loss is sold as the Wasserstein loss",
        OBJECTIVES, WASSERSTEIN, "    lambda s: relu(1 - s), lambda s: relu(1 + s), lambda s: -s\n)",
        "game/test_objectives.py::test_a_linear_curve_makes_the_paired_game_wasserstein", "labml",
    ),
    Mistake(
        "G's hinge loss has a hinge too, so samples that D likes get no gradient",
        OBJECTIVES, "lambda s: relu(1 + s), lambda s: -s)  # Lim & Ye",
        "lambda s: relu(1 + s), lambda s: relu(1 - s))  # Lim & Ye",
        "game/test_objectives.py::test_the_hinge_is_for_d_only",
    ),
    Mistake(
        "KL's conjugate is exp(t) instead of exp(t - 1)",
        OBJECTIVES, "kl = f_gan(lambda s: s, lambda s: bent_exp(s - 1))",
        "kl = f_gan(lambda s: s, lambda s: bent_exp(s))",
        "game/test_objectives.py::test_best_response_and_value",
    ),
    Mistake(
        "An f-GAN without its output activation: the conjugate is asked where it is not defined",
        OBJECTIVES, "reverse_kl = f_gan(lambda s: -bent_exp(-s), lambda s: s - 1)",
        "reverse_kl = f_gan(lambda s: s, lambda s: -1 - (-s).log())",
        "game/test_objectives.py::test_curves_are_finite_and_g_has_the_right_sign",
    ),
    Mistake(
        "Pearson's conjugate is t^2/4 + t everywhere: below t = -2 G's gradient changes its sign",
        OBJECTIVES, "relu(1 + s / 2).square() - 1)", "(1 + s / 2).square() - 1)",
        "game/test_objectives.py::test_curves_are_finite_and_g_has_the_right_sign", "the usual table of f-GANs",
    ),
    Mistake(
        "G raises the f-GAN bound that it should lower",
        OBJECTIVES, "g_fake=lambda s: -f_star_T(s))", "g_fake=f_star_T)",
        "game/test_objectives.py::test_one_step_generator_gradients_of_a_shift",
    ),
    Mistake(
        "exp of a score without a bound: one score of 89 ends a training with NaN",
        OBJECTIVES, "return inside.exp() * (1 + beyond + beyond.square() / 2)", "return s.exp()",
        "game/test_objectives.py::test_curves_of_any_float32_score_are_finite_and_right",
    ),
    Mistake(
        "The loss is computed in the half precision of the scores",
        OBJECTIVES, "return score.float() if score.dtype in (torch.float16, torch.bfloat16) else score", "return score",
        "game/test_objectives.py::test_losses_of_half_precision_scores",
    ),
    Mistake(
        "The best D is computed for q/p instead of p/q",
        OBJECTIVES, "return unit * r * real + unit * fake", "return unit * real + unit * r * fake",
        "game/test_objectives.py::test_best_response_and_value[minimax]",
    ),
    # ---- Pairs ----
    Mistake(
        "A relativistic loss that is not paired: D sees each score alone, as in any GAN",
        OBJECTIVES, RPGAN, "d_fake=softplus, g_fake=lambda t: softplus(-t))",
        "game/test_objectives.py::test_the_paired_losses_are_those_of_the_paper", "copies of R3GAN",
    ),
    Mistake(
        "Each score is compared with the mean of the others, not with its partner's",
        OBJECTIVES, "return real - fake, fake - real", "return real - fake.mean(), fake - real.mean()",
        "game/test_objectives.py::test_the_paired_losses_are_those_of_the_paper",
    ),
    Mistake(
        "G reads the difference of scores from D's side, and makes samples worse than data",
        OBJECTIVES, "self._read(_wide(real_score), _wide(fake_score))[1]",
        "self._read(_wide(real_score), _wide(fake_score))[0]",
        "game/test_objectives.py::test_each_curve_is_read_at_its_own_difference",
    ),
    Mistake(
        "In G's move the scores of data are computed with a gradient that nobody needs",
        LOOP, "        with torch.no_grad():\n            real_score",
        "        with torch.enable_grad():\n            real_score",
        "game/test_game.py::test_d_scores_data_in_the_move_of_g_without_a_gradient_and_only_for_pairs",
    ),
    # ---- Labels ----
    Mistake(
        "One-sided label smoothing is applied to both sides",
        OBJECTIVES, "return mix_labels(objective, eps, 0.0)", "return mix_labels(objective, eps, eps)",
        "game/test_objectives.py::test_smoothing_is_one_sided_and_flipping_is_two_sided", "labml",
    ),
    Mistake(
        "Smoothing multiplies the loss of data by 0.9 and forgets the other 0.1",
        OBJECTIVES, "(1 - alpha) * real(s) + alpha * fake(s)", "(1 - alpha) * real(s)",
        "game/test_objectives.py::test_mixed_labels_move_the_best_d",
    ),
    Mistake(
        "Data are called real with weight eps instead of 1 - eps",
        OBJECTIVES, "return mix_labels(objective, eps, 0.0)", "return mix_labels(objective, 1 - eps, 0.0)",
        "game/test_objectives.py::test_smoothing_is_one_sided_and_flipping_is_two_sided",
    ),
    # ---- Penalties and clipping ----
    Mistake(
        "The mixing weight of the penalty is normal, so it looks outside the segment",
        OBJECTIVES, MIXING, MIXING.replace("rand", "randn"),
        "game/test_objectives.py::test_mixing_weight_is_one_uniform_number_per_example", "keras-io #143",
    ),
    Mistake(
        "One mixing weight for the whole batch",
        OBJECTIVES, MIXING, MIXING.replace("len(x)", "1"),
        "game/test_objectives.py::test_mixing_weight_is_one_uniform_number_per_example",
    ),
    Mistake(
        "A mixing weight for each pixel: the penalty looks in a box, not on a segment",
        OBJECTIVES, MIXING, "t = torch.rand(x.shape, device",
        "game/test_objectives.py::test_mixing_weight_is_one_uniform_number_per_example", "PyTorch-GAN #5",
    ),
    Mistake(
        "x + t (x - G(z)): the penalty looks beyond the data, away from the samples",
        OBJECTIVES, LOOKS_BETWEEN, "gradient_norm(D, x + t * (x - fake))",
        "game/test_objectives.py::test_mixing_weight_is_one_uniform_number_per_example",
    ),
    Mistake(
        "The penalty looks at the data only",
        OBJECTIVES, LOOKS_BETWEEN, "gradient_norm(D, x)",
        "game/test_objectives.py::test_mixing_weight_is_one_uniform_number_per_example", "labml",
    ),
    Mistake(
        "One gradient norm of the whole batch instead of one per example",
        OBJECTIVES, SQUARES, "_wide(slope).square().sum().expand(len(u))",
        "game/test_objectives.py::test_norm_is_per_example", "torchgan",
    ),
    Mistake(
        "The gradient norm runs over channels only, one per pixel",
        OBJECTIVES, SQUARES, "_wide(slope).square().sum(dim=1).flatten(1).mean(dim=1)",
        "game/test_objectives.py::test_penalty_of_known_slopes", "Zeleni9/pytorch-wgan #40",
    ),
    Mistake(
        "(|grad D| - 1) without the square: steep and flat make up for each other",
        OBJECTIVES, "(relu(excess) if one_sided else excess).square().mean()",
        "(relu(excess) if one_sided else excess).mean()",
        "game/test_objectives.py::test_penalty_of_known_slopes",
    ),
    Mistake(
        "The penalty is one-sided where two sides are asked for",
        OBJECTIVES, "(relu(excess) if one_sided else excess)", "relu(excess)",
        "game/test_objectives.py::test_penalty_of_known_slopes",
    ),
    Mistake(
        "The root of the squared norm at 0: a flat D ends the training with NaN",
        OBJECTIVES, "return torch.where(flat, 0.0, torch.where(flat, 1.0, squared).sqrt())", "return squared.sqrt()",
        "game/test_objectives.py::test_no_nan_where_d_is_flat", "keras-io #910",
    ),
    Mistake(
        "No graph of the gradient (create_graph=False): the penalty is a number that teaches D nothing",
        OBJECTIVES, "create_graph=True", "create_graph=False",
        "game/test_objectives.py::test_second_backward_agrees_with_finite_differences",
    ),
    Mistake(
        "The weight of the penalty is forgotten",
        OBJECTIVES, "return weight * (relu(excess)", "return (relu(excess)",
        "game/test_objectives.py::test_penalty_of_known_slopes",
    ),
    Mistake(
        "The penalty is computed and never added to D's loss",
        LOOP, "        loss = loss + penalty\n", "",
        "game/test_game.py::test_the_penalty_is_part_of_the_loss_of_d", "pix2pix #1201",
    ),
    Mistake(
        "R1 with gamma where the paper has gamma/2",
        OBJECTIVES, "return gamma / 2 * squared_gradient_norm", "return gamma * squared_gradient_norm",
        "game/test_objectives.py::test_penalty_of_known_slopes", "GAN_stability's reg_param is gamma/2",
    ),
    Mistake(
        "R1 is the square root of itself: no curvature where D is flat",
        OBJECTIVES, "return gamma / 2 * squared_gradient_norm(D, x)", "return gamma / 2 * gradient_norm(D, x)",
        "game/test_objectives.py::test_r1_is_curved_where_d_is_flat",
    ),
    Mistake(
        "R2 looks at the data, as R1 does",
        OBJECTIVES, "return lambda D, x, fake: r1(D, fake, x)", "return lambda D, x, fake: r1(D, x, fake)",
        "game/test_objectives.py::test_r1_looks_at_the_data_and_r2_at_the_samples",
    ),
    Mistake(
        "Matrices are clipped and biases are not",
        OBJECTIVES, "if w.requires_grad:  # frozen", "if w.requires_grad and w.dim() > 1:  # frozen",
        "game/test_game.py::test_every_objective_trains[wgan]",
    ),
    Mistake(
        "Weights are clipped before the step, which takes them out again",
        LOOP, BOTH_IN_D,
        "    if objective.project:\n        objective.project(game.D)\n"
        "        loss = objective.d_loss(game.D(x), game.D(fake))\n    move(game.d_opt, loss)\n",
        "game/test_game.py::test_every_objective_trains[wgan]", "WassersteinGAN #50",
    ),
    # ---- The loop ----
    Mistake(
        "No detach: D's step computes gradients in G",
        LOOP, f"    with torch.no_grad():\n{GENERATES}", f"    with torch.enable_grad():\n{GENERATES}",
        "game/test_game.py::test_each_move_changes_one_player_only", "a question under every tutorial",
        more=(("loss.backward(inputs=weights)", "loss.backward()"),),
    ),
    Mistake(
        "G's step moves D too, in G's favour: one optimiser for all weights",
        LOOP, "    with _fixed(game.d_opt, but=game.g_opt):\n        score",
        "    with torch.enable_grad():\n        score",
        "game/test_game.py::test_each_move_changes_one_player_only",
        more=((
            "    move(game.g_opt, loss)\n",
            "    game.d_opt.zero_grad()\n    game.g_opt.zero_grad()\n    loss.backward()\n    game.d_opt.step()\n"
            "    game.g_opt.step()\n",
        ),),
    ),
    Mistake(
        "Gradients are not set to zero before a step",
        LOOP, "    opt.zero_grad()\n    weights = [", "    weights = [",
        "game/test_game.py::test_one_step_equals_algorithm_1_by_hand",
    ),
    Mistake(
        "Gradients are set to zero after one's own move, so D's step holds what G's move has left there",
        LOOP, "    opt.zero_grad()\n    weights = [", "    weights = [",
        "game/test_game.py::test_one_step_equals_algorithm_1_by_hand",
        more=(("    opt.step()\n    torch.clear", "    opt.step()\n    opt.zero_grad()\n    torch.clear"),
              ("loss.backward(inputs=weights)", "loss.backward()"),
              ("    with _fixed(game.d_opt, but=game.g_opt):\n        score",
               "    with torch.enable_grad():\n        score")),
    ),
    Mistake(
        "D moves once more than it was told to",
        LOOP, "for _ in range(d_steps):", "for _ in range(d_steps + 1):",
        "game/test_game.py::test_each_d_move_sees_fresh_data_and_g_moves_once",
    ),
    Mistake(
        "All moves of D in a step see the same batch",
        LOOP, "    for _ in range(d_steps):\n        x, *labels = game.batch(batch_size)\n",
        "    x, *labels = game.batch(batch_size)\n    for _ in range(d_steps):\n",
        "game/test_game.py::test_each_d_move_sees_fresh_data_and_g_moves_once", "an example of torch-fidelity",
    ),
    Mistake(
        "G moves on the noise that D was just trained on",
        LOOP, GENERATES, f"        game.z = game.latent(len(x))\n{GENERATES.replace('game.latent(len(x))', 'game.z')}",
        "game/test_game.py::test_one_step_equals_algorithm_1_by_hand", "the DCGAN tutorial of PyTorch",
        more=(("[game.latent(n), *labels]", "[game.z, *labels]"),),
    ),
    Mistake(
        "A last, smaller batch of data meets a whole batch of samples",
        LOOP, "g_move(game, objective, len(x), *labels, x=x)", "g_move(game, objective, batch_size, *labels, x=x)",
        "game/test_game.py::test_batches_may_have_any_size_but_none",
    ),
    Mistake(
        "Adam keeps its default momentum of 0.9",
        LOOP, "betas: tuple[float, float] = (0.5, 0.999)", "betas: tuple[float, float] = (0.9, 0.999)",
        "game/test_game.py::test_one_step_equals_algorithm_1_by_hand",
    ),
    Mistake(
        "Both players get D's step size",
        LOOP, "Adam(G.parameters(), lr=g_lr, betas", "Adam(G.parameters(), lr=d_lr, betas",
        "game/test_game.py::test_each_player_has_its_own_step_size",
    ),
    Mistake(
        "Training draws from the random numbers of whoever watches it: a figure changes the result",
        LOOP, OWN_RANDOMNESS, "                return turn.take(game)",
        "game/test_game.py::test_training_and_the_caller_do_not_share_random_numbers",
    ),
    Mistake(
        "To build a game sets the seed of everybody else",
        LOOP, "with _stream, torch.random.fork_rng(self._cuda_devices()):", "with _stream:",
        "game/test_game.py::test_a_new_game_leaves_the_callers_random_numbers_alone",
    ),
    # ---- Average, samples, checkpoints ----
    Mistake(
        "The decay of the average is swapped with its weight: it follows G at once",
        LOOP, "return 1 - min(game.ema_decay", "return min(game.ema_decay",
        "game/test_game.py::test_average_follows_the_formula",
    ),
    Mistake(
        "The average shares its weights with G, so it is G",
        LOOP, "        self.ema = deepcopy(self.G).requires_grad_(False).eval()\n",
        "        self.ema = deepcopy(self.G).requires_grad_(False).eval()\n"
        "        self.ema.load_state_dict(self.G.state_dict(), assign=True)\n",
        "game/test_game.py::test_average_follows_the_formula",
    ),
    Mistake(
        "The average takes no buffers: batch norm keeps the statistics of the first day",
        LOOP, "average.copy_(now)  # batch", "pass  # batch",
        "game/test_game.py::test_average_copies_batch_norms_statistics",
    ),
    Mistake(
        "An average is kept, and pictures are drawn from G all the same",
        LOOP, "ema: bool = True, batch_size", "ema: bool = False, batch_size",
        "game/test_game.py::test_samples_are_those_of_the_average_unless_g_is_asked_for",
    ),
    Mistake(
        "Pictures are drawn in training mode: each depends on the others of its batch, and they change G",
        LOOP, "        G.eval()\n        try:", "        try:",
        "game/test_game.py::test_samples_are_drawn_one_by_one_and_change_nothing",
    ),
    Mistake(
        "After a look at pictures G stays in evaluation mode",
        LOOP, "module.training = training", "pass",
        "game/test_game.py::test_samples_are_drawn_one_by_one_and_change_nothing",
    ),
    Mistake(
        "A checkpoint brings back the networks and not the optimisers",
        LOOP, "        for name in _PARTS:\n            getattr(self, name).load",
        "        for name in _PARTS[:3]:\n            getattr(self, name).load",
        "game/test_game.py::test_interrupted_and_resumed_equals_uninterrupted[points-non_saturating]",
    ),
    Mistake(
        "A checkpoint does not bring back the random numbers",
        LOOP, 'self.step, self.rng = state["step"], state["rng"]', 'self.step = state["step"]',
        "game/test_game.py::test_interrupted_and_resumed_equals_uninterrupted[points-non_saturating]",
    ),
    Mistake(
        "A good state is kept by reference, and trains on",
        LOOP, "return deepcopy(self._state())", "return self._state()",
        "game/test_game.py::test_a_state_is_a_copy", "'best model' of many training loops",
    ),
    Mistake(
        "A checkpoint may bring code, which runs when it is loaded",
        LOOP, "weights_only=True", "weights_only=False",
        "game/test_game.py::test_wrong_files_say_so_and_change_nothing", "torch.load before PyTorch 2.6",
    ),
    # ---- Networks ----
    Mistake(
        "Batch norm in a critic whose gradient is penalised",
        NETWORKS, "mlp([784, *hidden], _leaky)", "mlp([784, *hidden], _leaky, norm=True)",
        "game/test_game.py::test_networks_shapes_labels_and_training[MLPGenerator-MLPDiscriminator-0]", "many WGAN-GPs",
    ),
    Mistake(
        "BatchNorm(n, 0.8): the 0.8 goes to eps, not to momentum",
        NETWORKS, "nn.BatchNorm1d(n_out)", "nn.BatchNorm1d(n_out, 0.8)",
        "game/test_networks.py::test_batch_norm_makes_the_spread_one", "PyTorch-GAN #116, 49 times",
    ),
    Mistake(
        "A sigmoid at the end of a critic",
        NETWORKS, "        return score\n", "        return score.sigmoid()\n",
        "game/test_networks.py::test_a_score_is_any_real_number", "a textbook's WGAN",
    ),
    Mistake(
        "G ends in a sigmoid while data are in [-1, 1]",
        NETWORKS, "nn.Tanh(),\n            ),\n        )\n", "nn.Sigmoid(),\n            ),\n        )\n",
        "game/test_networks.py::test_pictures_reach_black_and_white",
    ),
    Mistake(
        "D's label adds a number of its own, whatever the picture shows",
        NETWORKS, "score = score + (self.by_class(label) * h).sum(dim=1)",
        "score = score + self.by_class(label).sum(dim=1)",
        "game/test_networks.py::test_a_label_is_judged_together_with_the_picture",
    ),
    # ---- Data and noise ----
    Mistake(
        "Data are scaled to [0, 1] and samples to [-1, 1]",
        DATA, "return (images.to(torch.float32) / 127.5).sub_(1).unsqueeze(1)",
        "return (images.to(torch.float32) / 255).unsqueeze(1)",
        "clothes/test_data.py::test_bytes_and_unit_interval_are_inverse",
    ),
    Mistake(
        "Samples in [-1, 1] are scored as if they were in [0, 1]",
        DATA, "return x.detach().float().add(1).mul_(127.5)", "return x.detach().float().mul(255)",
        "clothes/test_data.py::test_bytes_and_unit_interval_are_inverse",
    ),
    Mistake(
        "A new loader in each step: always the first images",
        DATA, "index = torch.randint(len(self), (n,), device=self.images.device)",
        "index = torch.arange(n, device=self.images.device) % len(self)",
        "clothes/test_data.py::test_sampler_draws_images_with_their_labels", "tomsercu (iter in the loop)",
    ),
    Mistake(
        "Images and labels are shuffled apart",
        DATA, "self.labels.index_select(0, index)", "self.labels.index_select(0, index.flip(0))",
        "clothes/test_data.py::test_sampler_draws_images_with_their_labels",
    ),
    Mistake(
        "Noise is uniform (rand for randn)",
        DENSITIES, "return torch.randn(n, self.dim, device=self.device)",
        "return torch.rand(n, self.dim, device=self.device)",
        "truth/test_densities.py::test_latent_and_as_data_shapes",
    ),
    Mistake(
        "The same noise in each step",
        DENSITIES, "return torch.randn(n, self.dim, device=self.device)",
        "return torch.randn(n, self.dim, generator=torch.Generator().manual_seed(0))",
        "truth/test_densities.py::test_each_latent_is_a_new_one",
    ),
    Mistake(
        "The seed is set after the networks were made",
        RECIPES, "        torch.manual_seed(seed)\n        G, D = nets.G().to(device), nets.D().to(device)\n",
        "        G, D = nets.G().to(device), nets.D().to(device)\n        torch.manual_seed(seed)\n",
        "clothes/test_recipes.py::test_the_seed_decides_the_weights_and_nothing_outside",
    ),
    # ---- Densities and divergences ----
    Mistake(
        "A ring of 8 from linspace(0, 2 pi, 8) has 7 modes",
        DENSITIES, "angle = 2 * math.pi * mode / self.modes", "angle = 2 * math.pi * mode / (self.modes - 1)",
        "truth/test_densities.py::test_ring_has_as_many_different_modes_as_it_says", "poolio",
    ),
    Mistake(
        "A mode counts as found by whatever is nearest to it, however far",
        DENSITIES, "nearest[distance <= within * self.sd]", "nearest",
        "truth/test_densities.py::test_modes_hit_does_not_count_the_empty_middle",
    ),
    Mistake(
        "Modes are counted within three variances, not three standard deviations",
        DENSITIES, "distance <= within * self.sd]", "distance <= within * self.sd**2]",
        "truth/test_densities.py::test_within_three_sd_is_98_889_percent_in_the_plane",
    ),
    Mistake(
        "The likelihood without log sd: a wider Gaussian costs nothing",
        DENSITIES, ".square() - sd.log() - 0.5 * LOG_2_PI", ".square() - 0.5 * LOG_2_PI",
        "truth/test_densities.py::test_on_the_line_the_mass_is_one_and_cdf_is_the_integral",
    ),
    Mistake(
        "A mixture as a weighted sum of random numbers",
        DENSITIES, "x, below = torch.where(chosen, part.sample(n, generator, device), x), below + w",
        "x, below = x + w * part.sample(n, generator, device), below + w",
        "truth/test_densities.py::test_on_the_line_samples_follow_the_cdf",
    ),
    Mistake(
        "log(sum(exp)) without care: -inf far from all modes",
        DENSITIES, "for w, part in pairs if w > 0]).logsumexp(0)", "for w, part in pairs if w > 0]).exp().sum(0).log()",
        "truth/test_densities.py::test_log_prob_is_differentiable_in_x_and_finite_far_away",
    ),
    Mistake(
        "KL(q || p) is called KL(p || q)",
        DIVERGENCES, "_times(lp, lp - lq), p, q)", "_times(lq, lq - lp), p, q)",
        "truth/test_divergences.py::test_kl_is_infinite_in_one_direction_only",
    ),
    Mistake(
        "Jensen-Shannon without the half",
        DIVERGENCES, "_times(lq, LOG_2 + logsigmoid(-a))) / 2", "_times(lq, LOG_2 + logsigmoid(-a)))",
        "truth/test_divergences.py::test_two_normals_one_shift_apart", "the f-GAN paper's name for twice of it",
    ),
    Mistake(
        "Pearson's divergence divides by p",
        DIVERGENCES, "(2 * larger - lq).exp()", "(2 * larger - lp).exp()",
        "truth/test_divergences.py::test_pearson_is_finite_exactly_if_the_tails_of_p_are_light_enough",
        "a printed row of the f-GAN paper",
    ),
    Mistake(
        "D* = q / (p + q)",
        DIVERGENCES, "torch.sigmoid(p.log_prob(x) - q.log_prob(x))", "torch.sigmoid(q.log_prob(x) - p.log_prob(x))",
        "truth/test_divergences.py::test_optimal_discriminator_is_p_over_p_plus_q_and_survives_the_tails",
    ),
    Mistake(
        "The area between two densities is taken for W1, which needs their cumulative functions",
        DIVERGENCES, "return p.cdf(x) - q.cdf(x)", "return p.log_prob(x).exp() - q.log_prob(x).exp()",
        "truth/test_divergences.py::test_two_normals_one_shift_apart",
    ),
    # ---- Transport and best critics ----
    Mistake(
        "W1 of two samples as they come, not sorted",
        DIVERGENCES, "_w1_of_sorted(x.flatten().sort().values, y.flatten().sort().values)",
        "_w1_of_sorted(x.flatten(), y.flatten())",
        "truth/test_divergences.py::test_empirical_w1_on_the_line_agrees_with_scipy",
    ),
    Mistake(
        "The mean squared way is called W1",
        DIVERGENCES, "return (x - y).abs().mean()", "return (x - y).square().mean()",
        "truth/test_divergences.py::test_empirical_w1_on_the_line_agrees_with_scipy",
    ),
    Mistake(
        "The blurred plan of Sinkhorn passes for the cheapest one",
        TRANSPORT, "plan, found = ot.emd(*shares, ways, numItermax=MOVES, log=True)\n",
        "_, found = ot.emd(*shares, ways, numItermax=MOVES, log=True)\n    plan = ot.sinkhorn(*shares, ways, 0.1)\n",
        "truth/test_transport.py::test_plan_and_potential",
    ),
    Mistake(
        "Masses are not divided by their sum, and the solver's tolerances are absolute",
        TRANSPORT, "(a / total).numpy(), (b / other).numpy()", "a.numpy(), b.numpy()",
        "truth/test_transport.py::test_units_do_not_matter",
    ),
    Mistake(
        "The dual potential has the other sign: the critic likes the samples",
        TRANSPORT, '-length * torch.from_numpy(found["v"])', 'length * torch.from_numpy(found["v"])',
        "truth/test_transport.py::test_plan_and_potential",
    ),
    Mistake(
        "A penalised critic's score difference is read as W1, as if the penalty cost nothing",
        CRITICS, "return w1(p, q) + 2 * toll(p, q, weight)", "return w1(p, q)",
        "truth/test_critics.py::test_toll_agrees_with_a_plain_sum",
    ),
    # ---- Saddles ----
    Mistake(
        "Alternating steps that look only once are simultaneous steps",
        SADDLE, "return moved + eta * field(moved) * [0, 1], NOTHING",
        "return moved + eta * field(w) * [0, 1], NOTHING",
        "truth/test_saddle.py::test_predicted_growth_is_the_closed_form",
    ),
    Mistake(
        "Extragradient does not go back before it steps",
        SADDLE, "return w + eta * field(w + eta * field(w)), NOTHING",
        "return w + eta * field(w) + eta * field(w + eta * field(w)), NOTHING",
        "truth/test_saddle.py::test_predicted_growth_is_the_closed_form",
    ),
    Mistake(
        "The optimistic step looks back instead of ahead",
        SADDLE, "eta * (2 * now - memory), now", "eta * (2 * memory - now), now",
        "truth/test_saddle.py::test_predicted_growth_is_the_closed_form",
    ),
    Mistake(
        "The penalty pushes D's slope up: friction of the wrong sign",
        SADDLE, ".sum() + gamma / 2 * psi.square().sum()", ".sum() - gamma / 2 * psi.square().sum()",
        "truth/test_saddle.py::test_dirac_eigenvalues_are_those_of_the_paper",
    ),
    Mistake(
        "A game's Jacobian is made symmetric, like a Hessian: no path can turn",
        SADDLE, "return torch.stack(rows).detach()", "return (torch.stack(rows) + torch.stack(rows).T).detach() / 2",
        "truth/test_saddle.py::test_dirac_eigenvalues_are_those_of_the_paper",
    ),
    Mistake(
        "Growth is read from the real part of an eigenvalue, not from its size",
        SADDLE, "np.abs(np.linalg.eigvals(step_matrix(rule, eta, J))).max()",
        "np.linalg.eigvals(step_matrix(rule, eta, J)).real.max()",
        "truth/test_saddle.py::test_predicted_growth_is_the_closed_form",
    ),
    # ---- The score ----
    Mistake(
        "Covariances divided by n in one place and by n - 1 in the other",
        SCORE, "cloud.T.cov()) for cloud", "cloud.T.cov(correction=0)) for cloud",
        "clothes/test_score.py::test_frechet_of_two_gaussians_on_the_line",
    ),
    Mistake(
        "A Fréchet distance from a handful of samples",
        SCORE, '_clouds(a, b, FEWEST, "a covariance")', '_clouds(a, b, 2, "a covariance")',
        "clothes/test_score.py::test_frechet_needs_enough_samples",
    ),
    Mistake(
        "The root of a matrix, entry by entry",
        SCORE, "root = V * w.clamp(min=0).sqrt() @ V.T", "root = S1.clamp(min=0).sqrt()",
        "clothes/test_score.py::test_frechet_agrees_with_torch_fidelity",
    ),
    Mistake(
        "KID with each sample compared with itself: biased",
        SCORE, "        if not same:\n            return", "        if True:\n            return",
        "clothes/test_score.py::test_kid_is_zero_on_average_for_equal_laws",
    ),
    Mistake(
        "Precision and recall are swapped",
        SCORE, "share_inside(samples, real, _reach(real, k)), share_inside(real, samples, _reach(samples, k))",
        "share_inside(real, samples, _reach(samples, k)), share_inside(samples, real, _reach(real, k))",
        "clothes/test_score.py::test_precision_and_recall_tell_a_lost_mode_from_a_false_one",
    ),
    Mistake(
        "The nearest neighbour of a point is the point itself",
        SCORE, "kthvalue(k + 1, dim=1)", "kthvalue(k, dim=1)",
        "clothes/test_score.py::test_precision_and_recall_agree_with_torch_fidelity",
    ),
    Mistake(
        "Settings are chosen by the very images that the result is reported on",
        SCORE, "features(reference(images, held_out))", "features(reference(images))",
        "clothes/test_score.py::test_the_report_holds_each_number_under_its_name",
    ),
]
