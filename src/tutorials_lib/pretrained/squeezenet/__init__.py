"""SqueezeNet 1.0, trained on ImageNet and compressed to 676 kB (Iandola et al. 2016).

`weights` reads the published file, `in_numpy` classifies a picture, `in_jax` has the network as a
Flax NNX module, whose maps tutorials build on.
"""
