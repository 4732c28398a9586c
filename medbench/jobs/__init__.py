"""What the app and the engine say to each other, and the Qt-free engine client."""
