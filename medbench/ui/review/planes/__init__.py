"""Planes of a volume: crosshair handles, plane chips, slabs, reference lines, fusion."""
