"""What stands beside the marks is read in full, however low the dock is."""

from __future__ import annotations

from napari_lookalike.session.agreement_view import AgreementView, OpenPoint
from napari_lookalike.ui.widgets.mark_tabs import ExpertsTab


def test_a_low_dock_cuts_no_sentence_about_the_experts(qtbot):
    tab = ExpertsTab()
    qtbot.addWidget(tab)
    long = " ".join(["Cohen's kappa of each two: Dr A and Dr B −0.05."] * 6)
    tab.show_agreement(AgreementView(long, long, (OpenPoint("4, 7", "strength 1.00 and 0.20"),)))
    tab.resize(400, 140)
    with qtbot.waitExposed(tab):
        tab.show()
    for label in (tab.sentence, tab.meaning):
        qtbot.waitUntil(
            lambda label=label: label.height() >= label.heightForWidth(label.width()),
            timeout=20_000,
        )
    assert tab.table.height() >= 100
