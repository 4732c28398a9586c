"""Every real object is clicked in the browser: a picture, a view of its own, or a sentence."""

from medbench.imaging.reslice import PlaneKind
from medbench.session.layer_shelf import is_layer_display


def test_every_row_of_the_browser_shows_something(app, wait, real_data, caplog):
    page = app.window.workspaces["review"]
    app.window.open_paths([real_data / "dicom_conformance"])
    wait(lambda: page.model.display is not None, 60)
    rows = [row.display for row in page.browser.model.rows if row.display is not None]
    assert len(rows) > 60
    view = page.viewports[PlaneKind.ACQUIRED]
    pictures = objects = sentences = layers = 0
    for display in rows:
        messages = len(app.session.messages.log)
        app.session.layers.clear()
        page.show_display(display)
        if is_layer_display(display):
            wait(
                lambda before=messages: (
                    app.session.layers.layers
                    or len(app.session.messages.log) > before
                    or page.model.presentation is not None
                    or page.model.volume is not None
                )
            )
            layers += 1
        elif display.kind.without_pictures:
            wait(lambda: page.stage.view is not None or page.stage.words != page.tr("Loading ..."))
            objects += page.stage.view is not None
            sentences += page.stage.view is None
        else:
            wait(
                lambda: (
                    page.model.failure
                    or (page.model.volume is not None and page.model.volume.ready.any())
                    or (page.model.volume is not None and page.model.volume.failed)
                )
            )
            pictures += 1
        app.qt.processEvents()
        view.grab()
    assert pictures > 40
    assert objects > 15
    assert layers > 5
    assert sentences < 8
    assert not [r for r in caplog.records if r.levelname in ("ERROR", "CRITICAL")]
