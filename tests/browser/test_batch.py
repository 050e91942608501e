"""Steps 2 and 3: batches with good and bad files, cancelling, sorting, pages, CSV."""

import csv
import io
from pathlib import Path

import numpy as np
import onnx
import pytest
from playwright.sync_api import expect

from browser.conftest import ONE_PLAIN_ENGINE, OpenWorkspace, Workspace
from browser.sites import BLUE, RED, encode, make_bundle, make_image, make_site
from tiny_models import make_colour_network
from webipred.assets import read_asset
from webipred.digests import hash_bytes
from webipred.engine.preprocessor import Preprocessor
from webipred.images.decode import decode_image
from webipred.validate.reference import ReferenceNetwork

pytestmark = pytest.mark.browser


DROP = """(files) => {
  const transfer = new DataTransfer();
  for (const [name, bytes] of files) transfer.items.add(new File([new Uint8Array(bytes)], name));
  document.body.dispatchEvent(new DragEvent("drop", { bubbles: true, cancelable: true, dataTransfer: transfer }));
}"""
DROP_TREE = """(bytes) => {
  const makeFile = (name) => ({ name, isDirectory: false, file: (resolve, reject) => name.startsWith("locked")
    ? reject(new DOMException("locked", "NotReadableError")) : resolve(new File([new Uint8Array(bytes)], name)) });
  const makeFolder = (name, ...lists) => ({ name, isDirectory: true, createReader: () => ({
    readEntries: (resolve, reject) => lists.length > 0 ? resolve(lists.shift()) : resolve([]) }) });
  const files = (...names) => names.map(makeFile);
  const series = makeFolder("series", files("locked.png"));
  const tree = makeFolder("study", files("a10.png", "a9.png", ".DS_Store"), [series]);
  const transfer = new DataTransfer();
  transfer.items.add(new File([], "study"));
  DataTransferItem.prototype.webkitGetAsEntry = () => tree;
  document.body.dispatchEvent(new DragEvent("drop", { bubbles: true, cancelable: true, dataTransfer: transfer }));
}"""
"""A folder as other browsers show it; Chromium shows none to the vault."""


def parse_csv(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline="")))


def test_a_bad_file_is_one_error_row_and_the_batch_goes_on(
    open_workspace: OpenWorkspace, colour_site: dict[str, bytes]
) -> None:
    with open_workspace(colour_site) as workspace:
        workspace.load()
        workspace.add(("a.png", RED), ("b.pdf", b"%PDF-1.4"), ("c.png", b""), ("d.png", RED[:200]), ("e.png", BLUE))
        workspace.expect_counts("5 of 5 images done, 3 of them with an error.")
        assert "looks like PDF" in workspace.row("b.pdf")
        assert "The file is empty." in workspace.row("c.png")
        assert "The file ends before the image does." in workspace.row("d.png")
        assert "Blue" in workspace.row("e.png")


def test_the_csv_holds_every_row_with_its_provenance_and_no_formula(
    open_workspace: OpenWorkspace, colour_site: dict[str, bytes]
) -> None:
    with open_workspace(colour_site, script=ONE_PLAIN_ENGINE) as workspace:
        workspace.load()
        workspace.add(("=HYPERLINK(1).png", RED), ('a,"b".png', BLUE), ("ü.png", b"no image"))
        workspace.expect_counts("3 of 3 images done, 1 of them with an error.")
        text = workspace.save_csv()
    assert text.startswith("\ufeffimage,status,error_code,predicted,red,blue,decision,threshold,")
    assert text.count("\r\n") == 4
    formula, quoted, failed = parse_csv(text)
    bundle = make_bundle()
    expected = {
        "image": "'=HYPERLINK(1).png",
        "status": "done",
        "error_code": "",
        "predicted": "red",
        "decision": "red",
        "threshold": "red>=0.5",
        "width": "48",
        "height": "48",
        "model_id": "red-or-blue",
        "model_version": "1.2.0",
        "weights_sha256": hash_bytes(bundle.weights),
        "preprocessing_sha256": bundle.preprocessing_sha256,
        "runtime": "compiled/plain",
        "generator": "webipred test",
        "build_id": "0123456789abcdef",
    }
    assert expected == {key: value for key, value in formula.items() if key not in ("red", "blue")}
    assert ('a,"b".png', "blue") == (quoted["image"], quoted["decision"])
    assert ("ü.png", "failed", "E-IMAGE-FORMAT", "", "") == tuple(
        failed[key] for key in ("image", "status", "error_code", "red", "decision")
    )


