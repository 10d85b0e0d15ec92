"""Where parts are left: nothing is lost on the way, nothing stays behind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import fsspec
import numpy as np
import pytest
from tests.core.pipeline.small_project import grid

from napari_lookalike.core.cluster.drop import UrlDrop, check_url, make_drop
from napari_lookalike.core.embed.parts import PartStore, parts_folder
from napari_lookalike.core.embed.plan import Plan
from napari_lookalike.core.errors import ClusterError
from napari_lookalike.core.features import load_features

PLAN = Plan("S1", "f" * 32, "made-up-1", 3, grid(10), (0.5, 0.5), "")
VECTORS = np.arange(30, dtype=np.float32).reshape(10, 3)
SOME, REST = np.array([7, 2, 5]), np.array([0, 1, 3, 4, 6, 8, 9])


@pytest.fixture(params=["folder", "file", "memory"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "folder":
        yield ""
    elif request.param == "file":
        yield (tmp_path / "bucket").as_uri()
    else:
        yield "memory://bucket/of a lab"
        fsspec.filesystem("memory").rm("/bucket", recursive=True)


def path_in(tmp_path: Path) -> Path:
    return tmp_path / "project" / "features" / "20x" / "features_made-up-1" / "S1.h5"


def test_parts_come_to_the_client_and_the_feature_file_where_it_belongs(
    tmp_path: Path, url: str
) -> None:
    path = path_in(tmp_path)
    features = tmp_path / "project" / "features"
    url = check_url(url)
    store = PartStore(parts_folder(path), PLAN)
    client, worker = make_drop(path, url, features), make_drop(path, url, features)
    names = [worker.put(PLAN, chosen, VECTORS[chosen]) for chosen in (SOME, REST)]
    assert client.arrived(names[:1])
    assert not {2, 5, 7} & set(store.missing().tolist())
    assert client.arrived(names)
    store.finish(path)
    client.close(path)
    np.testing.assert_array_equal(load_features(path, "S1").instances, VECTORS)
    assert not parts_folder(path).exists()
    if url:
        files, base = fsspec.url_to_fs(url)
        found = [str(f) for f in files.find(base)]
        assert [f.removeprefix(base) for f in found] == ["/20x/features_made-up-1/S1.h5"]
        assert files.cat_file(found[0]) == path.read_bytes()


def test_a_part_that_is_not_there_yet_is_waited_for(tmp_path: Path, url: str) -> None:
    path = path_in(tmp_path)
    PartStore(parts_folder(path), PLAN)
    drop = make_drop(path, check_url(url), tmp_path / "project" / "features")
    assert not drop.arrived([f"{PLAN.digest}-000000000000.npz"])


def test_what_a_run_left_at_the_url_is_used(tmp_path: Path) -> None:
    path, url = path_in(tmp_path), (tmp_path / "bucket").as_uri()
    features = tmp_path / "project" / "features"
    UrlDrop(path, url, features).put(PLAN, SOME, VECTORS[SOME])
    other = Plan("S1", "e" * 32, "made-up-1", 3, grid(10), (0.5, 0.5), "")
    UrlDrop(path, url, features).put(other, REST, VECTORS[REST])
    store = PartStore(parts_folder(path), PLAN)
    UrlDrop(path, url, features).fetch_left(PLAN)
    assert sorted(store.missing().tolist()) == sorted(REST.tolist())


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("/just/a/path", "no URL"),
        ("carrier-pigeon://coop", "carrier-pigeon"),
        ("file:///proc/no/such/place", "cannot be written"),
    ],
)
def test_a_place_that_cannot_be_is_refused(url: str, words: str) -> None:
    with pytest.raises(ClusterError, match=words) as error:
        check_url(url)
    assert error.value.remedy
