"""Pictures and sounds leave the markup whole, and what is small or broken stays."""

import base64
from types import SimpleNamespace

import embedded

PICTURE, SOUND = bytes(range(256)) * 16, b"RIFF" * 2000
DATA = base64.b64encode(PICTURE).decode()


def test_pictures_and_sounds_become_files():
    lines = "\n" + "\n".join(DATA[start : start + 76] for start in range(0, len(DATA), 76))
    markup = (
        f'<image xlink:href="data:image/png;base64,{lines}" x="1"/>'
        f'<audio src="data:audio/wav;base64,{base64.b64encode(SOUND).decode()}"></audio>'
        f'<img src="data:image/png;base64,{DATA}">'
    )
    files: dict[str, bytes] = {}

    def write(name: str, content: bytes) -> str:
        files[name] = content
        return f"../{name}"

    taken = embedded.take_out(markup, write)
    picture, sound = files
    assert files == {picture: PICTURE, sound: SOUND}
    assert (picture[-4:], sound[-4:]) == (".png", ".wav")
    assert taken == (
        f'<image xlink:href="../{picture}" x="1"/><audio src="../{sound}"></audio>'
        f'<img src="../{picture}">'
    )


def test_what_is_small_of_another_kind_or_no_picture_stays():
    for value in (
        f"data:image/png;base64,{DATA[:400]}",
        f"data:text/csv;base64,{DATA}",
        f"data:image/png;base64,{'…' * embedded.SMALLEST}",
    ):
        markup = f'<img src="{value}">'
        assert embedded.take_out(markup, lambda name, content: name) == markup


def test_only_the_site_has_files_beside_its_pages(tmp_path):
    markup = f'<img src="data:image/png;base64,{DATA}">'
    for builder, stays in (("epub", True), ("html", False)):
        app = SimpleNamespace(builder=SimpleNamespace(name=builder), outdir=str(tmp_path))
        context = {"body": markup, "pathto": lambda address, resource: f"../{address}"}
        embedded.take_out_of_page(app, "book/page", "page.html", context, None)  # type: ignore[arg-type]
        assert (context["body"] == markup) is stays
    (picture,) = (tmp_path / "_images").iterdir()
    assert picture.read_bytes() == PICTURE
    assert context["body"] == f'<img src="../_images/{picture.name}">'
