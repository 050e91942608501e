from webipred.site.notices import read_notices


def test_a_site_carries_the_licences_of_webipred_and_of_the_software_inside() -> None:
    notices = {notice.path: notice.text.decode() for notice in read_notices()}
    assert "Apache License" in notices["licenses/webipred.txt"]
    software = ("ONNX Runtime Web", "Preact", "noble-hashes")
    assert [] == [name for name in software if name not in notices["licenses/third-party.txt"]]
