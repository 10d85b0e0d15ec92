"""The runs of an ablation, in the order in which they are done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

ArmName = Literal["ce", "supcon", "expert", "shuffled"]

TITLES: dict[str, str] = {
    "ce": "cross-entropy",
    "supcon": "SupCon",
    "expert": "expert-guided",
    "shuffled": "shuffled table",
}

LAMBDAS = (0.0, 0.05, 0.1, 0.2, 0.5, 1.0)
TAUS = (0.05, 0.1, 0.2)
"""Half of, at, and twice our default temperature of 0.1 (as in pytorch-metric-learning;
Khosla et al. use 0.07, which lies between the first two)."""


@dataclass(frozen=True)
class Run:
    """One training of the ablation: an arm at one lambda and one temperature.

    Where lambda is 0 the temperature does not matter: such a run stands for all.
    """

    arm: ArmName
    lam: float
    tau: float

    @property
    def name(self) -> str:
        """As a file name."""
        return f"{self.arm}-l{self.lam:g}-t{self.tau:g}"

    @property
    def title(self) -> str:
        """For a person."""
        if self.arm == "ce":
            return TITLES["ce"]
        return f"{TITLES[self.arm]}, λ {self.lam:g}, τ {self.tau:g}"


def planned(
    lambdas: Sequence[float],
    taus: Sequence[float],
    primary: tuple[float, float],
    arms: Sequence[ArmName],
) -> tuple[Run, ...]:
    """Every run, the most telling first: a cancelled ablation then says most.

    Parameters
    ----------
    lambdas, taus
        The grid. SupCon at lambda 0 is cross-entropy, so it is not trained; the tables at
        lambda 0 are: their marks still steer the batches.
    primary
        Lambda and temperature of the comparison that was chosen beforehand; part of the
        grid whether it is named or not.
    arms
        Which arms beside cross-entropy.
    """
    lam0, tau0 = primary
    every_tau = sorted({*taus, tau0}, key=lambda t: (t != tau0, t))
    every_lam = sorted({*lambdas, lam0, 0.0}, key=lambda v: (v != lam0, v))
    runs = [Run("ce", 0.0, tau0)]
    for tau in every_tau:
        for lam in every_lam:
            for arm in arms:
                run = Run(arm, lam, tau)
                if lam == 0 and (arm == "supcon" or tau != tau0):
                    continue
                runs.append(run)
    return tuple(runs)
