"""``doctor``: what is here, what is missing, and how to mend it."""

from __future__ import annotations

from typing import Annotated

import typer

from napari_lookalike.cli.console import Json, out, print_json, table
from napari_lookalike.core.doctor import DoctorReport, doctor_report
from napari_lookalike.core.encoders import encoder_spec
from napari_lookalike.core.encoders.availability import EncoderState, encoder_state

DETAILS = "napari-lookalike doctor --encoder NAME tells how to bring one in."


def doctor(
    encoder: Annotated[
        str | None, typer.Option(help="Only this encoder, with all that is known of it.")
    ] = None,
    json: Json = False,
) -> None:
    """Check this installation: libraries, devices, folders, encoders and their weights."""
    if encoder is not None:
        _one(encoder_state(encoder_spec(encoder)), json)
        return
    report = doctor_report()
    if json:
        print_json(report.to_json())
    else:
        _everything(report)
    if not report.ok:
        raise typer.Exit(1)


def _everything(report: DoctorReport) -> None:
    table(
        "Installation",
        ["", "found", "ok", "what to do"],
        [[c.name, c.found, "yes" if c.ok else "NO", c.remedy] for c in report.checks],
    )
    columns = ["name", "usable", "weights", "size", "licence", "gated"]
    table("Encoders", columns, [_row(e) for e in report.encoders])
    table("Encoders of whole slides", columns, [_row(e) for e in report.slide_encoders])
    out.print(DETAILS, highlight=False)
    out.print(
        "Everything that is needed is here." if report.ok else "Something is missing: see NO."
    )


def _row(state: EncoderState) -> list[str]:
    return [
        state.name,
        "yes" if state.usable else "no",
        _where(state),
        state.size,
        state.licence,
        "yes" if state.gated else "no",
    ]


def _where(state: EncoderState) -> str:
    if state.loader == "builtin":
        return "ships with the program"
    if state.loader == "import":
        return "features are imported"
    return state.found or "not here"


def _one(state: EncoderState, json: bool) -> None:
    if json:
        print_json(state.to_json())
        return
    facts = [
        ["usable", "yes" if state.usable else "no"],
        ["weights", _where(state)],
        ["published as", f"{state.hub_id} {state.files}".strip()],
        ["size", state.size],
        ["tiles", f"{state.tile_px} px at {state.mpp:g} µm per pixel"],
        ["numbers a tile", str(state.dim) if state.dim else ""],
        ["licence", state.licence],
        ["gated", "yes: access is asked for" if state.gated else "no"],
        ["models trained on it", "fall under its licence" if state.derived_heads else ""],
        ["note", state.note],
        ["not verified by us", state.doubt],
        *(["looked for at", place] for place in state.places),
        *([f"step {i}", step] for i, step in enumerate(state.steps, 1) if not state.usable),
    ]
    table(state.title, ["", ""], [fact for fact in facts if fact[1]])
