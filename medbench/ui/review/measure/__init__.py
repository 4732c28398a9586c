"""Measuring in Review: tools, marks on the pictures, and the panel that lists them."""
