"""Set12 and BSD68: the grey pictures on which papers on denoising compare.

Set12 holds twelve that have been denoised for decades, such as the house and the parrot; BSD68 are
68 photographs out of the Berkeley segmentation data (Martin et al. 2001), in the choice of Roth
and Black (2009). Both are used as Zhang et al. (2017) give them.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float32

from tutorials_lib.datasets.download import RemoteFile, fetch
from tutorials_lib.datasets.errors import MalformedDataError
from tutorials_lib.datasets.super_resolution import read_picture

_COMMIT = "6b0804951484eadb7f1ea24e8e5c9ede9bea485b"
_BASE = f"https://raw.githubusercontent.com/SaoYan/DnCNN-PyTorch/{_COMMIT}/data"

_SET12 = {
    "01": (38_267, "079229e13faff0a262a9d3eb9a7fa60868203f9b8545de6fb75aadf6fbca4296"),
    "02": (34_985, "576b2b3b6ff4d7e6c8ddccb0df645774f9b986c81219c28e16ba1935990a0b29"),
    "03": (40_181, "92de94d7b8ef9e645546821150eff5c765d0d29666f9bc7d20b61063f35c3305"),
    "04": (42_947, "839fb4770a5a71ab80f18b04a3521b7464451bb3d3e3c6555d538247599fe843"),
    "05": (40_728, "1707ee6fd18fe7d55a1ac7a2cc8818b1e5d5c4a1d6974d8cd4acc9e0f11025fc"),
    "06": (40_985, "02d125470b396b2c63fa428e65920a88e721d5558c54a5c0d25075c934bd0469"),
    "07": (39_804, "83d42aae735bde17c8e92e5c2544b07dd4ff2b77caaa64f5d3bcc34668f79597"),
    "08": (151_065, "f07124a0b4bb493660210c209070aa9c9187e9e085a9f026a51a2b9f57e25f15"),
    "09": (185_727, "764b8a2748cc7ad381cccc047c5e512cb528c197ba86adb83aa339e8932e66c0"),
    "10": (177_762, "18bea4de1634456f5791d16301863fc974401d144cd6afb86f09a6be4620fe54"),
    "11": (209_817, "a8791afbd2af4f977f30c3a9a72a50204264440c27b1f4bb282a085eb680abe1"),
    "12": (193_637, "f6acd12953db8c1f5a0dda53fef4233be37a61702cd22d5be742cf7c039021f2"),
}

_BSD68 = {
    "test001": (118_864, "94ddd662377347ca7b07d5a11c2a83feff658723cf31f79bfa75f65713e94ee4"),
    "test002": (74_483, "7dabadb169c463d7bd7da110c36d486846c8c787883b6fc979257d44e09b3a29"),
    "test003": (86_227, "d27b8117a1b175b594f80de162e81776c8587e2e512fa4d07fbaeacb67c97949"),
    "test004": (84_485, "3ceebbbf583e355fefcdb9e653bff65451b20a512f1c4ca12a0518f4569b481c"),
    "test005": (97_073, "d187d8b58e5d19b4aa6e055b849064fb974cad7b18083c25f6580a1ba17d6bb3"),
    "test006": (71_584, "c184fc29e6668cbb15ae42c52cb68a36b4179d19ba5dbc4393f395ccc8f14aec"),
    "test007": (101_018, "d13c69290e9783d2b5c1ed2acd3e51ba5ac3b6c8731fe26141d250a5e3f042e9"),
    "test008": (115_601, "be55c170e63f28a2e7899687e083b42e6a8c9e465913dfaf4d2b444567856933"),
    "test009": (93_022, "ba0ad02a3f761ffab2fc23a26705944fc1983d0b51ecff3600d137bec465a98b"),
    "test010": (89_721, "fbe5bd8cfdfc8232db92e4f31a7cb1acc2f7540a64cbd3bd4aa7d32f67669c15"),
    "test011": (92_534, "ddbb6e31f8279db81d04215c2868de748c66e31a30f48f066b44c6837ace5c20"),
    "test012": (103_143, "3a6330f054a1c16e8307446c303648bc87828ba6282af6586482349fc50d19ef"),
    "test013": (92_986, "28f32a8b20cb9469ad6df196c0b4f92eb73a3c6483904d8a56cb2331a26d1494"),
    "test014": (81_907, "61c904019033176fb7a41b6a6f6727ffcb11e702b0a4dc14d8b583b41c9d8926"),
    "test015": (105_365, "38dc56d13f8606ad8a07c88192885f9f2d7015e46006ae250a7c41fa8fa1b136"),
    "test016": (110_448, "ed5cbdb3402a36eb7032b54fa11bc1845d9bd08a6c95ed621773e0ac56b398f6"),
    "test017": (68_933, "f0c1604265e5cacfea684562bed7a0d610d72ffa668c0694bf9143271a84242b"),
    "test018": (66_310, "3540e6c59c0c62f5e673ca4955b8ca8ffe2853cbe51ac82d89f5741755ce464b"),
    "test019": (100_373, "8bbfcc1d035e25c6bb541215a653ffea2a5b729b367aa2c68b33084c6c3e00b6"),
    "test020": (93_264, "3775d6efddca1dcca090742ad1448f0fa48a25bc24ce4eca7ed765532c9c3f39"),
    "test021": (114_013, "0a757d926afa75d83c7bffce2de33e05d6ca12cdef6a4d4187deca751edbf107"),
    "test022": (109_816, "b797e008601c61ff11dfa936be139ec52a5333d41949cb7ceecd5afb3826bef6"),
    "test023": (95_472, "6b09da52d43e5ae5d60780439ad3a753e9769efd26045187e9dd63e02d3b46dc"),
    "test024": (98_740, "67ab076e3b3f1d39182627d2405897a879b09b40ebe6b33e1bf4532e5f746fc5"),
    "test025": (78_844, "792b825650b4c4e553144dd69de37b519859e023535f5bba317abf5dbbac2957"),
    "test026": (102_342, "86a6acba42db469bcb716a299cbca5839757798fe8c61db85e62e9278261df1b"),
    "test027": (89_409, "cc4e573ee4979d06fb04050eb1f9e68f7eebbe43cdd9b75e4627ec2b0c795c18"),
    "test028": (63_234, "549b2639e72f6825fda7c2cc456cce4ea97ffcbd1f2bca5f6cded351da769d6f"),
    "test029": (121_370, "49351b50363c087dd1687ad10e7d98804eb81546eb378250cf7549c74c863836"),
    "test030": (91_178, "bd70a77c744cb56045489afac9efac6749fbf6f1e22abc2cddcbfe947579ae1e"),
    "test031": (130_367, "671fba87a6c54610728ef8130c36f255c198b70055064cfc5cdc961e08e6c132"),
    "test032": (111_318, "cc734bc7d9ed080286e4dca3a4f9d242870c76881989c2e0dd3fd83d8dc13468"),
    "test033": (92_033, "790f437a438f4254762ec4d4a4aefa6c16334fedb5137848154d45ce765ab80b"),
    "test034": (78_153, "7a7b04301e6b260473baa3fdbbbb04d2b07c6e0bae541d43484402f5202cef5b"),
    "test035": (100_892, "f10990d3da8a55198f64bce464d59417bcbd719945dd1e95b46c3ed37bef3963"),
    "test036": (107_971, "bca7b2561ac285d92b624bea36a9b663e3646e38f090e3236e5c7267ab99988c"),
    "test037": (94_230, "c04809c41445b37b2b17cfbdf0342dfa891c9854a57866dabed27c499ab8a803"),
    "test038": (98_294, "a076c1f412a65ca94ba712b8158a13b93502732f3e8470a5c1367fc3d1134fe2"),
    "test039": (80_286, "2c5c513bcc633ca5a3639ce4c45d89cdb400e6748fcd7c668aacaa04f9d045d5"),
    "test040": (97_824, "f79ef5e81e07c003736d1af6ddb616fb8f29f7747769315adf591ad515e726fc"),
    "test041": (98_126, "646c912a3e15bcd228ed49f6de5c63a32f82dbbbb36b15529ecddeff91e495e5"),
    "test042": (89_470, "78cab10bcad2df64cbd0fc17ce0cb5af95ff98cbb1ee27f2664eccea93d555c2"),
    "test043": (86_954, "5ae7bac9730294377d5ca0e711facff8aa7bdc388d46feb7fa23398d055455ec"),
    "test044": (102_569, "cedc1ec61bde1eb220abe22d3753546ddae9e2600c38901721c3f7c1d4fd8f3e"),
    "test045": (72_731, "ba387a966b0980d984bc4a34823ff70f33b207c13c62256f2be7a55a30e9aa9b"),
    "test046": (117_083, "52ed8a3381605a00da47f1306ce4d2c71c5310bf49c6b9ada2a194146854db53"),
    "test047": (111_024, "55021821543280a66567f78112fa84e8b6e0c0a21f38d15c013c3de7127f4acf"),
    "test048": (90_269, "f303f403f3a6574a2f45c7594ce390a80b1677e35ee74b9c31edf54fa8e4f7c8"),
    "test049": (79_078, "a9864e710ad5e3feaa08ac114bbe05714466b888cb16a689ac2489e2d5b0d7e5"),
    "test050": (105_215, "24cb8d9565e5469ef6e336cb7ab26f98c85a3b1d09aef0d67e79940a5ef257ac"),
    "test051": (100_263, "3c12ea89553d44808bc4fb44f9558878cb96cdc994590c877c6d2faca2fc72c4"),
    "test052": (75_037, "7bf722086b02521cbf254648b24462b97a63869a85d160c1c410bb0fbe8533ac"),
    "test053": (84_780, "235bbd5e9e72ece8e9cf439d1c95f89d41a94efd5e0e48ff6eaa053e5f0378de"),
    "test054": (99_295, "ae319876af64a54390e312e11e405eed0ab85707e55c1b54106e5dd25e2406bf"),
    "test055": (109_501, "ab39e645bd055dc0d4f10ccedad26d54712745828860f9153cfc99094eb38a1e"),
    "test056": (128_715, "87c7e3c0112781479ae9196952a13c33364168c366b4a546f6bd185c6be7efd6"),
    "test057": (89_722, "83b32759876dd2b3d024e78823bf414830a2e1433d74f0500cbb6dcd6e0a13e3"),
    "test058": (85_432, "e321bae2f2802b76ae00b279aa04450434c7b20c0b38ad956cb91f74b3ca9e0f"),
    "test059": (88_674, "88232cf229ae887c088cc76ce8a0f43e83761432956732fb5f2fb87c691574fd"),
    "test060": (82_004, "8f900a9ea1da160e442ce5b62ed139fe651f6d35171371314f813a301f3b3c4b"),
    "test061": (88_917, "09c5e1cb5b17d6073358dd1df9385a7bec3ddaccb34124060de6e30b9fa80481"),
    "test062": (67_675, "7697d1cb6007fa4d01455508d3436ff936a0e1915a3fb17dbc95ec332a7232c3"),
    "test063": (110_389, "6b9171d3a2db8e5784a211c2a1d94de02b147acdd04f603d6df6c29db6b38700"),
    "test064": (113_069, "1f705d2e47aeea31d31bc13cb02024cccdb268ea19adb8b5487d4a899e0a9e1b"),
    "test065": (92_319, "8ccba9966431cd0928054c49b4b70ffd95a25b821b6d6d6f3de9090bb57781ab"),
    "test066": (53_766, "473d35176134c1bb2ad3d7e915c5e7f397d625f1245f5d7cb23bdfd46ad36485"),
    "test067": (126_563, "b045137f029e1c406ba0cec6363d1d09fcfd1ff01298682e98066770cc302fd6"),
    "test068": (98_838, "26fcaab8eeb61b86e4ed9aa8dcb23c2b6ee652ca3ea7ff545e7e27610dec2c7c"),
}
"""Number of bytes and sha256 of each file."""


def _remote_files(
    folder: str, files: Mapping[str, tuple[int, str]], citation: str
) -> dict[str, RemoteFile]:
    return {
        name: RemoteFile(
            name=f"{folder.lower()}-{name}.png",
            url=f"{_BASE}/{folder}/{name}.png",
            sha256=sha256,
            num_bytes=num_bytes,
            mirror_path=f"denoise/{folder}/{name}.png",
            licence="none stated; see the source",
            citation=citation,
        )
        for name, (num_bytes, sha256) in files.items()
    }


SET12 = _remote_files(
    "Set12",
    _SET12,
    "K. Zhang, W. Zuo, Y. Chen, D. Meng, L. Zhang (2017), Beyond a Gaussian denoiser, "
    "https://github.com/SaoYan/DnCNN-PyTorch",
)
"""Twelve pictures that nobody trains on, by number."""

BSD68 = _remote_files(
    "Set68",
    _BSD68,
    "D. Martin, C. Fowlkes, D. Tal, J. Malik (2001), A database of human segmented natural images, "
    "https://github.com/SaoYan/DnCNN-PyTorch",
)
"""68 more, by name."""

Picture = Float32[np.ndarray, "height width"]


class DenoisingSets(NamedTuple):
    """Pictures from 0 to 1 by name."""

    set12: dict[str, Float32[np.ndarray, "_ _"]]
    bsd68: dict[str, Float32[np.ndarray, "_ _"]]


def load_denoising_sets(
    *, set12: Mapping[str, RemoteFile] = SET12, bsd68: Mapping[str, RemoteFile] = BSD68
) -> DenoisingSets:
    """The pictures of both sets; a mapping with fewer files loads only those.

    Raises:
        DatasetError: a file cannot be had, is not the pinned one, or is no grey picture (which of
            these, the subclass and the message say).
    """
    return DenoisingSets(
        *(
            {name: read_grey(fetch(remote)) for name, remote in files.items()}
            for files in (set12, bsd68)
        )
    )


def read_grey(path: Path) -> Picture:
    """A picture file from 0 to 1.

    Raises:
        MalformedDataError: the file is no picture that Pillow can read, or it is in colour.
    """
    picture = read_picture(path)
    if picture.shape[-1] != 1:
        raise MalformedDataError(
            path,
            expected="a grey picture",
            found=f"{picture.shape[-1]} channels",
            way_out="Check that this is the published file.",
        )
    return picture[..., 0]
