"""What may be published: a small set of tables of distinct patients, protected, audited, and a page made from them."""
