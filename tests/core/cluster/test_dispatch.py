"""Who gets which parts: a worker keeps to its slide, all tiles go out once, nobody idles."""

from __future__ import annotations

import numpy as np
import pytest

from napari_lookalike.core.cluster.dispatch import LEAST_TILES, Dispatch


def begun(slides: dict[str, tuple[str, int]]) -> Dispatch:
    """Slides that are prepared: slide_id -> (worker, tiles)."""
    dispatch = Dispatch(list(slides))
    for slide_id, (worker, tiles) in slides.items():
        assert dispatch.next_slide(worker) == slide_id
        dispatch.prepared(slide_id, worker, np.arange(tiles))
    return dispatch


def test_a_worker_keeps_to_the_slide_that_it_has_open() -> None:
    dispatch = begun({"S1": ("w1", 1000), "S2": ("w2", 1000)})
    for _ in range(3):
        for worker, slide_id in (("w1", "S1"), ("w2", "S2")):
            part = dispatch.next_part(worker, 2)
            assert part is not None and part.slide_id == slide_id


def test_it_begins_another_one_only_when_its_own_is_given_out() -> None:
    dispatch = Dispatch(["S1", "S2"])
    assert dispatch.next_slide("w1") == "S1"
    dispatch.prepared("S1", "w1", np.arange(100))
    assert dispatch.next_slide("w1") is None
    while dispatch.next_part("w1", 1) is not None:
        pass
    assert dispatch.next_slide("w1") == "S2"


def test_without_a_slide_of_its_own_it_helps_where_most_is_left() -> None:
    dispatch = begun({"S1": ("w1", 300), "S2": ("w2", 4000)})
    part = dispatch.next_part("w3", 3)
    assert part is not None and part.slide_id == "S2"
    # and stays there
    again = dispatch.next_part("w3", 3)
    assert again is not None and again.slide_id == "S2"


def test_nobody_helps_while_there_are_new_slides() -> None:
    dispatch = Dispatch(["S1", "S2"])
    assert dispatch.next_slide("w1") == "S1"
    dispatch.prepared("S1", "w1", np.arange(1000))
    assert dispatch.next_part("w2", 2) is None
    assert dispatch.next_slide("w2") == "S2"


@pytest.mark.parametrize("workers", [1, 2, 7])
@pytest.mark.parametrize("tiles", [1, 63, 64, 1000, 12345])
def test_all_tiles_go_out_once_and_in_their_order(tiles: int, workers: int) -> None:
    order = np.random.default_rng(0).permutation(tiles)
    dispatch = Dispatch(["S1"])
    assert dispatch.next_slide("w0") == "S1"
    dispatch.prepared("S1", "w0", order)
    parts = []
    while True:
        part = dispatch.next_part(f"w{len(parts) % workers}", workers)
        if part is None:
            break
        parts.append(part)
        assert not dispatch.is_done("S1")
    np.testing.assert_array_equal(np.concatenate([p.indices for p in parts]), order)
    for part in parts:
        dispatch.came_back(part, "w0", len(part.indices), 1.0)
    assert dispatch.is_done("S1") and not dispatch.ended
    dispatch.close("S1")
    assert dispatch.ended


def test_parts_grow_with_the_speed_and_shrink_towards_the_end() -> None:
    dispatch = begun({"S1": ("fast", 100_000)})
    first = dispatch.next_part("fast", 2)
    assert first is not None and len(first.indices) == 2 * LEAST_TILES
    dispatch.came_back(first, "fast", len(first.indices), 0.25)  # 512 tiles a second
    sizes = []
    while (part := dispatch.next_part("fast", 2)) is not None:
        sizes.append(len(part.indices))
    assert 4000 < sizes[0] < 6000
    assert sizes[-1] <= 2 * LEAST_TILES and sorted(sizes[-6:], reverse=True) == sizes[-6:]
    assert all(size % LEAST_TILES == 0 for size in sizes[:-1])


def test_a_part_without_an_answer_goes_out_again_first() -> None:
    dispatch = begun({"S1": ("w1", 1000)})
    lost, _ = dispatch.next_part("w1", 2), dispatch.next_part("w2", 2)
    assert lost is not None
    dispatch.lost(lost)
    dispatch.forget("w1")
    again = dispatch.next_part("w2", 1)
    assert again is not None
    np.testing.assert_array_equal(again.indices, lost.indices)


def test_a_slide_that_failed_gives_out_no_more() -> None:
    dispatch = begun({"S1": ("w1", 1000), "S2": ("w2", 100)})
    out = dispatch.next_part("w1", 2)
    assert out is not None
    dispatch.stop("S1")
    assert not dispatch.is_done("S1")  # one part is still out
    dispatch.came_back(out, "w1", 0, 1.0)
    assert dispatch.is_done("S1")
    part = dispatch.next_part("w1", 2)
    assert part is not None and part.slide_id == "S2"


def test_what_turned_out_to_be_missing_goes_out_again() -> None:
    dispatch = begun({"S1": ("w1", 10)})
    part = dispatch.next_part("w1", 1)
    assert part is not None
    dispatch.came_back(part, "w1", 10, 1.0)
    dispatch.more("S1", np.array([4, 7]))
    again = dispatch.next_part("w1", 1)
    assert again is not None and again.indices.tolist() == [4, 7]
