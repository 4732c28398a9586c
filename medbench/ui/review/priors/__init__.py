"""Earlier studies beside the current one."""
