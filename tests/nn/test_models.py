"""Which networks can be named on a command line, and what is said of the others?"""

from __future__ import annotations

import io
import json
import sys
import zipfile
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from crossbar.bundled import fashion_images, fashion_resnet20
from crossbar.errors import CaptureError, DataError, InputError
from crossbar.nn.graph.captured import capture_model
from crossbar.nn.models import load_model, load_weights
from crossbar.nn.pt2 import input_shapes_of, load_pt2

MODULE = """
from torch import nn
class Net(nn.Linear):
    def __init__(self, width=4):
        super().__init__(width, 2)
ready = Net()
def make(): return Net(8)
class Zoo:
    @staticmethod
    def small(): return Net(3)
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    for name in ("mine", "mine.models", "broken"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "__init__.py").write_text("")
    (tmp_path / "mine" / "models.py").write_text(MODULE)
    return tmp_path


@pytest.fixture
def exported(folder: Path) -> Path:
    batch = {0: torch.export.Dim.AUTO}
    program = torch.export.export(
        nn.Linear(4, 2).eval(), (torch.ones(2, 4),), dynamic_shapes=(batch,)
    )
    torch.export.save(program, folder / "net.pt2")
    return folder / "net.pt2"


def test_the_bundled_network_knows_its_images() -> None:
    model, (x, y) = fashion_resnet20(), fashion_images()
    assert (x.shape, x.dtype, y.shape, y.dtype) == (
        *((500, 1, 28, 28), torch.float32),
        *((500,), torch.int64),
    )
    assert not model.training
    with torch.no_grad():
        right = (model(x[:200]).argmax(1) == y[:200]).float().mean()
    assert right >= 0.9


@pytest.mark.parametrize(
    ("name", "width"), [("Net", 4), ("ready", 4), ("make", 8), ("Zoo.small", 3)]
)
def test_a_class_a_network_or_a_function(folder: Path, name: str, width: int) -> None:
    model = load_model(f"mine.models:{name}")
    assert isinstance(model, nn.Linear)
    assert model.in_features == width
    assert model.training  # as it was made: the capture refuses it


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ("mine.model:make", "no module 'model'.*did you mean 'models'.*in package 'mine'"),
        ("mne.models:make", "no module 'mne'.*did you mean 'mine'"),
        ("mine.models:mak", "no 'mak'.*did you mean 'make'.*it has"),
        ("mine.models:Zoo.small2", "Zoo has no 'small2'.*did you mean 'small'"),
        ("mine.models.make", "neither pkg.mod:factory"),
        ("mine/models.py:make", "neither pkg.mod:factory"),
    ],
)
def test_a_name_that_is_not_there(folder: Path, spec: str, told: str) -> None:
    with pytest.raises(InputError, match=told):
        load_model(spec)


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("import nothing_of_this_name", "importing it failed.*nothing_of_this_name"),
        ("def f(:", "importing it failed: SyntaxError.*broken.py line 1"),
        ("1 / 0", "importing it failed: ZeroDivisionError.*broken.py line 1"),
    ],
)
def test_a_module_that_does_not_import(folder: Path, source: str, told: str) -> None:
    Path("broken.py").write_text(source)
    with pytest.raises(InputError, match=told):
        load_model("broken:make")


def test_an_exported_program_is_read(exported: Path) -> None:
    program = load_model("net.pt2")
    assert input_shapes_of(program) == {"input": ("any", 4)}
    assert program.module()(torch.ones(3, 4)).shape == (3, 2)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9, 0.999])
def test_a_truncated_program_is_one_error(exported: Path, share: float) -> None:
    whole = exported.read_bytes()
    exported.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(DataError, match="net.pt2: it is truncated"):
        load_model("net.pt2")


def test_a_changed_weight_in_a_program_is_noticed(exported: Path) -> None:
    whole = bytearray(exported.read_bytes())
    program = load_pt2(exported)
    place = whole.find(program.state_dict["weight"].detach().numpy().tobytes())
    assert place > 0
    whole[place] ^= 1
    exported.write_bytes(whole)
    with pytest.raises(DataError, match="checksum"):
        load_model("net.pt2")


def rewritten(path: Path, change: dict[str, bytes]) -> None:
    """Replace or add members of an archive; names are those inside its folder."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    top = next(iter(members)).partition("/")[0]
    members |= {f"{top}/{name}": content for name, content in change.items()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)


