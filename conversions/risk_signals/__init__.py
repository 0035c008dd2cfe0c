"""What speaks against a conversion: one file for each signal, with all that differs between signals."""
