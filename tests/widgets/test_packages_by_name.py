"""What we take for granted of anywidget and plotly, by name: where a newer one changes it, the test says whose contract it was.

The browser's side of anywidget's contract is tested in tests/browser/test_anywidget_contract.py.
"""

from __future__ import annotations

import json
from importlib.metadata import files, version

import anywidget
import plotly.graph_objects as go
import pytest
from plotly.io import renderers

from tests.support.archives import make_inspection

WIDGET = "application/vnd.jupyter.widget-view+json"
PLOT = "application/vnd.plotly.v1+json"


class Small(anywidget.AnyWidget):
    _esm = "export default { render() {} };"
    _css = ".small { color: red; }"


def test_anywidget_sends_the_module_and_the_style_sheet_under_the_names_we_give():
    widget = Small()
    state = widget.get_state()
    said = f"anywidget {version('anywidget')} no longer sends"
    assert state.get("_esm") == Small._esm, f"{said} the module text as _esm; look at workbench/widgets/explorer.py."
    assert state.get("_css") == Small._css, f"{said} the style sheet as _css; look at workbench/widgets/explorer.py."
    assert state.get("_view_module") == "anywidget", f"{said} itself as the module of the view; the notebook would find no explorer."
    widget.close()


def test_anywidget_hands_out_its_bundle_as_explorers_ask_for_it():
    widget = Small()
    answer = widget._repr_mimebundle_()
    said = f"anywidget {version('anywidget')} changed _repr_mimebundle_, which workbench/widgets/explorer.py shows with its still picture"
    assert isinstance(answer, tuple), said
    assert len(answer) == 2, said
    assert WIDGET in answer[0], f"{said}: no {WIDGET}."
    assert answer[0][WIDGET]["model_id"] == widget.model_id, said
    widget.close()


def test_anywidget_carries_messages_with_buffers():
    """`on_msg` gets (widget, content, buffers) of what the browser sends; `send` takes buffers."""
    widget, heard, sent = Small(), [], []
    widget.on_msg(lambda *given: heard.append(given))
    widget._handle_custom_msg({"ask": "image"}, [b"x"])
    said = f"anywidget {version('anywidget')} or ipywidgets {version('ipywidgets')} changed how messages come, see Explorer._answer."
    assert heard == [(widget, {"ask": "image"}, [b"x"])], said
    widget._send = lambda content, buffers=None: sent.append((content, buffers))
    widget.send({"answer": "image"}, buffers=[b"data"])
    assert sent == [({"method": "custom", "content": {"answer": "image"}}, [b"data"])], said
    widget.close()


def test_an_explorer_keeps_to_the_contract():
    from workbench import AttentionExplorer

    explorer = AttentionExplorer(make_inspection(3))
    assert "export default { initialize, render };" in explorer.get_state()["_esm"]
    assert WIDGET in explorer._repr_mimebundle_()[0]
    explorer.close()


def test_plotly_figures_go_out_under_the_type_that_jupyterlab_draws():
    figure = go.Figure(go.Scatter(x=[1, 2], y=[3, 4]))
    said = f"plotly {version('plotly')} changed its notebook renderer"
    assert "plotly_mimetype" in renderers, f"{said}: there is no plotly_mimetype any more."
    bundle = renderers["plotly_mimetype"].to_mimebundle(json.loads(figure.to_json()))
    assert list(bundle) == [PLOT], f"{said}: it sends {list(bundle)}, while our charts and JupyterLab's extension speak {PLOT}."
    assert {"data", "layout"} <= set(bundle[PLOT]), f"{said}: no data and layout within."


def test_plotly_brings_the_extension_that_draws_that_type():
    """The wheel holds a prebuilt extension of JupyterLab, which an installation puts where JupyterLab finds it."""
    held = [path for path in files("plotly") or [] if "labextensions/jupyterlab-plotly" in path.as_posix()]
    said = f"plotly {version('plotly')} brings no JupyterLab extension for {PLOT}, so notebooks would show still pictures alone."
    packages = [path for path in held if path.name == "package.json"]
    assert packages, said
    described = json.loads(packages[0].locate().read_text(encoding="utf-8"))
    assert "mimeExtension" in described["jupyterlab"], said
    scripts = [path.locate().read_text(encoding="utf-8", errors="replace") for path in held if path.suffix == ".js"]
    assert any("application/vnd.plotly" in text for text in scripts), said


@pytest.mark.parametrize("kind", ["curves", "intervals", "matrix"])
def test_our_charts_speak_that_type_and_bring_a_still_picture(kind):
    from workbench.widgets import training_curves
    from workbench.widgets.plots import cooccurrence_chart, interval_chart

    point = {"panel": "a", "row": "b", "series": "c", "mean": 0.5, "half_width": 0.1}
    figure = {
        "curves": lambda: training_curves([{"epoch": 1, "stage": "all", "images": 8, "loss": 1.0, "validation.map": 0.5}]),
        "intervals": lambda: interval_chart([point], "AP"),
        "matrix": lambda: cooccurrence_chart(make_inspection(12)),
    }[kind]()
    bundle = figure.bundle()
    assert set(bundle) == {PLOT, "text/html", "text/plain"}
    assert {"data", "layout", "config"} <= set(bundle[PLOT])
    assert json.dumps(bundle[PLOT]), "a frontend gets JSON"
    assert isinstance(figure, go.Figure), f"plotly {version('plotly')}: a chart is no go.Figure any more"
