"""What of the caller's environment may pass into notebook kernels, tests, fresh processes and pip.

A setting in a shell profile must not change what a page shows or a test finds. So what may pass
is listed here, and only here.
"""

import os
from fnmatch import fnmatchcase

SETTINGS = {
    "TUTORIALS_DATA": "offline",
    "TUTORIALS_PRESET": "page",
    "TUTORIALS_SETTINGS": "on",
}
"""The project's own variables that change results, and what each is when it is unset or empty."""

CHANGES_RESULTS = (
    *("JAX_PLATFORMS", "CUDA_VISIBLE_DEVICES", "NVIDIA_TF32_OVERRIDE"),
    *("OMP_*", "OPENBLAS_*", "MKL_*", "KMP_*", "GOTO_*", "BLIS_*", "VECLIB_*"),
)
"""What the reader of the machine may choose: the device, and the threads of BLAS."""


def settings_in_digest() -> dict[str, str]:
    """Every variable that passes and changes results, sorted by name.

    An empty variable counts as one that is not set.
    """
    found = {name: os.environ.get(name) or default for name, default in SETTINGS.items()}
    for name, value in os.environ.items():
        if value and any(fnmatchcase(name, pattern) for pattern in CHANGES_RESULTS):
            found[name] = value
    return dict(sorted(found.items()))
