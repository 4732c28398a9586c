"""The volume of a display in 3-D: projections and lit tissue in a cell of the wall."""
