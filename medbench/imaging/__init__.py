"""Pure functions over arrays: window, reslice, thumbnails, features."""
