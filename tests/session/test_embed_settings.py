"""How this computer embeds is the user's own, and nonsense in the file is the default."""

from __future__ import annotations

import json

import pytest

from napari_lookalike.session.embed_settings import (
    MOST_TILES,
    EmbedSettings,
    embed_settings,
    keep_embed_settings,
)
from napari_lookalike.session.expert import keep_expert, kept_expert


def test_settings_are_kept_beside_the_others():
    keep_expert("Dr A")
    wanted = EmbedSettings("cuda:1", 96, "tcp://10.0.0.5:8786")
    assert keep_embed_settings(wanted)
    assert embed_settings() == wanted
    assert kept_expert() == "Dr A"


@pytest.mark.parametrize(
    "kept",
    [
        "null",
        "[]",
        '"cuda"',
        '{"device": 3, "batch": "many", "cluster": null}',
        '{"device": "", "batch": true}',
        f'{{"batch": {MOST_TILES + 1}}}',
        '{"batch": -1}',
    ],
)
def test_what_makes_no_sense_is_the_default(own_user_file, kept):
    own_user_file.parent.mkdir(parents=True, exist_ok=True)
    own_user_file.write_text(f'{{"embedding": {kept}}}')
    assert embed_settings() == EmbedSettings()


def test_one_bad_value_does_not_lose_the_others(own_user_file):
    own_user_file.parent.mkdir(parents=True, exist_ok=True)
    own_user_file.write_text(json.dumps({"embedding": {"device": "cpu", "batch": 1e9}}))
    assert embed_settings() == EmbedSettings("cpu")


def test_only_what_was_chosen_is_asked_of_the_job():
    assert EmbedSettings().options() == {}
    assert EmbedSettings("cpu", 8, "local:2").options() == {
        "device": "cpu",
        "batch": 8,
        "dask": "local:2",
    }
