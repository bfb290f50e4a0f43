"""Numbers on plain arrays: arrays in, frozen results out, no tables and no clinic words."""
