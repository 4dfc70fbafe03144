"""Sheets and rows of pictures, filters, tables of weights and of mistakes."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tutorials_lib.figures import panels
from tutorials_lib.figures.attention import attention_map, attention_maps
from tutorials_lib.figures.confusion import largest_mistake
from tutorials_lib.figures.filters import filter_pictures


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


def numbered(rows: int, columns: int, height: int, width: int) -> np.ndarray:
    """Pictures whose pixels all differ."""
    return np.arange(1.0, 1 + rows * columns * height * width).reshape(rows, columns, height, width)


def shown(ax: Axes) -> np.ndarray:
    """What an axes has as its picture; what is not a number is not drawn."""
    array = ax.get_images()[0].get_array()
    assert array is not None
    return np.asarray(np.ma.filled(array, np.nan))


def grids(figure: Figure) -> list[Axes]:
    return [ax for ax in figure.axes if ax.get_images()]


def test_every_picture_of_a_sheet_is_where_its_row_and_column_say():
    pictures = numbered(2, 3, 4, 5)
    sheet = panels.sheet(pictures, gap=2, paper=-1.0)
    assert sheet.shape == (2 * 4 + 2, 3 * 5 + 2 * 2)
    for row in range(2):
        for column in range(3):
            top, left = row * 6, column * 7
            assert (sheet[top : top + 4, left : left + 5] == pictures[row, column]).all()
    assert (sheet == -1).sum() == sheet.size - pictures.size


def test_a_sheet_without_gaps_has_pictures_alone_and_may_have_colours():
    pictures = np.stack(3 * [numbered(2, 2, 3, 3)], axis=-1)
    sheet = panels.sheet(pictures, gap=0)
    assert sheet.shape == (6, 6, 3)
    assert (sheet[3:, :3, 1] == pictures[1, 0, :, :, 1]).all()


def test_a_short_row_begins_where_the_long_one_does():
    long, short = np.ones((4, 28, 28)), np.zeros((2, 28, 28))
    figure = panels.picture_rows({"many": long, "few": short})
    upper, lower = (shown(ax) for ax in figure.axes)
    assert upper.shape == lower.shape == (28, 4 * 28 + 3 * 2)
    assert (lower[:, :28] == 0).all()
    assert np.isnan(lower[:, 58:]).all()
    assert [ax.get_ylabel() for ax in figure.axes] == ["many", "few"]


def test_colours_outside_of_their_range_are_cut_off():
    _, ax = plt.subplots()
    panels.draw(ax, np.array([[[-1.0, 0.5, 2.0]]]), title="one")
    assert shown(ax).tolist() == [[[0.0, 0.5, 1.0]]]
    assert ax.get_title(loc="center") == "one"


def test_a_filter_has_a_scale_of_its_own_and_zero_in_the_middle():
    kernels = np.stack([np.full((3, 3), 0.5), np.full((3, 3), -4.0), np.zeros((3, 3))])
    figure = filter_pictures(kernels, per_row=2, names=("first", "last"))
    drawn = grids(figure)
    assert [ax.get_images()[0].get_clim() for ax in drawn] == [(-0.5, 0.5), (-4, 4), (-1, 1)]
    assert [ax.get_ylabel() for ax in figure.axes] == ["first", "", "last", ""]
    assert not figure.axes[-1].axison  # the line is not full


def test_a_weight_of_zero_is_grey_among_colours():
    kernels = np.zeros((1, 2, 2, 3))
    kernels[0, 0, 0] = 3.0, -3.0, 0.0
    (ax,) = grids(filter_pictures(kernels, per_row=1))
    assert shown(ax)[0, 0].tolist() == [1.0, 0.0, 0.5]
    assert (shown(ax)[1] == 0.5).all()


def test_a_map_names_those_that_look_at_its_side_and_what_they_look_at_below():
    weights = np.array([[0.9, 0.1, 0.0], [0.2, 0.3, 0.5]])
    figure = attention_map(weights, ["le", "chat"], ["the", "cat", "."], xlabel="in", ylabel="out")
    ax = figure.axes[0]
    assert (shown(ax) == weights).all()
    assert [label.get_text() for label in ax.get_yticklabels()] == ["le", "chat"]
    assert [label.get_text() for label in ax.get_xticklabels()] == ["the", "cat", "."]


def test_what_lies_ahead_is_left_out_of_causal_maps_alone():
    blocks = [np.full((2, 3, 3), 1 / 3), np.full((2, 3, 3), 1 / 3)]
    causal = attention_maps(blocks, ["a", "b", "c"], causal=True)
    assert [np.isnan(shown(ax)).sum() for ax in causal.axes] == [3] * 4
    both_ways = attention_maps(blocks, ["a", "b", "c"])
    assert not any(np.isnan(shown(ax)).any() for ax in both_ways.axes)
    labels = [[text.get_text() for text in ax.get_xticklabels()] for ax in both_ways.axes]
    assert labels == [[], [], ["a", "b", "c"], ["a", "b", "c"]]


def test_the_largest_mistake_lies_beside_the_diagonal():
    assert largest_mistake(np.array([[90, 2, 0], [1, 80, 7], [0, 3, 70]])) == (1, 2, 7)
    true, told, share = largest_mistake(np.array([[0.5, 0.5], [0.25, 0.75]]))
    assert (true, told, share) == (0, 1, 0.5)