class Harm:
    """Leaves a file behind when it is unpickled."""

    def __reduce__(self) -> tuple:
        return (open, ("harmed", "w"))


def harmful() -> bytes:
    out = io.BytesIO()
    torch.save((Harm(),), out)
    return out.getvalue()


@pytest.mark.parametrize("place", ["sample inputs", "a weight", "a constant object"])
def test_a_pickle_hidden_in_a_program_is_not_run(exported: Path, place: str) -> None:
    if place == "sample inputs":
        rewritten(exported, {"data/sample_inputs/model.pt": harmful()})
    elif place == "a weight":
        with zipfile.ZipFile(exported) as archive:
            name = next(n for n in archive.namelist() if n.endswith("weights_config.json"))
            config = json.loads(archive.read(name))
        entry = config["config"]["weight"]
        entry["use_pickle"] = True
        inner = name.partition("/")[2]
        harm = {f"data/weights/{entry['path_name']}": harmful()}
        rewritten(exported, {inner: json.dumps(config).encode(), **harm})
    else:
        rewritten(exported, {"data/constants/opaque_obj_0": harmful()})
    with pytest.raises(InputError, match="--trust-pickle"):
        load_model("net.pt2")
    assert not Path("harmed").exists()


@pytest.mark.parametrize("suffix", [".pt", ".pth", ".pkl", ".bin"])
def test_a_pickle_is_read_only_when_trusted(folder: Path, suffix: str) -> None:
    torch.save(nn.Linear(3, 2), f"net{suffix}")
    with pytest.raises(InputError, match="a pickle.*--trust-pickle"):
        load_model(f"net{suffix}")
    model = load_model(f"net{suffix}", trust_pickle=True)
    assert isinstance(model, nn.Linear)


def test_a_trusted_pickle_must_still_be_a_network(folder: Path) -> None:
    torch.save(nn.Linear(3, 2).state_dict(), "net.pt")
    with pytest.raises(CaptureError, match="OrderedDict.*needs a factory"):
        load_model("net.pt", trust_pickle=True)
    Path("net.pt").write_bytes(b"cut")
    with pytest.raises(DataError, match="net.pt: cannot be read"):
        load_model("net.pt", trust_pickle=True)


def test_weights_alone_say_that_a_factory_is_needed(folder: Path) -> None:
    save_file(nn.Linear(3, 2).state_dict(), "net.safetensors")
    with pytest.raises(InputError, match="weights only.*pkg.mod:factory.*load_weights"):
        load_model("net.safetensors")


def test_weights_are_loaded_whole(folder: Path) -> None:
    torch.manual_seed(0)
    save_file(nn.Linear(3, 2).state_dict(), "w.safetensors")
    model = nn.Linear(3, 2)
    load_weights(model, "w.safetensors")
    assert torch.equal(model.weight, load_file("w.safetensors")["weight"])


@pytest.mark.parametrize("share", [0.0, 0.05, 0.5, 0.99])
def test_truncated_weights_are_one_error_and_change_nothing(folder: Path, share: float) -> None:
    save_file(nn.Linear(30, 20).state_dict(), "w.safetensors")
    whole = Path("w.safetensors").read_bytes()
    Path("w.safetensors").write_bytes(whole[: int(share * len(whole))])
    model = nn.Linear(30, 20)
    before = model.weight.clone()
    with pytest.raises(DataError, match="w.safetensors: cannot be read.*truncated") as told:
        load_weights(model, "w.safetensors")
    assert len(str(told.value).splitlines()) == 1
    assert torch.equal(model.weight, before)


def test_weights_of_another_network_are_listed(folder: Path) -> None:
    state = {"weights": torch.ones(2, 3), "bias": torch.full((4,), torch.nan)}
    save_file(state, "w.safetensors")
    model = nn.Linear(3, 2)
    before = model.weight.clone()
    with pytest.raises(DataError) as told:
        load_weights(model, "w.safetensors")
    for part in (
        "do not fit Linear",
        "1 missing: 'weight' (did you mean 'weights'?)",
        "1 unknown: 'weights'",
        "'bias' is 4, expected 2",
        "'bias' holds NaN",
    ):
        assert part in str(told.value)
    assert torch.equal(model.weight, before)


def test_a_network_in_training_mode_is_refused_and_not_changed(folder: Path) -> None:
    model = load_model("mine.models:make")
    with pytest.raises(CaptureError, match=r"training mode: call \.eval\(\)"):
        capture_model(model, (torch.ones(2, 8),))
    assert model.training
