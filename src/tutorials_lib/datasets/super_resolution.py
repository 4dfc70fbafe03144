"""T91, Set5 and Set14: the pictures on which papers on super-resolution train and compare.

T91 holds 91 pictures, mostly of flowers, faces and other things with clear edges (Yang et al.
2010); Set5 (Bevilacqua et al. 2012) and Set14 (Zeyde et al. 2010) are held out by everybody.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float32

from tutorials_lib.datasets.download import RemoteFile, fetch
from tutorials_lib.datasets.errors import reading

_COMMIT = "78be1a24697935fc39a3a8cf59a6632264afade7"
_BASE = f"https://raw.githubusercontent.com/tegg89/SRCNN-Tensorflow/{_COMMIT}"

_T91 = {
    "t1": (104_246, "bd05fe477d92b3aa241994cf47a5f6d10284d1699032383e5766ad28d6eff71f"),
    "t2": (92_418, "07530d9e4f591cf8c3d265b8ca5a937eaadf5212be27fff694214870422cc3b6"),
    "t3": (89_334, "5f67079bdd259d73214a48ae666e16d596f81503c886cb3f5937a8f91d3b48e5"),
    "t4": (128_646, "3f3a2b46fc984921f3a43aac7a5af48a8ea84d9339df22a8f16fd94ff803c475"),
    "t5": (70_734, "c0f1d5c9c52d1680b24041041ef4809c14e0ba9307b6f5c2e24c818b285e03e3"),
    "t6": (90_102, "1d20ed01c9c399b00476419b459d12128033c17dac8dacc05ca59bfc365da672"),
    "t7": (83_898, "8bf16fd877206e11966f8fc76ded26a457101fe5e39282a20e052f16a0e70787"),
    "t8": (102_654, "6e41c08509badd906bdd8a750004f98bd8db01058b3efeca0b3c9239d544c5a9"),
    "t9": (37_854, "4bc0f253ca708e898f8af77a11358076c78cceae592d64bfebccfecd9b4beaf1"),
    "t10": (55_266, "e8fc08afbbb00b9f421da26ad0beac690740876e7539e6060a60c8c6fb89ddcc"),
    "t11": (118_614, "cf814011d1b663bbcf7d27d112934ce14bb476de902613662f2e29573295a583"),
    "t12": (40_990, "f3bc2de47391e38d832d8a62ed8d373b046787e599778efedcf4193e5587241e"),
    "t13": (101_010, "5f551d7e84f3bab49b5fb2e597d29b3920bbad03bdbb3b898884f0be17e96439"),
    "t14": (76_990, "8c426fa5b413e14213ef7fbb71176cc5cf9c385b0cd9c199b0aa80d4ee326ebd"),
    "t15": (126_618, "ce01dbce740da6f44cb351062daa8ccace91188fe4edf7b408900b58b9f0de13"),
    "t16": (83_894, "594bcc141fa2c8d03cd4927b8e53d3a3b328d4523d083933cd249c9d9f81b13f"),
    "t17": (69_786, "5350a3dc65ace9f753d8ad2b00395b8d2aeb167296481e8ec5392cf288c024ef"),
    "t18": (55_782, "9345e8d5fc59336482fb3f90fe1e4a4a050da39a7a2d81a854abee9bcb86400a"),
    "t19": (96_174, "6639057c940889eebe3d2dbdcc993659090fc868aea550285318ce464de5cf1a"),
    "t20": (18_462, "39a2b362d128edcaa98d88e8d86d7a661f6259c948a171cf1d3bb0e4df901c55"),
    "t21": (41_346, "fb0beade57a0e52da0933de638e0ae828f6fb52ce1181ddd4f2fe7cff045d64e"),
    "t22": (59_718, "87630a34c0ab5549d5823426748d77191b3c2dd317f086d6b440f9f62e3be692"),
    "t23": (46_902, "460529492d4566a3fd9fc7d6a63b01a8b8c569533a920743462de6097b86ce7a"),
    "t24": (37_290, "df30507540996b48aea464e9b93534589bace076def6ee7b8012aba5d271f56a"),
    "t25": (125_190, "0cf73f85d53a03a24dca91375a1a06ec05472d228c197bea1084a5411322d063"),
    "t26": (58_742, "980a88ff7f17e773eff1f118b87b54727c18f2dadd557b909f47eba7223f140d"),
    "t27": (126_030, "70d8212bd5b89604a66dfb813f519768e24f860f606a41dde0e36330ed41a5d5"),
    "t28": (92_550, "9d0fe6e4976fdaefc0a597c24c5a47b4001967cc55058d2ac991ccbdfdd8e5d3"),
    "t29": (87_526, "33b75efca22b76b3db434351c47cdb4fbb088ef39ada7d5b89518233abba242f"),
    "t30": (61_662, "aca3633130f6ba454aa1786d0a4b538f565491f05d0c5ef63e2e78df34c24539"),
    "t31": (101_670, "0ab8dd6051b55d5fe2ac1b0f13fbc107cde69456e33ce34be707d8c5f5336b08"),
    "t32": (86_646, "8ed49320e99808f3b0d3954169b45896421dcbbfeed677154403b99d3fb38980"),
    "t33": (81_706, "e74c567e37afaa350d277f0116141b53ffddeddb032e494aae24589efbf1178a"),
    "t34": (66_362, "1404677d01ebbc0d243b9b6c126410c58578b33b80655d48536e06ff70011d4c"),
    "t35": (125_306, "0630c1f764752a84a94eff48517d41574aefa9068d0ca49f8e614354e933d8cc"),
    "t36": (114_102, "1c628e04ddb923bad98f310aadf1ec140291edd99056c5f78d9ed94e92e6f257"),
    "t37": (312_390, "0be67e122259e02748b823e20766e6db931f1f58835491fff941785b36cbcf11"),
    "t38": (200_054, "3be95aa1e4abdce2ecd56c60f4e0c15bfe0a7375d1b4cb4a5d38cf85ac01143a"),
    "t39": (197_350, "b3b8bd124e9f67f6de5c82159d646c0258780b6e715226f07bbfe37933b474d2"),
    "t40": (200_082, "f85064cb4fee2e866d55da2e7e10295357e4acbd279ae9e5901ac34eb43e68e5"),
    "t42": (202_814, "2c6b199625ad8ce4bfeacfd24ecd03eedce68b40c4201604fd33c8d856ab21ab"),
    "t43": (157_134, "6d4f5598fd57ffdfb3678bb104ed76a827ecdc546b0da710fc60436650b8624d"),
    "t44": (115_722, "400f6877d88414c35bebc97d4d42d31de26318d877fb035e16ead4c1e4230bb9"),
    "t45": (120_114, "b714f0189323ac9a883510a66dc95cc8454946ebda21164d2327fbe62445c8ab"),
    "t46": (355_146, "4aa6f0d8e586fd2cd6461e1dc6b6e02056cfea49e0c1235fcd9c2cb3db6c492a"),
    "t47": (143_574, "942a66177a41e51c5dd639d4c43ac4bf57fd318cafca30e7ed37907d47521783"),
    "t48": (135_462, "9b2b2294b983a03ec65b2334c6bfa27ddb5d4c94810a4c5c5a125c04f92b3aaf"),
    "t49": (243_022, "132459e1c9973afe47761b209cafb51c4e8b6b04d708f5140bfbe4983caaeb77"),
    "t50": (259_958, "ff37d26d2192004b3e7e36731c5633df41355d3956efca6503603aca892c41af"),
    "t51": (251_910, "71327d97cb20376e3a2fe36ad2dc7fe6d5d66e62ba8f9d210b62bda816a98702"),
    "t52": (207_090, "70d47b2c410b38f8088933f7f04b77f6824657c0753b03bbee7bfe2097ffac0b"),
    "t53": (237_166, "b90877ef69053047456269c5667c9c2258ea0589d275df14a277616b8c4c43c5"),
    "t54": (153_234, "9660dd86a4c26e0816970d3a15915d27fa4c99ae70b4e6b715be083c5f751875"),
    "t55": (173_502, "a825655a7e0204bcc32fc639dbceebd1b19683c14bd4e75a654728695ef37dd4"),
    "t56": (98_694, "2a09d5b7d1b2bcdcf33209d46dd3ff4b69008923334517947022d089eb0007f4"),
    "t57": (112_078, "740ccca1f80b2ce0a9ed1d0d9e94c1cd323b089a47bad4605aef16eaa3c77ad9"),
    "t58": (133_374, "4c50e113b15c60f538aec523f7de0274dd4059bb4d3d08e234614c38b7e78358"),
    "t59": (214_134, "efd3270a48e5325f61e9173fbd6bd487431ac8a8d9f263b83113403b91d5426e"),
    "t60": (141_394, "6f93d92cbad459bf30af73d5627f2965156fc4c1997de66ae77f7c33ca599bc4"),
    "t61": (111_254, "bc89907a74c21794db4884b1217f91084df9fd01f844d2d9bf6ac009b550d69f"),
    "t62": (118_194, "24c840e9acbe1430af742a61d89e367b6bc5edbd8080737002af6260a48b5fa8"),
    "t63": (148_726, "ccd48b87c7e71cd27c4fcc3ab99ff70bfd40a06b5d4d37069efcb433ab3d5b7b"),
    "t64": (117_534, "7eb15ab8d32a70f18e528ca40df8e7a055dd5552e1586e0632aeb845abd9442b"),
    "t65": (114_102, "1c628e04ddb923bad98f310aadf1ec140291edd99056c5f78d9ed94e92e6f257"),
    "t66": (234_090, "78efd98a9b89127d06d308d8bfd738ae77d5c087b2500a61b75b86f8ac6afb5b"),
    "tt1": (407_454, "9f3f752f4cff92961b896473dbf1e171268cb4a2114ffa08608dc201702a563c"),
    "tt2": (459_162, "396f2ece3c612792d08cbcf7411a7d9d973c454d26e0fd931094de0891b80d92"),
    "tt3": (455_238, "97134dd606815ff9d2ed720472900e9fe6fa783d72cfa276ee168155cfdfac7d"),
    "tt4": (427_302, "662aceee5e2ba8088789ce785bf6eec38f9f0d9ef45a70ac775aca7cd57038a9"),
    "tt5": (406_314, "96c0d40d5815f88ab28162c5204dc37fa356e223f4b923a8a28f22dbdf0d1882"),
    "tt6": (391_770, "708685aacebd13cd57aa28aff916a86f46584ddbdfcc81cd75fe6d4ce0d6efaf"),
    "tt7": (142_922, "c80f58bf01a7e3036903687896782ed36398fbf95e6803259ded222acf373dd3"),
    "tt8": (379_506, "5c7c290dab40e61c9ff7e8779c4c95fe3211d823f776badd6ffade0a587690d6"),
    "tt9": (436_926, "d451c3b4316519355bfff58331fe8ddc5671d78243f472731137ef4489df76e6"),
    "tt10": (241_974, "25e719b9402adf870a185b516e4c06c6af8636b4bcddaf27dd6042b4b25f9364"),
    "tt12": (343_350, "6ba67c88ffef87bcafc3e5d8723c35e536553eb724f946afd853a5a3f2f35c7e"),
    "tt13": (292_986, "cd333c10b6ed9155553330bde4160348084ffa2fbe73ae02c311c3c161f508b2"),
    "tt14": (153_462, "9fb5b5e3acec47eaa445c987bd541eeace90b4e5083f675682bf5f944fdb59a1"),
    "tt15": (216_534, "5583ad57fd530b24f799385ecd83d6bbf43b35791d083f1314b43fa17da84446"),
    "tt16": (176_522, "3c823a83adf28687291899440f777d548c1b95c0def6c48b37a70b37d6284f4e"),
    "tt17": (238_878, "d9222ee0e9fa51b2119fe91a72015bc97aa11660c2cb06bbbf5b4567dc54eaa3"),
    "tt18": (95_898, "6d861fb17141f137f37ef5e5da365c26fb44e0a5e29c3e51b94a0d2f4b865b42"),
    "tt19": (190_454, "43b829fadc643cdebb6f90aab4c397762284cb958ac48099301a085bfefce402"),
    "tt20": (266_442, "2de65114eec8c7bb1177f82fca2984fdbd734d513fd7712d08a5b4d6214df1e9"),
    "tt21": (383_214, "0631620dc9a1eca76f0b55c40311a903783a72f757105c5aae82edfc7a9ad81d"),
    "tt22": (162_990, "a055857f762b974c52aff8f224f85a472311cbd4f4bacebea9958b7185024828"),
    "tt23": (271_350, "4dfb0015531c77e3c85b560485ce91bdd515b7a2f6b58c8a5128bf81724d6d67"),
    "tt24": (339_414, "d50158cf5d09ede1cab4fa79f15f4c8749381d643494b4689e3eeab31fdd7abe"),
    "tt25": (414_774, "7b188db37073dc19590ac75aae0d50990357f88be2a65585d2a355cc66295c35"),
    "tt26": (358_494, "5e85706af55c13188aae8bdbaf12a152c6377ad4cfe09728297827d17b1a7d60"),
    "tt27": (283_722, "84e0380c9392787e253325a036b7e17774ed87583edd1324e88ce91a30018070"),
}

_SET5 = {
    "baby_GT": (786_486, "199806aa411249a8f179fe5598bed0766d92bf7fe5ff388522e4d8d997bd2fd4"),
    "bird_GT": (248_886, "498f50e8907f2421969d893aff61ee1a7c4aae23cb76452728a90e97c2889fb3"),
    "butterfly_GT": (196_730, "43534bd9f59f06ac7b0d6c8b991137baa4c764b8241a5bd1136b9dd810f4dba2"),
    "head_GT": (235_254, "959f9ac5ceacfd7648e7f0bfa6fbbd626b141d3e61e41dddd3e2593acfd3ac0b"),
    "woman_GT": (235_350, "2ab3c594c057d80c2f339c9be0bf6fb81487ce650562b60c2ad8cd816d509f56"),
}

_SET14 = {
    "baboon": (720_054, "8650f437b5186197a4f09475a685170a3ff619cfb60bd2702b9b07d168a390f2"),
    "barbara": (1_244_214, "74d78e6e9b2c82a920bba716ef1e133ff79cfbdc5f010ed75023f2f7b5458b68"),
    "bridge": (263_222, "9e762cf7a2b2508936458307ab811fce87a9a6df036fbbead35e6d41f9f5cd0d"),
    "coastguard": (304_182, "1c33308da91106ba4299d9f451b4d614c542281446062be3b967cb40a1826698"),
    "comic": (271_526, "e3764ad96ea4e9903fc104d99b160577818d3c13d1039c09bc0e205b5a25c592"),
    "face": (228_584, "c33385916557a2224c4bc296247292b4861f6a9a411a59f453755c99993722e4"),
    "flowers": (543_054, "fb07dd3e1202c2b8f268304ae95f7a126f11d26b034054e1ed216856264178a3"),
    "foreman": (304_182, "97574e5993ad5d4490c70cac89b68b24dd7553035e8deec53c6b5195bf17d57c"),
    "lenna": (786_486, "ef6754b751398420d22977afbe731c7fcb032dc49547004d4852ec0aa2134ded"),
    "man": (786_486, "11a53388b5f697aaa702026395ed576beb18981dd88447dbd193cca4427ee883"),
    "monarch": (1_179_702, "174ef56bab333846b511eb60d85be4edd6696271c59a3f80edcb143400827054"),
    "pepper": (786_486, "53d9c421dc1e5be18fa01bb18252fb8997663a1e340780e0cecd045240d6eafc"),
    "ppt3": (1_041_782, "fae917d0709489e864737ab637abd821089fd52d5ec8a4107c46f5ec0a63becd"),
    "zebra": (688_214, "d563f2b305a4e45a0ecead76344264dcb23396ced723e3f1c5caed30d82df805"),
}
"""Number of bytes and sha256 of each file."""


def _remote_files(
    folder: str, files: Mapping[str, tuple[int, str]], citation: str
) -> dict[str, RemoteFile]:
    return {
        name.removesuffix("_GT"): RemoteFile(
            name=f"{folder.rpartition('/')[2].lower()}-{name}.bmp",
            url=f"{_BASE}/{folder}/{name}.bmp",
            sha256=sha256,
            num_bytes=num_bytes,
            mirror_path=f"sr/{folder}/{name}.bmp",
            licence="none stated; see the source",
            citation=citation,
        )
        for name, (num_bytes, sha256) in files.items()
    }


T91 = _remote_files(
    "Train",
    _T91,
    "J. Yang, J. Wright, T. Huang, Y. Ma (2010), Image super-resolution via sparse representation, "
    "https://github.com/tegg89/SRCNN-Tensorflow",
)
"""The training pictures by name."""

SET5 = _remote_files(
    "Test/Set5",
    _SET5,
    "M. Bevilacqua, A. Roumy, C. Guillemot, M.-L. Alberi-Morel (2012), Low-complexity single-image "
    "super-resolution, https://github.com/tegg89/SRCNN-Tensorflow",
)
"""Five pictures that nobody trains on, by name."""

SET14 = _remote_files(
    "Test/Set14",
    _SET14,
    "R. Zeyde, M. Elad, M. Protter (2010), On single image scale-up using sparse-representations, "
    "https://github.com/tegg89/SRCNN-Tensorflow",
)
"""Fourteen more."""

Picture = Float32[np.ndarray, "height width channels"]


class SuperResolution(NamedTuple):
    """Pictures from 0 to 1 by name; one that is stored as grey has a single channel."""

    t91: dict[str, Float32[np.ndarray, "_ _ _"]]
    set5: dict[str, Float32[np.ndarray, "_ _ _"]]
    set14: dict[str, Float32[np.ndarray, "_ _ _"]]


def load_super_resolution(
    *,
    t91: Mapping[str, RemoteFile] = T91,
    set5: Mapping[str, RemoteFile] = SET5,
    set14: Mapping[str, RemoteFile] = SET14,
) -> SuperResolution:
    """The pictures of the three sets; a mapping with fewer files loads only those.

    Raises:
        DatasetError: a file cannot be had, is not the pinned one, or is no picture (which of
            these, the subclass and the message say).
    """
    return SuperResolution(
        *(
            {name: read_picture(fetch(remote)) for name, remote in files.items()}
            for files in (t91, set5, set14)
        )
    )


def read_picture(path: Path) -> Picture:
    """A picture file from 0 to 1: one channel where it is stored as grey, else three.

    Raises:
        MalformedDataError: the file is no picture that Pillow can read.
    """
    from PIL import Image

    way_out = "Check that this is the published file."
    with reading(path, expected="a picture", way_out=way_out), Image.open(path) as picture:
        pixels = np.asarray(picture if picture.mode == "L" else picture.convert("RGB"), np.float32)
    return np.atleast_3d(pixels) / np.float32(255)