FORMULAS = [
    "=1.png",
    " =1.png",
    "\u00a0+1.png",
    "\ufeff-1.png",
    "\n@1.png",
    "\uff1d1.png",
    "\uff0b1.png",
    "\uff0d1.png",
]


def test_no_name_reaches_a_spreadsheet_as_a_formula(
    open_workspace: OpenWorkspace, colour_site: dict[str, bytes]
) -> None:
    names = [*FORMULAS, "\uff201.png", "\t1.png", "a-1.png", "a;b.png"]
    with open_workspace(colour_site) as workspace:
        workspace.load()
        workspace.page.frames[1].evaluate(DROP, [[name, list(RED)] for name in names])
        workspace.expect_counts(f"{len(names)} of {len(names)} images done.")
        text = workspace.save_csv()
    armed = [*FORMULAS, "\uff201.png", "\t1.png"]
    assert [*(f"'{name}" for name in armed), "a-1.png", "a;b.png"] == [row["image"] for row in parse_csv(text)]
    assert '"a;b.png"' in text


def test_probabilities_are_cut_to_the_range_that_they_have(open_workspace: OpenWorkspace) -> None:
    """A network may miss 0 and 1 by rounding; here it does by 2e-6, which seven decimals would show."""
    site = make_site([make_bundle(network=shift_outputs(make_colour_network(gain=80), by=-2e-6))])
    with open_workspace(site) as workspace:
        workspace.load()
        workspace.add(("red.png", make_image(255, 0)))
        workspace.expect_counts("1 of 1 images done.")
        (row,) = parse_csv(workspace.save_csv())
    assert "0.0000000" == row["blue"]


def shift_outputs(network: bytes, by: float) -> bytes:
    """Return the network with a constant added to its outputs."""
    model = onnx.load_from_string(network)
    last = model.graph.node[-1]
    last.output[0] = "unshifted"
    model.graph.initializer.append(onnx.numpy_helper.from_array(np.array(by, np.float32), "shift"))
    model.graph.node.append(onnx.helper.make_node("Add", ["unshifted", "shift"], ["output"]))
    data: bytes = model.SerializeToString()
    return data


def test_the_probabilities_are_those_of_the_reference(
    open_workspace: OpenWorkspace, colour_site: dict[str, bytes]
) -> None:
    """Tolerance 1e-6: two float32 runtimes on eight by eight pixels, printed with seven decimals."""
    images = {f"{i}.png": make_image(40 + 17 * i, 250 - 16 * i, size=20 + 13 * i, seed=i) for i in range(12)}
    bundle = make_bundle()
    preprocessor, network = Preprocessor(read_asset("engine.wasm")), ReferenceNetwork(make_colour_network())
    expected = {
        name: network.run(preprocessor.run(bundle.program, decode_image(data, bundle.entry.input)))
        for name, data in images.items()
    }
    with open_workspace(colour_site) as workspace:
        workspace.load()
        workspace.add(*images.items())
        workspace.expect_counts("12 of 12 images done.")
        rows = parse_csv(workspace.save_csv())
    assert list(expected) == [row["image"] for row in rows]
    actual = np.array([[float(row["red"]), float(row["blue"])] for row in rows])
    assert np.abs(actual - np.array(list(expected.values()))).max() <= 1e-6


def test_cancel_stops_within_one_image_and_continue_takes_the_rest(
    open_workspace: OpenWorkspace, colour_site: dict[str, bytes], tmp_path: Path
) -> None:
    path = tmp_path / "large.png"
    large = encode(np.random.default_rng(3).integers(0, 255, (600, 600, 3)).astype(np.uint8), compress_level=1)
    path.write_bytes(large)
    with open_workspace(colour_site) as workspace:
        workspace.load()
        workspace.add_paths(*[path] * 40)
        expect(workspace.vault.get_by_text("Waiting").last).to_be_visible()
        vault = workspace.page.frames[1]
        finished_at_click = vault.evaluate(
            """() => {
                document.querySelector(".progress .buttons button").click();
                return document.querySelectorAll("tr.done, tr.failed").length;
            }"""
        )
        expect(workspace.vault.get_by_role("button", name="Continue")).to_be_visible()
        finished = workspace.vault.locator("tr.done").count()
        # Rows are drawn at most every 100 ms, so what is on the screen may be a few small images behind.
        assert finished_at_click <= finished < 40
        assert 40 - finished == workspace.vault.locator("tr.cancelled").count()
        assert 0 == workspace.vault.locator("tr.waiting, tr.running").count()
        workspace.vault.get_by_role("button", name="Continue").click()
        workspace.expect_counts("40 of 40 images done.")


