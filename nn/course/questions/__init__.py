"""The questions of each notebook: what is right is computed, slips are those of students."""
