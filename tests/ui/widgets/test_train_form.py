"""The form of a training: every switch goes in and comes out."""

from __future__ import annotations

from dataclasses import replace

from qtpy.QtWidgets import QWidget

from napari_lookalike.core.config import TrainConfig
from napari_lookalike.ui.widgets.train_form import SWITCHES, TrainForm

SET = replace(
    TrainConfig(),
    max_instances=0,
    memory=32,
    replay=2,
    mixup=0.4,
    by_centre=True,
    by_hardness=True,
    votes=False,
    precision="half",
    clip=2.0,
    pair_thresholds=True,
    benign=("no tumour", "reactive"),
)


def test_the_defaults_come_back(qtbot):
    form = TrainForm()
    qtbot.addWidget(form)
    assert form.config() == TrainConfig()


def test_every_switch_goes_in_and_comes_out(qtbot):
    form = TrainForm()
    qtbot.addWidget(form)
    form.set_config(SET)
    assert form.config() == SET
    assert form.boxes["max_instances"].text() == "all"
    form.switches["precision"].setChecked(False)
    form.switches["votes"].setChecked(True)
    assert form.config() == replace(SET, precision="single", votes=True)


def test_every_control_says_what_it_does(qtbot):
    form = TrainForm()
    qtbot.addWidget(form)
    controls: list[QWidget] = [
        form.head,
        form.benign,
        *form.boxes.values(),
        *form.switches.values(),
    ]
    assert len(form.switches) == len(SWITCHES)
    assert all(c.toolTip() for c in controls)


def test_a_subtype_without_tumour_is_chosen_from_those_of_the_cohort(qtbot):
    form = TrainForm()
    qtbot.addWidget(form)
    form.set_subtypes(("glioma", "no tumour"))
    assert [form.benign.itemText(i) for i in range(form.benign.count())] == [
        "none",
        "glioma",
        "no tumour",
    ]
    with qtbot.waitSignal(form.changed):
        form.benign.setCurrentIndex(2)
    assert form.config().benign == ("no tumour",)
    form.set_subtypes(("glioma",))  # its last slide was taken out: nothing is lost silently
    assert form.config().benign == ("no tumour",)
    assert form.benign.currentText() == "no tumour"
