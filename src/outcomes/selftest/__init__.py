"""The proofs a user can repeat on site: stored answers of R, cases worked by hand, coverage, conservation of rows."""
