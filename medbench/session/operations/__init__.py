"""One Qt-free function per user operation, shared by window and command line."""
