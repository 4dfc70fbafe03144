"""Moving textures: families that can be told apart, and a box that is around the target."""

import numpy as np
import pytest

from tutorials_lib.datasets import moving_textures, textures


def test_every_family_fills_the_range_between_its_colors_and_none_is_another():
    grey = np.array([[0.0] * 3, [1.0] * 3], np.float32)
    drawn = {
        family: textures.texture(np.random.default_rng(0), family, 48, 2.0, grey)
        for family in textures.FAMILIES
    }
    for picture in drawn.values():
        assert picture.shape == (48, 48, 3)
        assert 0 <= picture.min() < 0.35 < 0.65 < picture.max() <= 1
    flat = np.array([picture[..., 0].ravel() for picture in drawn.values()])
    alike = np.corrcoef(flat) - np.eye(len(flat))
    assert abs(alike).max() < 0.9


@pytest.fixture
def painted(monkeypatch: pytest.MonkeyPatch) -> tuple[list[str], moving_textures.Clips]:
    """The families of the blobs of one clip, and the clip with white blobs on black alone."""
    families: list[str] = []

    def white(rng: np.random.Generator, family: str, side: int, *_: object) -> np.ndarray:
        families.append(family)
        is_blob = side < moving_textures.SIZE or len(families) > 1
        return np.full((side, side, 3), float(is_blob), np.float32)

    monkeypatch.setattr(textures, "texture", white)
    for effect in ("_hide", "_light", "_shake"):
        monkeypatch.setattr(moving_textures, effect, lambda *_: None)
    rng = np.random.default_rng(3)
    return families, moving_textures.draw_clips(1, ("bricks", "rings", "noise"), rng=rng)


def test_no_other_blob_has_the_texture_of_the_target(painted: tuple):
    _, *blobs = painted[0]  # the first texture is the ground's
    *others, target = blobs
    assert len(others) in (2, 3)
    assert target not in others


def test_the_box_is_the_extent_of_the_target_within_a_pixel(painted: tuple):
    """Where no other blob touches the target, its box has white inside and black around it."""
    clips = painted[1]
    white = clips.frames[0, ..., 0] > 127
    alone = 0
    for frame, box in zip(white, clips.boxes[0].astype(int), strict=True):
        left, top, right, bottom = box
        if min(left, top) < 3 or max(right, bottom) > moving_textures.SIZE - 3:
            continue
        around = frame[top - 2 : bottom + 2, left - 2 : right + 2].copy()
        around[1:-1, 1:-1] = False
        if around.any():
            continue
        alone += 1
        inside = frame[top - 1 : bottom + 1, left - 1 : right + 1]
        rows, columns = (np.flatnonzero(inside.any(axis)) for axis in (1, 0))
        np.testing.assert_allclose((rows[0], columns[0]), 1, atol=1)
        np.testing.assert_allclose((rows[-1], columns[-1]), (bottom - top, right - left), atol=1)
    assert alone > 10
