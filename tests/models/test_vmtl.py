"""VMTL: priors find tasks of one truth, begin as N(0, 1), and are the closed forms they are said to be."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn
from torch.distributions import Independent, MixtureSameFamily, Normal, kl_divergence
from torch.distributions.categorical import Categorical
from torch.nn.functional import softplus

from models.heads import Decoder
from models.network import network
from models.recipe import Recipe, RecipeError
from models.sharing.gaussians import BayesianLinear, Gaussian, linear
from models.sharing.vmtl import VariationalMultiTask
from models.training import Training
from tests.models._schemes import TASKS, recipe_of
from tests.models.test_sharing import BATCH, TARGETS

FOUR = ("band_gap", "bulk_modulus", "shear_modulus", "fermi_energy")
INPUTS = 8


class Given(nn.Module):
    """Vectors for crystals: an encoder small enough that a run takes a second."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.steps = nn.Sequential(nn.Linear(INPUTS, width), nn.SiLU(), nn.Linear(width, width))

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        return self.steps(rows)


def gaussian(*shape: int) -> Gaussian:
    return Gaussian(torch.randn(shape), torch.rand(shape) + 0.1)


def net_of(**fields: object) -> VariationalMultiTask:
    return network(recipe_of("vmtl", **fields))


def planted(seed: int, twins: bool) -> list[np.ndarray]:
    """Mixing of features and of heads after 80 steps on four tasks, half of whose labels are missing.

    Truths look along orthogonal directions, save that with twins the first two are one.
    """
    draws = torch.Generator().manual_seed(1000 + seed)
    rows = torch.randn(256, INPUTS, generator=draws)
    along = torch.linalg.qr(torch.randn(INPUTS, INPUTS, generator=draws)).Q[:4] * 2
    along[1] = along[0] if twins else along[1]
    seen = rows @ along.T
    targets = torch.tanh(seen) + 0.3 * seen
    targets = (targets - targets.mean(dim=0)) / targets.std(dim=0)
    targets[torch.rand(targets.shape, generator=draws) < 0.5] = torch.nan
    fields = {"width": 16, "gnn_layers": 1, "batch_size": 64, "learning_rate": 2e-2, "epochs": 20}
    recipe = Recipe(FOUR, seed, sharing="vmtl", **fields)
    net = network(recipe)
    net.encoder = Given(recipe.width)
    training = Training(recipe, net, len(rows))
    while not training.over:
        for turn, picked in training.left():
            training.step(rows[picked], targets[picked], turn)
        training.close(None)
    return [structure.values for structure in net.structures()]


@pytest.mark.parametrize("seed", range(3))
def test_two_tasks_with_one_truth_find_each_other(seed: int) -> None:
    for mixing in planted(seed, twins=True):
        assert min(mixing[0, 1], mixing[1, 0]) > 0.55  # of three others; a third where nothing was learnt


def test_among_unrelated_tasks_weights_stay_spread() -> None:
    found = np.array([planted(seed, twins=False) for seed in range(3)])
    rows = found[~np.isnan(found)].reshape(-1, 3)
    entropy = -(rows * np.log(rows)).sum(axis=1) / np.log(3)  # 1 of equal weights; .3 of .94, .03, .03
    assert entropy.mean() > 0.8 and rows.max(axis=1).mean() < 0.6


def test_divergence_is_torchs_own() -> None:
    one, other = gaussian(3, 5), gaussian(3, 5)
    known = kl_divergence(Normal(one.mean, one.variance.sqrt()), Normal(other.mean, other.variance.sqrt()))
    torch.testing.assert_close(one.divergence(other), known)


def test_moments_of_a_mixture_are_torchs_own() -> None:
    parts, weights = gaussian(4, 6), torch.softmax(torch.randn(2, 4), dim=1)
    mixed = parts.mixed(weights)
    for row in range(2):
        each = Independent(Normal(parts.mean, parts.variance.sqrt()), 0)
        known = MixtureSameFamily(Categorical(weights[row].expand(6, 4)), Normal(each.mean.T, each.stddev.T))
        torch.testing.assert_close(mixed.mean[row], known.mean)
        torch.testing.assert_close(mixed.variance[row], known.variance)


def test_mixtures_are_exact_where_products_are_rounded() -> None:
    parts = Gaussian(10 + torch.randn(2, 50) / 100, torch.full((2, 50), 1e-3))
    plain = parts.mixed(torch.eye(2))
    with torch.autocast("cpu", torch.bfloat16):
        rounded = parts.mixed(torch.eye(2))
    torch.testing.assert_close(rounded.variance, plain.variance)
    torch.testing.assert_close(plain.variance, parts.variance, rtol=0.1, atol=0)


