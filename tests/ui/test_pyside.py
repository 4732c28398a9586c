from PySide6.QtCore import QObject, Signal, Slot


class _Emitter(QObject):
    told = Signal(bool)


class _Listener(QObject):
    def __init__(self):
        super().__init__()
        self.count = 0

    @Slot(bool)
    def hear(self, value):
        self.count += value


def test_emitting_true_thousands_of_times_is_safe(qapp):
    """PySide6 6.12.0 on Python < 3.12 releases True once too often and aborts."""
    emitter, listener = _Emitter(), _Listener()
    emitter.told.connect(listener.hear)
    for _ in range(20_000):
        emitter.told.emit(True)
    assert listener.count == 20_000
