"""What several comparisons say of their tolerance or of their times, each said once."""

CONVOLUTION_ON_ONE_CORE = (
    "The times of JAX depend on the convolution setting of the machine card: by default, "
    "this version of XLA runs a convolution on one core."
)

ADAM_MAGNIFIES_ROUNDING = (
    "Adam divides each gradient by its own size, which magnifies the rounding of small ones."
)

LOSSES_HARDLY_NOTICE = (
    f"{ADAM_MAGNIFIES_ROUNDING} What is compared is therefore the loss, which hardly notices."
)

TIED_PIXELS = (
    "Rounding can decide which of two nearly equal pixels is the largest of its block and gets "
    "the gradient"
)
"""The beginning of a sentence, which goes on with what is compared."""

TIED_PIXELS_IN_STATISTICS = (
    f"{TIED_PIXELS}, so loss and batch statistics are compared; the gate has the whole state."
)
