"""Pure arithmetic: plain values in, plain values out. No Django, no database, no clock, no chance of its own."""
