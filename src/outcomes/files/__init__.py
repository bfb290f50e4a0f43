"""What is written to disk: folders that take their place whole, one run at a time, and text that stays text.

Every command writes through this room (docs/decisions/18): `whole` stages a folder and swaps it in, `exchange` is the
swap, `beside` the private files that go with a folder, `lock` keeps a second run away, `stops` hears Ctrl-C, `cells`
keeps a cell from becoming a formula, `shown` a text from becoming a terminal's command.
"""
