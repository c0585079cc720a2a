"""Bundles: what is left out, and what must stay."""

from pathlib import Path

from scripts.bundle import compile_ahead, prune


def lay_files(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("value = 1\n")


def left(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_a_bundle_leaves_out_tests_sources_and_traces_of_the_installation(tmp_path: Path) -> None:
    lay_files(tmp_path, "bin/tool", "onnx/backend/test/case.py", "onnx/onnx.proto", "onnx/__pycache__/a.pyc", ".lock")
    lay_files(tmp_path, "onnx-1.dist-info/RECORD", "onnx-1.dist-info/direct_url.json", "onnxruntime/tools/convert.py")
    prune(tmp_path)
    assert left(tmp_path) == set()


def test_a_bundle_keeps_code_libraries_metadata_and_licences(tmp_path: Path) -> None:
    kept = ["onnx/helper.py", "onnx/native.abi3.so", "onnx-1.dist-info/METADATA", "onnx-1.dist-info/licenses/LICENSE"]
    lay_files(tmp_path, *kept, "testing.py")
    prune(tmp_path)
    assert left(tmp_path) == {*kept, "testing.py"}


def test_bytecode_is_the_same_wherever_and_whenever_it_is_compiled(tmp_path: Path) -> None:
    for place in ("here", "elsewhere"):
        lay_files(tmp_path / place, "package/module.py")
        compile_ahead(tmp_path / place)
    here, elsewhere = (sorted((tmp_path / place).rglob("*.pyc")) for place in ("here", "elsewhere"))
    assert [path.read_bytes() for path in here] == [path.read_bytes() for path in elsewhere] != []
