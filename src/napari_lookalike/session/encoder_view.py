"""What the Embedding panel says of an encoder: from its state to words."""

from __future__ import annotations

from dataclasses import dataclass

from napari_lookalike.core.encoders.availability import EncoderState

GATE = "Gated: ask for access first."
INHERITED = "Models trained on its features fall under its licence too."


@dataclass(frozen=True)
class EncoderText:
    """What is shown of an encoder.

    Parameters
    ----------
    status
        Whether it can be used, in a sentence.
    ready
        Whether it can.
    facts
        What it is, sentence by sentence.
    cautions
        What to be careful with: terms, and what could not be verified.
    steps
        How to bring its weights in; empty where nothing has to be brought in.
    path
        Where a weight file would be put; empty where there is none.
    takes_weights
        Whether a file or a folder can be chosen for it.
    """

    status: str
    ready: bool
    facts: tuple[str, ...]
    cautions: tuple[str, ...]
    steps: tuple[str, ...]
    path: str
    takes_weights: bool


def describe_encoder(state: EncoderState, chosen: bool = False) -> EncoderText:
    """The words for an encoder.

    Parameters
    ----------
    state
        Of this machine.
    chosen
        Whether the user chose a weight file for it in this project.
    """
    takes = state.loader not in ("builtin", "import")
    status, ready = _status(state, chosen and takes)
    facts = [state.note] if state.note and state.loader != "import" else []
    facts.append(
        f"Tiles of {state.tile_px} px at {state.mpp:g} µm per pixel; {state.dim} numbers a tile."
    )
    facts.append(f"Licence: {state.licence}." + (f" {GATE}" if state.gated else ""))
    told = "inherits" in state.note
    cautions = [INHERITED] if state.derived_heads and not told else []
    if state.doubt:
        cautions.append(f"Not verified by us: {state.doubt}")
    return EncoderText(
        status=status,
        ready=ready,
        facts=tuple(facts),
        cautions=tuple(cautions),
        steps=() if ready or not takes else state.steps,
        path=state.copyable if takes and not ready else "",
        takes_weights=takes,
    )


def _status(state: EncoderState, chosen: bool) -> tuple[str, bool]:
    if state.loader == "builtin":
        return "Ready: it ships with the program.", True
    if state.loader == "import":
        return state.remedy, False
    if chosen:
        return "Ready: a weight file was chosen.", True
    if state.usable:
        size = f" ({state.size})" if state.size else ""
        return f"Ready: its weights are here{size}.", True
    if state.found:  # the weights are here, and something else is not
        return state.remedy, False
    size = f" ({state.size})" if state.size else ""
    return f"Its weights are not on this computer{size}.", False