def test_moments_of_a_sum_are_those_of_independent_numbers() -> None:
    parts, weights = gaussian(3, 2), torch.softmax(torch.randn(1, 3), dim=1)
    drawn = Normal(parts.mean, parts.variance.sqrt()).sample((100_000,))
    summed = (drawn * weights[0].unsqueeze(1)).sum(dim=1)
    mixed = parts.mixed(weights, "sum")
    torch.testing.assert_close(mixed.mean[0], summed.mean(dim=0), atol=0.02, rtol=0)
    torch.testing.assert_close(mixed.variance[0], summed.var(dim=0), atol=0.02, rtol=0.02)


def test_what_a_bayesian_layer_tells_is_what_its_sampled_weights_tell() -> None:
    layer, rows = BayesianLinear(4, 2), torch.randn(3, 4)
    told = linear(rows.unsqueeze(0), Gaussian.stacked([layer.posterior]))
    weights = layer.posterior.at(torch.randn(50_000, 2, 5)).detach()
    sampled = torch.einsum("soi,ri->sro", weights[..., :-1], rows) + weights[:, None, :, -1]
    torch.testing.assert_close(told.mean[0], sampled.mean(dim=0), atol=0.01, rtol=0)
    torch.testing.assert_close(told.variance[0], sampled.var(dim=0), atol=1e-3, rtol=0.05)


def test_priors_are_standard_early_and_the_others_later() -> None:
    net = net_of()
    features, heads = gaussian(2, 7, 8), gaussian(2, 1, 9)
    for progress in (0.0, 0.05):
        net.at(progress)
        for prior in net.priors(features, heads):
            assert not prior.mean.any() and (prior.variance == 1).all()
    net.at(0.5)
    for prior, posterior in zip(net.priors(features, heads), (features, heads), strict=True):
        torch.testing.assert_close(prior.mean, posterior.mean.flip(0))  # of two tasks each has the other
        torch.testing.assert_close(prior.variance, posterior.variance.flip(0))


def test_matched_by_batch_the_prior_is_one_for_all_crystals() -> None:
    net = net_of(options=(("match", "batch"),))
    net.at(0.5)
    features = gaussian(2, 7, 8)
    prior, _ = net.priors(features, gaussian(2, 1, 9))
    assert prior.mean.shape == (2, 1, 8)
    torch.testing.assert_close(prior.mean[0, 0], features.mean[1].mean(dim=0))


def test_priors_teach_mixing_weights_and_not_the_tasks_they_are_made_of() -> None:
    net = net_of(tasks=(*TASKS, "shear_modulus"))
    net.at(0.5)
    with torch.no_grad():  # tasks begin alike, and then there is nothing to learn from one another
        for task, part in ((t, p) for p in (net.features, net.heads) for t in p):
            part[task].mean.add_(torch.randn_like(part[task].mean), alpha=0.1)
    targets = torch.cat([TARGETS[:, :1], torch.full((len(TARGETS), 2), torch.nan)], dim=1)
    net.losses(BATCH, targets, "l1")[2].backward()
    taught = {name for name, weight in net.named_parameters() if weight.grad is not None and weight.grad.any()}
    assert {"mixing.features", "mixing.heads", "features.band_gap.mean"} <= taught
    assert not [name for name in taught if "modulus" in name]


def test_costs_rise_and_the_temperature_falls() -> None:
    net, found = net_of(options=(("eta", 0.5), ("beta", 2.0))), []
    for progress in (0.0, 0.15, 0.3, 1.0):
        net.at(progress)
        found.append((net.eta, net.beta, net.temperature))
    assert found[0] == (0.0, 0.0, 1.0)
    np.testing.assert_allclose([eta for eta, _, _ in found], [0, 0.25, 0.5, 0.5])
    np.testing.assert_allclose([beta for _, beta, _ in found], [0, 1, 2, 2])
    assert found[3][2] == pytest.approx(0.5)


def test_a_heads_divergence_is_shared_by_all_labels_of_an_epoch() -> None:
    found = {}
    for per in ("label", "batch"):
        net = net_of(options=(("per", per), ("eta", 0.0), ("beta", 1.0)))
        net.turns(320)  # ten steps of 32 rows
        net.at(1.0)
        found[per] = net.losses(BATCH, TARGETS, "l1")[2].item()
    assert found["batch"] == pytest.approx(10 * found["label"], rel=1e-5)


def test_answers_are_the_means_and_nothing_is_drawn() -> None:
    net = net_of().train()
    before = torch.random.get_rng_state()
    first, vectors = net.heard(BATCH)
    hidden = softplus(net.features["band_gap"].mean @ torch.cat([softplus(vectors), torch.ones(len(vectors), 1)], 1).T)
    by_hand = net.heads["band_gap"].mean @ torch.cat([hidden, torch.ones(1, len(vectors))])
    torch.testing.assert_close(first[:, 0, 0], by_hand[0])
    assert torch.equal(torch.random.get_rng_state(), before)