def test_a_value_beside_the_threshold_is_never_shown_as_the_threshold(
    open_workspace: OpenWorkspace, colour_site: dict[str, bytes]
) -> None:
    """One step of blue in one pixel of a gray image: red gets 49.98 %, which one decimal would show as 50.0 %."""
    gray = np.full((8, 8, 3), 100, np.uint8)
    bluish = gray.copy()
    bluish[0, 0, 2] += 1
    with open_workspace(colour_site) as workspace:
        workspace.load()
        workspace.add(("at.png", encode(gray)), ("below.png", encode(bluish)))
        workspace.expect_counts("2 of 2 images done.")
        assert ["Red", "50.0%"] == workspace.row("at.png").split()[2:4]
        assert ["Blue", "49.98%"] == workspace.row("below.png").split()[2:4]


def test_the_table_sorts_by_every_column(open_workspace: OpenWorkspace, colour_site: dict[str, bytes]) -> None:
    with open_workspace(colour_site) as workspace:
        workspace.load()
        workspace.add(
            ("c.png", make_image(120, 140)), ("a.png", BLUE), ("b10.png", RED), ("b9.png", b"x"), ("d.png", RED)
        )
        workspace.expect_counts("5 of 5 images done")
        names = workspace.vault.locator("tbody .name")
        workspace.vault.get_by_role("button", name="Image").last.click()
        expect(names).to_have_text(["a.png", "b9.png", "b10.png", "c.png", "d.png"])
        workspace.vault.get_by_role("columnheader", name="Red").get_by_role("button").click()
        expect(names).to_have_text(["b10.png", "d.png", "c.png", "a.png", "b9.png"])
        expect(workspace.vault.get_by_role("columnheader", name="Red")).to_have_attribute("aria-sort", "descending")
        workspace.vault.get_by_role("columnheader", name="Red").get_by_role("button").click()
        expect(names).to_have_text(["a.png", "c.png", "b10.png", "d.png", "b9.png"])


def test_more_than_fifty_rows_come_in_pages(open_workspace: OpenWorkspace, colour_site: dict[str, bytes]) -> None:
    with open_workspace(colour_site) as workspace:
        workspace.load()
        workspace.add(*[(f"{i}.png", RED) for i in range(55)])
        workspace.expect_counts("55 of 55 images done.")
        expect(workspace.vault.locator("tbody tr")).to_have_count(50)
        workspace.vault.get_by_role("button", name="Next page").click()
        expect(workspace.vault.locator("tbody tr")).to_have_count(5)
        assert 56 == len(parse_csv(workspace.save_csv())) + 1


def test_a_folder_gives_its_images_with_their_path_and_without_system_files(
    open_workspace: OpenWorkspace, colour_site: dict[str, bytes], tmp_path: Path
) -> None:
    folder = tmp_path / "study"
    (folder / "series").mkdir(parents=True)
    (folder / "series/a.png").write_bytes(RED)
    (folder / ".DS_Store").write_bytes(b"x")
    (folder / "b.png").write_bytes(BLUE)
    with open_workspace(colour_site) as workspace:
        workspace.load()
        workspace.vault.locator("input[type=file]").nth(1).set_input_files(folder)
        workspace.expect_counts("2 of 2 images done.")
        assert "Red" in workspace.row("study/series/a.png")
        assert "Blue" in workspace.row("study/b.png")


def drag_onto_vault(workspace: Workspace, *paths: Path) -> None:
    """Drop files and folders as the system does: what scripts make up has no folders."""
    session = workspace.page.context.new_cdp_session(workspace.page)
    box = workspace.page.locator("iframe").bounding_box()
    assert box is not None
    data = {"items": [], "files": [str(path) for path in paths], "dragOperationsMask": 1}
    for step in ("dragEnter", "dragOver", "drop"):
        place = {"x": box["x"] + 200, "y": box["y"] + 150}
        session.send("Input.dispatchDragEvent", {"type": step, **place, "data": data})


