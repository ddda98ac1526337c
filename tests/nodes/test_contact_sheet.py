from __future__ import annotations

import pytest
import torch

from graph_engine import NodeInputError
from nodes.contact_sheet import GAP, contact_sheet
from nodes.types import Image


def grey(shade: float, height: int = 8, width: int = 8, batch: int = 1) -> Image:
    return Image(pixels=torch.full((batch, height, width, 3), shade))


def test_pictures_stand_in_rows_and_what_is_left_stays_paper() -> None:
    sheet = contact_sheet([grey(shade / 10) for shade in range(5)], columns=3, size=16).pixels
    assert sheet.shape == (1, 8 * 2 + GAP, 8 * 3 + GAP * 2, 3)
    shades = [[round(float(sheet[0, 4 + y * (8 + GAP), 4 + x * (8 + GAP), 0]) * 10) for x in range(3)] for y in range(2)]
    assert shades == [[0, 1, 2], [3, 4, 10]]


def test_places_say_where_each_stands() -> None:
    sheet = contact_sheet([grey(0.1), grey(0.2)], columns=2, size=16, places=[3, 0]).pixels
    shades = [[round(float(sheet[0, 4 + y * (8 + GAP), 4 + x * (8 + GAP), 0]) * 10) for x in range(2)] for y in range(2)]
    assert shades == [[2, 10], [10, 1]]


@pytest.mark.parametrize(
    ("height", "width", "shape"), [(200, 100, (64, 32)), (1, 500, (1, 64)), (333, 1, (64, 1)), (5, 7, (5, 7))]
)
def test_a_picture_is_scaled_down_to_fit_and_never_up(height: int, width: int, shape: tuple[int, int]) -> None:
    assert contact_sheet([grey(0.5, height, width)], size=64).pixels.shape == (1, *shape, 3)


def test_pictures_of_different_sizes_are_centred_in_equal_cells() -> None:
    sheet = contact_sheet([grey(0.0, 20, 4), grey(0.0, 2, 10)], columns=2, size=64).pixels[0, :, :, 0]
    assert sheet.shape == (20, 10 * 2 + GAP)
    assert torch.equal((sheet[10, :10] < 0.5).nonzero().flatten(), torch.arange(3, 7))
    assert torch.equal((sheet[:, 10 + GAP] < 0.5).nonzero().flatten(), torch.arange(9, 11))


def test_a_label_is_written_below_its_picture_and_inside_its_cell() -> None:
    plain = contact_sheet([grey(1.0, 64, 64)] * 2, columns=2, size=64).pixels[0]
    labelled = contact_sheet([grey(1.0, 64, 64)] * 2, labels=["seed=1 " * 30, ""], columns=2, size=64).pixels[0]
    rows, columns = (labelled[:, :, 0] < 0.5).nonzero(as_tuple=True)
    assert labelled.shape[0] > plain.shape[0]
    assert rows.numel() > 50
    assert int(rows.min()) >= GAP + 64
    assert int(rows.max()) < labelled.shape[0]
    assert GAP <= int(columns.min()) <= int(columns.max()) < GAP + 64


def test_labels_of_different_texts_look_different_and_any_script_is_written() -> None:
    def drawn(label: str) -> torch.Tensor:
        return contact_sheet([grey(1.0, 64, 64)], labels=[label], size=64).pixels

    assert not torch.equal(drawn("seed=1"), drawn("seed=2"))
    assert torch.equal(drawn("élan"), drawn("elan"))
    assert torch.equal(drawn("猫"), drawn("?"))
    assert drawn("\x00\n\t").shape[0] == 1


def test_of_a_batch_the_first_is_shown() -> None:
    batch = Image(pixels=torch.stack([torch.zeros(4, 4, 3), torch.ones(4, 4, 3)]))
    assert float(contact_sheet([batch], size=16).pixels.max()) == 0.0


def test_values_outside_of_the_range_and_other_layouts_are_taken() -> None:
    picture = Image(pixels=torch.full((1, 3, 8, 4), 7.0).permute(0, 2, 3, 1))
    assert float(contact_sheet([picture], size=16).pixels.min()) == 1.0


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"images": []}, "There is no picture"),
        ({"labels": ["one"]}, "1 labels are given for 2 pictures"),
        ({"places": [0]}, "1 places are given for 2 pictures"),
        ({"places": [1, 1]}, "given twice"),
        ({"places": [-1, 0]}, "below 0"),
        ({"places": [0, 10**9]}, "The sheet would be"),
    ],
)
def test_what_does_not_fit_together_is_refused(facts: dict[str, object], said: str) -> None:
    with pytest.raises(NodeInputError, match=said):
        contact_sheet(**{"images": [grey(0.1), grey(0.2)], **facts})  # type: ignore[arg-type]
