"""How simulated requests are written: one module per family of formats."""
