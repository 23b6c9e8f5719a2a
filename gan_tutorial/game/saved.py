"""A saved state against the networks and optimisers that are to take it over: copied if it fits, else refused.

Nothing here changes what it is compared with.  That a moment has the shape of its weight is more than a courtesy:
torch's fused optimisers do not look, and write where nothing is theirs.
"""

import math
from copy import deepcopy

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Optimizer


def network(name: str, net: nn.Module, saved: dict) -> dict:
    """A copy of the saved state of a network, if it has this one's names, shapes and types; else ValueError."""
    mine = net.state_dict()
    odd = [key for key in mine.keys() | saved.keys() if not _alike(mine.get(key), saved.get(key))]
    if odd:
        raise ValueError(
            f"The saved {name} is another network than this game's (first difference: {min(odd, key=str)}), so nothing "
            "was loaded; build the game with the networks it was saved with."
        )
    if not sound(net, saved):
        raise ValueError(
            f"The saved {name} holds NaN or infinite weights, or statistics of batch norm that cannot be, so nothing "
            "was loaded; take an older file."
        )
    return deepcopy(saved)


def sound(net: nn.Module, state: dict) -> bool:
    """Whether these can be the numbers of a network: finite weights, and finite statistics whose variance is >= 0."""
    weights = {key for key, _ in net.named_parameters()}
    for key, value in state.items():
        if isinstance(value, Tensor):
            finite = key in weights or "running_" in key  # other buffers may be infinite: a mask, say
            if not (value.isfinite() if finite else ~value.isnan()).all():
                return False
            if key.endswith("running_var") and (value < 0).any():
                return False
    return True


def plain(state: dict) -> dict:
    """An optimiser's state, its options in Python's numbers: numpy's, as schedules make them, no file gives back."""
    groups = [{key: _plain(value) for key, value in group.items()} for group in state["param_groups"]]
    return state | {"param_groups": groups}


def _plain(value: object) -> object:
    if type(value) in (tuple, list):
        return type(value)(map(_plain, value))
    return value.item() if isinstance(value, np.generic) else value


def optimiser(name: str, opt: Optimizer, saved: dict) -> dict:
    """A copy of the saved state of an optimiser, if it could be this one's after some steps; else ValueError.

    What it could be is tried: a copy takes over the saved options and makes a step. (An optimiser that cannot be
    copied, or not make a step by itself, is compared with its weights alone.)
    """

    def need(it: bool, what: object) -> None:
        if not it:
            raise ValueError(
                f"The saved {name} is not the state of this game's {type(opt).__name__} (first difference: {what}), so "
                "nothing was loaded; build the game with the optimisers it was saved with."
            )

    saved = plain(saved)
    mine, groups, moments = plain(opt.state_dict()), saved["param_groups"], saved["state"]
    need(len(groups) == len(mine["param_groups"]), "param_groups")
    for ours, theirs in zip(mine["param_groups"], groups, strict=True):
        need(theirs["params"] == ours["params"], "params")
        for key in opt.defaults.keys() - theirs.keys():
            need(False, key)
        for key in theirs.keys() - ours.keys():
            need(type(theirs[key]) in (int, float), key)  # a schedule leaves numbers of its own, like initial_lr
        # Torch looks at these only where an optimiser is made.
        need(0 <= theirs.get("lr", 0) < math.inf, "lr")  # 0 is where many a schedule ends
        need(all(0 <= beta < 1 for beta in theirs.get("betas", ())), "betas")
        need(theirs.get("maximize") == ours.get("maximize"), "maximize")
    weights, copies = [w for group in opt.param_groups for w in group["params"]], {}
    made = _after_a_step(opt, groups)
    if made is None:
        need(_after_a_step(opt, mine["param_groups"]) is None, "options")
        made = {}
    need(moments.keys() <= set(range(len(weights))) | made.keys(), "state")
    for i, theirs in moments.items():
        ours = made.get(i, {})
        need(not theirs or ours.keys() <= theirs.keys(), min(ours.keys() - theirs.keys(), default=""))
        copies[i] = {}
        for key, value in theirs.items():
            # What the options of the day do not ask for may be there all the same: momentum that was turned off.
            like = ours.get(key, weights[i] if isinstance(value, Tensor) and value.ndim else value)
            need(_alike(like, value), key)
            if isinstance(value, Tensor):
                positive = key == "step" or "sq" in key  # exp_avg_sq, square_avg: means of squares
                need(value.isfinite().all() and not (positive and (value < 0).any()), key)
                # In memory laid out like mine: strides in a file may reach beyond its numbers.
                value = torch.empty_like(like).copy_(value)
            copies[i][key] = deepcopy(value)
    return {"state": copies, "param_groups": deepcopy(groups)}


def _after_a_step(opt: Optimizer, groups: list[dict]) -> dict | None:
    """The moments that a copy of this optimiser has after a step with these options; None if it cannot make one."""
    try:
        trial = deepcopy(opt)
        trial.load_state_dict({"state": {}, "param_groups": deepcopy(groups)})
        for group in trial.param_groups:
            for w in group["params"]:
                w.grad = torch.ones_like(w)
        trial.step()
        return trial.state_dict()["state"]
    except Exception:
        return None


def _alike(mine: object, theirs: object) -> bool:
    """Whether one can take the place of the other: tensors of one shape and type, or values of one type."""
    if not isinstance(mine, Tensor):
        return type(mine) is type(theirs)
    if not isinstance(theirs, Tensor) or theirs.is_meta:
        return False
    return (mine.shape, mine.dtype, mine.layout) == (theirs.shape, theirs.dtype, theirs.layout)
