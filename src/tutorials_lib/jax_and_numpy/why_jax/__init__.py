"""One small problem carried through `grad`, `vmap`, `jit` and several devices."""
