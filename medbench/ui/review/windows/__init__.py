"""Window presets: commands, list, editor."""
