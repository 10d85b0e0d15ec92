"""How slides are embedded: devices, batch, cluster, stain colours; and the buttons that do it."""

from __future__ import annotations

import pytest
from qtpy.QtCore import Qt

from napari_lookalike.core.devices import Device
from napari_lookalike.core.normalise import STAIN_METHODS
from napari_lookalike.session.embed_settings import EmbedSettings
from napari_lookalike.session.embed_view import EmbedView
from napari_lookalike.session.session import JobStatus
from napari_lookalike.ui.widgets.embed_form import LOOKING, STAINS, EmbedForm
from napari_lookalike.ui.widgets.embed_run import EmbedRun

CARD, CPU = Device("cuda:0", "A card (GPU 0)", True), Device("cpu", "the CPU")


@pytest.fixture
def form(qtbot):
    form = EmbedForm()
    qtbot.addWidget(form)
    form.show()
    return form


@pytest.fixture
def asked(form):
    heard = []
    form.changed.connect(heard.append)
    return heard


def test_it_starts_with_what_needs_no_looking(form, asked):
    assert [form.device.itemData(i) for i in range(form.device.count())] == ["auto", "cpu"]
    assert form.batch.text() == "Automatic"
    assert not form.cluster.isVisible()
    assert asked == []


def test_cards_are_looked_for_once(form, asked):
    wanted = []
    form.device.devices_wanted.connect(lambda: wanted.append(1))
    for _ in range(2):
        form.device.showPopup()
        form.device.hidePopup()
    assert wanted == [1]
    assert form.device.itemText(form.device.count() - 1) == LOOKING
    form.device.show_devices((CARD, CPU))
    assert [form.device.itemText(i) for i in range(form.device.count())] == [
        "Automatic: A card (GPU 0)",
        "A card (GPU 0)",
        "the CPU",
    ]
    assert form.device.currentData() == "auto"
    assert asked == []


def test_where_nobody_could_look_it_can_be_tried_again(form):
    wanted = []
    form.device.devices_wanted.connect(lambda: wanted.append(1))
    form.device.showPopup()
    form.device.hidePopup()
    form.device.not_found()
    assert form.device.findText(LOOKING) < 0
    form.device.showPopup()
    form.device.hidePopup()
    assert wanted == [1, 1]


def test_a_device_of_before_stays_chosen_though_it_is_not_here(form, asked):
    form.show_settings(EmbedSettings("cuda:3", 64, "local:2"))
    assert form.device.currentData() == "cuda:3"
    assert form.cluster.isVisible()  # what is set is not hidden
    form.device.show_devices((CARD, CPU))
    assert form.device.currentData() == "cuda:3"
    assert form.settings() == EmbedSettings("cuda:3", 64, "local:2")
    assert asked == []


def test_what_is_chosen_is_told_once(form, asked):
    form.device.setCurrentIndex(1)
    form.device.activated.emit(1)
    form.batch.setValue(32)
    form.cluster.setText(" tcp://10.0.0.5:8786 ")
    form.cluster.editingFinished.emit()
    form.cluster.editingFinished.emit()
    assert asked == [
        EmbedSettings("cpu"),
        EmbedSettings("cpu", 32),
        EmbedSettings("cpu", 32, "tcp://10.0.0.5:8786"),
    ]


def test_the_stain_colours_are_those_that_can_be_computed(form):
    assert set(STAINS) == set(STAIN_METHODS)
    chosen = []
    form.stain_chosen.connect(chosen.append)
    form.show_stain("reinhard")
    assert form.stain.currentText().startswith("Reinhard")
    assert chosen == []
    form.stain.activated.emit(form.stain.currentIndex())
    assert chosen == ["reinhard"]
    form.show_stain("of a newer version")
    assert form.stain.currentData() == "none"


# ---- the buttons


@pytest.fixture
def buttons(qtbot):
    buttons = EmbedRun()
    qtbot.addWidget(buttons)
    buttons.resize(400, 150)
    buttons.show()
    return buttons


def test_before_a_run_there_is_one_button(qtbot, buttons):
    buttons.show_view(
        EmbedView(enabled=True, can_embed=True, embed_text="Embed the slides (S1 first)")
    )
    shown = (buttons.embed, buttons.first, buttons.cancel, buttons.stop_here, buttons.bar)
    assert [w.isVisible() for w in shown] == [True, False, False, False, False]
    assert buttons.embed.text() == "Embed the slides (S1 first)"
    with qtbot.waitSignal(buttons.embed_requested):
        qtbot.mouseClick(buttons.embed, Qt.MouseButton.LeftButton)


def test_during_a_run(qtbot, buttons):
    job = JobStatus(1, "Embedding", 30, 20, "Slide 1 of 2: 30 of 20 tiles")
    buttons.show_view(
        EmbedView(
            enabled=True,
            running=job,
            first="S2",
            first_text="Embed S2 first",
            stoppable="S1",
            stop_text="Good enough: stop S1 at 12 %",
        )
    )
    assert not buttons.embed.isVisible()
    assert buttons.text.text() == job.what
    assert buttons.bar.value() == 20  # never beyond its end
    for button, signal in (
        (buttons.first, buttons.first_requested),
        (buttons.cancel, buttons.cancel_requested),
        (buttons.stop_here, buttons.stop_here_requested),
    ):
        assert button.isVisible()
        assert button.toolTip()
        with qtbot.waitSignal(signal):
            qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