def test_the_same_step_draws_the_same_noise_and_the_next_another() -> None:
    net, found = net_of(), []
    for progress in (0.5, 0.5, 0.6):
        net.at(progress)
        found.append(net.losses(BATCH, TARGETS, "l1")[0])
    assert torch.equal(found[0], found[1]) and not torch.equal(found[0], found[2])


def test_a_tasks_noise_is_its_own_whoever_else_is_there() -> None:
    two, three = net_of(), net_of(tasks=(*TASKS, "shear_modulus"))
    wider = torch.cat([TARGETS, TARGETS[:, :1]], dim=1)
    torch.testing.assert_close(
        three.losses(BATCH, wider, "l1")[0][:2], two.losses(BATCH, TARGETS, "l1")[0], atol=1e-6, rtol=1e-6
    )


def test_gumbel_noise_is_independent_along_a_row_and_in_no_favour() -> None:
    net, drawn = net_of(tasks=(*TASKS, "shear_modulus")), []
    for progress in np.linspace(0.2, 0.9, 400):
        net.at(float(progress))
        net.temperature = 1e-3  # weights are the favourite's
        drawn.append(torch.stack(net._weights(torch.device("cpu"))))
    chosen = torch.stack(drawn).mean(dim=0)  # of each pair how often it was
    known = (1 - torch.eye(3)) / 2
    torch.testing.assert_close(chosen, known.expand(2, 3, 3), atol=0.1, rtol=0)


def test_samples_are_a_mean_over_draws() -> None:
    once, often = (net_of(options=(("samples", n),)) for n in (1, 200))
    seen = []
    for progress in np.linspace(0, 1, 30):
        once.at(float(progress))
        seen.append(once.losses(BATCH, TARGETS, "l1")[0].detach())
    found = torch.stack(seen)
    error = found.std(dim=0) / len(seen) ** 0.5
    known = often.losses(BATCH, TARGETS, "l1")[0].detach()
    assert ((found.mean(dim=0) - known).abs() < 5 * error).all() and (error < 0.05).all()


def test_one_task_alone_is_variational_learning_under_the_standard_prior() -> None:
    net = net_of(tasks=TASKS[:1])
    net.at(1.0)
    losses, present, price = net.losses(BATCH, TARGETS[:, :1], "l1")
    for prior in net.priors(gaussian(1, 7, 8), gaussian(1, 1, 9)):
        assert not prior.mean.any() and (prior.variance == 1).all()
    assert present.all() and torch.isfinite(losses).all() and price.item() > 0
    assert net.structures() == []


def test_its_means_are_a_decoder_with_as_many_weights() -> None:
    recipe = recipe_of("vmtl", decoder_layers=2, decoders=(("bulk_modulus", 3, 8),))
    net = network(recipe)
    for task, layers in (("band_gap", 2), ("bulk_modulus", 3)):
        means = [net.features[task].mean, net.heads[task].mean, *net.before[task].parameters()]
        assert sum(w.numel() for w in means) == sum(w.numel() for w in Decoder(8, layers).parameters())
    assert net(BATCH).shape[1] == 2


def test_structures_say_who_listens_to_whom() -> None:
    features, heads = net_of(tasks=(*TASKS, "shear_modulus")).structures()
    assert (features.name, heads.name) == ("mixing of features", "mixing of heads")
    for structure in (features, heads):
        assert np.isnan(np.diag(structure.values)).all()
        np.testing.assert_allclose(np.nansum(structure.values, axis=1), 1)


def test_every_weight_learns_once_and_bayesian_ones_do_not_decay() -> None:
    net = net_of()
    groups = net.groups()
    assert sorted(id(w) for g in groups for w in g.parameters) == sorted(id(w) for w in net.parameters())
    decays = {id(w): g.weight_decay for g in groups for w in g.parameters}
    assert {decays[id(w)] for w in [*net.features.parameters(), *net.heads.parameters()]} == {0.0}
    assert {decays[id(w)] for w in net.encoder.parameters()} == {None}


@pytest.mark.parametrize(
    ("fields", "match"),
    [
        ({"options": (("per", "row"),)}, "per must be one of"),
        ({"options": (("samples", 0),)}, "samples must be 1 or more"),
        ({"options": (("cold", 2.0),)}, "temperatures"),
        ({"decoders": (("band_gap", 1, 16),)}, "8 wide"),
    ],
)
def test_what_it_cannot_do_is_refused_with_the_reason(fields: dict, match: str) -> None:
    with pytest.raises(RecipeError, match=match):
        net_of(**fields)
