"""The application's style sheet, made from tokens."""

from medbench.ui.theme.tokens import Tokens

_SHEET = """
* {{ font-family: "Inter"; font-size: {size}px; outline: 0; }}
QWidget {{ color: {t.text}; background: transparent; }}
QMainWindow, QDialog, #app {{ background: {t.app}; }}
QToolTip {{ background: {t.raised}; color: {t.text}; border: 1px solid {t.divider}; padding: 4px; }}
#panel, #topbar, #statusbar, #rail, #toolbar {{ background: {t.panel}; }}
#topbar, #toolbar, #panelheader {{ border-bottom: 1px solid {t.divider}; }}
#statusbar {{ border-top: 1px solid {t.divider}; }}
#rail {{ border-right: 1px solid {t.divider}; }}
#leftpanel {{ background: {t.panel}; border-right: 1px solid {t.divider}; }}
#rightpanel {{ background: {t.panel}; border-left: 1px solid {t.divider}; }}
#viewports {{ background: {t.divider}; }}
QFrame#card {{ background: {t.panel}; border: 1px solid {t.divider}; border-radius: 6px; }}
QFrame#hline {{ background: {t.divider}; border: 0; }}
QLabel#strong {{ color: {t.strong}; font-weight: 600; }}
QLabel#secondary {{ color: {t.text2}; font-size: {small}px; }}
QLabel#caption {{ color: {t.text2}; font-size: {caption}px; }}
QLabel#section {{ color: {t.strong}; font-weight: 600; }}
QLabel#page {{ color: {t.strong}; font-weight: 600; font-size: {page}px; }}
QLabel#start {{ color: {t.strong}; font-weight: 600; font-size: {start}px; }}
QLabel#kpi {{ color: {t.strong}; font-weight: 600; font-size: {kpi}px; }}
QLabel#probability {{ color: {t.strong}; font-weight: 600; font-size: {prob}px; }}
QLabel#mono {{ color: {t.text2}; font-family: "JetBrains Mono"; font-size: {caption}px; }}
QLabel#success {{ color: {t.success}; }} QLabel#warning {{ color: {t.warning}; }}
QLabel#error {{ color: {t.error}; }}
QPushButton {{ background: {t.raised}; border: 1px solid {t.outline}; border-radius: 6px;
  padding: 0 12px; min-height: 26px; color: {t.text}; font-weight: 500; }}
QPushButton:hover {{ background: {t.hover}; }}
QPushButton:pressed {{ background: {t.divider}; }}
QPushButton:focus {{ border: 2px solid {t.accent}; }}
QPushButton:disabled {{ color: {t.disabled}; border-color: {t.divider}; background: {t.panel}; }}
QPushButton[kind="primary"] {{ background: {t.accent_fill}; border-color: {t.accent_fill};
  color: {t.on_accent}; }}
QPushButton[kind="primary"]:hover {{ background: {t.accent}; }}
QPushButton[kind="primary"]:focus {{ border: 2px solid {t.strong}; }}
QPushButton[kind="primary"]:disabled {{ background: {t.raised}; color: {t.disabled};
  border-color: {t.divider}; }}
QPushButton[kind="danger"] {{ color: {t.error}; }}
QPushButton[kind="danger"]:disabled {{ color: {t.disabled}; }}
QPushButton[kind="ghost"] {{ background: transparent; border-color: transparent; }}
QPushButton[kind="ghost"]:hover {{ background: {t.hover}; }}
QPushButton#entry {{ background: {t.panel}; border: 1px solid {t.divider}; border-radius: 6px;
  text-align: left; padding: 12px; }}
QPushButton#entry:hover {{ background: {t.selection}; border-color: {t.accent}; }}
QPushButton#entry:focus {{ border: 2px solid {t.accent}; }}
QPushButton#search {{ background: {t.field}; text-align: left; color: {t.text2};
  font-weight: 400; }}
QToolButton {{ background: transparent; border: 1px solid transparent; border-radius: 6px;
  padding: 3px; color: {t.text}; }}
QToolButton:hover {{ background: {t.hover}; }}
QToolButton:pressed {{ background: {t.divider}; }}
QToolButton:focus {{ border-color: {t.accent}; }}
QToolButton:checked {{ background: {t.accent_fill}; color: {t.on_accent}; }}
QToolButton:disabled {{ color: {t.disabled}; }}
QToolButton#iconbutton:checked {{ background: {t.raised}; color: {t.text};
  border-color: {t.divider}; }}
QToolButton#tool {{ font-size: {caption}px; min-width: 38px; min-height: 40px; padding: 2px 1px; }}
QToolButton#tool::menu-button {{ border: 0; width: 10px; }}
QFrame#vline {{ border: 0; border-left: 1px solid {t.divider}; margin: 0 4px; }}
QToolButton#chain {{ border: 1px solid {t.outline}; border-radius: 14px; background: {t.panel}; }}
QToolButton#chain:hover {{ background: {t.hover}; }}
QToolButton#chain:checked {{ background: {t.accent_fill}; border-color: {t.accent}; }}
QToolButton#railitem {{ border-radius: 0; border: 0; border-left: 3px solid transparent;
  font-size: {caption}px; padding: 4px 0; color: {t.text2}; }}
QToolButton#railitem:hover {{ background: {t.hover}; }}
QToolButton#railitem:focus {{ border: 1px solid {t.accent}; border-left: 3px solid {t.accent}; }}
QToolButton#railitem:checked {{ background: {t.raised}; border-left: 3px solid {t.accent};
  color: {t.strong}; }}
QToolButton#segment {{ border: 1px solid {t.outline}; border-radius: 0; padding: 2px 9px;
  background: {t.panel}; font-size: {small}px; min-height: 18px; }}
QToolButton#segment:checked {{ background: {t.accent_fill}; color: {t.on_accent};
  border-color: {t.accent_fill}; }}
QToolButton#segment:focus {{ border: 1px solid {t.accent}; }}
QToolButton#learner {{ background: {t.panel}; border: 1px solid {t.divider}; border-radius: 6px;
  font-size: {small}px; padding: 4px; }}
QToolButton#learner:checked {{ background: {t.selection}; border: 1px solid {t.accent};
  color: {t.strong}; }}
QToolButton#learner:focus {{ border: 2px solid {t.accent}; }}
QLineEdit, QComboBox, QSpinBox, QDoubleSpinBox, QPlainTextEdit {{ background: {t.field};
  border: 1px solid {t.outline}; border-radius: 6px; padding: 0 8px; min-height: 26px;
  color: {t.text}; selection-background-color: {t.accent_fill};
  selection-color: {t.on_accent}; }}
QPlainTextEdit {{ padding: 6px; }}
QAbstractSpinBox QLineEdit, QComboBox QLineEdit {{ border: 0; padding: 0; min-height: 0;
  background: transparent; color: {t.text}; }}
QAbstractSpinBox::up-button, QAbstractSpinBox::down-button {{ subcontrol-origin: border;
  width: 12px; border: 0; }}
QAbstractSpinBox::up-button {{ subcontrol-position: top right; }}
QAbstractSpinBox::down-button {{ subcontrol-position: bottom right; }}
QAbstractSpinBox::up-arrow, QAbstractSpinBox::down-arrow {{ width: 0; height: 0; }}
QLineEdit:focus, QComboBox:focus, QSpinBox:focus, QDoubleSpinBox:focus, QPlainTextEdit:focus
  {{ border: 2px solid {t.accent}; padding: 0 7px; }}
QLineEdit:disabled, QComboBox:disabled {{ color: {t.disabled}; border-color: {t.divider}; }}
QComboBox::drop-down {{ border: 0; width: 22px; }}
QComboBox::down-arrow {{ image: url({arrow}); width: 14px; height: 14px; }}
QComboBox QAbstractItemView, QMenu, QListView#palette {{ background: {t.raised};
  border: 1px solid {t.divider}; color: {t.text}; selection-background-color: {t.selection};
  selection-color: {t.strong}; }}
QMenu::item {{ padding: 6px 24px 6px 12px; }} QMenu::item:selected {{ background: {t.selection}; }}
QMenu::item:disabled {{ color: {t.disabled}; }}
QCheckBox::indicator, QListView::indicator {{ width: 15px; height: 15px;
  border: 1px solid {t.outline}; border-radius: 3px; background: {t.field}; }}
QCheckBox::indicator:checked, QListView::indicator:checked {{ background: {t.accent_fill};
  border-color: {t.accent_fill}; image: url({check}); }}
QCheckBox:focus, QRadioButton:focus {{ color: {t.accent}; }}
QRadioButton::indicator {{ width: 13px; height: 13px; border: 1px solid {t.outline};
  border-radius: 7px; background: {t.field}; }}
QRadioButton::indicator:checked {{ border: 4px solid {t.accent_fill}; width: 7px; height: 7px;
  background: {t.on_accent}; }}
QTreeView, QListView, QTableView, QScrollArea {{ background: transparent; border: 0;
  selection-background-color: {t.selection}; selection-color: {t.strong};
  alternate-background-color: transparent; }}
QTableView {{ background: {t.app}; gridline-color: {t.subtle}; }}
QFrame#card QTableView {{ background: transparent; }}
QFrame#card QHeaderView::section {{ background: transparent; }}
QTreeView::item, QListView::item {{ min-height: 28px; }}
QTreeView::item:hover, QListView::item:hover, QTableView::item:hover {{ background: {t.hover}; }}
QTreeView::item:selected, QListView::item:selected, QTableView::item:selected
  {{ background: {t.selection}; color: {t.strong}; }}
QTreeView:focus, QListView:focus, QTableView:focus {{ border: 1px solid {t.accent}; }}
QHeaderView {{ background: {t.panel}; }}
QHeaderView::section {{ background: {t.panel}; color: {t.text2}; border: 0; padding: 0 8px;
  border-bottom: 1px solid {t.divider}; min-height: 30px; font-size: {small}px; }}
QTabBar::tab {{ padding: 8px 7px; color: {t.text2}; border-bottom: 2px solid transparent; }}
QTabBar::tab:selected {{ color: {t.strong}; border-bottom: 2px solid {t.accent}; }}
QTabBar::tab:focus {{ color: {t.accent}; }}
QTabWidget::pane {{ border: 0; border-top: 1px solid {t.divider}; }}
QSlider::groove:horizontal {{ height: 4px; background: {t.track}; border-radius: 2px; }}
QSlider::sub-page:horizontal {{ background: {t.accent}; border-radius: 2px; }}
QSlider::handle:horizontal {{ width: 14px; margin: -5px 0; border-radius: 7px;
  background: {t.on_accent}; border: 2px solid {t.accent_fill}; }}
QSlider:focus {{ border: 1px solid {t.accent}; border-radius: 4px; }}
QSlider::sub-page:horizontal:disabled, QSlider::handle:horizontal:disabled
  {{ background: {t.divider}; border-color: {t.divider}; }}
QScrollBar:vertical {{ width: 10px; background: transparent; }}
QScrollBar:horizontal {{ height: 10px; background: transparent; }}
QScrollBar::handle {{ background: {t.track}; border-radius: 4px; min-height: 28px;
  min-width: 28px; margin: 1px; }}
QScrollBar::handle:hover {{ background: {t.outline}; }}
QScrollBar::add-line, QScrollBar::sub-line {{ width: 0; height: 0; }}
QScrollBar::add-page, QScrollBar::sub-page {{ background: transparent; }}
QSplitter::handle {{ background: {t.divider}; }}
QSplitter::handle:horizontal {{ width: 1px; }} QSplitter::handle:vertical {{ height: 1px; }}
QLabel#chip {{ background: {t.raised}; border: 1px solid {t.divider}; border-radius: 4px;
  padding: 1px 7px; font-size: {small}px; }}
QLabel#chip[role="success"] {{ color: {t.success}; border-color: {t.success};
  background: transparent; }}
QLabel#chip[role="warning"] {{ color: {t.warning}; border-color: {t.warning};
  background: transparent; }}
QLabel#chip[role="error"] {{ color: {t.error}; border-color: {t.error}; background: transparent; }}
QLabel#chip[role="accent"] {{ color: {t.accent}; border-color: {t.accent};
  background: transparent; }}
QFrame#notice {{ background: {t.panel}; border: 1px solid {t.divider}; border-radius: 6px; }}
QFrame#notice[role="warning"] {{ border-color: {t.warning}; }}
QFrame#notice[role="error"] {{ border-color: {t.error}; }}
QFrame#notice[role="success"] {{ border-color: {t.success}; }}
QFrame#dropzone {{ border: 1px dashed {t.outline}; border-radius: 6px; background: {t.panel}; }}
QFrame#dropzone[active="true"] {{ border: 2px solid {t.accent}; background: {t.selection}; }}
QFrame#row:hover {{ background: {t.hover}; }}
"""


def build_stylesheet(tokens: Tokens, scale: float, arrow: str, check: str) -> str:
    """The sheet; ``scale`` is the user's text size, 1 to 1.5."""
    sizes = {
        "size": 13, "small": 12, "caption": 11, "page": 17, "start": 24, "kpi": 22, "prob": 28,
    }  # fmt: skip
    scaled = {key: round(value * scale) for key, value in sizes.items()}
    return _SHEET.format(t=tokens, arrow=arrow, check=check, **scaled)
