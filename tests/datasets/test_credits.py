"""Everything that can be fetched is credited."""

from tests.datasets import damage
from tutorials_lib.datasets import credits
from tutorials_lib.datasets.hymenoptera import TRAIN, VALIDATION
from tutorials_lib.datasets.mnist import MNIST


def test_every_module_that_fetches_has_its_credit():
    credited = {one.what for one in credits.published()}
    for name, module in damage.fetching().items():
        assert (module.__doc__ or "").splitlines()[0].rstrip(".") in credited, name


def test_a_credit_counts_the_files_and_their_bytes():
    found = {one.what.split(":")[0].split()[0]: one for one in credits.published()}
    assert found["MNIST"].num_files == len(MNIST)
    assert found["MNIST"].num_bytes == sum(remote.num_bytes for remote in MNIST.values())
    photographs = [
        remote for split in (TRAIN, VALIDATION) for files in split.values() for remote in files
    ]
    assert found["Hymenoptera"].num_files == len(photographs)


def test_every_credit_names_a_licence_and_a_maker():
    for one in credits.published():
        assert one.licence, one.what
        assert one.citation[0].isupper(), one.what
        assert one.num_bytes > 1_000, one.what
    assert len({shows for shows, _, _ in credits.bundled()}) == 17