def test_a_dropped_folder_that_cannot_be_listed_names_the_button_and_costs_no_other_file(
    open_workspace: OpenWorkspace, colour_site: dict[str, bytes], tmp_path: Path
) -> None:
    folder = tmp_path / "study"
    folder.mkdir()
    for path in (folder / "a.png", tmp_path / "alone.png"):
        path.write_bytes(RED)
    with open_workspace(colour_site) as workspace:
        workspace.load()
        drag_onto_vault(workspace, folder, tmp_path / "alone.png")
        expect(workspace.vault.locator("tbody .name")).to_have_text(["study/", "alone.png"])
        workspace.expect_counts("2 of 2 images done, 1 of them with an error.")
        assert "Use the button “Choose folder”." in workspace.row("study/")
        assert "Red" in workspace.row("alone.png")


def test_a_dropped_folder_is_walked_and_an_unreadable_file_costs_one_row(
    open_workspace: OpenWorkspace, colour_site: dict[str, bytes]
) -> None:
    with open_workspace(colour_site) as workspace:
        workspace.load()
        workspace.page.frames[1].evaluate(DROP_TREE, list(RED))
        names = ["study/a9.png", "study/a10.png", "study/series/locked.png"]
        expect(workspace.vault.locator("tbody .name")).to_have_text(names)
        workspace.expect_counts("3 of 3 images done, 1 of them with an error.")
        assert "The file could not be read." in workspace.row("study/series/locked.png")


@pytest.mark.parametrize("event", ["drop", "paste"])
def test_images_can_be_dropped_and_pasted(
    open_workspace: OpenWorkspace, colour_site: dict[str, bytes], event: str
) -> None:
    with open_workspace(colour_site) as workspace:
        workspace.load()
        workspace.page.frames[1].evaluate(
            """([type, bytes]) => {
                const transfer = new DataTransfer();
                transfer.items.add(new File([new Uint8Array(bytes)], "x.png"));
                const init = { bubbles: true, cancelable: true };
                document.body.dispatchEvent(type === "drop"
                    ? new DragEvent(type, { ...init, dataTransfer: transfer })
                    : new ClipboardEvent(type, { ...init, clipboardData: transfer }));
            }""",
            [event, list(RED)],
        )
        workspace.expect_counts("1 of 1 images done.")
        assert "Red" in workspace.row("x.png")


def test_the_same_file_can_be_chosen_twice(open_workspace: OpenWorkspace, colour_site: dict[str, bytes]) -> None:
    with open_workspace(colour_site) as workspace:
        workspace.load()
        workspace.add(("a.png", RED))
        workspace.expect_counts("1 of 1 images done.")
        workspace.add(("a.png", RED))
        workspace.expect_counts("2 of 2 images done.")


def test_clear_destroys_the_vault_and_keeps_the_model(
    open_workspace: OpenWorkspace, colour_site: dict[str, bytes]
) -> None:
    with open_workspace(colour_site) as workspace:
        workspace.load()
        workspace.add(("a.png", RED))
        workspace.expect_counts("1 of 1 images done.")
        old = workspace.page.frames[1]
        workspace.page.get_by_role("button", name="Clear everything").click()
        expect(workspace.vault.get_by_text("3 of 3")).to_be_visible(timeout=60_000)
        assert old.is_detached()
        expect(workspace.vault.locator("tbody tr")).to_have_count(0)
        workspace.add(("b.png", BLUE))
        workspace.expect_counts("1 of 1 images done.")


def test_outputs_that_are_no_probabilities_are_never_shown(open_workspace: OpenWorkspace) -> None:
    """Without softmax the network gives logits: right for the goldens recorded from it, wrong to show."""
    site = make_site([make_bundle(network=make_colour_network(softmax=False))])
    with open_workspace(site) as workspace:
        workspace.page.get_by_role("radio", name="Red or blue").check()
        workspace.page.get_by_role("button", name="Load model").click()
        expect(workspace.vault.get_by_role("alert")).to_contain_text("Predictions are switched off", timeout=60_000)


def test_multi_label_models_report_every_class_over_its_threshold(open_workspace: OpenWorkspace) -> None:
    classes = [
        {"id": "red", "threshold": 0.001, "threshold_source": "test"},
        {"id": "blue", "threshold": 0.9, "threshold_source": "test"},
    ]
    site = make_site([make_bundle({"task": "multi-label", "classes": classes})])
    with open_workspace(site) as workspace:
        workspace.load()
        workspace.add(("both.png", make_image(100, 150)), ("red.png", RED), ("none.png", make_image(0, 0)))
        workspace.expect_counts("3 of 3 images done.")
        decisions = [row["decision"] for row in parse_csv(workspace.save_csv())]
    assert ["red; blue", "red"] == decisions[:2]
