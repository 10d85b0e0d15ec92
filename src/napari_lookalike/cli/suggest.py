"""``suggest``: pairs to look at next, what nobody looked at, slides to review."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from napari_lookalike.cli.console import (
    RESEARCH,
    Json,
    err,
    out,
    present_folder,
    print_json,
    table,
    wrong_usage,
)


def suggest(
    project: Annotated[
        Path, typer.Argument(callback=present_folder, help="A project.", show_default=False)
    ],
    expert: Annotated[
        str, typer.Option("--expert", help="Whose list: leaves out what this expert answered.")
    ] = "",
    most: Annotated[int, typer.Option("--most", min=1, help="Pairs to show.")] = 20,
    review: Annotated[int, typer.Option("--review", min=0, help="Slides to review next.")] = 10,
    method: Annotated[
        str, typer.Option("--method", help="How slides are chosen: entropy or kmeans.")
    ] = "entropy",
    edit_textbook: Annotated[
        bool,
        typer.Option(
            "--edit-textbook", help="Copy the table of textbook look-alikes into the project."
        ),
    ] = False,
    json: Json = False,
) -> None:
    """Suggest look-alike pairs, best first, and slides to review next."""
    from napari_lookalike.cli.sources import open_project
    from napari_lookalike.core.suggest.textbook import write_project_textbook

    if method not in ("entropy", "kmeans"):
        wrong_usage("--method is entropy or kmeans.")
    opened = open_project(project)
    if edit_textbook:
        opened.check_writable()
        name = write_project_textbook(opened.root).name
        err.print(f"{name} in the project has the table: edit it there.", highlight=False)
    found = _found(opened, expert, most, review, method)
    if json:
        print_json(found)
        return
    _show(found)


def _found(opened: Any, expert: str, most: int, budget: int, method: str) -> dict[str, Any]:
    """What is suggested, as JSON values: slide_ids and labels, no patients."""
    from napari_lookalike.core.hard_negatives.outbox import whole_table
    from napari_lookalike.core.results_here import results_here
    from napari_lookalike.core.suggest import coverage, latest, look, rank, read_decisions
    from napari_lookalike.core.suggest.rank import looked_at

    version = opened.current_version
    results = results_here(opened, version) if version else None
    seen = look(
        opened,
        opened.cohort,
        results,
        budget=budget,
        method="kmeans" if method == "kmeans" else "entropy",
    )
    there = whole_table(opened)
    marks, decisions = there.rows(), read_decisions(opened.root, there)
    queue = rank(seen.hints, marks, decisions, expert, seen.labels)
    covered = coverage(
        seen.classes, seen.matrix, looked_at(marks, latest(decisions).values(), seen.labels)
    )
    return {
        "model": version or "",
        "suggestions": [_suggestion(s) for s in queue[:most]],
        "suggestions_in_all": len(queue),
        "coverage": {
            "share": covered.share if covered.pairs else None,
            "confusions": covered.confusions,
            "covered": covered.covered,
            "pairs": [
                {
                    "subtypes": list(p.subtypes),
                    "confused": p.confused,
                    "of": p.of,
                    "standing": p.standing,
                    "by": p.who,
                }
                for p in covered.pairs
            ],
        },
        "review": {
            "method": seen.review.method,
            "pool": seen.review.pool,
            "candidates": seen.review.candidates,
            "slides": [
                {"slide_id": c.slide_id, "why": c.why, "entropy": c.entropy}
                for c in seen.review.chosen
            ],
            "set_apart": [
                {"slide_id": o.slide_id, "why": o.why, "distance": o.distance}
                for o in seen.review.outside
            ],
        },
        "textbook_problems": [
            {"line": line, "problem": sentence} for line, sentence in seen.textbook.problems
        ],
        "note": RESEARCH,
    }


def _suggestion(s: Any) -> dict[str, Any]:
    return {
        "level": s.level,
        "a": s.a,
        "b": s.b,
        "subtypes": list(s.subtypes),
        "slides": list(s.slides),
        "score": s.score,
        "test": s.test,
        "strength": s.strength,
        "later": s.later,
        "looked_at": s.looked_at,
        "rejected_by": list(s.said_no),
        "rejections": [{"who": r.who, "time": r.time, "note": r.note} for r in s.rejections],
        "reasons": [{"source": h.source, "value": h.value, "text": h.text} for h in s.reasons],
    }


def _show(found: dict[str, Any]) -> None:
    for problem in found["textbook_problems"]:
        err.print(f"Textbook, line {problem['line']}: {problem['problem']}", style="red")
    rows = [
        [
            str(i),
            f"{s['a']} | {s['b']}",
            "" if s["level"] == "subtype" else " | ".join(s["subtypes"]),
            s["reasons"][0]["text"],
            s["test"],
        ]
        for i, s in enumerate(found["suggestions"], start=1)
    ]
    if rows:
        table("Pairs to look at next", ["#", "pair", "subtypes", "why", "tells them apart"], rows)
    else:
        out.print("No pair is suggested: train a model first, or all pairs were answered.")
    covered = found["coverage"]
    if covered["pairs"]:
        out.print(
            f"{covered['covered']} of {covered['confusions']} confusions looked at; open: "
            + (_open_pairs(covered["pairs"]) or "none")
            + ".",
            highlight=False,
        )
    slides = [[c["slide_id"], c["why"]] for c in found["review"]["slides"]]
    slides += [[o["slide_id"], f"Set apart: {o['why']}"] for o in found["review"]["set_apart"]]
    if slides:
        table("Slides to review next", ["slide", "why"], slides)
    out.print(found["note"], highlight=False)


def _open_pairs(pairs: list[dict[str, Any]]) -> str:
    return "; ".join(
        f"{' and '.join(p['subtypes'])} ({p['confused']})" for p in pairs if p["standing"] == "open"
    )
