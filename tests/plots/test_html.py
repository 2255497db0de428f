import json
import stat
from html.parser import HTMLParser

import plotly.graph_objects as go
import pytest

from fpf_notebook import plot_fixed_points
from fpf_notebook.plots import save_html
from tests.plots.latches import three_latches, trajectories


class Page(HTMLParser):
    """The elements of a page with their attributes, and the text of each kind of element."""

    def __init__(self, content: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict]] = []
        self.texts: dict[str, list[str]] = {}
        self.open: list[str] = []
        self.feed(content)

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag not in ("meta", "link"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open:
            self.texts.setdefault(self.open[-1], []).append(data)

    def attributes(self, tag: str) -> list[dict]:
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture(scope="module")
def page(tmp_path_factory) -> Page:
    figure = plot_fixed_points(three_latches(), trajectories(3, 5), backend="plotly")
    path = tmp_path_factory.mktemp("html") / "page.html"
    text = "27 fixed points\nindex sum <1> & more"
    assert save_html(figure, path, "A net & its points", text) == path
    return Page(path.read_text(encoding="utf-8"))


def test_nothing_is_loaded_from_anywhere(page):
    for tag in ("script", "img", "iframe", "source", "object", "embed"):
        for attributes in page.attributes(tag):
            assert "src" not in attributes
            assert "data" not in attributes
    assert [attributes["href"] for attributes in page.attributes("link")] == ["data:,"]
    assert all("@import" not in text and "url(" not in text for text in page.texts["style"])


def test_the_page_forbids_itself_to_load_anything(page):
    (policy,) = (
        attributes["content"]
        for attributes in page.attributes("meta")
        if attributes.get("http-equiv") == "Content-Security-Policy"
    )
    assert policy.startswith("default-src 'none';")
    assert "http" not in policy
    assert "*" not in policy


def test_it_has_a_heading_the_summary_and_plotly_itself(page):
    assert "".join(page.texts["h1"]) == "A net & its points"
    assert "".join(page.texts["title"]) == "A net & its points"
    assert "".join(page.texts["p"]) == "27 fixed points\nindex sum <1> & more"
    assert max(len(text) for text in page.texts["script"]) > 1_000_000


def test_the_figure_is_in_it_with_both_themes(page):
    (data,) = (text for text in page.texts["script"] if text.startswith("{"))
    figure = json.loads(data)
    names = [trace["name"] for trace in figure["data"]]
    assert "stable (8)" in names
    for part in (*figure["data"], figure["layout"]):
        assert set(part["meta"]) == {"light", "dark"}
    assert "height" not in figure["layout"]  # the page decides
    (style,) = page.texts["style"]
    assert "prefers-color-scheme: dark" in style


def test_a_figure_cannot_break_out_of_its_script(tmp_path):
    figure = go.Figure(go.Scatter(x=[1], y=[1], name="</script><script>alert(1)</script>"))
    path = save_html(figure, tmp_path / "page.html", "</title><script>", "</p><script>")
    page = Page(path.read_text(encoding="utf-8"))
    assert len(page.attributes("script")) == 3  # plotly, the data, the few lines that draw it


def test_a_page_is_replaced_in_one_step_and_can_be_passed_on(tmp_path):
    path = tmp_path / "page.html"
    path.write_text("old")
    save_html(go.Figure(), str(path), "new")
    assert path.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert list(tmp_path.iterdir()) == [path]
    plain = tmp_path / "plain"
    plain.touch()
    assert stat.S_IMODE(path.stat().st_mode) == stat.S_IMODE(plain.stat().st_mode)


def test_the_callers_figure_is_left_as_it_is(tmp_path):
    figure = plot_fixed_points(three_latches(), backend="plotly", figsize=(5, 4))
    before = figure.to_json()
    save_html(figure, tmp_path / "page.html", "t")
    assert figure.to_json() == before


def test_a_matplotlib_figure_is_refused(tmp_path):
    figure = plot_fixed_points(three_latches())
    with pytest.raises(TypeError, match=r'expected a plotly figure .*backend="plotly"'):
        save_html(figure, tmp_path / "page.html", "t")
    assert not list(tmp_path.iterdir())
