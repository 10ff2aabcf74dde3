"""The tables of the warehouse, one module per subject; :mod:`warehouse.schema` gathers them."""
