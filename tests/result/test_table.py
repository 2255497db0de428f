import re
from html.parser import HTMLParser

import numpy as np
import pytest

from fpf_notebook.result.completeness import Completeness
from fpf_notebook.result.fixed_points import FixedPoints
from fpf_notebook.result.table import html_table
from tests.result.records import full_record


class _Reader(HTMLParser):
    """Collects the rows, and fails on tags that are not closed in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.rows: list[list[str]] = []

    def handle_starttag(self, tag, attrs) -> None:
        self.open.append(tag)
        self.tags.add(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_endtag(self, tag) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data) -> None:
        if self.rows and {"td", "th"} & set(self.open):
            self.rows[-1][-1] += data


def read(html: str) -> _Reader:
    reader = _Reader()
    reader.feed(html)
    reader.close()
    assert reader.open == []
    return reader


def test_each_point_is_a_row_with_its_numbers() -> None:
    J = np.stack([np.diag([0.5, 0.2]), np.diag([-1.5, 0.2])])
    fps = FixedPoints(
        np.zeros((2, 2)), J_xstar=J, qstar=[1e-31, 2e-5], hits=[600, 3]
    ).decompose_jacobians()
    rows = read(fps._repr_html_()).rows
    assert rows[0] == ["#", "class", "unstable", "|λ|", "τ", "frequency", "index", "q", "hits"]
    assert rows[1] == ["0", "● stable", "0", "0.5000", "1.443", "0.00", "+1", "1.0e−31", "600"]
    assert rows[2] == ["1", "◆ saddle", "1", "1.5000", "−2.466", "0.500", "+1", "2.0e−05", "3"]


def test_classes_differ_in_shape_and_in_colour() -> None:
    classes = ["stable", "saddle", "unstable", "marginal"]
    fps = FixedPoints(
        np.zeros((7, 1)),
        stability=[*classes, "stable", "stable", "unknown"],
        kind=["fixed"] * 4 + ["slow", "unconverged", "fixed"],
    )
    html = fps._repr_html_()
    marks = re.findall(r'<span style="color:(#\w+)" aria-hidden="true">(.)</span> (\w+)', html)
    assert [mark[2] for mark in marks] == [*classes, "slow", "unconverged", "unknown"]
    assert len({mark[1] for mark in marks}) == 7
    assert len({mark[0] for mark in marks[:4]}) == 4


@pytest.mark.parametrize("paper", [0.0, 1.0])
def test_colours_of_marks_can_be_seen_on_black_and_on_white(paper) -> None:
    fps = FixedPoints(np.zeros((4, 1)), stability=["stable", "saddle", "unstable", "marginal"])
    for colour in re.findall(r"color:#(\w{6})", fps._repr_html_()):
        channels = np.array([int(colour[i : i + 2], 16) for i in (0, 2, 4)]) / 255
        linear = np.where(
            channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4
        )
        lights = sorted([linear @ [0.2126, 0.7152, 0.0722], paper])
        assert (lights[1] + 0.05) / (lights[0] + 0.05) >= 3  # WCAG 2, for graphics


def test_many_points_are_cut_with_a_note() -> None:
    fps = FixedPoints(np.zeros((250, 2)), qstar=np.zeros(250))
    html = fps._repr_html_()
    assert len(read(html).rows) == 1 + 100
    assert "150 more points are not shown" in html
    assert "<code>fps[100:]</code>" in html
    assert len(read(html_table(fps, max_rows=3)).rows) == 1 + 3
    assert "more points" not in fps[:100]._repr_html_()


def test_completeness_and_interruption_are_shown() -> None:
    completeness = Completeness(index_sum=1, expected_sum=1, consistent=True, n_points=2)
    fps = FixedPoints(np.zeros((2, 2)), completeness=completeness, interrupted=True)
    html = fps._repr_html_()
    assert "Completeness: 2 points; index sum 1 of expected 1 (consistent: necessary for" in html
    assert "The search was interrupted" in html


@pytest.mark.parametrize("fps", [FixedPoints(), full_record(0), full_record(1), full_record(7)])
def test_all_sizes_are_well_formed_and_safe(fps) -> None:
    html = fps._repr_html_()
    reader = read(html)
    assert not reader.tags & {"script", "iframe", "img", "link"}
    assert "http" not in html
    assert len(reader.rows) == (1 + fps.n if fps.n else 0)


def test_text_is_escaped() -> None:
    fps = FixedPoints([[0.0]], status=["<script>alert(1)</script>"])
    html = fps._repr_html_()
    assert "<script>" not in html
    assert read(html).rows[1][-1] == "<script>alert(1)</script>"


def test_flow_shows_the_real_part_and_its_unit() -> None:
    fps = FixedPoints([[0.0]], J_xstar=[[[-2.0]]], time="continuous").decompose_jacobians()
    html = fps._repr_html_()
    assert read(html).rows == [
        ["#", "class", "unstable", "Re λ", "τ", "index"],
        ["0", "● stable", "0", "−2", "0.5000", "+1"],
    ]
    assert "time constant of the leading mode in units of time" in html


def test_stable_flags_alone_and_kind_alone() -> None:
    rows = read(FixedPoints(np.zeros((2, 1)), is_stable=[True, False])._repr_html_()).rows
    assert [row[1] for row in rows[1:]] == ["● stable", "✖ not stable"]
    rows = read(FixedPoints(np.zeros((2, 1)), kind=["fixed", "slow"])._repr_html_()).rows
    assert [row[1] for row in rows[1:]] == ["fixed", "○ slow"]


def test_points_that_are_not_finite_can_be_shown() -> None:
    fps = FixedPoints([[np.nan]], J_xstar=[[[np.nan]]], qstar=[np.inf]).decompose_jacobians()
    assert read(fps._repr_html_()).rows[1] == ["0", "◇ unknown", "−1", "nan", "nan", "0", "inf"]
