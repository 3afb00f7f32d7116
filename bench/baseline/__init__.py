"""The same work written plainly, the way a good but ordinary Django developer would: what the benchmarks compare with."""
